//! What is left to people after a change (cisco.md 2.6). Restarts of services stand in [`super::RESTARTS`]; these rows are what no service
//! does: files of trusted certificates, phones, peers, backups.

use super::{Proof, Versions, certain, likely, source};

/// Which changes a row follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum After {
    /// Another certificate for the purpose.
    Change,
    /// A certificate that went into the trust store.
    Import,
    /// A certificate that went from the trust store.
    Deletion,
}

/// Something to do or to look at after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AfterCare {
    /// The product's code.
    pub product: &'static str,
    /// The purposes, or trust stores.
    pub purposes: &'static [&'static str],
    /// What was changed.
    pub after: After,
    /// Versions for which the row holds.
    pub versions: Versions,
    /// Stable code, `snake_case`.
    pub code: &'static str,
    /// What to do.
    pub text: &'static str,
    /// Source and evidence.
    pub proof: Proof,
}

const fn change(
    product: &'static str,
    purposes: &'static [&'static str],
    code: &'static str,
    text: &'static str,
    proof: Proof,
) -> AfterCare {
    AfterCare {
        product,
        purposes,
        after: After::Change,
        versions: Versions::ALL,
        code,
        text,
        proof,
    }
}

const fn backup_works(product: &'static str, proof: Proof) -> AfterCare {
    AfterCare {
        product,
        purposes: &["ipsec-trust"],
        after: After::Deletion,
        versions: Versions::ALL,
        code: "backup_works",
        text: "make a DRS backup: without the node's own certificate in the store it fails",
        proof,
    }
}

const CALLS: &[&str] = &["CallManager", "CallManager-ECDSA"];
const SSO: &str = "where SAML SSO is used: export the metadata of the cluster again and import it at the identity provider, then test a sign-in";
const BACKUP: &str = "make a DRS backup: restoring an older one locks phones out";

/// Every row.
pub const AFTER_CARE: &[AfterCare] = &[
    change(
        "cucm",
        &["tomcat"],
        "further_services",
        "where they are activated: restart Cisco Intercluster Lookup Service, Cisco Location Bandwidth Manager, Cisco Extension Mobility and \
         the AXL Tomcat; where SSO or OAuth is used the SSOSP Tomcat, too",
        certain(source::SECURITY_14),
    ),
    change(
        "cucm",
        &["tomcat-ECDSA"],
        "further_services",
        "restart the UDS Tomcat and the AXL Tomcat",
        certain(source::SECURITY_14),
    ),
    change(
        "cucm",
        &["tomcat", "tomcat-ECDSA"],
        "sso_metadata",
        SSO,
        certain(source::SECURITY_14),
    ),
    change(
        "cucm",
        &["tomcat", "tomcat-ECDSA"],
        "peers_trust",
        "see that peers trust the new certificate or its CA: Expressway for remote access, contact center, Unity Connection, IM and Presence",
        likely(source::REGENERATE),
    ),
    change(
        "cucm",
        &["CallManager", "CallManager-ECDSA", "CAPF", "ITLRecovery"],
        "ctl_update",
        "in mixed mode: update the CTL file with `utils ctl update CTLFile` on the publisher, then reset the phones",
        certain(source::SECURITY_14),
    ),
    change(
        "cucm",
        CALLS,
        "phones_registered",
        "wait until the phones have taken the new ITL file and are registered again, before TVS or ITLRecovery is changed",
        certain(source::REGENERATE),
    ),
    change(
        "cucm",
        &["CAPF"],
        "lsc",
        "with 802.1X or LSCs: export the new CAPF certificate to the RADIUS server and the firewall and issue LSCs anew; keep the old one in \
         CAPF-trust until then",
        certain(source::SECURITY_14),
    ),
    change(
        "cucm",
        &["CAPF"],
        "sip_oauth",
        "where SIP OAuth is used: restart Cisco HAProxy",
        certain(source::SECURITY_14),
    ),
    change(
        "cucm",
        &["TVS"],
        "phones_reset",
        "reset the phones, unless they are reset by themselves (Phone Interaction on Certificate Update), and wait until they are registered",
        certain(source::REGENERATE),
    ),
    change(
        "cucm",
        &["ITLRecovery"],
        "two_resets",
        "reset the phones twice, and wait each time until they are registered: `utils itl reset localkey` helps those that stay away",
        certain(source::REGENERATE),
    ),
    change(
        "cucm",
        &["ITLRecovery"],
        "sso_metadata",
        "where SAML SSO uses the certificate of the whole system: import the metadata at the identity provider again",
        certain(source::SECURITY_14),
    ),
    change(
        "cucm",
        &["authz"],
        "presence_authentication",
        "restart Cisco CallManager on all nodes, and Cisco XCP Authentication Service on IM and Presence",
        certain(source::SECURITY_14),
    ),
    change(
        "cucm",
        &[
            "tomcat",
            "tomcat-ECDSA",
            "CallManager",
            "CallManager-ECDSA",
            "CAPF",
            "TVS",
            "ITLRecovery",
            "ipsec",
            "authz",
        ],
        "backup",
        BACKUP,
        certain(source::REGENERATE),
    ),
    change(
        "imp",
        &["cup", "cup-ECDSA"],
        "call_manager",
        "where the certificate itself is in CallManager-trust of Unified CM: put the new one there and restart Cisco CallManager",
        certain(source::IMP),
    ),
    change(
        "imp",
        &["tomcat", "tomcat-ECDSA"],
        "connection_secure",
        "look at the connection to Unified CM and to peer clusters: the pages have to say that it is secure; it may take half an hour",
        certain(source::IMP),
    ),
    change(
        "imp",
        &["tomcat", "tomcat-ECDSA"],
        "sso_metadata",
        SSO,
        likely(source::SECURITY_14),
    ),
    change(
        "imp",
        &["cup-xmpp", "cup-xmpp-ECDSA"],
        "clients_sign_in",
        "see that Jabber and other XMPP clients sign in again, and that peer clusters are connected: clients that trust the certificate \
         itself have to be given the new one",
        likely(source::IMP),
    ),
    change(
        "imp",
        &["cup-xmpp-s2s", "cup-xmpp-s2s-ECDSA"],
        "federation_peers",
        "see that federated domains trust the new certificate or its CA, and that presence and messages go both ways",
        likely(source::IMP),
    ),
    change(
        "imp",
        &[
            "tomcat",
            "tomcat-ECDSA",
            "cup",
            "cup-ECDSA",
            "cup-xmpp",
            "cup-xmpp-ECDSA",
            "cup-xmpp-s2s",
            "cup-xmpp-s2s-ECDSA",
            "ipsec",
        ],
        "backup",
        BACKUP,
        likely(source::REGENERATE),
    ),
    change(
        "cuc",
        &["tomcat"],
        "further_services",
        "where users come from a directory: restart Cisco DirSync",
        certain(source::CUC),
    ),
    change(
        "cuc",
        &["tomcat", "tomcat-ECDSA"],
        "sso_metadata",
        SSO,
        likely(source::SECURITY_14),
    ),
    change(
        "cuc",
        &["tomcat", "tomcat-ECDSA"],
        "sip_integration",
        "with an encrypted SIP integration: see that Unified CM trusts the new certificate, and make a test call to voice mail",
        certain(source::CUC),
    ),
    change(
        "cuc",
        &["tomcat", "tomcat-ECDSA", "ipsec"],
        "backup",
        BACKUP,
        likely(source::CUC),
    ),
    change(
        "cer",
        &["tomcat", "ipsec"],
        "backup",
        BACKUP,
        likely(source::REGENERATE),
    ),
    AfterCare {
        product: "imp",
        purposes: &["tomcat-trust", "cup-xmpp-trust"],
        after: After::Import,
        versions: Versions::ALL,
        code: "intercluster_sync",
        text: "restart Cisco Intercluster Sync Agent on the database publisher, so that peer clusters take it",
        proof: certain(source::IMP),
    },
    backup_works("cucm", certain(source::REGENERATE)),
    backup_works("imp", likely(source::REGENERATE)),
    backup_works("cuc", likely(source::REGENERATE)),
    backup_works("cer", likely(source::REGENERATE)),
];

/// What is left to people after a change, in the order in which it is done.
pub fn after_care(
    product: &str,
    version: &str,
    purpose: &str,
    after: After,
) -> impl Iterator<Item = &'static AfterCare> {
    AFTER_CARE.iter().filter(move |row| {
        row.product == product
            && row.after == after
            && row.purposes.contains(&purpose)
            && row.versions.contains(version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{PURPOSES, product};
    use certyard_protocol::ConnectorKind;

    fn codes(product: &str, purpose: &str) -> Vec<&'static str> {
        after_care(product, "15", purpose, After::Change)
            .map(|row| row.code)
            .collect()
    }

    #[test]
    fn every_certificate_of_a_cisco_node_is_followed_by_a_backup() {
        let cisco = |code: &str| product(code).is_some_and(|row| ConnectorKind::is_cisco(row.connector));
        for row in PURPOSES.iter().filter(|row| cisco(row.product)) {
            let (product, purpose) = (row.product, row.code);
            if product == "cer" && purpose == "tomcat-ECDSA" {
                continue;
            }
            assert!(codes(product, purpose).contains(&"backup"), "{product} {purpose}");
        }
    }

    #[test]
    fn a_certificate_with_an_ec_key_leaves_as_much_to_do_as_its_twin() {
        for row in PURPOSES.iter().filter(|row| row.code.ends_with("-ECDSA")) {
            let twin = row.code.trim_end_matches("-ECDSA");
            let mut left = codes(row.product, twin);
            // Services that only one of them has.
            left.retain(|code| *code != "further_services");
            let mut own = codes(row.product, row.code);
            own.retain(|code| *code != "further_services");
            assert_eq!(own, left, "{} {}", row.product, row.code);
        }
    }
}
