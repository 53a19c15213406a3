//! Which trust stores know the new certificate. A place is a trust store of a node that holds one of the two certificates, or has lost the
//! old one since the root change was begun; a node that was never read is one as well, as nobody knows what it holds.

use super::list::RootChange;
use super::within::Within;
use crate::catalogue::{Limits, PRODUCTS, limits_of, trust_stores_of};
use crate::db::OrgTx;
use crate::error::{Error, Result};
use crate::lists::{Page, fetch, page};
use crate::{Permission, Timestamp};
use sea_orm::sea_query::{CaseStatement, Condition, Expr, ExprTrait, Func, Query, SelectStatement, UnionType};
use sea_orm::{ConnectionTrait, QueryResult};
use std::collections::HashMap;
use uuid::Uuid;

/// Where a place stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CoverState {
    /// A reading has found the new certificate there.
    Covered,
    /// A task of the root change that brings it has not ended.
    UnderWay,
    /// It cannot be brought there from here.
    Refused,
    /// The last task that was to bring it has failed.
    Failed,
    /// The node could not be read the last time.
    Unreachable,
    /// The node was never read: nobody knows what it holds.
    NeverRead,
    /// It was not brought there yet.
    Missing,
}

impl CoverState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Covered,
        Self::UnderWay,
        Self::Refused,
        Self::Failed,
        Self::Unreachable,
        Self::NeverRead,
        Self::Missing,
    ];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::UnderWay => "under_way",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::NeverRead => "never_read",
            Self::Missing => "missing",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether a plan is to bring the certificate there: what is refused is told by the plan, too.
    fn is_to_bring(self) -> bool {
        match self {
            Self::Refused | Self::Failed | Self::Unreachable | Self::Missing => true,
            Self::Covered | Self::UnderWay | Self::NeverRead => false,
        }
    }
}

/// Places by where they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoverCounts {
    counts: HashMap<CoverState, i64>,
    /// Places that hold the old certificate still.
    pub holding_old: i64,
    /// Places of clusters outside of the root change that hold the old certificate and not the new one.
    pub outside: i64,
}

impl CoverCounts {
    #[cfg(test)]
    pub(super) fn from_counts(counts: &[(CoverState, i64)], holding_old: i64) -> Self {
        Self {
            counts: counts.iter().copied().collect(),
            holding_old,
            outside: 0,
        }
    }

    /// Places in a state.
    pub fn of(&self, state: CoverState) -> i64 {
        self.counts.get(&state).copied().unwrap_or_default()
    }

    /// All places.
    pub fn total(&self) -> i64 {
        self.counts.values().sum()
    }

    /// Places that are not known to have the new certificate.
    pub fn lacking(&self) -> i64 {
        self.total() - self.of(CoverState::Covered)
    }
}

/// A place, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverRow {
    /// The cluster.
    pub cluster_id: Uuid,
    /// Its name.
    pub cluster_name: String,
    /// Its product.
    pub product: String,
    /// The node.
    pub node_id: Uuid,
    /// Its name.
    pub node_name: String,
    /// The trust store; empty for a node that was never read.
    pub store: String,
    /// Where it stands.
    pub state: CoverState,
    /// Why it is not covered: a stable code; of a failed task its own.
    pub code: Option<String>,
    /// The same for people, with the way out.
    pub message: Option<String>,
    /// The old certificate is there still.
    pub holds_old: bool,
    /// When the node was last read.
    pub read_at: Option<Timestamp>,
    /// The last job of the root change that was to bring it.
    pub job_id: Option<Uuid>,
}

/// Names and ids of the last row of a page: cluster, node, store.
pub type CoverageCursor = (String, Uuid, String, Uuid, String);

/// Which places to list.
#[derive(Clone, Debug, Default)]
pub struct CoverageFilter {
    /// In any of these states; empty: all.
    pub states: Vec<CoverState>,
    /// Of any of these clusters; empty: all.
    pub clusters: Vec<Uuid>,
}

fn of(table: &'static str, column: &'static str) -> Expr {
    Expr::col((table, column))
}

/// One page of places, by cluster, node and store.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn coverage(
    tx: &OrgTx,
    change: &RootChange,
    filter: &CoverageFilter,
    after: Option<CoverageCursor>,
    limit: u64,
) -> Result<Page<CoverRow, CoverageCursor>> {
    tx.scope().require(Permission::ReadFleet)?;
    const KEY: [&str; 5] = ["cluster_name", "cluster_id", "node_name", "node_id", "store"];
    let mut select = rows_of(tx, change);
    if !filter.states.is_empty() {
        select.and_where(of("found", "state").is_in(filter.states.iter().map(|state| state.as_str())));
    }
    if !filter.clusters.is_empty() {
        select.and_where(of("found", "cluster_id").is_in(filter.clusters.iter().copied()));
    }
    if let Some((cluster, cluster_id, node, node_id, store)) = after {
        let last = [
            Expr::value(cluster),
            Expr::value(cluster_id),
            Expr::value(node),
            Expr::value(node_id),
            Expr::value(store),
        ];
        select.and_where(Expr::tuple(KEY.map(|column| of("found", column))).gt(Expr::tuple(last)));
    }
    for column in KEY {
        select.order_by(("found", column), sea_orm::Order::Asc);
    }
    select.limit(fetch(limit));
    let mut rows = Vec::new();
    for row in tx.query_all(&select).await? {
        rows.push(Found::read(&row)?);
    }
    let page = page(rows, limit, |row| {
        let row = &row.row;
        (
            row.cluster_name.clone(),
            row.cluster_id,
            row.node_name.clone(),
            row.node_id,
            row.store.clone(),
        )
    });
    let tasks = last_tasks(
        tx,
        change.id,
        page.items.iter().map(|found| found.row.node_id).collect(),
    )
    .await?;
    Ok(Page {
        items: page.items.into_iter().map(|found| found.explained(&tasks)).collect(),
        next: page.next,
    })
}

/// How many places are in which state.
pub(super) async fn counts(tx: &OrgTx, change: &RootChange) -> Result<CoverCounts> {
    let inner = rows_of(tx, change);
    let select = Query::select()
        .columns([("place", "state"), ("place", "holds_old")])
        .expr_as(Func::count(of("place", "node_id")), "places")
        .from_subquery(inner, "place")
        .group_by_columns([("place", "state"), ("place", "holds_old")])
        .take();
    let mut all = CoverCounts::default();
    for row in tx.query_all(&select).await? {
        let places: i64 = row.try_get("", "places")?;
        *all.counts.entry(state_of(&row)?).or_default() += places;
        if row.try_get("", "holds_old")? {
            all.holding_old += places;
        }
    }
    if !change.within.is_everywhere() {
        let old = held(tx, &[change.old.id]).distinct().take();
        let select = of_fleet(change.within.others(), old)
            .expr_as(Func::count(of("place", "node_id")), "places")
            .and_where(holds(change.new.id).not())
            .take();
        if let Some(row) = tx.query_one(&select).await? {
            all.outside = row.try_get("", "places")?;
        }
    }
    Ok(all)
}

/// Nodes and trust stores that lack the new certificate and to which no task brings it, so many at most: those first that take it from here.
pub(crate) async fn lacking_places(tx: &OrgTx, change: &RootChange, limit: u64) -> Result<Vec<(Uuid, String)>> {
    let wanted = CoverState::ALL.into_iter().filter(|state| state.is_to_bring());
    let mut select = rows_of(tx, change);
    select
        .and_where(of("found", "state").is_in(wanted.map(CoverState::as_str)))
        .and_where(of("found", "store").ne(""))
        .order_by_expr(
            of("found", "state").eq(CoverState::Refused.as_str()),
            sea_orm::Order::Asc,
        );
    places(tx, select, limit).await
}

/// Nodes and trust stores that hold the old certificate, so many at most.
pub(crate) async fn holding_places(tx: &OrgTx, change: &RootChange, limit: u64) -> Result<Vec<(Uuid, String)>> {
    let mut select = rows_of(tx, change);
    select.cond_where(Condition::all().add(is_true("holds_old")));
    places(tx, select, limit).await
}

/// Nodes of which something is not known to be covered, or all where everything is; so many at most.
pub(crate) async fn nodes_to_read(tx: &OrgTx, change: &RootChange, whole: bool, limit: u64) -> Result<Vec<Uuid>> {
    let inner = {
        let mut select = rows_of(tx, change);
        if !whole {
            select.and_where(of("found", "state").ne(CoverState::Covered.as_str()));
        }
        select
    };
    let select = Query::select()
        .distinct()
        .column(("place", "node_id"))
        .from_subquery(inner, "place")
        .order_by(("place", "node_id"), sea_orm::Order::Asc)
        .limit(limit)
        .take();
    let mut nodes = Vec::new();
    for row in tx.query_all(&select).await? {
        nodes.push(row.try_get("", "node_id")?);
    }
    Ok(nodes)
}

async fn places(tx: &OrgTx, mut select: SelectStatement, limit: u64) -> Result<Vec<(Uuid, String)>> {
    // The clusters of one page stay together: a publisher goes with its subscribers.
    for column in ["cluster_name", "cluster_id", "node_name", "node_id", "store"] {
        select.order_by(("found", column), sea_orm::Order::Asc);
    }
    select.limit(limit);
    let mut found = Vec::new();
    for row in tx.query_all(&select).await? {
        found.push((row.try_get("", "node_id")?, row.try_get("", "store")?));
    }
    Ok(found)
}

/// What the products take whose trust stores hold a certificate (cisco.md 2.5).
pub(super) async fn takes(tx: &OrgTx, within: &Within, certificate_id: Uuid) -> Result<Vec<&'static Limits>> {
    let select = of_fleet(within.condition(), held(tx, &[certificate_id]))
        .distinct()
        .column(("cluster", "product"))
        .take();
    let mut all = Vec::new();
    for row in tx.query_all(&select).await? {
        let product: String = row.try_get("", "product")?;
        all.extend(limits_of(&product));
    }
    Ok(all)
}

/// Whether any trust store of the clusters holds a certificate.
pub(super) async fn is_held(tx: &OrgTx, within: &Within, certificate_id: Uuid) -> Result<bool> {
    let select = of_fleet(within.condition(), held(tx, &[certificate_id]))
        .column(("place", "node_id"))
        .limit(1)
        .take();
    Ok(tx.query_one(&select).await?.is_some())
}

/// Places of trust stores that hold one of some certificates.
fn held(tx: &OrgTx, certificates: &[Uuid]) -> SelectStatement {
    Query::select()
        .columns(["org_id", "node_id", "cluster_id", "store"].map(|name| ("installation", name)))
        .from("installation")
        .and_where(of("installation", "org_id").eq(tx.org_id()))
        .and_where(of("installation", "certificate_id").is_in(certificates.iter().copied()))
        .and_where(of("installation", "kind").eq("trust"))
        .and_where(Expr::cust("\"installation\".\"gone_at\" IS NULL"))
        .take()
}

/// All places, each once.
fn all_places(tx: &OrgTx, change: &RootChange) -> SelectStatement {
    let lost = Query::select()
        .columns(["org_id", "node_id", "cluster_id", "store"].map(|name| ("quarantine", name)))
        .from("quarantine")
        .and_where(of("quarantine", "org_id").eq(tx.org_id()))
        .and_where(of("quarantine", "certificate_id").eq(change.old.id))
        .and_where(Expr::cust("\"quarantine\".\"restored_at\" IS NULL"))
        .and_where(of("quarantine", "removed_at").gte(change.created_at))
        .take();
    let unknown = Query::select()
        .columns(["org_id", "id", "cluster_id"].map(|name| ("node", name)))
        .expr(Expr::cust("''"))
        .from("node")
        .and_where(of("node", "org_id").eq(tx.org_id()))
        .and_where(of("node", "inventory_at").is_null())
        .and_where(of("node", "retired_at").is_null())
        .take();
    held(tx, &[change.old.id, change.new.id])
        .union(UnionType::Distinct, lost)
        .union(UnionType::Distinct, unknown)
        .take()
}

/// Joins places with their nodes and clusters, those that fit a condition on these.
fn of_fleet(clusters: Condition, places: SelectStatement) -> SelectStatement {
    let stores = PRODUCTS
        .iter()
        .map(|product| product.code)
        .filter(|code| trust_stores_of(code).next().is_some());
    Query::select()
        .from_subquery(places, "place")
        .inner_join(
            "node",
            Condition::all()
                .add(of("node", "org_id").equals(("place", "org_id")))
                .add(of("node", "id").equals(("place", "node_id"))),
        )
        .inner_join(
            "cluster",
            Condition::all()
                .add(of("cluster", "org_id").equals(("place", "org_id")))
                .add(of("cluster", "id").equals(("place", "cluster_id"))),
        )
        .and_where(of("node", "retired_at").is_null())
        .and_where(of("cluster", "product").is_in(stores))
        .cond_where(clusters)
        .take()
}

/// Whether the place of the statement holds a certificate.
fn holds(certificate_id: Uuid) -> Expr {
    Expr::exists(
        Query::select()
            .expr(Expr::cust("1"))
            .from_as("installation", "there")
            .and_where(of("there", "org_id").equals(("place", "org_id")))
            .and_where(of("there", "node_id").equals(("place", "node_id")))
            .and_where(of("there", "store").equals(("place", "store")))
            .and_where(of("there", "certificate_id").eq(certificate_id))
            .and_where(of("there", "kind").eq("trust"))
            .and_where(Expr::cust("\"there\".\"gone_at\" IS NULL"))
            .take(),
    )
}

/// Whether the root change has a task in one of some states that brings the certificate to the place of the statement. Jobs stand below:
/// this names their tables and reads them only.
fn has_task(change: Uuid, states: &[&'static str]) -> Expr {
    Expr::exists(
        tasks_of(change)
            .expr(Expr::cust("1"))
            .and_where(of("task", "org_id").equals(("place", "org_id")))
            .and_where(of("task", "node_id").equals(("place", "node_id")))
            .and_where(of("task", "purpose").equals(("place", "store")))
            .and_where(of("task", "state").is_in(states.iter().copied()))
            .take(),
    )
}

fn tasks_of(change: Uuid) -> SelectStatement {
    Query::select()
        .from("task")
        .inner_join(
            "job",
            Condition::all()
                .add(of("job", "org_id").equals(("task", "org_id")))
                .add(of("job", "id").equals(("task", "job_id"))),
        )
        .and_where(of("job", "root_change_id").eq(change))
        .and_where(of("task", "action").eq("distribute"))
        .take()
}

/// What keeps the certificate from being brought to the place of the statement (R4, R22): as `plans` would refuse it.
fn is_refused() -> Condition {
    let product = |code: &'static str| of("cluster", "product").eq(code);
    let mut any = Condition::any()
        .add(of("cluster", "enabled").eq(false))
        .add(of("node", "ready").eq(false))
        .add(
            Condition::all()
                .add(of("node", "agent_id").is_null())
                .add(of("node", "second_agent_id").is_null()),
        );
    for known in PRODUCTS {
        let stores: Vec<&str> = trust_stores_of(known.code).map(|store| store.name).collect();
        if stores.is_empty() {
            continue;
        }
        if !known.distribute {
            any = any.add(product(known.code));
            continue;
        }
        let on_publisher: Vec<&str> = trust_stores_of(known.code)
            .filter(|store| store.publisher_only)
            .map(|store| store.name)
            .collect();
        any = any.add(
            Condition::all()
                .add(product(known.code))
                .add(of("place", "store").is_not_in(stores)),
        );
        if !on_publisher.is_empty() {
            any = any.add(
                Condition::all()
                    .add(product(known.code))
                    .add(of("node", "role").eq("subscriber"))
                    .add(of("place", "store").is_in(on_publisher)),
            );
        }
    }
    any
}

/// Every place with where it stands, as a statement over a table `found`.
fn rows_of(tx: &OrgTx, change: &RootChange) -> SelectStatement {
    let state = CaseStatement::new()
        .case(holds(change.new.id), CoverState::Covered.as_str())
        .case(of("node", "inventory_at").is_null(), CoverState::NeverRead.as_str())
        .case(
            has_task(change.id, &["waiting", "pending", "running"]),
            CoverState::UnderWay.as_str(),
        )
        .case(is_refused(), CoverState::Refused.as_str())
        .case(
            has_task(change.id, &["failed", "expired", "cancelled", "superseded"]),
            CoverState::Failed.as_str(),
        )
        .case(
            of("node", "fault_message").is_not_null(),
            CoverState::Unreachable.as_str(),
        )
        .finally(CoverState::Missing.as_str());
    let mut inner = of_fleet(change.within.condition(), all_places(tx, change));
    inner
        .columns([("place", "org_id"), ("place", "node_id"), ("place", "store")])
        .expr_as(of("node", "name"), "node_name")
        .expr_as(of("node", "role"), "role")
        .expr_as(of("node", "ready"), "ready")
        .expr_as(of("node", "agent_id"), "agent_id")
        .expr_as(of("node", "second_agent_id"), "second_agent_id")
        .expr_as(of("node", "inventory_at"), "inventory_at")
        .expr_as(of("node", "fault_message"), "fault_message")
        .expr_as(of("cluster", "id"), "cluster_id")
        .expr_as(of("cluster", "name"), "cluster_name")
        .expr_as(of("cluster", "product"), "product")
        .expr_as(of("cluster", "enabled"), "enabled")
        .expr_as(state, "state")
        .expr_as(holds(change.old.id), "holds_old");
    Query::select()
        .columns(
            [
                "node_id",
                "store",
                "node_name",
                "role",
                "ready",
                "agent_id",
                "second_agent_id",
                "inventory_at",
                "fault_message",
                "cluster_id",
                "cluster_name",
                "product",
                "enabled",
                "state",
                "holds_old",
            ]
            .map(|name| ("found", name)),
        )
        .from_subquery(inner, "found")
        .take()
}

/// A truth value that a statement has computed.
fn is_true(column: &'static str) -> Expr {
    of("found", column).eq(true)
}

fn state_of(row: &QueryResult) -> Result<CoverState> {
    let state: String = row.try_get("", "state")?;
    CoverState::parse(&state).ok_or_else(|| Error::internal("an unknown state of a place"))
}

/// A row of [`rows_of`].
struct Found {
    row: CoverRow,
    role: String,
    ready: bool,
    agent: bool,
    enabled: bool,
    fault: Option<String>,
}

impl Found {
    fn read(row: &QueryResult) -> Result<Self> {
        let agents: [Option<Uuid>; 2] = [row.try_get("", "agent_id")?, row.try_get("", "second_agent_id")?];
        Ok(Self {
            row: CoverRow {
                cluster_id: row.try_get("", "cluster_id")?,
                cluster_name: row.try_get("", "cluster_name")?,
                product: row.try_get("", "product")?,
                node_id: row.try_get("", "node_id")?,
                node_name: row.try_get("", "node_name")?,
                store: row.try_get("", "store")?,
                state: state_of(row)?,
                code: None,
                message: None,
                holds_old: row.try_get("", "holds_old")?,
                read_at: row.try_get("", "inventory_at")?,
                job_id: None,
            },
            role: row.try_get("", "role")?,
            ready: row.try_get("", "ready")?,
            agent: agents.iter().any(Option::is_some),
            enabled: row.try_get("", "enabled")?,
            fault: row.try_get("", "fault_message")?,
        })
    }

    /// The row with why it is not covered.
    fn explained(mut self, tasks: &HashMap<(Uuid, String), LastTask>) -> CoverRow {
        let task = tasks.get(&(self.row.node_id, self.row.store.clone()));
        self.row.job_id = task.map(|task| task.job_id);
        let node = self.row.node_name.clone();
        let why: Option<(String, String)> = match self.row.state {
            CoverState::Covered => None,
            CoverState::UnderWay => Some((
                "under_way".into(),
                format!("a task brings it to node `{node}`: wait for its end"),
            )),
            CoverState::NeverRead => Some((
                "never_read".into(),
                format!("node `{node}` was never read: see to its agent and credentials, and refresh it"),
            )),
            CoverState::Refused => Some(self.refusal()),
            CoverState::Failed => Some(task.map_or_else(
                || ("failed".into(), format!("the last task on node `{node}` has failed")),
                LastTask::why,
            )),
            CoverState::Unreachable => Some((
                "unreachable".into(),
                format!(
                    "node `{node}` could not be read the last time: {}",
                    self.fault.as_deref().unwrap_or("no answer")
                ),
            )),
            CoverState::Missing => Some((
                "missing".into(),
                format!("it was not brought to node `{node}` yet: make a plan to distribute it"),
            )),
        };
        if let Some((code, message)) = why {
            self.row.code = Some(code);
            self.row.message = Some(message);
        }
        self.row
    }

    fn refusal(&self) -> (String, String) {
        let (node, store) = (&self.row.node_name, &self.row.store);
        let excluded = crate::catalogue::product(&self.row.product).filter(|product| !product.distribute);
        let known = trust_stores_of(&self.row.product).find(|known| known.name == store);
        let (code, message) = if let Some(product) = excluded {
            (
                "product_excluded",
                format!(
                    "{} takes no certificates from here: put it in on node `{node}` itself, and refresh it",
                    product.name
                ),
            )
        } else if !self.enabled {
            (
                "cluster_not_enabled",
                format!(
                    "certificate management is switched off for cluster `{}`: switch it on first",
                    self.row.cluster_name
                ),
            )
        } else if known.is_none() {
            (
                "store_unknown",
                format!(
                    "`{store}` of node `{node}` is no trust store that can be changed from here: do it there, and refresh it"
                ),
            )
        } else if known.is_some_and(|known| known.publisher_only) && self.role == "subscriber" {
            (
                "publisher_only",
                format!(
                    "`{store}` is changed on the publisher only: the administrator of node `{node}` has to put it in there; then refresh it"
                ),
            )
        } else if !self.agent {
            ("no_agent", format!("no agent works for node `{node}`: give it one"))
        } else if !self.ready {
            (
                "credentials_missing",
                format!("the agent has no credentials for node `{node}`: enter them on the agent's host"),
            )
        } else {
            ("refused", format!("node `{node}` does not take it from here"))
        };
        (code.into(), message)
    }
}

/// The last task of a root change for a place.
struct LastTask {
    job_id: Uuid,
    state: String,
    code: Option<String>,
    failure: Option<String>,
    message: Option<String>,
}

impl LastTask {
    fn why(&self) -> (String, String) {
        let code = self.code.clone().unwrap_or_else(|| self.state.clone());
        let failure = self.failure.as_ref().or(self.message.as_ref());
        let message = match failure {
            Some(failure) => format!("{failure}: mend it and distribute again, to what is missing alone"),
            None => format!(
                "the last task is {}: distribute again, to what is missing alone",
                self.state
            ),
        };
        (code, message)
    }
}

/// The last task of each place of some nodes.
async fn last_tasks(tx: &OrgTx, change: Uuid, nodes: Vec<Uuid>) -> Result<HashMap<(Uuid, String), LastTask>> {
    if nodes.is_empty() {
        return Ok(HashMap::new());
    }
    let select = tasks_of(change)
        .columns(
            [
                "job_id",
                "node_id",
                "purpose",
                "state",
                "failure_code",
                "failure",
                "message",
            ]
            .map(|name| ("task", name)),
        )
        .and_where(of("task", "org_id").eq(tx.org_id()))
        .and_where(of("task", "node_id").is_in(nodes))
        // Ids rise with time.
        .order_by(("task", "created_at"), sea_orm::Order::Asc)
        .order_by(("task", "id"), sea_orm::Order::Asc)
        .take();
    let mut last = HashMap::new();
    for row in tx.query_all(&select).await? {
        let task = LastTask {
            job_id: row.try_get("", "job_id")?,
            state: row.try_get("", "state")?,
            code: row.try_get("", "failure_code")?,
            failure: row.try_get("", "failure")?,
            message: row.try_get("", "message")?,
        };
        last.insert((row.try_get("", "node_id")?, row.try_get("", "purpose")?), task);
    }
    Ok(last)
}
