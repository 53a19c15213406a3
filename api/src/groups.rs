//! Groups: sites or regions, which roles may be bound to.

use crate::error::{Problem, Reply};
use crate::page::Page;
use actix_web::{HttpResponse, delete, get, patch, post, web};
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
}

/// Lists groups.
#[utoipa::path(operation_id = "list_groups", tag = "fleet", params(ListGroups), responses((status = 200, description = "Groups by name", body = Page<Group>)))]
#[get("/groups")]
pub(crate) async fn list_groups(_query: web::Query<ListGroups>) -> Reply<Page<Group>> {
    Err(Problem::not_yet())
}

/// Makes a group.
#[utoipa::path(operation_id = "create_group", tag = "fleet", request_body = CreateGroup, responses((status = 201, description = "Made", body = Group)))]
#[post("/groups")]
pub(crate) async fn create_group(_body: web::Json<CreateGroup>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Reads a group.
#[utoipa::path(operation_id = "get_group", tag = "fleet", params(("id" = Uuid, Path, description = "The group")), responses((status = 200, description = "The group", body = Group, headers(("ETag" = String, description = "Version, for If-Match")))))]
#[get("/groups/{id}")]
pub(crate) async fn get_group(_id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Changes a group.
#[utoipa::path(operation_id = "update_group", tag = "fleet", params(("id" = Uuid, Path, description = "The group"), ("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), request_body = UpdateGroup, responses((status = 200, description = "Changed", body = Group)))]
#[patch("/groups/{id}")]
pub(crate) async fn update_group(_id: web::Path<Uuid>, _body: web::Json<UpdateGroup>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Retires a group that holds no clusters.
#[utoipa::path(operation_id = "retire_group", tag = "fleet", params(("id" = Uuid, Path, description = "The group")), responses((status = 204, description = "Retired")))]
#[delete("/groups/{id}")]
pub(crate) async fn retire_group(_id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}
