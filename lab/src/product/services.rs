//! The identity services of each product, by release.
//!
//! Before release 14 a CSR asks for key encipherment everywhere but for CAPF, and CAPF and TVS are certificates of each
//! node; before 12.5 each node of Unified CM has an ITLRecovery of its own. Emergency Responder has no EC certificate (R28).

use super::{
    Holder::{self, Cluster, EachNode, EachNodeOrAll, Publisher},
    Service,
};

const TLS: &[&str] = &["serverAuth", "clientAuth"];
const TLS_SERVER: &[&str] = &["serverAuth"];
const TLS_IPSEC: &[&str] = &["serverAuth", "clientAuth", "ipsecEndSystem"];
const SIGN_DATA: &[&str] = &["digitalSignature", "dataEncipherment"];
const SIGN_KEY_DATA: &[&str] = &["digitalSignature", "keyEncipherment", "dataEncipherment"];
const SIGN_CERTS: &[&str] = &["digitalSignature", "keyCertSign"];

const fn service(
    name: &'static str,
    trust: Option<&'static str>,
    elliptic: bool,
    holder: Holder,
    key_usage: &'static [&'static str],
    extended_key_usage: &'static [&'static str],
) -> Service {
    Service {
        name,
        trust,
        elliptic,
        holder,
        key_usage,
        extended_key_usage,
    }
}

pub(super) const CUCM: &[Service] = &[
    service("tomcat", Some("tomcat"), false, EachNodeOrAll, SIGN_DATA, TLS),
    service("tomcat-ECDSA", Some("tomcat"), true, EachNodeOrAll, SIGN_DATA, TLS),
    service("CallManager", Some("CallManager"), false, EachNodeOrAll, SIGN_DATA, TLS),
    service(
        "CallManager-ECDSA",
        Some("CallManager"),
        true,
        EachNodeOrAll,
        SIGN_DATA,
        TLS,
    ),
    service("CAPF", Some("CAPF"), false, Publisher, SIGN_CERTS, TLS),
    service("ipsec", Some("ipsec"), false, EachNode, SIGN_KEY_DATA, TLS_IPSEC),
    service("TVS", Some("TVS"), false, EachNodeOrAll, SIGN_KEY_DATA, TLS),
    service("ITLRecovery", None, false, Cluster, SIGN_KEY_DATA, &[]),
    service("AUTHZ", None, false, Cluster, SIGN_DATA, &[]),
];

pub(super) const CUCM_12_5: &[Service] = &[
    service("tomcat", Some("tomcat"), false, EachNodeOrAll, SIGN_KEY_DATA, TLS),
    service("tomcat-ECDSA", Some("tomcat"), true, EachNodeOrAll, SIGN_KEY_DATA, TLS),
    service(
        "CallManager",
        Some("CallManager"),
        false,
        EachNodeOrAll,
        SIGN_KEY_DATA,
        TLS,
    ),
    service(
        "CallManager-ECDSA",
        Some("CallManager"),
        true,
        EachNodeOrAll,
        SIGN_KEY_DATA,
        TLS,
    ),
    service("CAPF", Some("CAPF"), false, EachNode, SIGN_CERTS, TLS_SERVER),
    service("ipsec", Some("ipsec"), false, EachNode, SIGN_KEY_DATA, TLS_IPSEC),
    service("TVS", Some("TVS"), false, EachNode, SIGN_KEY_DATA, TLS),
    service("ITLRecovery", None, false, Cluster, SIGN_KEY_DATA, &[]),
    service("AUTHZ", None, false, Cluster, SIGN_DATA, &[]),
];

pub(super) const CUCM_11_5: &[Service] = &[
    service("tomcat", Some("tomcat"), false, EachNodeOrAll, SIGN_KEY_DATA, TLS),
    service("tomcat-ECDSA", Some("tomcat"), true, EachNodeOrAll, SIGN_KEY_DATA, TLS),
    service(
        "CallManager",
        Some("CallManager"),
        false,
        EachNodeOrAll,
        SIGN_KEY_DATA,
        TLS,
    ),
    service(
        "CallManager-ECDSA",
        Some("CallManager"),
        true,
        EachNodeOrAll,
        SIGN_KEY_DATA,
        TLS,
    ),
    service("CAPF", Some("CAPF"), false, EachNode, SIGN_CERTS, TLS_SERVER),
    service("ipsec", Some("ipsec"), false, EachNode, SIGN_KEY_DATA, TLS_IPSEC),
    service("TVS", Some("TVS"), false, EachNode, SIGN_KEY_DATA, TLS),
    service("ITLRecovery", None, false, EachNode, SIGN_KEY_DATA, &[]),
    service("AUTHZ", None, false, Cluster, SIGN_DATA, &[]),
];

pub(super) const IMP: &[Service] = &[
    service("tomcat", Some("tomcat"), false, EachNodeOrAll, SIGN_DATA, TLS),
    service("tomcat-ECDSA", Some("tomcat"), true, EachNodeOrAll, SIGN_DATA, TLS),
    service("cup", Some("cup"), false, EachNode, SIGN_DATA, TLS_IPSEC),
    service("cup-ECDSA", Some("cup"), true, EachNode, SIGN_DATA, TLS_IPSEC),
    service("cup-xmpp", Some("cup-xmpp"), false, EachNodeOrAll, SIGN_DATA, TLS_IPSEC),
    service(
        "cup-xmpp-ECDSA",
        Some("cup-xmpp"),
        true,
        EachNodeOrAll,
        SIGN_DATA,
        TLS_IPSEC,
    ),
    service(
        "cup-xmpp-s2s",
        Some("cup-xmpp"),
        false,
        EachNodeOrAll,
        SIGN_DATA,
        TLS_IPSEC,
    ),
    service(
        "cup-xmpp-s2s-ECDSA",
        Some("cup-xmpp"),
        true,
        EachNodeOrAll,
        SIGN_DATA,
        TLS_IPSEC,
    ),
    service("ipsec", Some("ipsec"), false, EachNode, SIGN_DATA, TLS_IPSEC),
];

pub(super) const IMP_BEFORE_14: &[Service] = &[
    service("tomcat", Some("tomcat"), false, EachNodeOrAll, SIGN_KEY_DATA, TLS),
    service("tomcat-ECDSA", Some("tomcat"), true, EachNodeOrAll, SIGN_KEY_DATA, TLS),
    service("cup", Some("cup"), false, EachNode, SIGN_KEY_DATA, TLS_IPSEC),
    service("cup-ECDSA", Some("cup"), true, EachNode, SIGN_KEY_DATA, TLS_IPSEC),
    service(
        "cup-xmpp",
        Some("cup-xmpp"),
        false,
        EachNodeOrAll,
        SIGN_KEY_DATA,
        TLS_IPSEC,
    ),
    service(
        "cup-xmpp-ECDSA",
        Some("cup-xmpp"),
        true,
        EachNodeOrAll,
        SIGN_KEY_DATA,
        TLS_IPSEC,
    ),
    service(
        "cup-xmpp-s2s",
        Some("cup-xmpp"),
        false,
        EachNodeOrAll,
        SIGN_KEY_DATA,
        TLS_IPSEC,
    ),
    service(
        "cup-xmpp-s2s-ECDSA",
        Some("cup-xmpp"),
        true,
        EachNodeOrAll,
        SIGN_KEY_DATA,
        TLS_IPSEC,
    ),
    service("ipsec", Some("ipsec"), false, EachNode, SIGN_KEY_DATA, TLS_IPSEC),
];

pub(super) const CUC: &[Service] = &[
    service("tomcat", Some("tomcat"), false, EachNodeOrAll, SIGN_DATA, TLS),
    service("tomcat-ECDSA", Some("tomcat"), true, EachNodeOrAll, SIGN_DATA, TLS),
    service("ipsec", Some("ipsec"), false, EachNode, SIGN_KEY_DATA, TLS_IPSEC),
];

pub(super) const CUC_BEFORE_14: &[Service] = &[
    service("tomcat", Some("tomcat"), false, EachNodeOrAll, SIGN_KEY_DATA, TLS),
    service("tomcat-ECDSA", Some("tomcat"), true, EachNodeOrAll, SIGN_KEY_DATA, TLS),
    service("ipsec", Some("ipsec"), false, EachNode, SIGN_KEY_DATA, TLS_IPSEC),
];

pub(super) const CER: &[Service] = &[
    service("tomcat", Some("tomcat"), false, EachNode, SIGN_DATA, TLS),
    service("ipsec", Some("ipsec"), false, EachNode, SIGN_KEY_DATA, TLS_IPSEC),
];

pub(super) const CER_BEFORE_14: &[Service] = &[
    service("tomcat", Some("tomcat"), false, EachNode, SIGN_KEY_DATA, TLS),
    service("ipsec", Some("ipsec"), false, EachNode, SIGN_KEY_DATA, TLS_IPSEC),
];
