//! How each step is done on which version.

use super::{Proof, Versions, certain, guess, likely, source};
use certyard_protocol::StepKind;

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
    /// The product's code.
    pub product: &'static str,
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

/// Every way.
pub const WAYS: &[Way] = &[
    Way {
        product: "cucm",
        step: StepKind::Inventory,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "GET /snapshot/server",
        proof: certain(source::API),
    },
    Way {
        product: "cucm",
        step: StepKind::GenerateCsr,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /csr",
        proof: certain(source::API),
    },
    Way {
        product: "cucm",
        step: StepKind::InstallTrust,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /trust/certificates",
        proof: certain(source::CLIENTS),
    },
    Way {
        product: "cucm",
        step: StepKind::InstallIdentity,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /identity/certificates",
        proof: certain(source::CLIENTS),
    },
    Way {
        product: "cucm",
        step: StepKind::Verify,
        kind: WayKind::Wire,
        versions: Versions::FROM_14,
        how: "TLS handshake with port 443 for tomcat",
        proof: likely(source::CLIENTS),
    },
    Way {
        product: "cucm",
        step: StepKind::Inventory,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "show cert list own, show cert list trust",
        proof: likely(source::CLI),
    },
    Way {
        product: "cucm",
        step: StepKind::GenerateCsr,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "set csr gen UNIT, show csr own UNIT",
        proof: likely(source::CLI),
    },
    Way {
        product: "cucm",
        step: StepKind::InstallTrust,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "set cert import trust UNIT",
        proof: likely(source::CLI),
    },
    Way {
        product: "cucm",
        step: StepKind::InstallIdentity,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "set cert import own UNIT",
        proof: likely(source::CLI),
    },
    Way {
        product: "cucm",
        step: StepKind::Activate,
        kind: WayKind::CommandLine,
        versions: Versions::ALL,
        how: "utils service restart SERVICE",
        proof: guess(source::CLI),
    },
    Way {
        product: "imp",
        step: StepKind::Inventory,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "GET /snapshot/server",
        proof: certain(source::API),
    },
    Way {
        product: "imp",
        step: StepKind::GenerateCsr,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /csr",
        proof: certain(source::API),
    },
    Way {
        product: "imp",
        step: StepKind::InstallTrust,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /trust/certificates",
        proof: certain(source::CLIENTS),
    },
    Way {
        product: "imp",
        step: StepKind::InstallIdentity,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /identity/certificates",
        proof: certain(source::CLIENTS),
    },
    Way {
        product: "imp",
        step: StepKind::Verify,
        kind: WayKind::Wire,
        versions: Versions::FROM_14,
        how: "TLS handshake with port 443 for tomcat",
        proof: likely(source::CLIENTS),
    },
    Way {
        product: "imp",
        step: StepKind::Inventory,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "show cert list own, show cert list trust",
        proof: likely(source::CLI),
    },
    Way {
        product: "imp",
        step: StepKind::GenerateCsr,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "set csr gen UNIT, show csr own UNIT",
        proof: likely(source::CLI),
    },
    Way {
        product: "imp",
        step: StepKind::InstallTrust,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "set cert import trust UNIT",
        proof: likely(source::CLI),
    },
    Way {
        product: "imp",
        step: StepKind::InstallIdentity,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "set cert import own UNIT",
        proof: likely(source::CLI),
    },
    Way {
        product: "imp",
        step: StepKind::Activate,
        kind: WayKind::CommandLine,
        versions: Versions::ALL,
        how: "utils service restart SERVICE",
        proof: guess(source::CLI),
    },
    Way {
        product: "cuc",
        step: StepKind::Inventory,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "GET /snapshot/server",
        proof: certain(source::API),
    },
    Way {
        product: "cuc",
        step: StepKind::GenerateCsr,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /csr",
        proof: certain(source::API),
    },
    Way {
        product: "cuc",
        step: StepKind::InstallTrust,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /trust/certificates",
        proof: certain(source::CLIENTS),
    },
    Way {
        product: "cuc",
        step: StepKind::InstallIdentity,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /identity/certificates",
        proof: certain(source::CLIENTS),
    },
    Way {
        product: "cuc",
        step: StepKind::Verify,
        kind: WayKind::Wire,
        versions: Versions::FROM_14,
        how: "TLS handshake with port 443 for tomcat",
        proof: likely(source::CLIENTS),
    },
    Way {
        product: "cuc",
        step: StepKind::Inventory,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "show cert list own, show cert list trust",
        proof: likely(source::CLI),
    },
    Way {
        product: "cuc",
        step: StepKind::GenerateCsr,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "set csr gen UNIT, show csr own UNIT",
        proof: likely(source::CLI),
    },
    Way {
        product: "cuc",
        step: StepKind::InstallTrust,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "set cert import trust UNIT",
        proof: likely(source::CLI),
    },
    Way {
        product: "cuc",
        step: StepKind::InstallIdentity,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "set cert import own UNIT",
        proof: likely(source::CLI),
    },
    Way {
        product: "cuc",
        step: StepKind::Activate,
        kind: WayKind::CommandLine,
        versions: Versions::ALL,
        how: "utils service restart SERVICE",
        proof: guess(source::CLI),
    },
    Way {
        product: "cer",
        step: StepKind::Inventory,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "GET /snapshot/server",
        proof: certain(source::API),
    },
    Way {
        product: "cer",
        step: StepKind::GenerateCsr,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /csr",
        proof: certain(source::API),
    },
    Way {
        product: "cer",
        step: StepKind::InstallTrust,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /trust/certificates",
        proof: certain(source::CLIENTS),
    },
    Way {
        product: "cer",
        step: StepKind::InstallIdentity,
        kind: WayKind::NodeApi,
        versions: Versions::FROM_14,
        how: "POST /identity/certificates",
        proof: certain(source::CLIENTS),
    },
    Way {
        product: "cer",
        step: StepKind::Verify,
        kind: WayKind::Wire,
        versions: Versions::FROM_14,
        how: "TLS handshake with port 443 for tomcat",
        proof: likely(source::CLIENTS),
    },
    Way {
        product: "cer",
        step: StepKind::Inventory,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "show cert list own, show cert list trust",
        proof: likely(source::CLI),
    },
    Way {
        product: "cer",
        step: StepKind::GenerateCsr,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "set csr gen UNIT, show csr own UNIT",
        proof: likely(source::CLI),
    },
    Way {
        product: "cer",
        step: StepKind::InstallTrust,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "set cert import trust UNIT",
        proof: likely(source::CLI),
    },
    Way {
        product: "cer",
        step: StepKind::InstallIdentity,
        kind: WayKind::CommandLine,
        versions: Versions::BEFORE_14,
        how: "set cert import own UNIT",
        proof: likely(source::CLI),
    },
    Way {
        product: "cer",
        step: StepKind::Activate,
        kind: WayKind::CommandLine,
        versions: Versions::ALL,
        how: "utils service restart SERVICE",
        proof: guess(source::CLI),
    },
    Way {
        product: "server",
        step: StepKind::Inventory,
        kind: WayKind::Files,
        versions: Versions::ALL,
        how: "nginx -T, then the files that it names",
        proof: certain(source::NGINX),
    },
    Way {
        product: "server",
        step: StepKind::GenerateCsr,
        kind: WayKind::Files,
        versions: Versions::ALL,
        how: "a key and a CSR beside the configured pair",
        proof: certain(source::NGINX),
    },
    Way {
        product: "server",
        step: StepKind::InstallIdentity,
        kind: WayKind::Files,
        versions: Versions::ALL,
        how: "prepared aside, checked, then one rename",
        proof: certain(source::NGINX),
    },
    Way {
        product: "server",
        step: StepKind::Activate,
        kind: WayKind::Files,
        versions: Versions::ALL,
        how: "nginx -t, nginx -s reload",
        proof: certain(source::NGINX),
    },
    Way {
        product: "server",
        step: StepKind::Verify,
        kind: WayKind::Wire,
        versions: Versions::ALL,
        how: "TLS handshake with the server name",
        proof: certain(source::NGINX),
    },
];

/// How a step is done on a product in a version, where it is known.
pub fn way_of(product: &str, version: &str, step: StepKind) -> Option<&'static Way> {
    WAYS.iter()
        .find(|row| row.product == product && row.step == step && row.versions.contains(version))
}
