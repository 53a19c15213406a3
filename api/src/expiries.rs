//! How many certificates end on which day.

use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::query::Query;
use crate::state::App;
use actix_web::{get, web};
use certyard_domain::inventory;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Longest range that is answered: a calendar of a year, with the weeks that it shares with others.
const MOST_DAYS: i64 = 400;

/// Which days.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CountExpiries {
    /// First day, in UTC.
    #[param(example = "2027-01-01")]
    pub from: NaiveDate,
    /// The day after the last, at most 400 days later.
    #[param(example = "2027-02-01")]
    pub until: NaiveDate,
}

/// Days on which installed certificates end.
#[derive(Serialize, ToSchema)]
pub(crate) struct Expiries {
    /// The days on which something ends, in order; the others are left out.
    pub days: Vec<ExpiryDay>,
}

/// A day with its counts.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExpiryDay {
    /// The day, in UTC.
    #[schema(example = "2027-01-31")]
    pub day: NaiveDate,
    /// Identity certificates that end on it.
    #[schema(example = 3)]
    pub identity: i64,
    /// Trusted certificates that end on it.
    #[schema(example = 1)]
    pub trust: i64,
}

/// Counts what ends on each day.
///
/// Each place that holds a certificate counts; `GET /api/v1/installations` with `not_after_from` and `not_after_until` lists them.
#[utoipa::path(operation_id = "get_expiries", tag = "certificates", params(CountExpiries), responses((status = 200, description = "The counts", body = Expiries)))]
#[get("/expiries")]
pub(crate) async fn get_expiries(app: App, caller: Caller, query: Query<CountExpiries>) -> Reply<Expiries> {
    let CountExpiries { from, until } = query.0;
    let days = (until - from).num_days();
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Problem::field(
            "until",
            "out_of_range",
            format!("between 1 and {MOST_DAYS} days after `from`"),
        ));
    }
    let tx = app.db.read(caller.scope()).await?;
    let days = inventory::expiries(&tx, from, until).await?;
    Ok(web::Json(Expiries {
        days: days
            .into_iter()
            .map(|day| ExpiryDay {
                day: day.day,
                identity: day.identity,
                trust: day.trust,
            })
            .collect(),
    }))
}
