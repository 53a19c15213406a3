//! Writes what was read of a node: installations, their history, CSRs, counts, all in the caller's transaction and under the
//! lock of the cluster's row.

use super::compliance;
use super::counts::{self, ExpiryDeltas};
use super::csrs;
use super::diff::{Change, Event, ServedState, diff, kind_name, served};
use super::entity::{history, installation};
use super::parse::{Parsed, ParsedEntry};
use super::quarantine::{self, Present};
use crate::certificates::{Prepared, Source, ensure_prepared, indexable, storable};
use crate::clusters::Cluster;
use crate::db::{OrgTx, dialect};
use crate::error::Result;
use crate::ids::new_id;
use crate::nodes::reading::{self, Reading};
use crate::nodes::{self, Node};
use crate::{Error, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use std::collections::HashMap;
use uuid::Uuid;

/// Why a node changed, as history tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// The job that did it.
    pub job_id: Option<Uuid>,
    /// Who asked for it.
    pub actor_name: Option<String>,
}

/// What was written of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Its cluster.
    pub cluster_id: Uuid,
    /// Certificates in places that were empty.
    pub installed: u64,
    /// Other certificates than before.
    pub replaced: u64,
    /// Places that are empty now.
    pub removed: u64,
    /// Places for which the wire says something new.
    pub served: u64,
    /// CSRs that were not known.
    pub csrs: Vec<Uuid>,
}

/// Takes over what was read of a node.
///
/// # Errors
/// [`Error::NotFound`] for a node that is unknown, retired or out of scope; [`Error::Refused`] `cluster_disabled`.
pub async fn apply(tx: &OrgTx, node_id: Uuid, parsed: &Parsed, cause: &Cause) -> Result<Applied> {
    let (node, cluster) = nodes::lock_cluster_of(tx, node_id).await?;
    write(tx, &node, &cluster, parsed, cause).await
}

/// R2: while the service is switched off for a cluster, its nodes are not read.
pub(super) fn require_enabled(cluster: &Cluster) -> Result<()> {
    if cluster.enabled {
        return Ok(());
    }
    Err(Error::refused(
        "cluster_disabled",
        format!(
            "the service is switched off for the cluster `{}`: switch it on first",
            cluster.name
        ),
    ))
}

/// [`apply`] for a node whose cluster is locked.
pub(super) async fn write(
    tx: &OrgTx,
    node: &Node,
    cluster: &Cluster,
    parsed: &Parsed,
    cause: &Cause,
) -> Result<Applied> {
    require_enabled(cluster)?;
    let prepared: Vec<Prepared> = parsed.entries.iter().map(|entry| entry.certificate.clone()).collect();
    let ids: Vec<Uuid> = ensure_prepared(tx, &prepared, Source::Inventory)
        .await?
        .into_iter()
        .map(|stored| stored.id)
        .collect();
    drop(prepared);
    let known = tx
        .find::<installation::Entity>()
        .filter(installation::Column::NodeId.eq(node.id))
        .all(tx)
        .await?;
    let mut writer = Writer {
        tx,
        node,
        cluster,
        cause,
        history: Vec::new(),
        deltas: ExpiryDeltas::default(),
        applied: Applied {
            cluster_id: cluster.id,
            ..Applied::default()
        },
        identities: known
            .iter()
            .filter(|old| old.gone_at.is_none() && old.kind == "identity")
            .map(|old| (old.store.clone(), old.id))
            .collect(),
    };
    let changes = diff(&known, parsed, &ids, node.inventory_at);
    writer.write(&changes).await?;
    let present = Present::of(&known, parsed, &ids, &changes);
    quarantine::settle(tx, node, cluster, cause, &changes, &present).await?;
    let made = csrs::write(tx, node, parsed, cause.job_id).await?;
    writer.tell_csrs(&made);
    let Writer {
        history,
        deltas,
        applied,
        ..
    } = writer;
    for chunk in history.chunks(dialect::rows_per_insert(15)) {
        history::Entity::insert_many(chunk.iter().cloned())
            .exec_without_returning(tx)
            .await?;
    }
    reading::was_read(
        tx,
        node.id,
        Reading {
            digest: &parsed.digest,
            version: parsed.version.as_deref(),
            unreadable: parsed.unreadable_message(),
        },
    )
    .await?;
    if applied.installed + applied.replaced + applied.removed > 0 {
        counts::refresh_summaries(tx, &[cluster.id]).await?;
        compliance::refresh(tx, std::slice::from_ref(cluster)).await?;
        deltas.write(tx).await?;
    }
    Ok(applied)
}

/// Ends all installations and CSRs of a node that is retired. The cluster is locked.
pub(super) async fn end_all(tx: &OrgTx, node: &Node, cluster: &Cluster, cause: &Cause) -> Result<()> {
    let known = tx
        .find::<installation::Entity>()
        .filter(installation::Column::NodeId.eq(node.id))
        .filter(installation::Column::GoneAt.is_null())
        .all(tx)
        .await?;
    let mut writer = Writer {
        tx,
        node,
        cluster,
        cause,
        history: Vec::new(),
        deltas: ExpiryDeltas::default(),
        applied: Applied::default(),
        identities: HashMap::new(),
    };
    let changes: Vec<Change<'_>> = known.iter().map(|old| Change::Remove { old }).collect();
    writer.write(&changes).await?;
    let Writer { history, deltas, .. } = writer;
    for chunk in history.chunks(dialect::rows_per_insert(15)) {
        history::Entity::insert_many(chunk.iter().cloned())
            .exec_without_returning(tx)
            .await?;
    }
    csrs::end_all(tx, node.id).await?;
    counts::refresh_summaries(tx, &[cluster.id]).await?;
    compliance::refresh(tx, std::slice::from_ref(cluster)).await?;
    deltas.write(tx).await
}

struct Writer<'a> {
    tx: &'a OrgTx,
    node: &'a Node,
    cluster: &'a Cluster,
    cause: &'a Cause,
    history: Vec<history::ActiveModel>,
    deltas: ExpiryDeltas,
    applied: Applied,
    /// Installation of each identity store.
    identities: HashMap<String, Uuid>,
}

/// What history tells of a certificate.
struct Told<'a> {
    installation_id: Uuid,
    store: &'a str,
    entry: &'a str,
    certificate: Option<(Uuid, &'a str, String, Timestamp)>,
}

impl<'a> Told<'a> {
    fn of(old: &'a installation::Model) -> Self {
        Self {
            installation_id: old.id,
            store: &old.store,
            entry: &old.entry,
            certificate: Some((old.certificate_id, &old.sha256, old.common_name.clone(), old.not_after)),
        }
    }
}

fn not_after(entry: &ParsedEntry) -> Timestamp {
    crate::clock::cut(entry.certificate.certificate.not_after)
}

impl Writer<'_> {
    async fn write(&mut self, changes: &[Change<'_>]) -> Result<()> {
        let mut inserts = Vec::new();
        let mut gone = Vec::new();
        for change in changes {
            match change {
                Change::Insert { entry, certificate_id } => {
                    let id = new_id();
                    inserts.push(self.row(id, entry, *certificate_id));
                    self.installed(id, entry, *certificate_id, Event::Installed);
                    self.applied.installed += 1;
                }
                Change::Replace {
                    old,
                    entry,
                    certificate_id,
                } => {
                    self.replace(old, entry, *certificate_id).await?;
                    if old.gone_at.is_some() {
                        self.installed(old.id, entry, *certificate_id, Event::Installed);
                        self.applied.installed += 1;
                    } else {
                        self.deltas.add(old.not_after, &old.kind, -1);
                        self.installed(old.id, entry, *certificate_id, Event::Replaced);
                        self.applied.replaced += 1;
                    }
                }
                Change::Serve { old, state, note } => {
                    self.serve(old, *state, note.as_deref()).await?;
                    // Seen again after looks that failed: history has told of it.
                    let again = *state == ServedState::Served
                        && old.served_at.is_some()
                        && old.served_state == ServedState::Unknown.as_str();
                    if !again {
                        self.tell_served(Told::of(old), *state, &old.served_state);
                    }
                    self.applied.served += 1;
                }
                Change::Remove { old } => {
                    gone.push(old.id);
                    self.deltas.add(old.not_after, &old.kind, -1);
                    self.tell(Told::of(old), Event::Removed);
                    self.applied.removed += 1;
                    self.identities.remove(&old.store);
                }
            }
        }
        for chunk in inserts.chunks(dialect::rows_per_insert(28)) {
            installation::Entity::insert_many(chunk.iter().cloned())
                .exec_without_returning(self.tx)
                .await?;
        }
        use installation::Column;
        for chunk in gone.chunks(dialect::MAX_BINDS / 2) {
            self.tx
                .update_many::<installation::Entity>()
                .col_expr(Column::GoneAt, Expr::value(self.tx.now()))
                .col_expr(Column::UpdatedAt, Expr::value(self.tx.now()))
                .filter(Column::Id.is_in(chunk.iter().copied()))
                .exec(self.tx)
                .await?;
        }
        Ok(())
    }

    fn row(&self, id: Uuid, entry: &ParsedEntry, certificate_id: Uuid) -> installation::ActiveModel {
        let prepared = &entry.certificate;
        let (state, note) = served(&entry.served);
        let now = self.tx.now();
        installation::ActiveModel {
            org_id: Set(self.tx.org_id()),
            id: Set(id),
            node_id: Set(self.node.id),
            cluster_id: Set(self.cluster.id),
            certificate_id: Set(certificate_id),
            kind: Set(kind_name(entry.kind).into()),
            store: Set(entry.store.clone()),
            entry: Set(entry.entry.clone()),
            product: Set(self.cluster.product.clone()),
            common_name: Set(prepared.shown_name()),
            issuer: Set(storable(&prepared.certificate.issuer)),
            serial_hex: Set(indexable(&prepared.certificate.serial_hex)),
            sha256: Set(prepared.sha256.clone()),
            self_signed: Set(prepared.self_signed),
            not_after: Set(not_after(entry)),
            issued_at: Set(crate::clock::cut(prepared.certificate.not_before)),
            installed_at: Set(now),
            served_state: Set(state.as_str().into()),
            served_at: Set((state == ServedState::Served).then_some(now)),
            served_note: Set(note),
            job_id: Set(self.cause.job_id),
            created_at: Set(now),
            updated_at: Set(now),
            gone_at: Set(None),
            // Compared once all of the node is written.
            wanted: Set(None),
            difference_count: Set(None),
            differences: Set(None),
            warnings: Set(None),
        }
    }

    async fn replace(&self, old: &installation::Model, entry: &ParsedEntry, certificate_id: Uuid) -> Result<()> {
        let mut row = self.row(old.id, entry, certificate_id);
        row.created_at = Set(old.created_at);
        installation::Entity::update(row).exec(self.tx).await?;
        Ok(())
    }

    async fn serve(&self, old: &installation::Model, state: ServedState, note: Option<&str>) -> Result<()> {
        use installation::Column;
        let first = old
            .served_at
            .or((state == ServedState::Served).then_some(self.tx.now()));
        self.tx
            .update_many::<installation::Entity>()
            .col_expr(Column::ServedState, Expr::value(state.as_str()))
            .col_expr(Column::ServedNote, Expr::value(note))
            .col_expr(Column::ServedAt, Expr::value(first))
            .col_expr(Column::UpdatedAt, Expr::value(self.tx.now()))
            .filter(Column::Id.eq(old.id))
            .exec(self.tx)
            .await?;
        Ok(())
    }

    /// History and counts of a certificate in a place where it was not.
    fn installed(&mut self, id: Uuid, entry: &ParsedEntry, certificate_id: Uuid, event: Event) {
        let told = || Told {
            installation_id: id,
            store: &entry.store,
            entry: &entry.entry,
            certificate: Some((
                certificate_id,
                &entry.certificate.sha256,
                entry.certificate.shown_name(),
                not_after(entry),
            )),
        };
        self.deltas.add(not_after(entry), kind_name(entry.kind), 1);
        self.tell(told(), event);
        self.tell_served(told(), served(&entry.served).0, "");
        if entry.kind == certyard_protocol::StoreKind::Identity {
            self.identities.insert(entry.store.clone(), id);
        }
    }

    fn tell_served(&mut self, told: Told<'_>, state: ServedState, before: &str) {
        if state.as_str() == before {
            return;
        }
        match state {
            ServedState::Served => self.tell(told, Event::Served),
            ServedState::RestartPending => self.tell(told, Event::RestartPending),
            ServedState::NotObservable | ServedState::Unknown => {}
        }
    }

    fn tell_csrs(&mut self, made: &[(String, Uuid)]) {
        for (purpose, id) in made {
            self.applied.csrs.push(*id);
            if let Some(id) = self.identities.get(purpose).copied() {
                let told = Told {
                    installation_id: id,
                    store: purpose,
                    entry: purpose,
                    certificate: None,
                };
                self.tell(told, Event::CsrCreated);
            }
        }
    }

    fn tell(&mut self, told: Told<'_>, event: Event) {
        let certificate = told.certificate;
        self.history.push(history::ActiveModel {
            org_id: Set(self.tx.org_id()),
            id: Set(new_id()),
            installation_id: Set(told.installation_id),
            node_id: Set(self.node.id),
            node_name: Set(self.node.name.clone()),
            cluster_name: Set(self.cluster.name.clone()),
            store: Set(told.store.into()),
            entry: Set(told.entry.into()),
            event: Set(event.as_str().into()),
            certificate_id: Set(certificate.as_ref().map(|(id, ..)| *id)),
            sha256: Set(certificate.as_ref().map(|(_, sha256, ..)| (*sha256).into())),
            common_name: Set(certificate.as_ref().map(|(_, _, name, _)| name.clone())),
            not_after: Set(certificate.as_ref().map(|(.., not_after)| *not_after)),
            job_id: Set(self.cause.job_id),
            actor_name: Set(self.cause.actor_name.clone()),
            at: Set(self.tx.now()),
        });
    }
}
