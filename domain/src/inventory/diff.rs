//! What has changed on a node: pure.

use super::entity::installation;
use super::parse::{Parsed, ParsedEntry};
use certyard_protocol::{Served, StoreKind};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Whether an installed certificate is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServedState {
    /// It was seen over the wire.
    Served,
    /// Another one is served until the service is restarted.
    RestartPending,
    /// Nothing listens for it, or it is a trust entry.
    NotObservable,
    /// It could not be looked at yet.
    Unknown,
}

impl ServedState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Served, Self::RestartPending, Self::NotObservable, Self::Unknown];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::RestartPending => "restart_pending",
            Self::NotObservable => "not_observable",
            Self::Unknown => "unknown",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What becomes of an installation, as its history tells it. Each row names the certificate that is there from then on;
/// a removal names the one that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A certificate is in a place that was empty.
    Installed,
    /// Another certificate is in the place.
    Replaced,
    /// The place is empty.
    Removed,
    /// The certificate was seen over the wire.
    Served,
    /// The certificate is installed, and another one is served until a restart.
    RestartPending,
    /// The node made a CSR for the place.
    CsrCreated,
}

impl Event {
    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Replaced => "replaced",
            Self::Removed => "removed",
            Self::Served => "served",
            Self::RestartPending => "restart_pending",
            Self::CsrCreated => "csr_created",
        }
    }
}

/// Name of a kind of store in the API and the database.
pub(super) fn kind_name(kind: StoreKind) -> &'static str {
    match kind {
        StoreKind::Identity => "identity",
        StoreKind::Trust => "trust",
    }
}

/// State and note of what the wire said.
pub(super) fn served(served: &Served) -> (ServedState, Option<String>) {
    match served {
        Served::Served => (ServedState::Served, None),
        Served::RestartPending { served_sha256 } => (ServedState::RestartPending, Some(served_sha256.clone())),
        Served::NotObservable => (ServedState::NotObservable, None),
        Served::Unknown { reason } => (ServedState::Unknown, Some(reason.clone())),
    }
}

/// One change.
#[derive(Debug)]
pub(super) enum Change<'a> {
    /// A place that was never seen.
    Insert {
        entry: &'a ParsedEntry,
        certificate_id: Uuid,
    },
    /// Another certificate than before, or one in a place that was empty meanwhile.
    Replace {
        old: &'a installation::Model,
        entry: &'a ParsedEntry,
        certificate_id: Uuid,
    },
    /// The same certificate, and the wire says something new.
    Serve {
        old: &'a installation::Model,
        state: ServedState,
        note: Option<String>,
    },
    /// The place is empty.
    Remove { old: &'a installation::Model },
}

/// Compares what is known of a node with what was read. `ids` are those of the certificates of the entries, in order.
pub(super) fn diff<'a>(known: &'a [installation::Model], parsed: &'a Parsed, ids: &[Uuid]) -> Vec<Change<'a>> {
    let mut places: HashMap<(&str, &str), &installation::Model> = known
        .iter()
        .map(|old| ((old.store.as_str(), old.entry.as_str()), old))
        .collect();
    let mut changes = Vec::new();
    for (entry, id) in parsed.entries.iter().zip(ids) {
        match places.remove(&(entry.store.as_str(), entry.entry.as_str())) {
            None => changes.push(Change::Insert {
                entry,
                certificate_id: *id,
            }),
            Some(old) if old.gone_at.is_some() || old.certificate_id != *id || old.kind != kind_name(entry.kind) => {
                changes.push(Change::Replace {
                    old,
                    entry,
                    certificate_id: *id,
                });
            }
            Some(old) => {
                let (state, note) = served(&entry.served);
                // A look that failed does not take back what an earlier one saw.
                let looked = state != ServedState::Unknown || old.served_state == ServedState::Unknown.as_str();
                if looked && (old.served_state != state.as_str() || old.served_note != note) {
                    changes.push(Change::Serve { old, state, note });
                }
            }
        }
    }
    let gone: Option<HashSet<(&str, &str)>> = parsed.removed.as_ref().map(|removed| {
        removed
            .iter()
            .map(|(store, entry)| (store.as_str(), entry.as_str()))
            .collect()
    });
    // What is there and could not be read is still there.
    for one in &parsed.unreadable {
        places.remove(&(one.store.as_str(), one.entry.as_str()));
    }
    let mut removed: Vec<&installation::Model> = places
        .into_iter()
        .filter(|(place, old)| old.gone_at.is_none() && gone.as_ref().is_none_or(|gone| gone.contains(place)))
        .map(|(_, old)| old)
        .collect();
    removed.sort_unstable_by_key(|old| old.id);
    changes.extend(removed.into_iter().map(|old| Change::Remove { old }));
    changes
}
