//! Renewal of self-signed certificates, and the reuse of `tomcat` for the services of calls.

use super::{
    Refusal, check_issuers, company_subject, default_common_name, find_service, not_found, refuse, trust::put_trusted,
};
use crate::{
    keys::KeyId,
    product::{Holder, Product, Service},
    state::{ClusterState, Identity, Shelf, Stored},
    version::Version,
};
use certyard_pki::{Certificate, Hash, KeySpec, Profile, San, Subject};
use chrono::{DateTime, Duration, Utc};

/// A self-signed certificate that may be made.
pub(crate) struct Regeneration {
    pub(crate) service: &'static Service,
    pub(crate) key: KeySpec,
    pub(crate) profile: Profile,
    multi_server: bool,
}

/// Trust stores beside its own in which a node's own self-signed certificate of a service stands.
pub(crate) fn further_stores(service: &str) -> &'static [&'static str] {
    match service {
        "CAPF" => &["CallManager"],
        "CallManager" | "ITLRecovery" => &["Phone-SAST", "Phone-CTL"],
        _ => &[],
    }
}

/// Checks a renewal and says what to make: a certificate with the key kind of the one before, valid for five years.
pub(crate) fn plan_regeneration(
    cluster: &ClusterState,
    node: usize,
    service: &str,
    now: DateTime<Utc>,
) -> Result<Regeneration, Refusal> {
    let service = find_service(cluster, service)?;
    let Some(state) = cluster.nodes.get(node) else {
        return not_found("No such node");
    };
    if service.name == "AUTHZ" {
        return refuse("AUTHZ is renewed with `set key regen authz signing`");
    }
    if matches!(service.holder, Holder::Publisher | Holder::Cluster) && !state.publisher {
        return refuse(format!("{} can be regenerated on the publisher only", service.name));
    }
    let former = state.identities.get(service.name);
    // From release 14 on the node keeps the names of a multi-server certificate, and still makes it for itself alone (R39).
    let multi_server = service.multi_server()
        && cluster.version >= Version::V14
        && former.is_some_and(|identity| identity.multi_server);
    let parsed = former.and_then(|identity| identity.certificate.parse().ok());
    let key = parsed.as_ref().and_then(|certificate| {
        KeySpec::parse(&certificate.key.key_type, certificate.key.bits?)
            .filter(|spec| (spec.key_type() == "EC") == service.elliptic)
    });
    let common_name = match (service.name, &parsed) {
        // These names are not made of the host's alone.
        ("CAPF" | "ITLRecovery", Some(certificate)) => certificate.common_name.clone(),
        _ => None,
    };
    let common_name =
        common_name.unwrap_or_else(|| default_common_name(service, &state.name, &state.domain, multi_server));
    let sans = match (service.trust, service.name) {
        (None, _) | (_, "CAPF") => Vec::new(),
        _ if multi_server => cluster.nodes.iter().map(|node| San::dns(node.fqdn())).collect(),
        _ => vec![San::dns(state.fqdn())],
    };
    Ok(Regeneration {
        service,
        key: key.unwrap_or(if service.elliptic {
            KeySpec::P384
        } else {
            KeySpec::Rsa2048
        }),
        profile: Profile {
            subject: Subject(company_subject(&common_name)),
            sans,
            ca: (service.name == "CAPF").then_some(Some(0)),
            key_usage: service.key_usage.to_vec(),
            extended_key_usage: service.extended_key_usage(),
            not_before: now,
            not_after: now + Duration::days(5 * 365),
            hash: if service.elliptic { Hash::Sha384 } else { Hash::Sha256 },
        },
        multi_server,
    })
}

/// Puts a renewed certificate in its place and into the trust stores where it belongs. The key of the former one stays: other
/// clusters of a lab may be born with the same.
pub(crate) fn put_regenerated(
    cluster: &mut ClusterState,
    shelf: &Shelf,
    node: usize,
    plan: &Regeneration,
    certificate: &Certificate,
    key: KeyId,
) {
    let identity = Identity {
        certificate: shelf.put(Stored::new(certificate)),
        key,
        multi_server: plan.multi_server,
    };
    let everywhere = plan.service.holder == Holder::Cluster;
    for (index, state) in cluster.nodes.iter_mut().enumerate() {
        if everywhere || index == node {
            state.identities.insert(plan.service.name.to_owned(), identity.clone());
        }
    }
    for name in plan.service.trust.iter().chain(further_stores(plan.service.name)) {
        if let Some(store) = cluster.product.store(name) {
            // One of the same name that begins later may stand there; it stays.
            let _ = put_trusted(cluster, shelf, node, store.name, store.replicated, certificate);
        }
    }
}

/// Services of calls that may use a certificate of `tomcat`, and which one (R39).
const REUSES: [(&str, &str); 2] = [("CallManager", "tomcat"), ("CallManager-ECDSA", "tomcat-ECDSA")];

/// Nodes whose service of calls uses the certificate of `tomcat`, and will when `changed` gets another one: a service that gets one of
/// its own uses that from then on.
pub(crate) fn users_of_tomcat(cluster: &ClusterState, changed: &str) -> Vec<(usize, &'static str, &'static str)> {
    let mut users = Vec::new();
    for (index, state) in cluster.nodes.iter().enumerate() {
        let sha256 = |name: &str| state.identities.get(name).map(|one| one.certificate.sha256);
        let uses = |(taker, source): &&(&str, &str)| {
            *taker != changed && sha256(source).is_some() && sha256(taker) == sha256(source)
        };
        users.extend(
            REUSES
                .iter()
                .filter(uses)
                .map(|(taker, source)| (index, *taker, *source)),
        );
    }
    users
}

/// Gives those that used the certificate of `tomcat` the one that it has now.
pub(crate) fn follow_tomcat(cluster: &mut ClusterState, users: &[(usize, &'static str, &'static str)]) {
    for (index, taker, source) in users {
        let Some(state) = cluster.nodes.get_mut(*index) else {
            continue;
        };
        if let Some(identity) = state.identities.get(*source).cloned() {
            state.identities.insert((*taker).to_owned(), identity);
        }
    }
}

/// Makes `tomcat` the certificate of a service of calls as well, on every node that shares it (R39). True if anything has changed.
pub(crate) fn reuse_tomcat(
    cluster: &mut ClusterState,
    node: usize,
    service: &str,
    now: DateTime<Utc>,
) -> Result<bool, Refusal> {
    let service = find_service(cluster, service)?;
    let Some(&(_, source)) = REUSES
        .iter()
        .find(|(taker, _)| cluster.product == Product::Cucm && *taker == service.name)
    else {
        return refuse(format!("The Tomcat certificate cannot be reused for {}", service.name));
    };
    if cluster.version < Version::V14 {
        return refuse(format!(
            "Release {} cannot reuse the Tomcat certificate",
            cluster.version.as_str()
        ));
    }
    let Some(state) = cluster.nodes.get(node) else {
        return not_found("No such node");
    };
    let Some(tomcat) = state.identities.get(source).cloned() else {
        return not_found(format!("There is no {source} certificate on this node"));
    };
    if !tomcat.multi_server {
        return refuse(format!("The {source} certificate is no multi-server certificate"));
    }
    let leaf = tomcat.certificate.parse().map_err(|error| Refusal {
        status: 500,
        message: format!("The {source} certificate cannot be read: {error}"),
    })?;
    if !leaf.is_self_signed() {
        let trusted = state.trusts.get("CallManager").map_or(&[][..], Vec::as_slice);
        check_issuers(&leaf, trusted, "CallManager", now)?;
    }
    let mut changed = false;
    for state in &mut cluster.nodes {
        let shares = state
            .identities
            .get(source)
            .is_some_and(|identity| identity.certificate.sha256 == tomcat.certificate.sha256);
        if shares {
            let former = state.identities.insert(service.name.to_owned(), tomcat.clone());
            changed |= former.is_none_or(|former| former.certificate.sha256 != tomcat.certificate.sha256);
        }
    }
    Ok(changed)
}
