//! Trust stores: one certificate a subject, some the same on every node, and which a subscriber may not touch.

use super::{Refusal, not_found, refuse};
use crate::{
    product::{Store, store_title},
    state::{ClusterState, Shelf, Stored},
};
use certyard_pki::Certificate;
use std::sync::Arc;

/// The store of that name, where it may be changed on this node (R22).
fn find_store(cluster: &ClusterState, node: usize, name: &str) -> Result<&'static Store, Refusal> {
    let Some(store) = cluster.product.store(name) else {
        return refuse(format!("Invalid service: {name}"));
    };
    if store.publisher_only && cluster.nodes.get(node).is_some_and(|node| !node.publisher) {
        return refuse(format!(
            "{} cannot be changed on a subscriber this way; use the pages of the node itself",
            store_title(store.name)
        ));
    }
    Ok(store)
}

/// Puts certificates into trust stores of a node, and of the others where the store is replicated. All or none.
/// True if anything has changed.
pub(crate) fn add_trust(
    cluster: &mut ClusterState,
    shelf: &Shelf,
    node: usize,
    stores: &[String],
    upload: &[Certificate],
) -> Result<bool, Refusal> {
    let mut next = cluster.clone();
    let mut changed = false;
    for name in stores {
        let store = find_store(cluster, node, name)?;
        for certificate in upload {
            check_key(certificate)?;
            changed |= put_trusted(&mut next, shelf, node, store.name, store.replicated, certificate)?;
            if store.name == "CAPF" {
                // The CA of CAPF goes to CallManager-trust by itself; an older one there stays without a word.
                changed |= put_trusted(&mut next, shelf, node, "CallManager", true, certificate).unwrap_or(false);
            }
        }
    }
    *cluster = next;
    Ok(changed)
}

/// The longest key that a node takes from outside.
const MOST_KEY_BITS: u32 = 4096;

/// Says why a node does not take a certificate with this key.
pub(super) fn check_key(certificate: &Certificate) -> Result<(), Refusal> {
    match certificate.key.bits {
        Some(bits) if bits > MOST_KEY_BITS => refuse(format!(
            "The key of {} has {bits} bits: at most {MOST_KEY_BITS} are supported",
            certificate.subject
        )),
        _ => Ok(()),
    }
}

pub(super) fn put_trusted(
    cluster: &mut ClusterState,
    shelf: &Shelf,
    node: usize,
    store: &str,
    replicated: bool,
    certificate: &Certificate,
) -> Result<bool, Refusal> {
    let stored = shelf.put(Stored::new(certificate));
    let mut changed = false;
    for (index, state) in cluster.nodes.iter_mut().enumerate() {
        if !(replicated || index == node) {
            continue;
        }
        let held = state.trusts.entry(store.to_owned()).or_default();
        match place(held, certificate) {
            Place::There => {}
            Place::Free => {
                held.push(Arc::clone(&stored));
                changed = true;
            }
            Place::Instead(old) => {
                if let Some(slot) = held.get_mut(old) {
                    *slot = Arc::clone(&stored);
                }
                changed = true;
            }
            // On the other nodes an own, newer one stays.
            Place::Taken if index != node => {}
            Place::Taken => {
                return refuse(format!(
                    "The certificate was not uploaded: {} has one with the same subject and the same or a later start date ({})",
                    store_title(store),
                    certificate.subject
                ));
            }
        }
    }
    Ok(changed)
}

enum Place {
    Free,
    There,
    Instead(usize),
    Taken,
}

/// One certificate per subject: the later start date wins.
fn place(held: &[Arc<Stored>], certificate: &Certificate) -> Place {
    for (index, stored) in held.iter().enumerate() {
        if stored.sha256 == certificate.sha256 {
            return Place::There;
        }
        if let Ok(other) = stored.parse()
            && other.subject_der == certificate.subject_der
        {
            return if certificate.not_before > other.not_before {
                Place::Instead(index)
            } else {
                Place::Taken
            };
        }
    }
    Place::Free
}

/// Deletes a certificate from a trust store by its file name, on all nodes where the store is deleted cluster-wide. Answers the title
/// of the store.
pub(crate) fn delete_trust(
    cluster: &mut ClusterState,
    node: usize,
    store: &str,
    file_name: &str,
) -> Result<String, Refusal> {
    let store = find_store(cluster, node, store)?;
    let bare = |name: &str| name.strip_suffix(".pem").unwrap_or(name).to_owned();
    let wanted = bare(file_name);
    let held = cluster.nodes.get(node).and_then(|node| node.trusts.get(store.name));
    let found = held
        .into_iter()
        .flatten()
        .find(|stored| bare(&stored.file_name) == wanted)
        .map(|stored| stored.sha256);
    let Some(sha256) = found else {
        return not_found("Certificate cannot be deleted as it does not exist on this node");
    };
    for (index, state) in cluster.nodes.iter_mut().enumerate() {
        if (store.deleted_everywhere || index == node)
            && let Some(held) = state.trusts.get_mut(store.name)
        {
            held.retain(|stored| stored.sha256 != sha256);
        }
    }
    Ok(store_title(store.name))
}
