//! The rules by which a node takes a CSR, an identity certificate or a trust certificate, the same for its REST API and its
//! command line. Renewal and reuse stand in [`renew`], trust stores in [`trust`].
//!
//! Pure: they look at the state of a cluster and at what is asked, and change the state or say why not. Where the vendor's documents
//! quote the text of a refusal it is used; the other texts are the lab's own.

mod renew;
mod trust;

pub(crate) use renew::{
    follow_tomcat, further_stores, plan_regeneration, put_regenerated, reuse_tomcat, users_of_tomcat,
};
pub(crate) use trust::{add_trust, delete_trust};

use crate::{
    keys::{KeyId, key_id},
    product::{Holder, Service, store_title},
    state::{ClusterState, Identity, PendingCsr, Served, Shelf, Stored},
};
use certyard_pki::{Certificate, Csr, CsrRequest, Hash, KeySpec, San, SanKind, SignatureCheck, Subject};
use chrono::{DateTime, Utc};
use std::{collections::BTreeSet, sync::Arc};

/// Why a node does not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
}

pub(crate) fn refuse<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal {
        status: 400,
        message: message.into(),
    })
}

fn not_found<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal {
        status: 404,
        message: message.into(),
    })
}

/// What is asked of a node that makes a CSR; all but the service may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CsrOrder {
    pub(crate) service: String,
    pub(crate) distribution: Option<String>,
    pub(crate) common_name: Option<String>,
    pub(crate) key_type: Option<String>,
    pub(crate) key_length: Option<u32>,
    pub(crate) hash_algorithm: Option<String>,
    pub(crate) alt_names: Vec<String>,
}

/// A CSR that may be made.
pub(crate) struct CsrPlan {
    pub(crate) service: &'static Service,
    pub(crate) multi_server: bool,
    pub(crate) key: KeySpec,
    pub(crate) request: CsrRequest,
}

/// The service of that name, if the node has it.
pub(crate) fn find_service(cluster: &ClusterState, name: &str) -> Result<&'static Service, Refusal> {
    match cluster.service(name) {
        Some(service) => Ok(service),
        None => refuse(format!("Invalid service: {name}")),
    }
}

/// Checks an order and says what to make.
pub(crate) fn plan_csr(cluster: &ClusterState, node: usize, order: &CsrOrder) -> Result<CsrPlan, Refusal> {
    let service = find_service(cluster, &order.service)?;
    let Some(node) = cluster.nodes.get(node) else {
        return not_found("No such node");
    };
    if service.trust.is_none() {
        return refuse(format!("{} cannot be signed by a CA", service.name));
    }
    if service.holder == Holder::Publisher && !node.publisher {
        return refuse(format!(
            "The CSR for {} can be made on the publisher only",
            service.name
        ));
    }
    let multi_server = match order.distribution.as_deref() {
        None | Some("this-server") => false,
        Some("multi-server" | "multi-server(SAN)" | "Multi-server(SAN)") if service.multi_server() => true,
        Some("multi-server" | "multi-server(SAN)" | "Multi-server(SAN)") => {
            return refuse(format!("{} does not support a multi-server certificate", service.name));
        }
        Some(other) => return refuse(format!("Invalid distribution: {other}")),
    };
    let (key, hash) = key_and_hash(service, order)?;
    let common_name = match &order.common_name {
        Some(name) if !name.trim().is_empty() => name.trim().to_owned(),
        _ => default_common_name(service, &node.name, &node.domain, multi_server),
    };
    if common_name.contains('*') || order.alt_names.iter().any(|name| name.contains('*')) {
        return refuse("Wildcard names are not supported");
    }
    if common_name.chars().count() > 64 {
        return refuse("The common name is longer than 64 characters");
    }
    let mut sans: Vec<San> = Vec::new();
    let hosts = if multi_server {
        cluster.nodes.iter().map(|node| node.fqdn()).collect()
    } else {
        vec![node.fqdn()]
    };
    for name in hosts
        .into_iter()
        .chain(order.alt_names.iter().map(|name| name.trim().to_owned()))
    {
        let kind = if name.parse::<std::net::IpAddr>().is_ok() {
            SanKind::Ip
        } else {
            SanKind::Dns
        };
        let san = San { kind, value: name };
        if !san.value.is_empty() && !sans.contains(&san) {
            sans.push(san);
        }
    }
    Ok(CsrPlan {
        service,
        multi_server,
        key,
        request: CsrRequest {
            subject: Subject(company_subject(&common_name)),
            sans,
            key_usage: service.key_usage.iter().map(|usage| (*usage).to_owned()).collect(),
            extended_key_usage: service.extended_key_usage(),
            hash,
        },
    })
}

/// The subject of all certificates of the invented company. A node takes place and country from its installation.
pub(crate) fn company_subject(common_name: &str) -> Vec<(String, String)> {
    [
        ("CN", common_name),
        ("O", "Holmgard Logistics"),
        ("L", "Stockholm"),
        ("ST", "Stockholm"),
        ("C", "SE"),
    ]
    .map(|(kind, value)| (kind.to_owned(), value.to_owned()))
    .to_vec()
}

/// The name that a certificate of that service has where nobody asks for another.
pub(crate) fn default_common_name(service: &Service, host: &str, domain: &str, multi_server: bool) -> String {
    match (service.elliptic, multi_server) {
        (false, false) => format!("{host}.{domain}"),
        (true, false) => format!("{host}-EC.{domain}"),
        (false, true) => format!("{host}-ms.{domain}"),
        (true, true) => format!("{host}-EC-ms.{domain}"),
    }
}

fn key_and_hash(service: &Service, order: &CsrOrder) -> Result<(KeySpec, Hash), Refusal> {
    let wanted = if service.elliptic { "EC" } else { "RSA" };
    let elliptic = match order.key_type.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None => service.elliptic,
        Some("rsa") => false,
        Some("ec" | "ecdsa") => true,
        Some(other) => return refuse(format!("Invalid keyType: {other}")),
    };
    if elliptic != service.elliptic {
        return refuse(format!("Invalid keyType for {}: it must be {wanted}", service.name));
    }
    let (key, least) = match (elliptic, order.key_length) {
        (false, None | Some(2048)) => (KeySpec::Rsa2048, 256),
        (false, Some(3072)) => (KeySpec::Rsa3072, 256),
        (false, Some(4096)) => (KeySpec::Rsa4096, 256),
        (true, Some(256)) => (KeySpec::P256, 256),
        (true, None | Some(384)) => (KeySpec::P384, 384),
        (true, Some(521)) => (KeySpec::P521, 512),
        (_, Some(other)) => return refuse(format!("Invalid keyLength for {wanted}: {other}")),
    };
    let bits = match order.hash_algorithm.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None => least,
        Some("sha256") => 256,
        Some("sha384") => 384,
        Some("sha512") => 512,
        Some(other) => return refuse(format!("Invalid hashAlgorithm: {other}")),
    };
    if bits < least {
        return refuse(format!("Invalid hashAlgorithm: SHA{bits} is weaker than the key"));
    }
    let hash = match bits {
        256 => Hash::Sha256,
        384 => Hash::Sha384,
        _ => Hash::Sha512,
    };
    Ok((key, hash))
}

/// Puts a new CSR in the place of the old one, on all nodes if it is for all. Answers the keys that nobody needs any more.
pub(crate) fn put_csr(cluster: &mut ClusterState, node: usize, plan: &CsrPlan, pem: String, key: KeyId) -> Vec<KeyId> {
    let csr = PendingCsr {
        pem,
        key,
        multi_server: plan.multi_server,
    };
    let mut gone = BTreeSet::new();
    for (index, state) in cluster.nodes.iter_mut().enumerate() {
        if plan.multi_server || index == node {
            let old = state.csrs.insert(plan.service.name.to_owned(), csr.clone());
            gone.extend(old.map(|old| old.key));
        }
    }
    unused(cluster, gone)
}

/// Deletes a CSR, on all nodes if it was for all. Answers the keys that nobody needs any more.
pub(crate) fn delete_csr(cluster: &mut ClusterState, node: usize, service: &str) -> Result<Vec<KeyId>, Refusal> {
    let service = find_service(cluster, service)?;
    let Some(csr) = cluster
        .nodes
        .get(node)
        .and_then(|node| node.csrs.get(service.name))
        .cloned()
    else {
        return not_found(format!("CSR for {} does not exist", service.name));
    };
    take_csr(cluster, node, service.name, &csr);
    Ok(unused(cluster, BTreeSet::from([csr.key])))
}

fn take_csr(cluster: &mut ClusterState, node: usize, service: &str, csr: &PendingCsr) {
    for (index, state) in cluster.nodes.iter_mut().enumerate() {
        if (csr.multi_server || index == node) && state.csrs.get(service).is_some_and(|other| other.key == csr.key) {
            state.csrs.remove(service);
        }
    }
}

/// Those of the keys that no CSR and no certificate of the cluster has.
fn unused(cluster: &ClusterState, mut keys: BTreeSet<KeyId>) -> Vec<KeyId> {
    for node in &cluster.nodes {
        for key in node
            .csrs
            .values()
            .map(|csr| &csr.key)
            .chain(node.identities.values().map(|identity| &identity.key))
        {
            keys.remove(key);
        }
        keys.remove(&node.served.key);
    }
    keys.into_iter().collect()
}

/// Puts a signed certificate in the place of the identity certificate, on all nodes if its CSR was for all.
///
/// The CAs must be in the trust store already; CAs in the upload do not count.
pub(crate) fn install_identity(
    cluster: &mut ClusterState,
    shelf: &Shelf,
    node: usize,
    service: &str,
    upload: &[Certificate],
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let service = find_service(cluster, service)?;
    let Some(state) = cluster.nodes.get(node) else {
        return not_found("No such node");
    };
    let Some(pending) = state.csrs.get(service.name).cloned() else {
        return refuse(format!("CSR for {} does not exist: generate a CSR first", service.name));
    };
    let csr = match Csr::from_pem(&pending.pem) {
        Ok(csr) => csr,
        Err(error) => {
            return Err(Refusal {
                status: 500,
                message: format!("The stored CSR cannot be read: {error}"),
            });
        }
    };
    let Some(leaf) = upload
        .iter()
        .find(|certificate| key_id(&certificate.spki_der) == pending.key)
    else {
        return refuse("The public key of the certificate does not match the public key of the CSR");
    };
    upload.iter().try_for_each(trust::check_key)?;
    // Host names are the same in capitals.
    let names = |sans: &[San]| {
        sans.iter()
            .map(|san| (san.kind, san.value.to_ascii_lowercase()))
            .collect::<BTreeSet<_>>()
    };
    if names(&leaf.sans) != names(&csr.sans) {
        return refuse("CSR SAN and Certificate SAN does not match");
    }
    if leaf.not_after <= now {
        return refuse(format!(
            "The certificate has expired on {}",
            leaf.not_after.format("%Y-%m-%d %H:%M:%S UTC")
        ));
    }
    if leaf.not_before > now {
        return refuse(format!(
            "The certificate is not valid before {}",
            leaf.not_before.format("%Y-%m-%d %H:%M:%S UTC")
        ));
    }
    let store = service.trust.unwrap_or_default();
    check_issuers(leaf, state.trusts.get(store).map_or(&[], Vec::as_slice), store, now)?;
    let identity = Identity {
        certificate: shelf.put(Stored::new(leaf)),
        key: pending.key.clone(),
        multi_server: pending.multi_server,
    };
    for (index, state) in cluster.nodes.iter_mut().enumerate() {
        if pending.multi_server || index == node {
            state.identities.insert(service.name.to_owned(), identity.clone());
        }
    }
    take_csr(cluster, node, service.name, &pending);
    Ok(())
}

fn check_issuers(leaf: &Certificate, trusted: &[Arc<Stored>], store: &str, now: DateTime<Utc>) -> Result<(), Refusal> {
    let trusted: Vec<Certificate> = trusted.iter().filter_map(|stored| stored.parse().ok()).collect();
    match issuers(leaf, &trusted) {
        Ok(issuers) => match issuers.iter().find(|issuer| issuer.not_after <= now) {
            None => Ok(()),
            Some(issuer) => refuse(format!(
                "The CA certificate {} in {} has expired",
                issuer.subject,
                store_title(store)
            )),
        },
        Err(missing) => refuse(format!(
            "CA certificate is not available in the trust-store: {} has no certificate of {missing}",
            store_title(store)
        )),
    }
}

/// The issuers of a certificate up to a root, or the name of the one that is not there.
fn issuers<'a>(leaf: &Certificate, trusted: &'a [Certificate]) -> Result<Vec<&'a Certificate>, String> {
    let mut found: Vec<&Certificate> = Vec::new();
    let mut current = leaf;
    loop {
        let issuer = trusted.iter().find(|candidate| {
            candidate.subject_der == current.issuer_der
                && (candidate.is_ca() || candidate.sha256 == leaf.sha256)
                && current.verify_signature_by(candidate) == SignatureCheck::Valid
        });
        let Some(issuer) = issuer else {
            return Err(current.issuer.clone());
        };
        // A root is its own issuer; two CAs that sign each other must not be followed for ever.
        if found.iter().any(|known| known.sha256 == issuer.sha256) {
            return Ok(found);
        }
        found.push(issuer);
        current = issuer;
    }
}

/// What a node serves once its service is restarted: its `tomcat` certificate and the intermediates that it trusts.
pub(crate) fn served_now(cluster: &ClusterState, node: usize) -> Option<Served> {
    let state = cluster.nodes.get(node)?;
    let identity = state.identities.get("tomcat")?;
    let mut chain = vec![Arc::clone(&identity.certificate)];
    if let Ok(leaf) = identity.certificate.parse()
        && !leaf.is_self_signed()
    {
        let held = state.trusts.get("tomcat").map_or(&[][..], Vec::as_slice);
        let trusted: Vec<Certificate> = held.iter().filter_map(|stored| stored.parse().ok()).collect();
        let above = issuers(&leaf, &trusted).unwrap_or_default();
        for issuer in above.into_iter().filter(|issuer| !issuer.is_self_signed()) {
            chain.extend(held.iter().find(|stored| stored.sha256 == issuer.sha256).cloned());
        }
    }
    Some(Served {
        chain,
        key: identity.key.clone(),
    })
}
