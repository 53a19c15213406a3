//! Certificates that cover all nodes of a cluster: by which means one is asked for and installed, beside the rows of
//! [`super::PURPOSES`] that say which may be one at all.
//!
//! A node that makes such a CSR adds the names of all nodes by itself and spreads key and CSR to them; the answer is taken on any
//! of them and spreads in the same way.

use super::{PURPOSES, Purpose, Versions, Way, WayKind, guess, likely, source};
use certyard_protocol::{ConnectorKind, StepKind};

const CLUSTERED: &[&str] = &["cucm", "imp", "cuc"];

/// Every way. The command line has none for a CSR: no document names a command that makes one for several nodes.
pub const MULTI_SERVER_WAYS: &[Way] = &[
    Way {
        products: CLUSTERED,
        step: StepKind::GenerateCsr,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /csr with distribution multi-server",
        // The field is documented with the value this-server; this value is that of the node's own page.
        proof: guess(source::API),
    },
    Way {
        products: CLUSTERED,
        step: StepKind::InstallIdentity,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /identity/certificates on one node",
        proof: likely(source::CLIENTS),
    },
    Way {
        products: CLUSTERED,
        step: StepKind::InstallIdentity,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14_SU2,
        how: "set cert import own UNIT on one node",
        proof: likely(source::SECURITY_14),
    },
];

/// How a step is done for all nodes of a cluster at once, by this connector; `None` where it has no such way.
pub fn multi_server_way(
    product: &str,
    version: &str,
    step: StepKind,
    connector: ConnectorKind,
) -> Option<&'static Way> {
    let kind = WayKind::of(connector);
    MULTI_SERVER_WAYS.iter().find(|row| {
        row.products.contains(&product) && row.step == step && row.kind == kind && row.versions.contains(version)
    })
}

impl Purpose {
    /// Whether one certificate of a CA may cover all nodes of a cluster.
    pub fn takes_multi_server(&self, version: &str) -> bool {
        self.multi_server
            .ca_signed
            .is_some_and(|versions| versions.contains(version))
    }

    /// Whether one certificate, whoever signs it, may cover all nodes of a cluster in any version.
    pub fn is_ever_multi_server(&self) -> bool {
        self.multi_server.ca_signed.is_some() || self.multi_server.self_signed.is_some()
    }
}

/// Whether a product has certificates that cover several nodes.
pub fn has_multi_server(product: &str) -> bool {
    PURPOSES
        .iter()
        .any(|row| row.product == product && row.is_ever_multi_server())
}

/// Whether a common name is one that nodes give to a certificate for all of them: `<host>-ms.<domain>` (cisco.md 2.1).
pub fn names_multi_server(common_name: &str) -> bool {
    let host = common_name.split('.').next().unwrap_or_default();
    host.ends_with("-ms")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Evidence, purpose_info};

    #[test]
    fn r33_a_csr_for_all_nodes_is_made_over_rest_from_release_14_on_and_by_no_command() {
        let way = |version, connector| multi_server_way("cucm", version, StepKind::GenerateCsr, connector);
        assert!(way("14", ConnectorKind::CiscoUc).is_some());
        assert!(way("12.5", ConnectorKind::CiscoUc).is_none());
        for version in ["11.5", "12.5", "14", "15", ""] {
            assert!(way(version, ConnectorKind::CiscoCli).is_none(), "{version}");
            assert!(way(version, ConnectorKind::Nginx).is_none(), "{version}");
        }
        assert!(multi_server_way("cer", "14", StepKind::GenerateCsr, ConnectorKind::CiscoUc).is_none());
        let row = way("15", ConnectorKind::CiscoUc).expect("a row");
        assert_eq!(row.proof.evidence, Evidence::Guess, "not verified on a real node");
    }

    #[test]
    fn the_command_line_takes_a_certificate_for_all_nodes_before_14su2_only() {
        let takes =
            |version| multi_server_way("cucm", version, StepKind::InstallIdentity, ConnectorKind::CiscoCli).is_some();
        for (version, wanted) in [
            ("12.5", true),
            ("14", true),
            ("14SU1", true),
            ("14SU2", false),
            ("15", false),
        ] {
            assert_eq!(takes(version), wanted, "{version}");
        }
    }

    #[test]
    fn which_purposes_may_cover_all_nodes_follows_the_rows() {
        for (product, version, purpose, wanted) in [
            ("cucm", "12.5", "tomcat", true),
            ("cucm", "12.5", "TVS", false),
            ("cucm", "14", "TVS", true),
            ("cucm", "14", "ipsec", false),
            ("imp", "14", "cup-xmpp-s2s", true),
            ("imp", "14", "cup", false),
            ("cuc", "15", "tomcat", true),
            ("cer", "15", "tomcat", false),
            ("server", "", "nginx:www.example.org", false),
        ] {
            let info = purpose_info(product, version, purpose).expect("a purpose");
            assert_eq!(
                info.takes_multi_server(version),
                wanted,
                "{product} {version} {purpose}"
            );
        }
        assert!(!has_multi_server("cer") && !has_multi_server("server") && has_multi_server("imp"));
    }
}
