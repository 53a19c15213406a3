//! Acknowledgements: somebody knows of a certificate, and wants no mail about it until a day.

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::page::{self, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, delete, get, post, web};
use certyard_domain::alerts::{self, AcknowledgementFilter, NewAcknowledgement};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Somebody knows of a certificate.
#[derive(Serialize, ToSchema)]
pub(crate) struct Acknowledgement {
    /// The acknowledgement.
    pub id: Uuid,
    /// The certificate.
    pub certificate_id: Uuid,
    /// Its common name.
    #[schema(example = "cucm1.example.org")]
    pub common_name: String,
    /// SHA-256 of its bytes.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub sha256: String,
    /// Why nobody needs to be told.
    #[schema(example = "the node is switched off on Friday")]
    pub reason: String,
    /// Until when no mail is sent.
    pub until: DateTime<Utc>,
    /// Who said so.
    #[schema(example = "Ada")]
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was taken back, or replaced by another one.
    pub ended_at: Option<DateTime<Utc>>,
    /// By whom.
    pub ended_by: Option<String>,
    /// Whether it holds only in the groups that whoever gave it was bound to.
    #[schema(example = false)]
    pub bound: bool,
}

/// What is said of a certificate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateAcknowledgement {
    /// The certificate.
    pub certificate_id: Uuid,
    /// Why nobody needs to be told, on one line of at most 500 characters.
    #[schema(example = "the node is switched off on Friday")]
    pub reason: String,
    /// Until when no mail is sent, at most 365 days from now. It ends with the expiry of the certificate where it was given before.
    pub until: DateTime<Utc>,
}

/// Which acknowledgements.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAcknowledgements {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Only of this certificate.
    pub certificate_id: Option<Uuid>,
    /// Only those that hold.
    #[serde(default)]
    pub active: bool,
}

/// Acknowledges a certificate: no mail about it until a day.
///
/// It takes the place of what was said of the certificate before. Whoever is bound to some groups speaks for a certificate only
/// where all of its places are in them; of places that come to other groups later it says nothing.
#[utoipa::path(operation_id = "create_acknowledgement", tag = "notifications", request_body = CreateAcknowledgement, responses((status = 201, description = "It holds", body = Acknowledgement)))]
#[post("/acknowledgements")]
pub(crate) async fn create_acknowledgement(
    app: App,
    caller: Caller,
    body: Json<CreateAcknowledgement>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let new = NewAcknowledgement {
        certificate_id: body.certificate_id,
        reason: body.reason,
        until: body.until,
    };
    let tx = app.db.write(caller.scope()).await?;
    let made = alerts::acknowledge(&tx, new).await?;
    tx.commit().await?;
    Ok(HttpResponse::Created().json(acknowledgement(made)))
}

/// Lists acknowledgements, the latest first.
#[utoipa::path(operation_id = "list_acknowledgements", tag = "notifications", params(ListAcknowledgements), responses((status = 200, description = "Acknowledgements", body = Page<Acknowledgement>)))]
#[get("/acknowledgements")]
pub(crate) async fn list_acknowledgements(
    app: App,
    caller: Caller,
    query: Query<ListAcknowledgements>,
) -> Reply<Page<Acknowledgement>> {
    let limit = page::limit(query.limit)?;
    let filter = AcknowledgementFilter {
        certificate_id: query.certificate_id,
        active: query.active,
    };
    let tx = app.db.read(caller.scope()).await?;
    let rows = alerts::list_acknowledgements(&tx, &filter, page::cursor(&query.cursor)?, limit).await?;
    Ok(web::Json(page::convert(rows, acknowledgement)))
}

/// Reads an acknowledgement.
#[utoipa::path(operation_id = "get_acknowledgement", tag = "notifications", params(("id" = Uuid, Path, description = "The acknowledgement")), responses((status = 200, description = "The acknowledgement", body = Acknowledgement)))]
#[get("/acknowledgements/{id}")]
pub(crate) async fn get_acknowledgement(app: App, caller: Caller, id: web::Path<Uuid>) -> Reply<Acknowledgement> {
    let tx = app.db.read(caller.scope()).await?;
    let found = alerts::get_acknowledgement(&tx, *id).await?;
    Ok(web::Json(acknowledgement(found)))
}

/// Takes an acknowledgement back: what has come due meanwhile is told.
#[utoipa::path(operation_id = "end_acknowledgement", tag = "notifications", params(("id" = Uuid, Path, description = "The acknowledgement")), responses((status = 200, description = "It is over", body = Acknowledgement)))]
#[delete("/acknowledgements/{id}")]
pub(crate) async fn end_acknowledgement(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<web::Json<Acknowledgement>, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    let found = alerts::end_acknowledgement(&tx, *id).await?;
    tx.commit().await?;
    Ok(web::Json(acknowledgement(found)))
}

pub(crate) fn acknowledgement(found: alerts::Acknowledgement) -> Acknowledgement {
    Acknowledgement {
        id: found.id,
        certificate_id: found.certificate_id,
        common_name: found.common_name,
        sha256: found.sha256,
        reason: found.reason,
        until: found.until,
        created_by: found.created_by,
        created_at: found.created_at,
        ended_at: found.ended_at,
        ended_by: found.ended_by,
        bound: found.bound,
    }
}
