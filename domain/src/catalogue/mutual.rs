//! Where a node shows its certificate as a client, too: one for servers only fails there, as public CAs issue from 2026 on.

use super::{Proof, certain, likely, source};

/// A purpose whose certificate is shown in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MutualTls {
    /// The product's code.
    pub product: &'static str,
    /// The purpose.
    pub purpose: &'static str,
    /// Source and evidence.
    pub proof: Proof,
}

const fn mutual(product: &'static str, purpose: &'static str, proof: Proof) -> MutualTls {
    MutualTls {
        product,
        purpose,
        proof,
    }
}

/// Every row. The field notice names the purposes with RSA keys; what is said of their twins with EC keys follows from it.
pub const MUTUAL_TLS: &[MutualTls] = &[
    mutual("cucm", "tomcat", certain(source::EKU)),
    mutual("cucm", "tomcat-ECDSA", likely(source::EKU)),
    mutual("cucm", "CallManager", certain(source::EKU)),
    mutual("cucm", "CallManager-ECDSA", likely(source::EKU)),
    mutual("cucm", "TVS", certain(source::EKU)),
    mutual("cucm", "ipsec", certain(source::EKU)),
    mutual("imp", "cup-xmpp-s2s", certain(source::EKU)),
    mutual("imp", "cup-xmpp-s2s-ECDSA", likely(source::EKU)),
    mutual("cuc", "tomcat", certain(source::EKU)),
    mutual("cuc", "tomcat-ECDSA", likely(source::EKU)),
    mutual("cer", "tomcat", certain(source::EKU)),
];

/// Whether a certificate for the purpose is shown by clients, too.
pub fn mutual_tls(product: &str, purpose: &str) -> Option<&'static MutualTls> {
    MUTUAL_TLS
        .iter()
        .find(|row| row.product == product && row.purpose == purpose)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::PURPOSES;

    #[test]
    fn every_row_is_a_purpose_whose_csr_asks_for_clients() {
        for row in MUTUAL_TLS {
            let known = PURPOSES
                .iter()
                .find(|known| known.product == row.product && known.code == row.purpose)
                .expect("a purpose");
            assert!(known.extended_key_usage.contains(&"clientAuth"), "{row:?}");
        }
    }
}
