//! A cluster in numbers: its certificates, and its jobs of a period.

use super::{Counts, counts};
use crate::caller::Caller;
use crate::error::Reply;
use crate::query::Query;
use crate::state::App;
use actix_web::{get, web};
use certyard_domain::{clusters, jobs};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// The counts of one cluster.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClusterSummary {
    /// Identity certificates.
    pub identity: Counts,
    /// Trusted certificates.
    pub trust: Counts,
    /// Jobs of the period.
    pub jobs: JobCounts,
    /// The period: not made before.
    pub from: DateTime<Utc>,
    /// The period: made before; null: no end.
    #[schema(example = json!(null))]
    pub to: Option<DateTime<Utc>>,
}

/// Jobs of a period by how far they are.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobCounts {
    /// All.
    #[schema(example = 4)]
    pub total: i64,
    /// All of their tasks have ended, well or not.
    #[schema(example = 3)]
    pub complete: i64,
    /// Some task has not ended.
    #[schema(example = 1)]
    pub pending: i64,
    /// Of those that are complete: with a task that failed or was not begun in time.
    #[schema(example = 0)]
    pub failed: i64,
}

/// Jobs of which period.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct GetSummary {
    /// Not made before; left out: the first of this month.
    pub from: Option<DateTime<Utc>>,
    /// Made before.
    pub to: Option<DateTime<Utc>>,
}

/// Counts the certificates of a cluster, and its jobs of a period.
#[utoipa::path(operation_id = "get_cluster_summary", tag = "fleet", params(("id" = Uuid, Path, description = "The cluster"), GetSummary), responses((status = 200, description = "The counts", body = ClusterSummary)))]
#[get("/clusters/{id}/summary")]
pub(crate) async fn get_summary(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<GetSummary>,
) -> Reply<ClusterSummary> {
    let tx = app.db.read(caller.scope()).await?;
    let row = clusters::get(&tx, *id).await?;
    let period = jobs::Period::of(tx.now(), query.from, query.to)?;
    let jobs = jobs::period_counts(&tx, &[*id], period).await?;
    let jobs = jobs.get(&*id).copied().unwrap_or_default();
    Ok(web::Json(ClusterSummary {
        identity: counts(row.identity),
        trust: counts(row.trust),
        jobs: JobCounts {
            total: jobs.total,
            complete: jobs.complete,
            pending: jobs.pending,
            failed: jobs.failed,
        },
        from: period.from,
        to: period.to,
    }))
}
