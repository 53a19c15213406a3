//! Which clusters: the one filter of all lists of clusters, and their one way through pages.

use super::entity::{cluster, summary};
use super::list::{ClusterCursor, ClusterStatus};
use super::{Cluster, fleet};
use crate::db::OrgTx;
use crate::error::Result;
use crate::lists::{Page, contains, fetch, page, typed};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

/// Which clusters, of those in use.
#[derive(Clone, Debug, Default)]
pub struct ClusterFilter {
    /// Part of the name, whatever the case.
    pub search: Option<String>,
    /// Any of these; empty: all.
    pub ids: Vec<Uuid>,
    /// Any of these products; empty: all.
    pub products: Vec<String>,
    /// Any of these groups; empty: all.
    pub groups: Vec<Uuid>,
    /// Any of these; empty: all.
    pub statuses: Vec<ClusterStatus>,
    /// Any of these profiles, by themselves or as the organisation's default; the nil id is the built-in one. Empty: all.
    pub profiles: Vec<Uuid>,
}

/// What the filter asks of rows of `cluster`.
async fn condition(tx: &OrgTx, filter: &ClusterFilter) -> Result<Condition> {
    use cluster::{Column, Entity};
    let mut all = Condition::all().add(Column::RetiredAt.is_null());
    if let Some(text) = typed(filter.search.as_deref()) {
        all = all.add(contains(Expr::col((Entity, Column::Name)), &text));
    }
    if !filter.ids.is_empty() {
        all = all.add(Column::Id.is_in(filter.ids.iter().copied()));
    }
    if !filter.products.is_empty() {
        all = all.add(Column::Product.is_in(filter.products.iter().map(String::as_str)));
    }
    if !filter.groups.is_empty() {
        all = all.add(Column::GroupId.is_in(filter.groups.iter().copied()));
    }
    if !filter.statuses.is_empty() {
        let any = filter.statuses.iter().map(|status| has_status(tx, *status));
        all = all.add(any.fold(Condition::any(), Condition::add));
    }
    if !filter.profiles.is_empty() {
        all = all.add(has_profile(tx, &filter.profiles).await?);
    }
    Ok(all)
}

/// One page of the clusters that a filter leaves, by name; `also` narrows it further.
pub(crate) async fn page_of(
    tx: &OrgTx,
    filter: &ClusterFilter,
    also: Condition,
    after: Option<ClusterCursor>,
    limit: u64,
) -> Result<Page<Cluster, ClusterCursor>> {
    use cluster::{Column, Entity};
    let mut rows = tx.find::<Entity>().filter(condition(tx, filter).await?).filter(also);
    if let Some((name, id)) = after {
        let row = Expr::tuple([Expr::col((Entity, Column::Name)), Expr::col((Entity, Column::Id))]);
        rows = rows.filter(row.gt(Expr::tuple([Expr::value(name), Expr::value(id)])));
    }
    let rows = rows
        .order_by_asc(Column::Name)
        .order_by_asc(Column::Id)
        .limit(fetch(limit))
        .all(tx)
        .await?;
    Ok(page(rows, limit, |cluster| (cluster.name.clone(), cluster.id)))
}

/// Rows of `cluster_summary` of the clusters that a filter leaves, as far as the scope sees them.
pub(super) async fn summaries(tx: &OrgTx, filter: &ClusterFilter) -> Result<sea_orm::Select<summary::Entity>> {
    let mut clusters = tx
        .find::<cluster::Entity>()
        .select_only()
        .column(cluster::Column::Id)
        .filter(condition(tx, filter).await?);
    let clusters = QuerySelect::query(&mut clusters).take();
    Ok(tx
        .find::<summary::Entity>()
        .filter(summary::Column::ClusterId.in_subquery(clusters)))
}

fn has_status(tx: &OrgTx, status: ClusterStatus) -> Condition {
    let enabled = |wanted: bool| cluster::Column::Enabled.eq(wanted);
    let nodes = || Expr::exists(fleet::nodes_of_outer(tx.org_id()));
    let some = |unreachable: bool| Expr::exists(fleet::nodes_of_outer_unreachable(tx.org_id(), tx.now(), unreachable));
    match status {
        ClusterStatus::Disabled => Condition::all().add(enabled(false)),
        ClusterStatus::Empty => Condition::all().add(enabled(true)).add(nodes().not()),
        ClusterStatus::Ok => Condition::all().add(enabled(true)).add(nodes()).add(some(true).not()),
        ClusterStatus::Attention => Condition::all().add(enabled(true)).add(some(true)).add(some(false)),
        ClusterStatus::Unreachable => Condition::all()
            .add(enabled(true))
            .add(some(true))
            .add(some(false).not()),
    }
}

/// Which profile a cluster has is a row of its own: without one it follows the default, which is a profile or, where none
/// is, the built-in one, which is no row.
async fn has_profile(tx: &OrgTx, profiles: &[Uuid]) -> Result<Condition> {
    let built_in = Uuid::nil();
    let profile = |column: &'static str| Expr::col(("profile", column));
    let default = Query::select()
        .column(("profile", "id"))
        .from("profile")
        .and_where(profile("org_id").eq(tx.org_id()))
        .and_where(profile("is_default").eq(true))
        .and_where(profile("retired_at").is_null())
        .take();
    let default: Uuid = match tx.query_one(&default).await? {
        Some(row) => row.try_get("", "id")?,
        None => built_in,
    };
    let given = |column: &'static str| Expr::col(("cluster_profile", column));
    let own = || -> SelectStatement {
        Query::select()
            .column(("cluster_profile", "cluster_id"))
            .from("cluster_profile")
            .and_where(given("org_id").eq(tx.org_id()))
            .and_where(given("own").eq(true))
            .take()
    };
    let mut wanted = Condition::any().add(given("profile_id").is_in(profiles.iter().copied()));
    if profiles.contains(&built_in) {
        wanted = wanted.add(given("profile_id").is_null());
    }
    let mut those = own();
    those.cond_where(wanted);
    let mut any = Condition::any().add(cluster::Column::Id.in_subquery(those));
    if profiles.contains(&default) {
        any = any.add(cluster::Column::Id.not_in_subquery(own()));
    }
    Ok(any)
}
