//! Counts that pages show, recomputed where they are touched and when an edge of time passes; never counted up, so that
//! they cannot drift.

use super::entity::{expiry, installation};
use crate::clusters;
use crate::clusters::entity::summary;
use crate::db::{Db, OrgTx, dialect};
use crate::error::Result;
use crate::orgs;
use crate::{Scope, Timestamp};
use chrono::TimeDelta;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, Func, OnConflict, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// Kinds that are counted apart (R25).
const KINDS: [&str; 2] = ["identity", "trust"];
/// Clusters whose counts are recomputed in one statement.
const CLUSTERS_AT_ONCE: usize = 500;

/// How long before its end a certificate counts as expiring, in this organisation (R42).
pub(super) async fn start(tx: &OrgTx) -> Result<TimeDelta> {
    Ok(TimeDelta::days(i64::from(orgs::get(tx).await?.start_days)))
}

/// Recomputes the counts of clusters. The caller holds the locks of their rows, or two of them could overlook each
/// other's changes.
///
/// # Errors
/// The database is busy or away.
pub async fn refresh_summaries(tx: &OrgTx, clusters: &[Uuid]) -> Result<()> {
    let start = start(tx).await?;
    let mut clusters = clusters.to_vec();
    clusters.sort_unstable();
    clusters.dedup();
    for chunk in clusters.chunks(CLUSTERS_AT_ONCE) {
        let mut counted = count(tx, chunk, start).await?;
        let rows = chunk.iter().flat_map(|cluster| KINDS.map(|kind| (*cluster, kind)));
        let rows: Vec<summary::ActiveModel> = rows
            .map(|(cluster, kind)| {
                let found = counted.remove(&(cluster, kind.to_string())).unwrap_or_default();
                summary::ActiveModel {
                    org_id: Set(tx.org_id()),
                    cluster_id: Set(cluster),
                    kind: Set(kind.into()),
                    total: Set(found.total),
                    expired: Set(found.expired),
                    expiring: Set(found.expiring),
                    next_edge: Set(found.next_edge),
                    updated_at: Set(tx.now()),
                }
            })
            .collect();
        use summary::Column;
        summary::Entity::insert_many(rows)
            .on_conflict(
                OnConflict::columns([Column::OrgId, Column::ClusterId, Column::Kind])
                    .update_columns([
                        Column::Total,
                        Column::Expired,
                        Column::Expiring,
                        Column::NextEdge,
                        Column::UpdatedAt,
                    ])
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

#[derive(Default)]
struct Counted {
    total: i64,
    expired: i64,
    expiring: i64,
    next_edge: Option<Timestamp>,
}

async fn count(tx: &OrgTx, clusters: &[Uuid], start: TimeDelta) -> Result<HashMap<(Uuid, String), Counted>> {
    use installation::Column;
    let now = tx.now();
    let horizon = now + start;
    let not_after = || Expr::col(Column::NotAfter);
    let sum = |condition: Expr| Func::sum(CaseStatement::new().case(condition, 1).finally(0));
    let first_after = |time: Timestamp| {
        let case = CaseStatement::new()
            .case(not_after().gt(time), not_after())
            .finally(Expr::value(Option::<Timestamp>::None));
        Func::min(case)
    };
    let select = Query::select()
        .columns([Column::ClusterId, Column::Kind])
        .expr_as(Func::count(Expr::col(Column::Id)), "total")
        .expr_as(sum(not_after().lte(now)), "expired")
        .expr_as(sum(not_after().gt(now).and(not_after().lte(horizon))), "expiring")
        .expr_as(first_after(now), "next_end")
        .expr_as(first_after(horizon), "next_start")
        .from(installation::Entity)
        .and_where(Expr::col(Column::OrgId).eq(tx.org_id()))
        .and_where(Expr::col(Column::ClusterId).is_in(clusters.iter().copied()))
        .and_where(Expr::col(Column::GoneAt).is_null())
        .group_by_columns([Column::ClusterId, Column::Kind])
        .take();
    let mut counted = HashMap::new();
    for row in tx.query_all(&select).await? {
        let next_end: Option<Timestamp> = row.try_get("", "next_end")?;
        let next_start: Option<Timestamp> = row.try_get("", "next_start")?;
        counted.insert(
            (row.try_get("", "cluster_id")?, row.try_get("", "kind")?),
            Counted {
                total: row.try_get("", "total")?,
                expired: row.try_get("", "expired")?,
                expiring: row.try_get("", "expiring")?,
                next_edge: [next_end, next_start.map(|at| at - start)].into_iter().flatten().min(),
            },
        );
    }
    Ok(counted)
}

/// Clusters of one organisation whose counts are out of date, as a certificate has expired or begun to expire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgesDue {
    /// The organisation.
    pub org_id: Uuid,
    /// Its clusters.
    pub clusters: Vec<Uuid>,
}

/// Rows that one look takes.
const DUE_AT_ONCE: u64 = 5000;
/// Looks of one round: what is left of a huge fleet comes with the next.
const LOOKS: usize = 20;

/// Lists over all organisations which counts time has overtaken.
///
/// # Errors
/// The database is busy or away.
pub async fn edges_due(db: &Db) -> Result<Vec<EdgesDue>> {
    edges_due_but(db, &HashSet::new()).await
}

async fn edges_due_but(db: &Db, failed: &HashSet<Uuid>) -> Result<Vec<EdgesDue>> {
    use summary::Column;
    let survey = db.survey();
    let rows: Vec<(Uuid, Uuid)> = survey
        .find::<summary::Entity>()
        .select_only()
        .columns([Column::OrgId, Column::ClusterId])
        .filter(Column::NextEdge.lte(db.now().await?))
        .filter(Column::OrgId.is_not_in(failed.iter().copied()))
        .order_by_asc(Column::OrgId)
        .order_by_asc(Column::ClusterId)
        .limit(DUE_AT_ONCE)
        .into_tuple()
        .all(survey.connection())
        .await?;
    let mut due: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    for (org, cluster) in rows {
        let clusters = due.entry(org).or_default();
        if clusters.last() != Some(&cluster) {
            clusters.push(cluster);
        }
    }
    Ok(due
        .into_iter()
        .map(|(org_id, clusters)| EdgesDue { org_id, clusters })
        .collect())
}

/// Recomputes all counts that time has overtaken, or that [`outdate_all`] has marked, in batches of one transaction each;
/// how many clusters that were. Safe on every instance at once. An organisation that fails is logged, left for the next
/// round, and keeps no other one waiting.
///
/// # Errors
/// Who is due cannot be listed: the database is busy or away.
pub async fn refresh_due(db: &Db) -> Result<usize> {
    let mut refreshed = 0;
    let mut failed = HashSet::new();
    for _ in 0..LOOKS {
        let due = edges_due_but(db, &failed).await?;
        if due.is_empty() {
            break;
        }
        for EdgesDue { org_id, clusters } in due {
            match refresh_of(db, org_id, &clusters).await {
                Ok(()) => refreshed += clusters.len(),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, org = %org_id, "counts were not refreshed; it is tried again");
                    failed.insert(org_id);
                }
            }
        }
    }
    Ok(refreshed)
}

async fn refresh_of(db: &Db, org_id: Uuid, clusters: &[Uuid]) -> Result<()> {
    let scope = Scope::system(org_id, "summaries");
    for chunk in clusters.chunks(CLUSTERS_AT_ONCE) {
        let tx = db.write(&scope).await?;
        let locked = lock(&tx, chunk).await?;
        refresh_summaries(&tx, &locked).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Locks clusters, retired ones too: their rows of counts have edges like others.
async fn lock(tx: &OrgTx, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    use clusters::entity::cluster;
    let mut rows = tx
        .find::<cluster::Entity>()
        .filter(cluster::Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(cluster::Column::Id);
    dialect::lock_rows(QuerySelect::query(&mut rows));
    Ok(rows.all(tx).await?.into_iter().map(|cluster| cluster.id).collect())
}

/// Marks all counts of the organisation as overtaken, as its number of start days has changed: [`refresh_due`] recomputes
/// them in batches, so that no transaction holds all clusters while it counts. The clusters are locked first: whoever
/// counted with the former number is waited for, and whoever comes later counts with the new one.
///
/// # Errors
/// The database is busy or away.
pub async fn outdate_all(tx: &OrgTx) -> Result<()> {
    use clusters::entity::cluster;
    let mut after = Uuid::nil();
    loop {
        let ids: Vec<Uuid> = cluster::Entity::find()
            .select_only()
            .column(cluster::Column::Id)
            .filter(cluster::Column::OrgId.eq(tx.org_id()))
            .filter(cluster::Column::Id.gt(after))
            .order_by_asc(cluster::Column::Id)
            .limit(CLUSTERS_AT_ONCE as u64)
            .into_tuple()
            .all(tx)
            .await?;
        let Some(last) = ids.last().copied() else {
            return Ok(());
        };
        after = last;
        let locked = lock(tx, &ids).await?;
        tx.update_many::<summary::Entity>()
            .col_expr(summary::Column::NextEdge, Expr::value(tx.now()))
            .filter(summary::Column::ClusterId.is_in(locked))
            .exec(tx)
            .await?;
    }
}

/// Changes of the counts of certificates by the day of their end.
#[derive(Debug, Default)]
pub(super) struct ExpiryDeltas {
    days: BTreeMap<(String, String), i64>,
}

impl ExpiryDeltas {
    /// So many more (or fewer) end on that day.
    pub fn add(&mut self, not_after: Timestamp, kind: &str, change: i64) {
        let day = not_after.format("%Y-%m-%d").to_string();
        *self.days.entry((day, kind.into())).or_default() += change;
    }

    /// Writes them in one order and one statement, so that two transactions cannot wait for each other in a circle.
    pub async fn write(self, tx: &OrgTx) -> Result<()> {
        use expiry::Column;
        let rows: Vec<expiry::ActiveModel> = self
            .days
            .into_iter()
            .filter(|(_, change)| *change != 0)
            .map(|((day, kind), change)| expiry::ActiveModel {
                org_id: Set(tx.org_id()),
                day: Set(day),
                kind: Set(kind),
                count: Set(change),
            })
            .collect();
        for chunk in rows.chunks(dialect::rows_per_insert(4)) {
            expiry::Entity::insert_many(chunk.iter().cloned())
                .on_conflict(
                    OnConflict::columns([Column::OrgId, Column::Day, Column::Kind])
                        .value(
                            Column::Count,
                            Expr::col((expiry::Entity, Column::Count)).add(Expr::col(("excluded", Column::Count))),
                        )
                        .to_owned(),
                )
                .exec_without_returning(tx)
                .await?;
        }
        Ok(())
    }
}
