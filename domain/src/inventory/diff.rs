//! What has changed on a node: pure.

use super::entity::installation;
use super::parse::{Parsed, ParsedEntry};
use crate::Timestamp;
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
    /// It could not be looked at: never yet, or the last look failed. When it was first seen served stays known.
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

/// What the wire says of a certificate that stays, if that is new. A look that failed does not vouch for what an earlier one
/// saw: the state is unknown from then on, and the note tells what was seen last, and when.
fn look(
    old: &installation::Model,
    entry: &ParsedEntry,
    last_read: Option<Timestamp>,
) -> Option<(ServedState, Option<String>)> {
    let (state, note) = served(&entry.served);
    let before = ServedState::parse(&old.served_state);
    if state == ServedState::Unknown {
        let seen = match before {
            Some(ServedState::Served) => "seen served",
            Some(ServedState::RestartPending) => "seen waiting for a restart",
            // What was seen before the first of several failures stays told.
            Some(ServedState::Unknown) => return None,
            Some(ServedState::NotObservable) | None => return Some((state, note)),
        };
        let reason = note.unwrap_or_else(|| "the look failed".into());
        let told = match last_read {
            Some(at) => format!("{reason} (last {seen} on {})", at.format("%Y-%m-%d %H:%M UTC")),
            None => format!("{reason} (last {seen})"),
        };
        return Some((state, Some(told)));
    }
    (before != Some(state) || old.served_note != note).then_some((state, note))
}

/// Compares what is known of a node with what was read. `ids` are those of the certificates of the entries, in order;
/// `last_read` is when the node was read well before.
pub(super) fn diff<'a>(
    known: &'a [installation::Model],
    parsed: &'a Parsed,
    ids: &[Uuid],
    last_read: Option<Timestamp>,
) -> Vec<Change<'a>> {
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
                if let Some((state, note)) = look(old, entry, last_read) {
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
