//! What a step does, for people.

use certyard_protocol::Step;

/// A step in a sentence.
pub(super) fn about(step: &Step) -> String {
    match step {
        Step::GenerateCsr(spec) if spec.multi_server => {
            format!("make a key and a CSR for {} of all nodes of the cluster", spec.purpose)
        }
        Step::GenerateCsr(spec) => format!("make a key and a CSR for {}", spec.purpose),
        Step::InstallTrust {
            store,
            certificates_pem,
        } => match certificates_pem.len() {
            1 => format!("put one issuer into {store}"),
            count => format!("put {count} issuers into {store}, the root first"),
        },
        Step::InstallIdentity { purpose, .. } => format!("install the certificate for {purpose}"),
        Step::DeleteCsr { purpose } => format!("delete the open CSR of {purpose}"),
        Step::Regenerate { purpose, .. } => format!("make a new key and a self-signed certificate for {purpose}"),
        Step::ReuseTomcat { purpose } => format!("use the certificate of tomcat for {purpose}"),
        Step::DeleteTrust { store, entry, .. } => format!("delete {entry} from {store}"),
        Step::RestartService { service } => format!("restart {service}"),
        Step::Activate { purpose } => format!("have {purpose} take the certificate up"),
        Step::Verify { purpose, .. } => format!("look over the wire which certificate {purpose} serves"),
        Step::Inventory => "read the stores of the node".into(),
    }
}
