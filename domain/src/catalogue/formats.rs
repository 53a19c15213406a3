//! Files that nodes take.

use super::{Proof, certain, source};

/// A file format in which a node takes an identity certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// The product's code.
    pub product: &'static str,
    /// `pem`, `der` or `p7b`.
    pub name: &'static str,
    /// What such a file holds.
    pub holds: &'static str,
    /// Source and evidence.
    pub proof: Proof,
}

/// Every format.
pub const FORMATS: &[Format] = &[
    Format {
        product: "cucm",
        name: "pem",
        holds: "one identity certificate",
        proof: certain(source::CCM),
    },
    Format {
        product: "cucm",
        name: "der",
        holds: "one identity certificate",
        proof: certain(source::CCM),
    },
    Format {
        product: "cucm",
        name: "p7b",
        holds: "an identity certificate with its chain",
        proof: certain(source::CCM),
    },
    Format {
        product: "imp",
        name: "pem",
        holds: "one identity certificate",
        proof: certain(source::CCM),
    },
    Format {
        product: "imp",
        name: "der",
        holds: "one identity certificate",
        proof: certain(source::CCM),
    },
    Format {
        product: "imp",
        name: "p7b",
        holds: "an identity certificate with its chain",
        proof: certain(source::CCM),
    },
    Format {
        product: "cuc",
        name: "pem",
        holds: "one identity certificate",
        proof: certain(source::CCM),
    },
    Format {
        product: "cuc",
        name: "der",
        holds: "one identity certificate",
        proof: certain(source::CCM),
    },
    Format {
        product: "cuc",
        name: "p7b",
        holds: "an identity certificate with its chain",
        proof: certain(source::CCM),
    },
    Format {
        product: "cer",
        name: "pem",
        holds: "one identity certificate",
        proof: certain(source::CCM),
    },
    Format {
        product: "cer",
        name: "der",
        holds: "one identity certificate",
        proof: certain(source::CCM),
    },
    Format {
        product: "cer",
        name: "p7b",
        holds: "an identity certificate with its chain",
        proof: certain(source::CCM),
    },
    Format {
        product: "server",
        name: "pem",
        holds: "an identity certificate with its chain",
        proof: certain(source::NGINX),
    },
];
