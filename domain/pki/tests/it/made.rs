//! Authorities and certificates that the tests share.

use std::sync::LazyLock;

use certyard_pki::{Certificate, CsrRequest, Hash, KeySpec, PrivateKey, Profile, San, Subject};
use chrono::{DateTime, TimeDelta, Utc};

/// A fixed now; every certificate made here is valid around it.
pub fn now() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

pub fn days(days: i64) -> DateTime<Utc> {
    now() + TimeDelta::days(days)
}

pub fn subject(common_name: &str) -> Subject {
    Subject(
        [("C", "DE"), ("O", "Example AG"), ("CN", common_name)]
            .map(|(a, v)| (a.to_owned(), v.to_owned()))
            .to_vec(),
    )
}

/// An authority with its key.
pub struct Authority {
    pub key: PrivateKey,
    pub certificate: Certificate,
}

impl Authority {
    pub fn root(name: &str, spec: KeySpec, hash: Hash) -> Self {
        let key = PrivateKey::generate(spec).unwrap();
        let profile = Profile {
            hash,
            ..Profile::authority(subject(name), None, days(-3650), days(3650))
        };
        let certificate = certyard_pki::self_signed(&key, &profile).unwrap();
        Self { key, certificate }
    }

    pub fn below(&self, name: &str, spec: KeySpec) -> Self {
        let key = PrivateKey::generate(spec).unwrap();
        let profile = Profile::authority(subject(name), Some(0), days(-1000), days(1000));
        let certificate = certyard_pki::issue(&self.certificate, &self.key, key.spki_der(), &profile).unwrap();
        Self { key, certificate }
    }
}

/// A root, an authority below it, and a key with its request, made once: none of the tests changes them.
pub struct House {
    pub root: Authority,
    pub issuing: Authority,
    pub key: PrivateKey,
    pub request: CsrRequest,
    pub csr: certyard_pki::Csr,
}

pub static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let root = Authority::root("Test Root", KeySpec::P384, Hash::Sha384);
    let issuing = root.below("Test Issuing", KeySpec::P256);
    let key = PrivateKey::generate(KeySpec::P256).unwrap();
    let request = CsrRequest {
        subject: subject("node1.example.org"),
        sans: vec![
            San::dns("node1.example.org"),
            San::dns("node1"),
            San::ip([192, 0, 2, 7].into()),
        ],
        key_usage: vec!["digitalSignature".to_owned(), "keyEncipherment".to_owned()],
        extended_key_usage: vec!["serverAuth".to_owned(), "clientAuth".to_owned()],
        hash: Hash::Sha256,
    };
    let csr = certyard_pki::make_csr(&key, &request).unwrap();
    House {
        root,
        issuing,
        key,
        request,
        csr,
    }
});

impl House {
    pub fn answer(&self) -> Certificate {
        let Authority { key, certificate } = &self.issuing;
        certyard_pki::issue_from_csr(certificate, key, &self.csr, days(-1), days(90), Hash::Sha256).unwrap()
    }
}
