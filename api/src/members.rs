//! Members: people and their roles in the organisation.

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::etag::{IfMatch, created, time_version, versioned};
use crate::page::{self, Page};
use crate::people::Role;
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, delete, get, patch, post, web};
use certyard_domain::people;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use zeroize::Zeroizing;

/// A person's place in the organisation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Member {
    /// The membership.
    pub id: Uuid,
    /// Name.
    #[schema(example = "Grace Hopper")]
    pub name: String,
    /// E-mail address.
    #[schema(example = "grace@example.org")]
    pub email: String,
    /// Role.
    pub role: Role,
    /// Groups that the role is bound to; null for all.
    pub group_ids: Option<Vec<Uuid>>,
    /// When the membership was made.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// Adds a person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateMember {
    /// E-mail address.
    #[schema(example = "grace@example.org")]
    pub email: String,
    /// Name.
    #[schema(example = "Grace Hopper")]
    pub name: String,
    /// Role.
    pub role: Role,
    /// Groups that the role is bound to; left out or null: all.
    #[serde(default)]
    pub group_ids: Option<Vec<Uuid>>,
    /// First password in this organisation, 12 characters or more.
    #[schema(example = "correct horse battery staple")]
    pub password: String,
}

/// Changes a membership; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateMember {
    /// New name.
    #[schema(example = "Grace Hopper")]
    pub name: Option<String>,
    /// New role.
    pub role: Option<Role>,
    /// New groups; null for all.
    #[serde(default, deserialize_with = "crate::body::present")]
    #[schema(value_type = Option<Vec<Uuid>>)]
    pub group_ids: Option<Option<Vec<Uuid>>>,
}

/// Which members.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListMembers {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// Lists members.
#[utoipa::path(operation_id = "list_members", tag = "organisation", params(ListMembers), responses((status = 200, description = "Members", body = Page<Member>)))]
#[get("/members")]
pub(crate) async fn list_members(app: App, caller: Caller, query: Query<ListMembers>) -> Reply<Page<Member>> {
    let limit = page::limit(query.limit)?;
    let tx = app.db.read(caller.scope()).await?;
    let rows = people::list_members(&tx, page::cursor(&query.cursor)?, limit).await?;
    Ok(web::Json(page::page(rows, limit, |row| row.id, member)?))
}

/// Adds a member.
#[utoipa::path(operation_id = "create_member", tag = "organisation", request_body = CreateMember, responses((status = 201, description = "Added", body = Member)))]
#[post("/members")]
pub(crate) async fn create_member(app: App, caller: Caller, body: Json<CreateMember>) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let new = people::Invitation {
        email: body.email,
        name: body.name,
        password: Zeroizing::new(body.password),
        role: body.role.into(),
        group_ids: body.group_ids,
    };
    let row = people::add_member(&app.db, caller.scope(), &new).await?;
    Ok(created(format!("/api/v1/members/{}", row.id), member(row)?))
}

/// Reads a member.
#[utoipa::path(operation_id = "get_member", tag = "organisation", params(("id" = Uuid, Path, description = "The membership")), responses((status = 200, description = "The member", body = Member, headers(("ETag" = String, description = "Version, for If-Match")))))]
#[get("/members/{id}")]
pub(crate) async fn get_member(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let row = people::get_member(&tx, *id).await?;
    Ok(versioned(time_version(row.updated_at), member(row)?))
}

/// Changes a member.
///
/// Takes effect at the member's next request. Owners are changed by owners only, and the last one stays.
#[utoipa::path(operation_id = "update_member", tag = "organisation", params(("id" = Uuid, Path, description = "The membership")), request_body = UpdateMember, responses((status = 200, description = "Changed", body = Member)))]
#[patch("/members/{id}")]
pub(crate) async fn update_member(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    condition: IfMatch,
    body: Json<UpdateMember>,
) -> Result<HttpResponse, Problem> {
    let change = people::MemberChange {
        name: body.0.name,
        role: body.0.role.map(Into::into),
        group_ids: body.0.group_ids,
    };
    let tx = app.db.write(caller.scope()).await?;
    let row = people::update_member(&tx, *id, condition.time()?, &change).await?;
    tx.commit().await?;
    Ok(versioned(time_version(row.updated_at), member(row)?))
}

/// Removes a member.
///
/// Their sessions end at once.
#[utoipa::path(operation_id = "remove_member", tag = "organisation", params(("id" = Uuid, Path, description = "The membership")), responses((status = 204, description = "Removed")))]
#[delete("/members/{id}")]
pub(crate) async fn remove_member(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    people::retire_member(&tx, *id).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

fn member(row: people::Membership) -> Result<Member, Problem> {
    Ok(Member {
        id: row.id,
        name: row.name,
        email: row.email,
        role: page::stored(&row.role)?,
        group_ids: row.group_ids.map(page::stored_json).transpose()?,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
