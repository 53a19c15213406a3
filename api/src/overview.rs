//! The counts that the first page shows.

use crate::caller::Caller;
use crate::clusters::{Counts, counts};
use crate::error::Reply;
use crate::state::App;
use actix_web::{get, web};
use certyard_domain::clusters;
use serde::Serialize;
use utoipa::ToSchema;

/// The fleet in numbers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Overview {
    /// Clusters.
    #[schema(example = 3)]
    pub clusters: i64,
    /// Nodes.
    #[schema(example = 9)]
    pub nodes: i64,
    /// Agents.
    #[schema(example = 1)]
    pub agents: i64,
    /// Agents that were heard of within three minutes.
    #[schema(example = 1)]
    pub agents_online: i64,
    /// Identity certificates.
    pub identity: Counts,
    /// Trusted certificates.
    pub trust: Counts,
}

/// Counts the fleet.
#[utoipa::path(operation_id = "get_overview", tag = "fleet", responses((status = 200, description = "The fleet in numbers", body = Overview)))]
#[get("/overview")]
pub(crate) async fn get_overview(app: App, caller: Caller) -> Reply<Overview> {
    let tx = app.db.read(caller.scope()).await?;
    let totals = clusters::totals(&tx).await?;
    Ok(web::Json(Overview {
        clusters: totals.clusters,
        nodes: totals.nodes,
        agents: totals.agents,
        agents_online: totals.agents_online,
        identity: counts(totals.identity),
        trust: counts(totals.trust),
    }))
}
