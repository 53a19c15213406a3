//! From a certificate to its root through a pool of others.

use std::collections::HashSet;

use crate::{Certificate, SignatureCheck};

/// Longest chain that is looked for; real ones have five links at most.
const MAX_LENGTH: usize = 10;
/// Most signatures checked for one chain, so that a pool made to confuse costs milliseconds, not minutes.
const MAX_CHECKS: usize = 200;

/// The issuers above a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    /// Issuers, the nearest first; the certificate itself is not among them.
    pub issuers: Vec<Certificate>,
    /// Whether the chain ends in a self-signed certificate.
    pub complete: bool,
    /// The name that no certificate of the pool answers to, where the chain is not complete.
    pub missing_issuer: Option<String>,
    /// Some certificate of the pool has the issuer's name (and key identifier) and its key did not make the signature.
    pub bad_signature: bool,
}

/// Builds the chain of `leaf`: a complete one where the pool has one, else the longest. Issuers are found by name, ordered by key
/// identifier, by being an authority, and by the later end, and taken where their key made the signature or that cannot be checked.
pub fn build(leaf: &Certificate, pool: &[Certificate]) -> Chain {
    build_among(leaf, &pool.iter().collect::<Vec<_>>())
}

/// The same for a pool of references.
pub(crate) fn build_among(leaf: &Certificate, pool: &[&Certificate]) -> Chain {
    let mut search = Search {
        pool,
        seen: HashSet::from([leaf.sha256]),
        checks: 0,
        path: Vec::new(),
        best: None,
        bad_signature: false,
    };
    let complete = search.climb(leaf);
    let path = if complete {
        search.path
    } else {
        search.best.unwrap_or_default()
    };
    let last = path.last().copied().unwrap_or(leaf);
    Chain {
        complete,
        missing_issuer: (!complete).then(|| last.issuer.clone()),
        bad_signature: search.bad_signature && path.is_empty(),
        issuers: path.into_iter().cloned().collect(),
    }
}

struct Search<'a> {
    pool: &'a [&'a Certificate],
    /// Each certificate is tried once: whether a root can be reached from it does not depend on the way to it.
    seen: HashSet<[u8; 32]>,
    checks: usize,
    path: Vec<&'a Certificate>,
    best: Option<Vec<&'a Certificate>>,
    bad_signature: bool,
}

impl<'a> Search<'a> {
    /// Whether a root was reached; then `path` holds the way to it.
    fn climb(&mut self, current: &Certificate) -> bool {
        if current.is_self_issued() && self.is_signed_by(current, current) {
            return true;
        }
        if self.best.as_ref().is_none_or(|best| best.len() < self.path.len()) {
            self.best = Some(self.path.clone());
        }
        if self.path.len() >= MAX_LENGTH {
            return false;
        }
        let mut candidates: Vec<&'a Certificate> = self
            .pool
            .iter()
            .copied()
            .filter(|candidate| candidate.subject_der == current.issuer_der)
            .collect();
        candidates.sort_by_key(|candidate| {
            let same_key = current.aki.is_some() && candidate.ski == current.aki;
            (!same_key, !candidate.is_ca(), std::cmp::Reverse(candidate.not_after))
        });
        for candidate in candidates {
            if self.seen.contains(&candidate.sha256) || !self.is_signed_by(current, candidate) {
                continue;
            }
            self.seen.insert(candidate.sha256);
            self.path.push(candidate);
            if self.climb(candidate) {
                return true;
            }
            self.path.pop();
        }
        false
    }

    fn is_signed_by(&mut self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.checks += 1;
        if self.checks > MAX_CHECKS {
            return false;
        }
        match certificate.verify_signature_by(issuer) {
            SignatureCheck::Valid | SignatureCheck::Unknown => true,
            SignatureCheck::Invalid => {
                let same_key = certificate.aki.is_none() || issuer.ski.is_none() || certificate.aki == issuer.ski;
                self.bad_signature |= same_key;
                false
            }
        }
    }
}
