//! Clusters, and their certificates and jobs in numbers.

mod contents;
mod summary;

pub(crate) use contents::{
    TrustCertificate, create_node, export_cluster_jobs, export_identity, export_trust, list_cluster_jobs,
    list_cluster_nodes, list_identity, list_trust,
};
pub(crate) use summary::get_summary;

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::etag::{IfMatch, created, versioned};
use crate::list::{self, List, turn};
use crate::page::{self, Named, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, delete, get, patch, post, put, web};
use certyard_domain::{OrgTx, clusters, inventory, profiles};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How a cluster is, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClusterStatus {
    /// Its certificates are not managed.
    Disabled,
    /// It has no nodes.
    Empty,
    /// All of its nodes can be worked on.
    Ok,
    /// Some of its nodes cannot be reached.
    Attention,
    /// No node answers.
    Unreachable,
}

/// Nodes of one product that are managed together.
#[derive(Serialize, ToSchema)]
pub(crate) struct Cluster {
    /// The cluster.
    pub id: Uuid,
    /// Name.
    #[schema(example = "cucm-north")]
    pub name: String,
    /// Product, as in the catalogue.
    #[schema(example = "cucm")]
    pub product: String,
    /// Version of the product; empty where it has none.
    #[schema(example = "15")]
    pub version: String,
    /// The certificates are managed; else only shown.
    pub enabled: bool,
    /// For people.
    #[schema(example = "Call control north")]
    pub description: String,
    /// Its group.
    pub group: Named,
    /// What is wanted of its certificates.
    pub profile: ClusterProfile,
    /// How it is.
    pub status: ClusterStatus,
    /// Nodes.
    #[schema(example = 3)]
    pub node_count: i64,
    /// Nodes whose last reading failed.
    #[schema(example = 0)]
    pub nodes_unreachable: i64,
    /// The oldest reading among its nodes.
    pub inventory_at: Option<DateTime<Utc>>,
    /// Identity certificates.
    pub identity: Counts,
    /// Trusted certificates.
    pub trust: Counts,
    /// What is to be known of its certificates.
    pub warnings: Vec<ClusterWarning>,
    /// Rises with each change; also the ETag.
    #[schema(example = 1)]
    pub revision: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// What is to be known of the certificates of a cluster.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClusterWarning {
    /// `san_drift`: certificates that are for all nodes do not name every one of them.
    #[schema(example = "san_drift")]
    pub code: String,
    /// For people.
    #[schema(example = "3 certificates that are for all nodes of the cluster do not name every one of them")]
    pub message: String,
    /// How many installed certificates it is about.
    #[schema(example = 3)]
    pub certificates: i64,
}

/// The profile of a cluster.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClusterProfile {
    /// The profile; the built-in one is `00000000-0000-0000-0000-000000000000`.
    pub id: Uuid,
    /// Its name.
    #[schema(example = "Default")]
    pub name: String,
    /// The cluster has it by itself; else it follows the organisation's default.
    pub own: bool,
}

/// Gives a cluster a profile.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetClusterProfile {
    /// The profile; null: whatever is the organisation's default.
    pub profile_id: Option<Uuid>,
}

/// Installed certificates by how near their end is.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub(crate) struct Counts {
    /// All.
    #[schema(example = 12)]
    pub total: i64,
    /// Neither expired nor expiring.
    #[schema(example = 10)]
    pub valid: i64,
    /// Expiring within the organisation's days.
    #[schema(example = 2)]
    pub expiring: i64,
    /// Expired.
    #[schema(example = 0)]
    pub expired: i64,
}

/// Makes a cluster.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateCluster {
    /// Name, unique in the organisation.
    #[schema(example = "cucm-north")]
    pub name: String,
    /// Product, as in the catalogue: `cucm`, `imp`, `server`, …
    #[schema(example = "cucm")]
    pub product: String,
    /// Version of the product; empty where it has none.
    #[serde(default)]
    #[schema(example = "15")]
    pub version: String,
    /// Its group; left out: the organisation's first.
    #[serde(default)]
    pub group_id: Option<Uuid>,
    /// Whether its certificates are managed; left out: yes.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// For people.
    #[serde(default)]
    #[schema(example = "Call control north")]
    pub description: String,
}

/// Changes a cluster; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateCluster {
    /// New name.
    #[schema(example = "cucm-north")]
    pub name: Option<String>,
    /// New version of the product.
    #[schema(example = "15")]
    pub version: Option<String>,
    /// New group.
    pub group_id: Option<Uuid>,
    /// Whether its certificates are managed.
    pub enabled: Option<bool>,
    /// New description.
    #[schema(example = "Call control north")]
    pub description: Option<String>,
}

/// Which clusters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListClusters {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Part of the name.
    pub search: Option<String>,
    /// Any of these products; repeat it for more than one.
    #[serde(default)]
    pub product: Vec<String>,
    /// Any of these groups; repeat it for more than one.
    #[serde(default)]
    pub group: Vec<Uuid>,
    /// Any of these; repeat it for more than one.
    #[param(inline)]
    #[serde(default)]
    pub status: Vec<ClusterStatus>,
    /// Any of these profiles, by themselves or as the organisation's default; repeat it for more than one.
    #[serde(default)]
    pub profile: Vec<Uuid>,
}

impl List for ListClusters {
    type Of = ();
    type Row = Cluster;
    const NAME: &'static str = "clusters";

    turn!();

    async fn read(&self, tx: &OrgTx, (): (), limit: u64) -> Result<Page<Cluster>, Problem> {
        let filter = clusters::ClusterFilter {
            search: self.search.clone(),
            products: self.product.clone(),
            groups: self.group.clone(),
            statuses: self.status.iter().copied().map(Into::into).collect(),
            profiles: self.profile.clone(),
            ..Default::default()
        };
        let rows = clusters::list(tx, &filter, page::cursor(&self.cursor)?, limit).await?;
        let ids: Vec<Uuid> = rows.items.iter().map(|row| row.cluster.id).collect();
        let beside = Beside::of(tx, &ids).await?;
        Ok(page::convert(rows, |row| cluster(row, &beside)))
    }
}

/// Lists clusters.
#[utoipa::path(operation_id = "list_clusters", tag = "fleet", params(ListClusters), responses((status = 200, description = "Clusters by name", body = Page<Cluster>)))]
#[get("/clusters")]
pub(crate) async fn list_clusters(app: App, caller: Caller, query: Query<ListClusters>) -> Reply<Page<Cluster>> {
    list::answer(&app, &caller, (), query.0).await
}

/// Exports clusters as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_clusters", tag = "fleet", params(ListClusters), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/clusters.csv")]
pub(crate) async fn export_clusters(
    app: App,
    caller: Caller,
    query: Query<ListClusters>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, (), query.0).await
}

/// Makes a cluster.
#[utoipa::path(operation_id = "create_cluster", tag = "fleet", request_body = CreateCluster, responses((status = 201, description = "Made", body = Cluster)))]
#[post("/clusters")]
pub(crate) async fn create_cluster(
    app: App,
    caller: Caller,
    body: Json<CreateCluster>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let tx = app.db.write(caller.scope()).await?;
    let new = clusters::NewCluster {
        group_id: clusters::group_or_first(&tx, body.group_id).await?,
        name: body.name,
        product: body.product,
        product_version: body.version,
        enabled: body.enabled.unwrap_or(true),
        description: body.description,
    };
    let row = clusters::create(&tx, new).await?;
    let beside = Beside::of(&tx, &[row.cluster.id]).await?;
    tx.commit().await?;
    Ok(created(
        format!("/api/v1/clusters/{}", row.cluster.id),
        cluster(row, &beside),
    ))
}

/// Reads a cluster.
#[utoipa::path(operation_id = "get_cluster", tag = "fleet", params(("id" = Uuid, Path, description = "The cluster")), responses((status = 200, description = "The cluster", body = Cluster, headers(("ETag" = String, description = "Version, for If-Match")))))]
#[get("/clusters/{id}")]
pub(crate) async fn get_cluster(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let row = clusters::get(&tx, *id).await?;
    let beside = Beside::of(&tx, &[*id]).await?;
    Ok(versioned(row.cluster.version, cluster(row, &beside)))
}

/// Changes a cluster.
#[utoipa::path(operation_id = "update_cluster", tag = "fleet", params(("id" = Uuid, Path, description = "The cluster"), ("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), request_body = UpdateCluster, responses((status = 200, description = "Changed", body = Cluster)))]
#[patch("/clusters/{id}")]
pub(crate) async fn update_cluster(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    condition: IfMatch,
    body: Json<UpdateCluster>,
) -> Result<HttpResponse, Problem> {
    let change = clusters::ClusterChange {
        name: body.0.name,
        group_id: body.0.group_id,
        product: None,
        product_version: body.0.version,
        enabled: body.0.enabled,
        description: body.0.description,
    };
    let tx = app.db.write(caller.scope()).await?;
    let row = clusters::update(&tx, *id, condition.version()?, change).await?;
    let beside = Beside::of(&tx, &[*id]).await?;
    tx.commit().await?;
    inventory::settle_after_change(&app.db, caller.scope()).await;
    Ok(versioned(row.cluster.version, cluster(row, &beside)))
}

/// Gives a cluster a profile.
///
/// A profile that wants what the cluster's version cannot have is refused with `not_in_version`.
#[utoipa::path(operation_id = "set_cluster_profile", tag = "fleet", params(("id" = Uuid, Path, description = "The cluster")), request_body = SetClusterProfile, responses((status = 200, description = "The cluster", body = Cluster)))]
#[put("/clusters/{id}/profile")]
pub(crate) async fn set_profile(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Json<SetClusterProfile>,
) -> Result<HttpResponse, Problem> {
    let to = match body.0.profile_id {
        Some(profile) => profiles::Assignment::Own(profile),
        None => profiles::Assignment::Default,
    };
    let tx = app.db.write(caller.scope()).await?;
    profiles::assign(&tx, &[*id], to).await?;
    let row = clusters::get(&tx, *id).await?;
    let beside = Beside::of(&tx, &[*id]).await?;
    tx.commit().await?;
    inventory::settle_after_change(&app.db, caller.scope()).await;
    Ok(versioned(row.cluster.version, cluster(row, &beside)))
}

/// Retires a cluster with its nodes.
///
/// Nothing is changed on the nodes; history stays.
#[utoipa::path(operation_id = "retire_cluster", tag = "fleet", params(("id" = Uuid, Path, description = "The cluster")), responses((status = 204, description = "Retired")))]
#[delete("/clusters/{id}")]
pub(crate) async fn retire_cluster(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    condition: IfMatch,
) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    clusters::retire(&tx, *id, condition.version()?).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Counts as the API shows them.
pub(crate) fn counts(counts: clusters::Counts) -> Counts {
    Counts {
        total: counts.total,
        valid: counts.valid(),
        expiring: counts.expiring,
        expired: counts.expired,
    }
}

/// What is shown of clusters beside their rows.
struct Beside {
    profiles: profiles::Attachments,
    drifted: HashMap<Uuid, i64>,
}

impl Beside {
    async fn of(tx: &OrgTx, ids: &[Uuid]) -> Result<Self, Problem> {
        Ok(Self {
            profiles: profiles::attached(tx, ids).await?,
            drifted: inventory::drifted(tx, ids).await?,
        })
    }
}

fn cluster(row: clusters::ClusterRow, beside: &Beside) -> Cluster {
    let profile = beside.profiles.of(row.cluster.id);
    let drifted = beside.drifted.get(&row.cluster.id).copied();
    Cluster {
        warnings: drifted
            .map(|certificates| ClusterWarning {
                code: inventory::WarningCode::SanDrift.as_str().into(),
                message: format!(
                    "{certificates} installed certificates that are for all nodes of the cluster do not name every one of them"
                ),
                certificates,
            })
            .into_iter()
            .collect(),
        profile: ClusterProfile {
            id: profile.id,
            name: profile.name.clone(),
            own: profile.own,
        },
        id: row.cluster.id,
        name: row.cluster.name,
        product: row.cluster.product,
        version: row.cluster.product_version,
        enabled: row.cluster.enabled,
        description: row.cluster.description,
        group: Named {
            id: row.cluster.group_id,
            name: row.group_name,
        },
        status: row.status.into(),
        node_count: row.nodes.total,
        nodes_unreachable: row.nodes.unreachable,
        inventory_at: row.nodes.oldest,
        identity: counts(row.identity),
        trust: counts(row.trust),
        revision: row.cluster.version,
        created_at: row.cluster.created_at,
        updated_at: row.cluster.updated_at,
    }
}

impl From<clusters::ClusterStatus> for ClusterStatus {
    fn from(status: clusters::ClusterStatus) -> Self {
        match status {
            clusters::ClusterStatus::Disabled => Self::Disabled,
            clusters::ClusterStatus::Empty => Self::Empty,
            clusters::ClusterStatus::Ok => Self::Ok,
            clusters::ClusterStatus::Attention => Self::Attention,
            clusters::ClusterStatus::Unreachable => Self::Unreachable,
        }
    }
}

impl From<ClusterStatus> for clusters::ClusterStatus {
    fn from(status: ClusterStatus) -> Self {
        match status {
            ClusterStatus::Disabled => Self::Disabled,
            ClusterStatus::Empty => Self::Empty,
            ClusterStatus::Ok => Self::Ok,
            ClusterStatus::Attention => Self::Attention,
            ClusterStatus::Unreachable => Self::Unreachable,
        }
    }
}
