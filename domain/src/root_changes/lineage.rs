//! Who issues below a CA: the CA itself, and what chains to it through certificates that the organisation knows.

use super::list::RootChange;
use crate::certificates::{self, Certificate};
use crate::db::OrgTx;
use crate::error::{Error, Result};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use std::collections::HashSet;
use uuid::Uuid;

/// Links of a chain that are followed.
const DEPTH: usize = 10;
/// Authorities below one CA at most: each is part of the statements about what they have issued.
const MAX_AUTHORITIES: usize = 1_000;

/// An authority by what its certificates name it: two may share a name, and then have keys of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    id: Uuid,
    subject_hash: String,
    ski: Option<String>,
}

impl Authority {
    fn of(certificate: &Certificate) -> Self {
        Self {
            id: certificate.id,
            subject_hash: certificate.subject_hash.clone(),
            ski: certificate.ski.clone(),
        }
    }

    /// Whether it may have issued what names an issuer and its key so.
    fn issued(&self, issuer_hash: &str, aki: Option<&str>) -> bool {
        self.subject_hash == issuer_hash
            && match (self.ski.as_deref(), aki) {
                (Some(ski), Some(aki)) => ski == aki,
                _ => true,
            }
    }
}

/// The authorities below both certificates of a root change.
#[derive(Clone, Debug, Default)]
pub(super) struct Lineage {
    /// That chain to the old one. The new one is none of them, even where the old one has signed it across.
    pub old: Vec<Authority>,
    /// That chain to the new one.
    pub new: Vec<Authority>,
}

/// Whether two certificates stand for the same CA: the same name, and the same key.
pub(super) async fn same_authority(tx: &OrgTx, one: &Certificate, other: &Certificate) -> Result<bool> {
    if one.id == other.id {
        return Ok(true);
    }
    if one.subject_hash != other.subject_hash {
        return Ok(false);
    }
    if let (Some(one), Some(other)) = (&one.ski, &other.ski) {
        return Ok(one == other);
    }
    let ders = certificates::ders(tx, &[one.id, other.id]).await?;
    let mut keys = ders.values().map(|der| {
        certyard_pki::Certificate::from_der(der)
            .map(|certificate| certificate.spki_der)
            .ok()
    });
    Ok(match (keys.next().flatten(), keys.next().flatten()) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    })
}

/// Finds them.
///
/// # Errors
/// [`Error::Refused`] `too_many_issuers` where a CA has more below it than can be looked at.
pub(super) async fn lineage(tx: &OrgTx, change: &RootChange) -> Result<Lineage> {
    let new = below(tx, &change.new, None).await?;
    // A CA whose certificate is made anew for the same key has signed all of it with the new one, too.
    let old = match same_authority(tx, &change.old, &change.new).await? {
        true => Vec::new(),
        false => below(tx, &change.old, Some(&change.new)).await?,
    };
    Ok(Lineage { old, new })
}

/// The authorities that chain to a certificate, itself first; not through `but`.
async fn below(tx: &OrgTx, from: &Certificate, but: Option<&Certificate>) -> Result<Vec<Authority>> {
    let certificate = |column| Expr::col(("certificate", column));
    let mut found = vec![Authority::of(from)];
    let mut seen: HashSet<Uuid> = HashSet::from([from.id]);
    let mut above = found.clone();
    for _ in 0..DEPTH {
        let names: HashSet<&str> = above.iter().map(|one| one.subject_hash.as_str()).collect();
        let select = Query::select()
            .columns(["id", "subject_hash", "issuer_hash", "ski", "aki"].map(|name| ("certificate", name)))
            .from("certificate")
            .and_where(certificate("org_id").eq(tx.org_id()))
            .and_where(Expr::cust("\"certificate\".\"self_signed\" = FALSE"))
            .and_where(certificate("is_ca").eq(true))
            .and_where(certificate("issuer_hash").is_in(names))
            .limit(MAX_AUTHORITIES as u64 + 1)
            .take();
        let rows = tx.query_all(&select).await?;
        // Those that were left out might chain to it: names are compared there, keys here.
        if rows.len() > MAX_AUTHORITIES {
            return Err(too_many(from));
        }
        let mut next = Vec::new();
        for row in rows {
            let issuer_hash: String = row.try_get("", "issuer_hash")?;
            let aki: Option<String> = row.try_get("", "aki")?;
            let authority = Authority {
                id: row.try_get("", "id")?,
                subject_hash: row.try_get("", "subject_hash")?,
                ski: row.try_get("", "ski")?,
            };
            if !above.iter().any(|one| one.issued(&issuer_hash, aki.as_deref())) || !seen.insert(authority.id) {
                continue;
            }
            next.push(authority);
        }
        if let Some(but) = but {
            let mut kept = Vec::with_capacity(next.len());
            for authority in next {
                let same_name = authority.subject_hash == but.subject_hash;
                let cross = same_name
                    && match certificates::by_ids(tx, [authority.id]).await?.remove(&authority.id) {
                        Some(row) => same_authority(tx, &row, but).await?,
                        None => false,
                    };
                if !cross {
                    kept.push(authority);
                }
            }
            next = kept;
        }
        if next.is_empty() {
            break;
        }
        found.extend(next.iter().cloned());
        if found.len() > MAX_AUTHORITIES {
            return Err(too_many(from));
        }
        above = next;
    }
    Ok(found)
}

fn too_many(from: &Certificate) -> Error {
    Error::refused(
        "too_many_issuers",
        format!(
            "more than {MAX_AUTHORITIES} authorities chain to `{}` by the names of their issuers: this cannot be looked at as a whole",
            from.subject
        ),
    )
}

/// What was issued by one of some authorities, of the row of `certificate` in a statement; `None` where there are none.
pub(super) fn issued_by(authorities: &[Authority]) -> Option<Condition> {
    let certificate = |column| Expr::col(("certificate", column));
    let mut any = Condition::any();
    for authority in authorities {
        let mut one = Condition::all().add(certificate("issuer_hash").eq(authority.subject_hash.as_str()));
        if let Some(ski) = &authority.ski {
            one = one.add(
                Condition::any()
                    .add(certificate("aki").is_null())
                    .add(certificate("aki").eq(ski.as_str())),
            );
        }
        any = any.add(one);
    }
    (!authorities.is_empty()).then(|| Condition::all().add(any))
}

/// The names of authorities.
pub(super) fn names<'a>(authorities: impl IntoIterator<Item = &'a Authority>) -> HashSet<&'a str> {
    authorities.into_iter().map(|one| one.subject_hash.as_str()).collect()
}
