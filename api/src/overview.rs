//! The counts that the first page shows.

use crate::clusters::Counts;
use crate::error::{Problem, Reply};
use actix_web::get;
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
pub(crate) async fn get_overview() -> Reply<Overview> {
    Err(Problem::not_yet())
}
