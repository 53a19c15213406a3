//! The outside CA: what a company's own PKI or a commercial CA is to a fleet.
//!
//! A root and an intermediate, both kept in a folder, sign CSRs. For tests it can also make the mistakes that real CAs and the people who
//! carry files between them make.

use crate::{
    files::{make_private_dir, read_if_there, write_private},
    keys::load_or_make,
};
use anyhow::Context;
use certyard_pki::{Certificate, Csr, Hash, KeySpec, PrivateKey, Profile, San, SanKind, Subject, issue, self_signed};
use chrono::{DateTime, Duration, Utc};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A root CA with an intermediate that signs.
pub struct OutsideCa {
    dir: PathBuf,
    root: Certificate,
    intermediate: Certificate,
    intermediate_key: PrivateKey,
}

impl fmt::Debug for OutsideCa {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("OutsideCa")
            .field("dir", &self.dir)
            .field("root", &self.root.subject)
            .finish_non_exhaustive()
    }
}

/// What a CA is called and how long it lives.
pub(crate) struct Naming {
    pub(crate) organisation: &'static str,
    pub(crate) root: &'static str,
    pub(crate) intermediate: &'static str,
    /// Days since the root was made.
    pub(crate) age_days: i64,
}

const OUTSIDE: Naming = Naming {
    organisation: "Certyard Lab (simulation)",
    root: "Certyard Lab Outside Root CA",
    intermediate: "Certyard Lab Outside Issuing CA 1",
    age_days: 1,
};

/// A mistake in an answer to a CSR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// The certificate has expired a day ago.
    Expired,
    /// It becomes valid in a day.
    NotYetValid,
    /// It has another public key than the CSR.
    WrongKey,
    /// It has this host name in addition, as public CAs like to do.
    NameAdded(String),
    /// It has no host names at all.
    NamesMissing,
    /// It has no extended key usage.
    UsageMissing,
}

/// What a CA gives back for a CSR.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The signed certificate.
    pub leaf: Certificate,
    /// Its issuer.
    pub intermediate: Certificate,
    /// The issuer of its issuer.
    pub root: Certificate,
}

impl Answer {
    /// Leaf, intermediate and root in PEM.
    pub fn pem_chain(&self) -> String {
        format!(
            "{}{}{}",
            self.leaf.to_pem(),
            self.intermediate.to_pem(),
            self.root.to_pem()
        )
    }

    /// Leaf and intermediate in PEM: the root is missing.
    pub fn pem_without_root(&self) -> String {
        format!("{}{}", self.leaf.to_pem(), self.intermediate.to_pem())
    }

    /// The leaf alone in PEM.
    pub fn pem_leaf(&self) -> String {
        self.leaf.to_pem()
    }

    /// The leaf alone in DER.
    pub fn der(&self) -> &[u8] {
        &self.leaf.der
    }

    /// Leaf, intermediate and root as PKCS#7 in DER: a `.p7b` file.
    pub fn p7b(&self) -> Vec<u8> {
        certyard_pki::pkcs7::encode(&[self.leaf.clone(), self.intermediate.clone(), self.root.clone()])
    }

    /// Root and intermediate, in the order in which they go into a trust store.
    pub fn issuers(&self) -> [&Certificate; 2] {
        [&self.root, &self.intermediate]
    }
}

impl OutsideCa {
    /// The CA in that folder; it is made where there is none. Its files are `root.pem`, `intermediate.pem` and their keys.
    ///
    /// # Errors
    /// Where the folder cannot be written, or holds files that are no CA.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        Self::open_named(dir, &OUTSIDE, Utc::now())
    }

    pub(crate) fn open_named(dir: &Path, naming: &Naming, now: DateTime<Utc>) -> anyhow::Result<Self> {
        make_private_dir(dir)?;
        let root_key = load_or_make(&dir.join("root.key"), KeySpec::Rsa2048)?;
        let intermediate_key = load_or_make(&dir.join("intermediate.key"), KeySpec::Rsa2048)?;
        let made = now - Duration::days(naming.age_days);
        let root = load_or_issue(&dir.join("root.pem"), || {
            self_signed(
                &root_key,
                &ca_profile(naming, naming.root, None, made, made + Duration::days(20 * 365)),
            )
        })?;
        let intermediate = load_or_issue(&dir.join("intermediate.pem"), || {
            let profile = ca_profile(
                naming,
                naming.intermediate,
                Some(0),
                made,
                made + Duration::days(12 * 365),
            );
            issue(&root, &root_key, intermediate_key.spki_der(), &profile)
        })?;
        Ok(Self {
            dir: dir.to_owned(),
            root,
            intermediate,
            intermediate_key,
        })
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The root.
    pub fn root(&self) -> &Certificate {
        &self.root
    }

    /// The intermediate, which signs.
    pub fn intermediate(&self) -> &Certificate {
        &self.intermediate
    }

    /// Signs a CSR in PEM for that many days from now.
    ///
    /// # Errors
    /// Where the text is no CSR.
    pub fn sign(&self, csr_pem: &str, days: u32) -> anyhow::Result<Answer> {
        self.sign_badly(csr_pem, days, None)
    }

    /// Signs a CSR in PEM as [`Self::sign`] does, with a mistake.
    ///
    /// # Errors
    /// Where the text is no CSR.
    pub fn sign_badly(&self, csr_pem: &str, days: u32, mistake: Option<&Mistake>) -> anyhow::Result<Answer> {
        let csr = Csr::from_pem(csr_pem).context("this is no certificate signing request in PEM")?;
        let now = Utc::now();
        let life = Duration::days(i64::from(days));
        // An hour back: the clock of a node may be a little late.
        let mut not_before = now - Duration::hours(1);
        let mut sans = csr.sans.clone();
        let mut spki = csr.spki_der.clone();
        let mut usage = csr.extended_key_usage.clone().unwrap_or_default();
        match mistake {
            None => {}
            Some(Mistake::Expired) => not_before = now - life - Duration::days(1),
            Some(Mistake::NotYetValid) => not_before = now + Duration::days(1),
            Some(Mistake::WrongKey) => spki = PrivateKey::generate(KeySpec::P256)?.spki_der().to_vec(),
            Some(Mistake::NameAdded(name)) => sans.push(San {
                kind: SanKind::Dns,
                value: name.clone(),
            }),
            Some(Mistake::NamesMissing) => sans.clear(),
            Some(Mistake::UsageMissing) => usage.clear(),
        }
        let profile = Profile {
            subject: Subject(vec![(
                "CN".to_owned(),
                csr.common_name
                    .clone()
                    .or_else(|| csr.sans.first().map(|san| san.value.clone()))
                    .unwrap_or_default(),
            )]),
            sans,
            ca: None,
            key_usage: csr.key_usage.clone().unwrap_or_default(),
            extended_key_usage: usage,
            not_before,
            not_after: not_before + life,
            hash: Hash::Sha256,
        };
        let leaf = issue(&self.intermediate, &self.intermediate_key, &spki, &profile)?;
        Ok(Answer {
            leaf,
            intermediate: self.intermediate.clone(),
            root: self.root.clone(),
        })
    }

    /// Issues a certificate for a key of the lab itself.
    pub(crate) fn issue(&self, spki_der: &[u8], profile: &Profile) -> anyhow::Result<Certificate> {
        Ok(issue(&self.intermediate, &self.intermediate_key, spki_der, profile)?)
    }
}

fn ca_profile(
    naming: &Naming,
    name: &str,
    path_length: Option<u32>,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
) -> Profile {
    Profile {
        subject: Subject(
            [("CN", name), ("O", naming.organisation), ("C", "SE")]
                .map(|(kind, value)| (kind.to_owned(), value.to_owned()))
                .to_vec(),
        ),
        sans: Vec::new(),
        ca: Some(path_length),
        key_usage: vec!["keyCertSign", "cRLSign"],
        extended_key_usage: Vec::new(),
        not_before,
        not_after,
        hash: Hash::Sha256,
    }
}

/// The certificate of a file; where there is none, a new one.
pub(crate) fn load_or_issue(
    file: &Path,
    make: impl FnOnce() -> Result<Certificate, certyard_pki::PkiError>,
) -> anyhow::Result<Certificate> {
    if let Some(pem) = read_if_there(file)? {
        return Certificate::from_pem(&pem).with_context(|| format!("{} is no certificate", file.display()));
    }
    let certificate = make()?;
    write_private(file, certificate.to_pem().as_bytes())?;
    Ok(certificate)
}
