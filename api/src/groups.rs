//! Groups: sites or regions, which roles may be bound to.

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::etag::{IfMatch, created, versioned};
use crate::page::{self, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, delete, get, patch, post, web};
use certyard_domain::clusters;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A site or region.
#[derive(Serialize, ToSchema)]
pub(crate) struct Group {
    /// The group.
    pub id: Uuid,
    /// Name.
    #[schema(example = "north")]
    pub name: String,
    /// For people.
    #[schema(example = "Data centre north")]
    pub description: String,
    /// Clusters in it.
    #[schema(example = 3)]
    pub cluster_count: i64,
    /// Rises with each change; also the ETag.
    #[schema(example = 1)]
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// Makes a group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateGroup {
    /// Name, unique in the organisation.
    #[schema(example = "north")]
    pub name: String,
    /// For people.
    #[serde(default)]
    #[schema(example = "Data centre north")]
    pub description: String,
}

/// Changes a group; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateGroup {
    /// New name.
    #[schema(example = "north")]
    pub name: Option<String>,
    /// New description.
    #[schema(example = "Data centre north")]
    pub description: Option<String>,
}

/// Which groups.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListGroups {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Part of the name.
    pub search: Option<String>,
}

/// Lists groups.
#[utoipa::path(operation_id = "list_groups", tag = "fleet", params(ListGroups), responses((status = 200, description = "Groups by name", body = Page<Group>)))]
#[get("/groups")]
pub(crate) async fn list_groups(app: App, caller: Caller, query: Query<ListGroups>) -> Reply<Page<Group>> {
    let limit = page::limit(query.limit)?;
    let tx = app.db.read(caller.scope()).await?;
    let rows = clusters::list_groups(&tx, query.search.as_deref(), page::cursor(&query.cursor)?, limit).await?;
    Ok(web::Json(page::convert(rows, group)))
}

/// Makes a group.
#[utoipa::path(operation_id = "create_group", tag = "fleet", request_body = CreateGroup, responses((status = 201, description = "Made", body = Group)))]
#[post("/groups")]
pub(crate) async fn create_group(app: App, caller: Caller, body: Json<CreateGroup>) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    let row = clusters::create_group(&tx, &body.0.name, &body.0.description).await?;
    tx.commit().await?;
    Ok(created(format!("/api/v1/groups/{}", row.group.id), group(row)))
}

/// Reads a group.
#[utoipa::path(operation_id = "get_group", tag = "fleet", params(("id" = Uuid, Path, description = "The group")), responses((status = 200, description = "The group", body = Group, headers(("ETag" = String, description = "Version, for If-Match")))))]
#[get("/groups/{id}")]
pub(crate) async fn get_group(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let row = clusters::get_group(&tx, *id).await?;
    Ok(versioned(row.group.version, group(row)))
}

/// Changes a group.
#[utoipa::path(operation_id = "update_group", tag = "fleet", params(("id" = Uuid, Path, description = "The group"), ("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), request_body = UpdateGroup, responses((status = 200, description = "Changed", body = Group)))]
#[patch("/groups/{id}")]
pub(crate) async fn update_group(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    condition: IfMatch,
    body: Json<UpdateGroup>,
) -> Result<HttpResponse, Problem> {
    let change = clusters::GroupChange {
        name: body.0.name,
        description: body.0.description,
    };
    let tx = app.db.write(caller.scope()).await?;
    let row = clusters::update_group(&tx, *id, condition.version()?, change).await?;
    tx.commit().await?;
    Ok(versioned(row.group.version, group(row)))
}

/// Retires a group that holds no clusters.
#[utoipa::path(operation_id = "retire_group", tag = "fleet", params(("id" = Uuid, Path, description = "The group")), responses((status = 204, description = "Retired")))]
#[delete("/groups/{id}")]
pub(crate) async fn retire_group(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    condition: IfMatch,
) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    clusters::retire_group(&tx, *id, condition.version()?).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

fn group(row: clusters::GroupRow) -> Group {
    Group {
        id: row.group.id,
        name: row.group.name,
        description: row.group.description,
        cluster_count: row.clusters,
        version: row.group.version,
        created_at: row.group.created_at,
        updated_at: row.group.updated_at,
    }
}
