//! How many certificates end on which day, for calendars.

use super::entity::{expiry, installation};
use super::list::{InstallationFilter, filtered};
use crate::db::OrgTx;
use crate::error::Result;
use crate::{Permission, Timestamp};
use chrono::NaiveDate;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use std::collections::BTreeMap;

/// A day on which installed certificates end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayOfEnds {
    /// The day, in UTC.
    pub day: NaiveDate,
    /// Identity certificates that end on it.
    pub identity: i64,
    /// Trusted certificates that end on it.
    pub trust: i64,
}

/// Days from `from` to the one before `until` on which something ends, in order. Kept counts for whoever sees all groups; for
/// the others their own clusters are counted.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn expiries(tx: &OrgTx, from: NaiveDate, until: NaiveDate) -> Result<Vec<DayOfEnds>> {
    tx.scope().require(Permission::ReadFleet)?;
    let mut days = BTreeMap::new();
    if tx.scope().groups().is_none() {
        kept(tx, from, until, &mut days).await?;
    } else {
        counted(tx, from, until, &mut days).await?;
    }
    days.retain(|_, day| day.identity > 0 || day.trust > 0);
    Ok(days.into_values().collect())
}

type Days = BTreeMap<NaiveDate, DayOfEnds>;

fn add(days: &mut Days, day: NaiveDate, kind: &str, count: i64) {
    let ends = days.entry(day).or_insert(DayOfEnds {
        day,
        identity: 0,
        trust: 0,
    });
    match kind {
        "identity" => ends.identity += count,
        _ => ends.trust += count,
    }
}

async fn kept(tx: &OrgTx, from: NaiveDate, until: NaiveDate, days: &mut Days) -> Result<()> {
    use expiry::Column;
    let rows = tx
        .find::<expiry::Entity>()
        .filter(Column::Day.gte(from.to_string()))
        .filter(Column::Day.lt(until.to_string()))
        .all(tx)
        .await?;
    for row in rows {
        if let Ok(day) = row.day.parse() {
            add(days, day, &row.kind, row.count);
        }
    }
    Ok(())
}

async fn counted(tx: &OrgTx, from: NaiveDate, until: NaiveDate, days: &mut Days) -> Result<()> {
    use installation::Column;
    let filter = InstallationFilter {
        not_after_from: Some(start_of(from)),
        not_after_until: Some(start_of(until)),
        ..Default::default()
    };
    let rows: Vec<(Timestamp, String, i64)> = filtered(tx, &filter)
        .await?
        .select_only()
        .column(Column::NotAfter)
        .column(Column::Kind)
        .column_as(Column::Id.count(), "places")
        .group_by(Column::NotAfter)
        .group_by(Column::Kind)
        .into_tuple()
        .all(tx)
        .await?;
    for (end, kind, count) in rows {
        add(days, end.date_naive(), &kind, count);
    }
    Ok(())
}

fn start_of(day: NaiveDate) -> Timestamp {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}
