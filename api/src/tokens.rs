//! API tokens of programs.

use crate::error::{Problem, Reply};
use crate::page::Page;
use crate::people::Role;
use actix_web::{HttpResponse, delete, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// An API token, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct Token {
    /// The token.
    pub id: Uuid,
    /// Name.
    #[schema(example = "nightly export")]
    pub name: String,
    /// Its last characters, to tell tokens apart.
    #[schema(example = "…x4Qz")]
    pub hint: String,
    /// Role.
    pub role: Role,
    /// Groups that the role is bound to; null for all.
    pub group_ids: Option<Vec<Uuid>>,
    /// Who made it.
    #[schema(example = "Ada Lovelace")]
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// End; null for none.
    pub expires_at: Option<DateTime<Utc>>,
    /// Last use, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    #[schema(example = json!(null))]
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A new API token with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewToken {
    /// The secret: `Authorization: Bearer cyd_…`.
    #[schema(example = "cyd_…")]
    pub secret: String,
    /// The token.
    pub token: Token,
}

/// Makes an API token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateToken {
    /// Name.
    #[schema(example = "nightly export")]
    pub name: String,
    /// Role, at most the caller's own.
    pub role: Role,
    /// Groups that the role is bound to; left out or null: all.
    #[serde(default)]
    pub group_ids: Option<Vec<Uuid>>,
    /// End; left out: none.
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
}

/// Which tokens.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListTokens {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// Lists API tokens.
#[utoipa::path(operation_id = "list_tokens", tag = "organisation", params(ListTokens), responses((status = 200, description = "Tokens, newest first", body = Page<Token>)))]
#[get("/tokens")]
pub(crate) async fn list_tokens(_query: web::Query<ListTokens>) -> Reply<Page<Token>> {
    Err(Problem::not_yet())
}

/// Makes an API token.
///
/// The secret is in this answer and never again.
#[utoipa::path(operation_id = "create_token", tag = "organisation", request_body = CreateToken, responses((status = 201, description = "Made", body = NewToken)))]
#[post("/tokens")]
pub(crate) async fn create_token(_body: web::Json<CreateToken>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}

/// Revokes an API token.
#[utoipa::path(operation_id = "revoke_token", tag = "organisation", params(("id" = Uuid, Path, description = "The token")), responses((status = 204, description = "Revoked")))]
#[delete("/tokens/{id}")]
pub(crate) async fn revoke_token(_id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}
