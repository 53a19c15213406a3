//! Jobs of a period in numbers.

use super::entity::job_cluster;
use super::read::count;
use crate::db::OrgTx;
use crate::error::{Error, Result};
use crate::{Permission, Timestamp};
use chrono::{Datelike, TimeZone, Utc};
use sea_orm::sea_query::{CaseStatement, Condition, ExprTrait, Func};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

/// A period by when jobs were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Not before.
    pub from: Timestamp,
    /// Before; none: no end.
    pub to: Option<Timestamp>,
}

impl Period {
    /// The period that was asked for; without a begin from the first of the present month, UTC (R31).
    ///
    /// # Errors
    /// [`Error::Invalid`] on `to` where it is not after the begin.
    pub fn of(now: Timestamp, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Self> {
        let from = from.unwrap_or_else(|| month_start(now));
        if to.is_some_and(|to| to <= from) {
            return Err(Error::field(
                "to",
                "before_from",
                "is later than `from`, which is the first of this month where it is left out",
            ));
        }
        Ok(Self { from, to })
    }
}

/// Jobs of a period, by cluster: a job on three clusters counts three times, once for each (R25).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeriodCounts {
    /// All.
    pub total: i64,
    /// All tasks have ended; failed ones count as complete.
    pub complete: i64,
    /// Some task has not ended.
    pub pending: i64,
    /// Complete, with a task that failed or was not begun in time.
    pub failed: i64,
}

/// The first of the month of `now`, UTC.
pub fn month_start(now: Timestamp) -> Timestamp {
    Utc.with_ymd_and_hms(now.year(), now.month(), 1, 0, 0, 0)
        .single()
        .unwrap_or(now)
}

/// Jobs of a period on some clusters, for the cards of cluster pages (R25, R31).
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn period_counts(tx: &OrgTx, clusters: &[Uuid], period: Period) -> Result<HashMap<Uuid, PeriodCounts>> {
    tx.scope().require(Permission::ReadFleet)?;
    use job_cluster::Column;
    let open = count("waiting").add(count("pending")).add(count("running"));
    let one_if = |condition: Condition| {
        let when: CaseStatement = CaseStatement::new().case(condition, 1).finally(0);
        Func::cast_as(Func::sum(when), "bigint")
    };
    let pending = Condition::all().add(open.clone().gt(0));
    let failed = Condition::all()
        .add(open.eq(0))
        .add(count("failed").add(count("expired")).gt(0));
    let mut rows = tx
        .find::<job_cluster::Entity>()
        .select_only()
        .column(Column::ClusterId)
        .filter(Column::ClusterId.is_in(clusters.iter().copied()))
        .filter(Column::JobCreatedAt.gte(period.from))
        .group_by(Column::ClusterId);
    if let Some(to) = period.to {
        rows = rows.filter(Column::JobCreatedAt.lt(to));
    }
    let query = QuerySelect::query(&mut rows);
    query
        .expr_as(Func::count(count("job_id")), "total")
        .expr_as(one_if(pending), "open")
        .expr_as(one_if(failed), "failures");
    let mut found = HashMap::new();
    for row in tx.query_all(&*query).await? {
        let total: i64 = row.try_get("", "total")?;
        let pending: i64 = row.try_get("", "open")?;
        let counts = PeriodCounts {
            total,
            pending,
            complete: total - pending,
            failed: row.try_get("", "failures")?,
        };
        found.insert(row.try_get("", "cluster_id")?, counts);
    }
    Ok(found)
}
