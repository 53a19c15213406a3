//! API tokens of programs.

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::page::{self, Page};
use crate::people::Role;
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, delete, get, post, web};
use certyard_domain::people;
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
pub(crate) async fn list_tokens(app: App, caller: Caller, query: Query<ListTokens>) -> Reply<Page<Token>> {
    let limit = page::limit(query.limit)?;
    let tx = app.db.read(caller.scope()).await?;
    let rows = people::list_tokens(&tx, page::cursor(&query.cursor)?, limit).await?;
    Ok(web::Json(page::page(
        rows,
        limit,
        |row| (row.created_at, row.id),
        token,
    )?))
}

/// Makes an API token.
///
/// The secret is in this answer and never again.
#[utoipa::path(operation_id = "create_token", tag = "organisation", request_body = CreateToken, responses((status = 201, description = "Made", body = NewToken)))]
#[post("/tokens")]
pub(crate) async fn create_token(app: App, caller: Caller, body: Json<CreateToken>) -> Result<HttpResponse, Problem> {
    let new = people::NewToken {
        name: body.0.name,
        role: body.0.role.into(),
        group_ids: body.0.group_ids,
        expires_at: body.0.expires_at,
    };
    let tx = app.db.write(caller.scope()).await?;
    let (row, secret) = people::create_token(&tx, &new).await?;
    tx.commit().await?;
    let made = NewToken {
        secret: secret.to_string(),
        token: token(row)?,
    };
    Ok(HttpResponse::Created().json(made))
}

/// Revokes an API token.
#[utoipa::path(operation_id = "revoke_token", tag = "organisation", params(("id" = Uuid, Path, description = "The token")), responses((status = 204, description = "Revoked")))]
#[delete("/tokens/{id}")]
pub(crate) async fn revoke_token(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    people::revoke_token(&tx, *id).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

fn token(row: people::ApiToken) -> Result<Token, Problem> {
    Ok(Token {
        id: row.id,
        name: row.name,
        hint: row.hint,
        role: page::stored(&row.role)?,
        group_ids: row.group_ids.map(page::stored_json).transpose()?,
        created_by: row.created_by_name,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
        revoked_at: row.revoked_at,
    })
}
