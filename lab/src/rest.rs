//! The node's REST API for certificates, below `/platformcom/api/v1/certmgr/config`.
//!
//! Shapes are those that public clients of the real API read and write; fields that are not known are ignored, as real nodes do.
//! Here is no HTTP: a call comes in parsed and an answer goes out as a status and a JSON value.

use crate::{
    cluster::Cluster,
    record::Operation,
    rules::{CsrOrder, Refusal, find_service, refuse},
    state::{ClusterState, NodeState, Stored},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) const BASE: &str = "/platformcom/api/v1/certmgr/config";

/// Finds the operation of a method and a path below [`BASE`]; an error is 404 or 405.
pub(crate) fn route(method: &str, path: &str) -> Result<Operation, u16> {
    let Some(path) = path.strip_prefix(BASE) else {
        return Err(404);
    };
    let operations: &[(&str, Operation)] = match path.trim_end_matches('/') {
        "/snapshot/server" => &[("GET", Operation::Snapshot)],
        "/csr" => &[
            ("POST", Operation::CsrGenerate),
            ("GET", Operation::CsrRead),
            ("DELETE", Operation::CsrDelete),
        ],
        "/identity/certificates" => &[("POST", Operation::IdentityUpload), ("GET", Operation::IdentityRead)],
        "/identity/certificate" => &[("GET", Operation::IdentityRead)],
        "/trust/certificates" => &[("POST", Operation::TrustUpload), ("GET", Operation::TrustRead)],
        "/trust/certificate" => &[("GET", Operation::TrustRead)],
        _ => return Err(404),
    };
    operations
        .iter()
        .find(|(name, _)| *name == method)
        .map(|(_, operation)| *operation)
        .ok_or(405)
}

/// One request to a node.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    /// `service` of the query.
    pub(crate) service: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// What a node answers.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) service: String,
    pub(crate) changed: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CsrBody {
    service: String,
    distribution: Option<String>,
    common_name: Option<String>,
    key_type: Option<String>,
    key_length: Option<u32>,
    hash_algorithm: Option<String>,
    alt_names: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct IdentityBody {
    service: String,
    certificates: Vec<String>,
}

#[derive(Deserialize)]
struct TrustBody {
    service: Vec<String>,
    certificates: Vec<String>,
}

/// Does what is asked. It may take long (a key is made), so it belongs on a thread for blocking work.
pub(crate) fn answer(cluster: &Cluster, node: usize, call: &Call) -> Answer {
    let mut service = call.service.clone().unwrap_or_default();
    match perform(cluster, node, call, &mut service) {
        Ok((status, mut body, changed)) => {
            body["trackingId"] = tracking_id();
            Answer {
                status,
                body,
                service,
                changed,
            }
        }
        Err(refusal) => Answer {
            status: refusal.status,
            body: error_body(&refusal.message),
            service,
            changed: false,
        },
    }
}

/// The body of an error.
pub(crate) fn error_body(message: &str) -> Value {
    json!({ "trackingId": tracking_id(), "message": message, "messages": [message] })
}

fn tracking_id() -> Value {
    Value::String(uuid::Uuid::new_v4().to_string())
}

/// Status, body, and whether anything has changed.
type Performed = Result<(u16, Value, bool), Refusal>;

fn perform(cluster: &Cluster, node: usize, call: &Call, service: &mut String) -> Performed {
    match call.operation {
        Operation::Snapshot => read(cluster, node, |cluster, node| Ok(snapshot(cluster, node))),
        Operation::CsrGenerate => {
            let body: CsrBody = parse(&call.body)?;
            service.clone_from(&body.service);
            generate_csr(cluster, node, body)
        }
        Operation::CsrRead => read(cluster, node, |cluster, node| {
            let found = find_service(cluster, service)?;
            match node.csrs.get(found.name) {
                Some(csr) => Ok(json!({ "service": found.name, "csr": csr.pem })),
                None => missing(format!("CSR for {} does not exist", found.name)),
            }
        }),
        Operation::CsrDelete => {
            cluster.delete_csr(node, service)?;
            Ok((
                200,
                json!({ "message": format!("The CSR for {service} is deleted") }),
                true,
            ))
        }
        Operation::IdentityUpload => {
            let body: IdentityBody = parse(&call.body)?;
            service.clone_from(&body.service);
            cluster.install_identity(node, &body.service, &body.certificates)?;
            Ok((200, json!({ "message": uploaded_identity(service) }), true))
        }
        Operation::IdentityRead => read(cluster, node, |cluster, node| {
            let found = find_service(cluster, service)?;
            match node.identities.get(found.name) {
                Some(identity) => Ok(json!({ "service": found.name, "certificate": identity.certificate.to_pem() })),
                None => missing(format!("There is no {} certificate on this node", found.name)),
            }
        }),
        Operation::TrustUpload => {
            let body: TrustBody = parse(&call.body)?;
            *service = body.service.join(",");
            if body.service.is_empty() {
                return refuse("service must name at least one service");
            }
            let changed = cluster.add_trust(node, &body.service, &body.certificates)?;
            let message = if changed {
                "The certificates are uploaded"
            } else {
                "The certificates are there already"
            };
            Ok((201, json!({ "message": message }), changed))
        }
        Operation::TrustRead => read(cluster, node, |cluster, node| {
            let Some(store) = cluster.product.store(service) else {
                return refuse(format!("Invalid service: {service}"));
            };
            let held = node.trusts.get(store.name).map_or(&[][..], Vec::as_slice);
            Ok(json!({ "service": store.name, "certificates": files(held) }))
        }),
        // No path of these is known; `route` finds none.
        Operation::TrustDelete | Operation::Regenerate | Operation::ReuseTomcat | Operation::ServiceRestart => {
            missing("There is no such operation")
        }
    }
}

fn read(
    cluster: &Cluster,
    node: usize,
    look: impl FnOnce(&ClusterState, &NodeState) -> Result<Value, Refusal>,
) -> Performed {
    cluster.read(|state| match state.nodes.get(node) {
        Some(node) => look(state, node).map(|body| (200, body, false)),
        None => missing("No such node"),
    })
}

fn missing<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal {
        status: 404,
        message: message.into(),
    })
}

fn uploaded_identity(service: &str) -> String {
    if service.to_ascii_lowercase().starts_with("tomcat") {
        "The certificate is uploaded. Restart Cisco Tomcat Service for the nodes using the CLI \"utils service restart Cisco Tomcat\""
            .to_owned()
    } else {
        format!("The certificate is uploaded. Restart the services that use {service}")
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    match serde_json::from_slice(body) {
        Ok(parsed) => Ok(parsed),
        Err(error) => refuse(format!("The request cannot be read: {error}")),
    }
}

fn generate_csr(cluster: &Cluster, node: usize, body: CsrBody) -> Performed {
    let order = CsrOrder {
        service: body.service,
        distribution: body.distribution,
        common_name: body.common_name,
        key_type: body.key_type,
        key_length: body.key_length,
        hash_algorithm: body.hash_algorithm,
        alt_names: body.alt_names.unwrap_or_default(),
    };
    let (service, pem) = cluster.generate_csr(node, &order)?;
    Ok((200, json!({ "service": service, "csr": pem }), true))
}

fn snapshot(cluster: &ClusterState, node: &NodeState) -> Value {
    let identity = |name: &str| {
        json!({
            "service": name,
            "certificate": node.identities.get(name).map(|identity| identity.certificate.to_pem()).unwrap_or_default(),
            "csr": node.csrs.get(name).map(|csr| csr.pem.clone()).unwrap_or_default(),
        })
    };
    let trust = |name: &str| json!({ "service": name, "certificate_data": files(node.trusts.get(name).map_or(&[], Vec::as_slice)) });
    json!({
        "server": node.fqdn(),
        "identities": cluster.product.services(cluster.version).iter().map(|service| identity(service.name)).collect::<Vec<_>>(),
        "trusts": cluster.product.stores().iter().map(|store| trust(store.name)).collect::<Vec<_>>(),
        "revokedCertificates": [],
    })
}

fn files(held: &[Arc<Stored>]) -> Vec<Value> {
    held.iter()
        .map(|stored| json!({ "filename": stored.file_name, "certificate": stored.to_pem() }))
        .collect()
}
