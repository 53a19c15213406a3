//! The CAs that a fleet is born with: the company's own, and those of makers of phones and licences that stand in its trust stores.

use crate::{
    files::make_private_dir,
    keys::Pool,
    outside_ca::{Naming, OutsideCa, load_or_issue},
    product::Product,
};
use certyard_pki::{Certificate, Hash, KeySpec, Profile, Subject, self_signed};
use chrono::{DateTime, Duration, Utc};
use std::path::Path;

/// The CAs around a fleet.
#[derive(Debug)]
pub(crate) struct World {
    /// Signed the CA-signed certificates that a fleet is born with. It is not the CA of `certyard lab sign`: that one is new to the nodes.
    pub(crate) corporate: OutsideCa,
    /// A root that expired long ago and that nobody has removed.
    pub(crate) forgotten_root: Certificate,
    vendors: Vec<(Certificate, &'static [&'static str])>,
}

const CORPORATE: Naming = Naming {
    organisation: "Holmgard Logistics",
    root: "Holmgard Corporate Root CA",
    intermediate: "Holmgard Corporate Issuing CA 2",
    age_days: 8 * 365,
};

/// Common name, first day and last day from now, and the trust stores of Unified CM that hold it.
const VENDORS: &[(&str, i64, i64, &[&str])] = &[
    (
        "Example Phone Root CA 2048",
        -5_000,
        1_200,
        &["CallManager", "CAPF", "Phone-SAST"],
    ),
    (
        "Example Phone Root CA M2",
        -4_700,
        5_100,
        &["CallManager", "CAPF", "Phone-SAST"],
    ),
    ("Example Phone Manufacturing CA", -5_400, 940, &["CallManager", "CAPF"]),
    (
        "Example Phone Manufacturing CA SHA2",
        -4_700,
        5_100,
        &["CallManager", "CAPF"],
    ),
    ("Example Phone Activation Root CA", -1_900, 60, &["CallManager"]),
    ("Example Licensing Root CA", -3_900, 3_400, &["Userlicensing"]),
];

impl World {
    /// The CAs in that folder; they are made where there are none.
    pub(crate) fn open(dir: &Path, pool: &Pool<'_>, now: DateTime<Utc>) -> anyhow::Result<Self> {
        make_private_dir(dir)?;
        pool.lend_authority("corporate", &dir.join("corporate"))?;
        let corporate = OutsideCa::open_named(&dir.join("corporate"), &CORPORATE, now)?;
        let mut turn = 0;
        let mut root = |name: &str, from: i64, to: i64| -> anyhow::Result<Certificate> {
            turn += 1;
            let key = pool.key(KeySpec::Rsa2048, turn)?;
            let organisation = if name.starts_with("Holmgard") {
                "Holmgard Logistics"
            } else {
                "Example Vendor"
            };
            let subject = [("CN", name), ("O", organisation)].map(|(kind, value)| (kind.to_owned(), value.to_owned()));
            let profile = Profile {
                subject: Subject(subject.to_vec()),
                sans: Vec::new(),
                ca: Some(None),
                key_usage: vec!["keyCertSign", "cRLSign"],
                extended_key_usage: Vec::new(),
                not_before: now + Duration::days(from),
                not_after: now + Duration::days(to),
                hash: Hash::Sha256,
            };
            let file = dir.join(format!("{}.pem", name.to_lowercase().replace(' ', "-")));
            load_or_issue(&file, || self_signed(&key.key, &profile))
        };
        let forgotten_root = root("Holmgard Root CA 2006", -20 * 365, -500)?;
        let vendors = VENDORS
            .iter()
            .map(|(name, from, to, stores)| Ok((root(name, *from, *to)?, *stores)))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            corporate,
            forgotten_root,
            vendors,
        })
    }

    /// The vendors' roots in a trust store.
    pub(crate) fn vendors_in(&self, product: Product, store: &str) -> impl Iterator<Item = &Certificate> {
        let holds = move |stores: &[&str]| product == Product::Cucm && stores.contains(&store);
        self.vendors
            .iter()
            .filter(move |(_, stores)| holds(stores))
            .map(|(certificate, _)| certificate)
    }
}
