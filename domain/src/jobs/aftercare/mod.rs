//! What is left to do after a job (cisco.md 2.6): a checklist for each cluster, computed from what its tasks have done and from product
//! and version. What a task did itself is ticked off by itself; the rest is confirmed by people, with their names. A job, its retries
//! and the restarts that were made from the list have one list.

mod family;
mod made;
mod restarts;

pub use restarts::{CareRestarts, plan_restarts};

use super::entity::{aftercare, job_cluster, task};
use super::read::get;
use super::report::Recorded;
use super::state::TaskState;
use crate::audit::{self, Entry};
use crate::catalogue::{After, after_care};
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result};
use crate::lists::{Page, fetch, page};
use crate::plans::Work;
use crate::{Permission, Timestamp, clusters, nodes};
use family::family;
use made::{Changed, Changes, Ended, add};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Longest note of a confirmation.
const MAX_NOTE: usize = 500;

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CareState {
    /// Somebody has still to do it, or to say that it is not needed.
    Open,
    /// Done: by the job itself, or as somebody said.
    Done,
    /// Somebody said that it is not needed here.
    Skipped,
}

impl CareState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Open, Self::Done, Self::Skipped];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Skipped => "skipped",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// The checklist of a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Checklist {
    /// The cluster.
    pub cluster_id: Uuid,
    /// Its name.
    pub cluster_name: String,
    /// Its product.
    pub product: String,
    /// Its version when the job was planned.
    pub version: String,
    /// What there is to do, in order; empty: nothing.
    pub items: Vec<CareItem>,
}

/// Something to do or to look at.
#[derive(Clone, Debug, PartialEq)]
pub struct CareItem {
    /// The purpose or trust store.
    pub purpose: String,
    /// Its name in the list: `restart:Cisco Tomcat`, `ctl_update`.
    pub item: String,
    /// The service that is restarted, where it is about one.
    pub service: Option<String>,
    /// What to do, for people.
    pub text: String,
    /// The nodes where it has to be done, by their names.
    pub nodes: Vec<(Uuid, String)>,
    /// Where it stands.
    pub state: CareState,
    /// The job did it itself.
    pub by_job: bool,
    /// What was said with it.
    pub note: String,
    /// Who said so; empty: nobody.
    pub by_name: String,
    /// When.
    pub at: Option<Timestamp>,
}

/// What somebody says of an item.
#[derive(Clone, Debug)]
pub struct Confirmation {
    /// The cluster.
    pub cluster_id: Uuid,
    /// The purpose or trust store.
    pub purpose: String,
    /// The item.
    pub item: String,
    /// Where it stands; open takes back what was said.
    pub state: CareState,
    /// For people; may be empty.
    pub note: String,
}

/// One page of the checklists of a job, by the name of the cluster.
///
/// # Errors
/// [`Error::NotFound`] for a job that is unknown, foreign or out of scope.
pub async fn aftercare(
    tx: &OrgTx,
    job_id: Uuid,
    after: Option<(String, Uuid)>,
    limit: u64,
) -> Result<Page<Checklist, (String, Uuid)>> {
    let job = get(tx, job_id).await?;
    use job_cluster::{Column, Entity};
    let mut rows = tx.find::<Entity>().filter(Column::JobId.eq(job_id));
    if let Some((name, id)) = after {
        let key = Expr::tuple([
            Expr::col((Entity, Column::ClusterName)),
            Expr::col((Entity, Column::ClusterId)),
        ]);
        rows = rows.filter(key.gt(Expr::tuple([Expr::value(name), Expr::value(id)])));
    }
    let rows = rows
        .order_by_asc(Column::ClusterName)
        .order_by_asc(Column::ClusterId)
        .limit(fetch(limit))
        .all(tx)
        .await?;
    let found = page(rows, limit, |row| (row.cluster_name.clone(), row.cluster_id));
    let family = family(tx, job.id).await?;
    Ok(Page {
        items: checklists(tx, &family, found.items).await?,
        next: found.next,
    })
}

/// Records what somebody says of an item; gives the checklist of its cluster.
///
/// # Errors
/// [`Error::NotFound`] for a job or cluster that is unknown, foreign or out of scope; [`Error::Invalid`] for an item that is not in the list
/// or that the job did itself; [`Error::Refused`] `still_running` while the job goes on in the cluster, as the list grows with it;
/// [`Error::Forbidden`] without [`Permission::Operate`].
pub async fn confirm(tx: &OrgTx, job_id: Uuid, said: Confirmation) -> Result<Checklist> {
    tx.scope().require(Permission::Operate)?;
    if said.note.chars().count() > MAX_NOTE || said.note.chars().any(char::is_control) {
        return Err(Error::field(
            "note",
            "invalid_value",
            format!("at most {MAX_NOTE} characters without control characters"),
        ));
    }
    let job = get(tx, job_id).await?;
    let family = family(tx, job.id).await?;
    let rows = lock(tx, &family, said.cluster_id).await?;
    if rows.iter().any(|row| row.waiting + row.pending + row.running > 0) {
        return Err(Error::refused(
            "still_running",
            "the job or a retry of it still works on the cluster: say it when it has ended there",
        ));
    }
    let row = rows.into_iter().find(|row| row.job_id == job.id);
    let row = row.ok_or(Error::NotFound { what: "cluster" })?;
    let before = of_cluster(tx, &family, row.clone()).await?;
    let Some(item) = before
        .items
        .iter()
        .find(|item| item.purpose == said.purpose && item.item == said.item)
    else {
        return Err(Error::field(
            "item",
            "unknown",
            "the job leaves nothing of that name to do here",
        ));
    };
    if item.by_job {
        return Err(Error::field(
            "item",
            "done_by_job",
            "the job did it itself: there is nothing to confirm",
        ));
    }
    write(tx, &family, &said).await?;
    audit::record(
        tx,
        Entry {
            action: "job.aftercare",
            object_kind: "job",
            object_id: Some(job.id),
            object_name: &job.title,
            before: Some(json!({ "state": item.state.as_str(), "note": item.note })),
            after: Some(json!({
                "cluster": before.cluster_name,
                "purpose": said.purpose,
                "item": said.item,
                "state": said.state.as_str(),
                "note": said.note,
            })),
        },
    )
    .await?;
    of_cluster(tx, &family, row).await
}

/// What is said is kept with the first of the jobs, in the place of what was said before with any of them.
async fn write(tx: &OrgTx, family: &[Uuid], said: &Confirmation) -> Result<()> {
    use aftercare::Column;
    let Some((first, others)) = family.split_first() else {
        return Ok(());
    };
    let open = said.state == CareState::Open;
    let past = if open { family } else { others };
    if !past.is_empty() {
        tx.delete_many::<aftercare::Entity>()
            .filter(Column::JobId.is_in(past.iter().copied()))
            .filter(Column::ClusterId.eq(said.cluster_id))
            .filter(Column::Purpose.eq(said.purpose.as_str()))
            .filter(Column::Item.eq(said.item.as_str()))
            .exec(tx)
            .await?;
    }
    if open {
        return Ok(());
    }
    let actor = tx.scope().actor();
    let row = aftercare::ActiveModel {
        org_id: Set(tx.org_id()),
        job_id: Set(*first),
        cluster_id: Set(said.cluster_id),
        purpose: Set(said.purpose.clone()),
        item: Set(said.item.clone()),
        state: Set(said.state.as_str().into()),
        note: Set(said.note.clone()),
        by_id: Set(actor.id),
        by_name: Set(actor.name.clone()),
        at: Set(tx.now()),
    };
    let key = [
        Column::OrgId,
        Column::JobId,
        Column::ClusterId,
        Column::Purpose,
        Column::Item,
    ];
    let told = [Column::State, Column::Note, Column::ById, Column::ByName, Column::At];
    aftercare::Entity::insert(row)
        .on_conflict(OnConflict::columns(key).update_columns(told).to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// The counts of a cluster in all jobs of the family, locked: two that speak at once are heard one after the other.
async fn lock(tx: &OrgTx, family: &[Uuid], cluster_id: Uuid) -> Result<Vec<job_cluster::Model>> {
    let mut select = tx
        .find::<job_cluster::Entity>()
        .filter(job_cluster::Column::JobId.is_in(family.iter().copied()))
        .filter(job_cluster::Column::ClusterId.eq(cluster_id))
        .order_by_asc(job_cluster::Column::JobId);
    dialect::lock_rows(QuerySelect::query(&mut select));
    Ok(select.all(tx).await?)
}

async fn of_cluster(tx: &OrgTx, family: &[Uuid], row: job_cluster::Model) -> Result<Checklist> {
    let found = checklists(tx, family, vec![row]).await?.pop();
    found.ok_or(Error::NotFound { what: "cluster" })
}

/// What of a task says what it has changed.
#[derive(FromQueryResult)]
struct Done {
    cluster_id: Uuid,
    node_id: Uuid,
    action: String,
    state: String,
    node_state: Option<String>,
    work: serde_json::Value,
    result: Option<serde_json::Value>,
}

/// Actions that change certificates, or restart what takes them up.
const ACTIONS: [&str; 8] = [
    "upload_certificate",
    "renew",
    "reuse_tomcat",
    "distribute",
    "restore",
    "delete",
    "replace",
    "restart",
];

async fn checklists(tx: &OrgTx, family: &[Uuid], rows: Vec<job_cluster::Model>) -> Result<Vec<Checklist>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.cluster_id).collect();
    let (mut changes, mut versions) = done(tx, family, &ids).await?;
    let said = said(tx, family, &ids).await?;
    let named = changes
        .values()
        .flat_map(|all| all.values())
        .flat_map(|one| one.nodes.iter().copied());
    let names: HashMap<Uuid, String> = nodes::by_ids(tx, named)
        .await?
        .into_iter()
        .map(|(id, node)| (id, node.name))
        .collect();
    let present = clusters::by_ids(tx, ids).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let version = versions.remove(&row.cluster_id).unwrap_or_else(|| {
                let cluster = present.get(&row.cluster_id);
                cluster
                    .map(|cluster| cluster.product_version.clone())
                    .unwrap_or_default()
            });
            let mut items = Vec::new();
            for ((purpose, kind), changed) in changes.remove(&row.cluster_id).unwrap_or_default() {
                items.extend(items_of(&row.product, &version, &purpose, kind, &changed, &names));
            }
            for item in &mut items {
                let key = (row.cluster_id, item.purpose.clone(), item.item.clone());
                if let Some(said) = said.get(&key).filter(|_| !item.by_job) {
                    item.state = CareState::parse(&said.state).unwrap_or(CareState::Open);
                    item.note.clone_from(&said.note);
                    item.by_name.clone_from(&said.by_name);
                    item.at = Some(said.at);
                }
            }
            Checklist {
                cluster_id: row.cluster_id,
                cluster_name: row.cluster_name,
                product: row.product,
                version,
                items,
            }
        })
        .collect())
}

/// What the jobs have changed in each cluster, and the version of its product when that was planned.
async fn done(
    tx: &OrgTx,
    family: &[Uuid],
    clusters: &[Uuid],
) -> Result<(HashMap<Uuid, Changes>, HashMap<Uuid, String>)> {
    use task::Column;
    let tasks = tx
        .find::<task::Entity>()
        .select_only()
        .columns([
            Column::ClusterId,
            Column::NodeId,
            Column::Action,
            Column::State,
            Column::NodeState,
            Column::Work,
            Column::Result,
        ])
        .filter(Column::JobId.is_in(family.iter().copied()))
        .filter(Column::Action.is_in(ACTIONS))
        .filter(Column::ClusterId.is_in(clusters.iter().copied()))
        .filter(Column::State.is_in([TaskState::Succeeded, TaskState::Failed].map(TaskState::as_str)))
        .order_by_asc(Column::FinishedAt)
        .order_by_asc(Column::Id)
        .into_model::<Done>()
        .all(tx)
        .await?;
    let mut versions: HashMap<Uuid, String> = HashMap::new();
    let mut changes: HashMap<Uuid, Changes> = HashMap::new();
    for task in tasks {
        let work: Work = serde_json::from_value(task.work).map_err(Error::internal)?;
        let ended = Ended {
            node_id: task.node_id,
            action: task.action,
            state: task.state,
            node_state: task.node_state,
            work,
            reports: Recorded::read(task.result)?.steps,
        };
        let of_cluster = changes.entry(task.cluster_id).or_default();
        add(of_cluster, &ended);
        if !of_cluster.is_empty() && !ended.work.version.is_empty() {
            versions.entry(task.cluster_id).or_insert(ended.work.version);
        }
    }
    Ok((changes, versions))
}

/// What was said of items, by cluster, purpose and item; the newest word of each counts.
async fn said(
    tx: &OrgTx,
    family: &[Uuid],
    clusters: &[Uuid],
) -> Result<HashMap<(Uuid, String, String), aftercare::Model>> {
    let rows = tx
        .find::<aftercare::Entity>()
        .filter(aftercare::Column::JobId.is_in(family.iter().copied()))
        .filter(aftercare::Column::ClusterId.is_in(clusters.iter().copied()))
        .order_by_asc(aftercare::Column::At)
        .all(tx)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| ((row.cluster_id, row.purpose.clone(), row.item.clone()), row))
        .collect())
}

/// Restarts first, then what is left to people.
fn items_of(
    product: &str,
    version: &str,
    purpose: &str,
    kind: After,
    changed: &Changed,
    names: &HashMap<Uuid, String>,
) -> Vec<CareItem> {
    let called = |nodes: &BTreeSet<Uuid>| -> Vec<(Uuid, String)> {
        let named = nodes.iter().filter_map(|id| Some((*id, names.get(id)?.clone())));
        let mut all: Vec<(Uuid, String)> = named.collect();
        all.sort_by(|one, other| one.1.cmp(&other.1));
        all
    };
    let item = |item: String, service: Option<&str>, text: String, nodes: Vec<(Uuid, String)>| CareItem {
        purpose: purpose.into(),
        item,
        service: service.map(Into::into),
        text,
        nodes,
        state: CareState::Open,
        by_job: false,
        note: String::new(),
        by_name: String::new(),
        at: None,
    };
    let mut items = Vec::new();
    // What goes into a store is trusted at once.
    let services = crate::catalogue::restarts(product, version, purpose)
        .into_iter()
        .filter(|_| kind != After::Import);
    let mut seen = BTreeSet::new();
    for service in services
        .flat_map(|row| row.services)
        .filter(|service| seen.insert(**service))
    {
        let done = changed.restarted.get(*service).cloned().unwrap_or_default();
        let open: BTreeSet<Uuid> = changed.nodes.difference(&done).copied().collect();
        let by_job = open.is_empty();
        let nodes = called(if by_job { &done } else { &open });
        let text = format!("restart {service}");
        items.push(CareItem {
            by_job,
            state: if by_job { CareState::Done } else { CareState::Open },
            ..item(format!("restart:{service}"), Some(service), text, nodes)
        });
    }
    let rows = after_care(product, version, purpose, kind);
    items.extend(rows.map(|row| item(row.code.into(), None, row.text.into(), called(&changed.nodes))));
    items
}
