//! What is left to people after a change (cisco.md 2.6). Restarts of services stand in [`super::RESTARTS`]; these rows are what no service
//! does: files of trusted certificates, phones, peers, backups.

use super::{Proof, Versions, certain, likely, source};

/// Which changes a row follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

const CALLS: &[&str] = &["CallManager", "CallManager-ECDSA"];
const BACKUP: &str = "make a DRS backup: restoring an older one locks phones out";

/// Every row.
pub const AFTER_CARE: &[AfterCare] = &[
    change(
        "cucm",
        &["tomcat", "tomcat-ECDSA"],
        "sso_metadata",
        "where SAML SSO is used: export the metadata of the cluster again and import it at the identity provider, then test a sign-in",
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
        &["tomcat", "cup", "cup-xmpp", "cup-xmpp-s2s", "ipsec"],
        "backup",
        BACKUP,
        likely(source::REGENERATE),
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
    AfterCare {
        product: "cucm",
        purposes: &["ipsec-trust"],
        after: After::Deletion,
        versions: Versions::ALL,
        code: "backup_works",
        text: "make a DRS backup: without the node's own certificate in the store it fails",
        proof: certain(source::REGENERATE),
    },
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
