//! One search over clusters, nodes, certificates and jobs, for whoever knows a part of a name.

use crate::caller::Caller;
use crate::certificates::{CertificateRow, certificate_row, near};
use crate::error::{Problem, Reply};
use crate::jobs::{Job, job};
use crate::page::Named;
use crate::query::Query;
use crate::state::App;
use actix_web::{get, web};
use certyard_domain::{certificates, clusters, jobs, nodes};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Rows of each kind, when the request does not say, and at most.
const DEFAULT_LIMIT: u64 = 5;
const MAX_LIMIT: u64 = 10;
/// How old jobs are that are looked at: titles have no index, and the newest are meant.
const JOBS_OF: TimeDelta = TimeDelta::days(90);

/// What to look for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Search {
    /// Part of a name, or the begin of a serial number or SHA-256.
    pub q: String,
    /// Rows of each kind, 1 to 10; left out: 5.
    pub limit: Option<u64>,
}

/// What was found, the first of each kind.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct Found {
    /// Clusters by name.
    pub clusters: Vec<FoundCluster>,
    /// Nodes by name, found by their address too.
    pub nodes: Vec<FoundNode>,
    /// Certificates by their end, found by their names, serial number, SHA-256 or the name of a node that holds them.
    pub certificates: Vec<CertificateRow>,
    /// Jobs of the last 90 days by their title, the newest first.
    pub jobs: Vec<Job>,
}

/// A cluster that was found.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundCluster {
    /// The cluster.
    pub id: Uuid,
    /// Name.
    #[schema(example = "cucm-north")]
    pub name: String,
    /// Product.
    #[schema(example = "cucm")]
    pub product: String,
}

/// A node that was found.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundNode {
    /// The node.
    pub id: Uuid,
    /// Name.
    #[schema(example = "cucm-n-1")]
    pub name: String,
    /// Address.
    #[schema(example = "cucm-n-1.example.org:443")]
    pub address: String,
    /// Its cluster.
    pub cluster: Named,
}

/// Finds clusters, nodes, certificates and jobs.
///
/// A few of each kind, as far as the caller sees them; nothing for a blank text.
#[utoipa::path(operation_id = "search", tag = "fleet", params(Search), responses((status = 200, description = "What was found", body = Found)))]
#[get("/search")]
pub(crate) async fn search(app: App, caller: Caller, query: Query<Search>) -> Reply<Found> {
    let limit = match query.limit {
        None => DEFAULT_LIMIT,
        Some(limit @ 1..=MAX_LIMIT) => limit,
        Some(_) => {
            return Err(Problem::field(
                "limit",
                "out_of_range",
                format!("is between 1 and {MAX_LIMIT}"),
            ));
        }
    };
    if query.q.trim().is_empty() {
        return Ok(web::Json(Found::default()));
    }
    let text = Some(query.q.clone());
    let tx = app.db.read(caller.scope()).await?;
    let filter = clusters::ClusterFilter {
        search: text.clone(),
        ..Default::default()
    };
    let clusters = clusters::list(&tx, &filter, None, limit).await?;
    let filter = nodes::NodeFilter {
        search: text.clone(),
        ..Default::default()
    };
    let nodes = nodes::list(&tx, &filter, None, limit).await?;
    let filter = certificates::CertificateFilter {
        search: text.clone(),
        ..Default::default()
    };
    let certificates = certificates::list(&tx, &filter, None, limit).await?;
    let filter = jobs::JobFilter {
        from: Some(tx.now() - JOBS_OF),
        search: text,
        ..Default::default()
    };
    let jobs = jobs::list(&tx, &filter, None, limit).await?;
    let near = near(&tx).await?;
    let cluster = |row: clusters::ClusterRow| FoundCluster {
        id: row.cluster.id,
        name: row.cluster.name,
        product: row.cluster.product,
    };
    let node = |row: nodes::NodeRow| FoundNode {
        id: row.node.id,
        name: row.node.name,
        address: row.node.address,
        cluster: Named {
            id: row.cluster.id,
            name: row.cluster.name,
        },
    };
    let certificate = |row| certificate_row(row, near);
    Ok(web::Json(Found {
        clusters: clusters.items.into_iter().map(cluster).collect(),
        nodes: nodes.items.into_iter().map(node).collect(),
        certificates: certificates.items.into_iter().map(certificate).collect(),
        jobs: jobs.items.into_iter().map(job).collect::<Result<_, _>>()?,
    }))
}
