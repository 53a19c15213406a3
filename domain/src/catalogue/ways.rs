//! How each step is done on which version.

use super::{Proof, Versions, certain, guess, likely, source};
use certyard_protocol::{ConnectorKind, StepKind};

/// By which means a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WayKind {
    /// The node's REST API.
    NodeApi,
    /// The node's command line over SSH.
    CommandLine,
    /// Files on the agent's own host.
    Files,
    /// A TLS handshake.
    Wire,
}

impl WayKind {
    /// The means that a connector has to change a node.
    pub fn of(connector: ConnectorKind) -> Self {
        match connector {
            ConnectorKind::CiscoUc => Self::NodeApi,
            ConnectorKind::CiscoCli => Self::CommandLine,
            ConnectorKind::Nginx => Self::Files,
        }
    }

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NodeApi => "node_api",
            Self::CommandLine => "command_line",
            Self::Files => "files",
            Self::Wire => "wire",
        }
    }
}

/// How a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Codes of the products.
    pub products: &'static [&'static str],
    /// The step.
    pub step: StepKind,
    /// By which means.
    pub kind: WayKind,
    /// Versions for which the row holds.
    pub versions: Versions,
    /// The call or command.
    pub how: &'static str,
    /// Source and evidence.
    pub proof: Proof,
}

const CISCO: &[&str] = &["cucm", "imp", "cuc", "cer"];
const UNIFIED_CM: &[&str] = &["cucm"];
const SERVER: &[&str] = &["server"];

/// Every way.
pub const WAYS: &[Way] = &[
    Way {
        products: CISCO,
        step: StepKind::Inventory,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "GET /snapshot/server",
        proof: certain(source::API),
    },
    Way {
        products: CISCO,
        step: StepKind::GenerateCsr,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /csr",
        proof: certain(source::API),
    },
    Way {
        products: CISCO,
        step: StepKind::InstallTrust,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /trust/certificates",
        proof: certain(source::CLIENTS),
    },
    Way {
        products: CISCO,
        step: StepKind::InstallIdentity,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /identity/certificates",
        proof: certain(source::CLIENTS),
    },
    Way {
        products: CISCO,
        step: StepKind::Verify,
        kind: WayKind::Wire,
        versions: Versions::FROM_14,
        how: "TLS handshake with port 443 for tomcat",
        proof: likely(source::CLIENTS),
    },
    Way {
        products: CISCO,
        step: StepKind::Inventory,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "show cert list own, show cert list trust",
        proof: likely(source::CLI),
    },
    Way {
        products: CISCO,
        step: StepKind::GenerateCsr,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "set csr gen UNIT, show csr own UNIT",
        proof: likely(source::CLI),
    },
    Way {
        products: CISCO,
        step: StepKind::InstallTrust,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "set cert import trust UNIT",
        proof: likely(source::CLI),
    },
    Way {
        products: CISCO,
        step: StepKind::InstallIdentity,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "set cert import own UNIT",
        proof: likely(source::CLI),
    },
    Way {
        products: CISCO,
        step: StepKind::Verify,
        kind: WayKind::Wire,
        versions: Versions::BEFORE_14,
        how: "TLS handshake with port 443 for tomcat",
        proof: likely(source::CLI),
    },
    Way {
        products: CISCO,
        step: StepKind::DeleteCsr,
        kind: WayKind::CommandLine,
        versions: Versions::ALL,
        how: "set csr delete UNIT",
        proof: guess(source::CLI),
    },
    Way {
        products: CISCO,
        step: StepKind::Regenerate,
        kind: WayKind::CommandLine,
        versions: Versions::ALL,
        how: "set cert regen UNIT",
        proof: likely(source::CLI),
    },
    Way {
        products: UNIFIED_CM,
        step: StepKind::ReuseTomcat,
        kind: WayKind::CommandLine,
        versions: Versions::FROM_14,
        how: "set cert reuse tomcat UNIT",
        proof: guess(source::CLI),
    },
    Way {
        products: CISCO,
        step: StepKind::DeleteTrust,
        kind: WayKind::CommandLine,
        versions: Versions::ALL,
        how: "set cert delete UNIT NAME",
        proof: likely(source::CLI),
    },
    Way {
        products: CISCO,
        step: StepKind::RestartService,
        kind: WayKind::CommandLine,
        versions: Versions::ALL,
        how: "utils service restart SERVICE, utils ipsec restart",
        proof: likely(source::CLI),
    },
    // What a node does not run is not restarted: the list says so before, where it is printed as transcripts have it.
    Way {
        products: CISCO,
        step: StepKind::RestartService,
        kind: WayKind::CommandLine,
        versions: Versions::ALL,
        how: "utils service list",
        proof: likely(source::CLI),
    },
    Way {
        products: SERVER,
        step: StepKind::Inventory,
        kind: WayKind::Files,
        versions: Versions::ALL,
        how: "nginx -T, then the files that it names",
        proof: certain(source::NGINX),
    },
    Way {
        products: SERVER,
        step: StepKind::GenerateCsr,
        kind: WayKind::Files,
        versions: Versions::ALL,
        how: "a key and a CSR beside the configured pair",
        proof: certain(source::NGINX),
    },
    Way {
        products: SERVER,
        step: StepKind::InstallIdentity,
        kind: WayKind::Files,
        versions: Versions::ALL,
        how: "prepared aside, checked, then one rename",
        proof: certain(source::NGINX),
    },
    Way {
        products: SERVER,
        step: StepKind::Activate,
        kind: WayKind::Files,
        versions: Versions::ALL,
        how: "nginx -t, nginx -s reload",
        proof: certain(source::NGINX),
    },
    Way {
        products: SERVER,
        step: StepKind::Verify,
        kind: WayKind::Wire,
        versions: Versions::ALL,
        how: "TLS handshake with the server name",
        proof: certain(source::NGINX),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Evidence;

    fn way_of(product: &str, version: &str, step: StepKind) -> Option<&'static Way> {
        WAYS.iter()
            .find(|row| row.products.contains(&product) && row.step == step && row.versions.contains(version))
    }

    #[test]
    fn what_no_document_names_is_a_guess_and_goes_by_the_command_line_on_every_version() {
        for (step, evidence) in [
            (StepKind::DeleteCsr, Evidence::Guess),
            (StepKind::Regenerate, Evidence::Likely),
            (StepKind::DeleteTrust, Evidence::Likely),
            (StepKind::RestartService, Evidence::Likely),
        ] {
            for (product, version) in [("cucm", "11.5"), ("imp", "15"), ("cer", "14")] {
                let way = way_of(product, version, step).expect("a way");
                assert_eq!(
                    (way.kind, way.proof.evidence),
                    (WayKind::CommandLine, evidence),
                    "{}",
                    way.how
                );
            }
        }
    }

    #[test]
    fn r39_tomcat_is_reused_on_unified_cm_from_release_14_on() {
        assert!(way_of("cucm", "14", StepKind::ReuseTomcat).is_some());
        for (product, version) in [("cucm", "12.5"), ("imp", "15"), ("cuc", "15"), ("cer", "14")] {
            assert!(
                way_of(product, version, StepKind::ReuseTomcat).is_none(),
                "{product} {version}"
            );
        }
    }

    #[test]
    fn every_step_of_an_old_node_goes_by_its_command_line_and_the_wire() {
        for way in WAYS
            .iter()
            .filter(|way| way.products == CISCO && way.versions.contains("12.5"))
        {
            assert!(matches!(way.kind, WayKind::CommandLine | WayKind::Wire), "{}", way.how);
        }
    }
}
