//! The organisation.

use crate::body::Json;
use crate::caller::Caller;
use crate::error::Problem;
use crate::etag::{IfMatch, time_version, versioned};
use crate::state::App;
use actix_web::{HttpResponse, get, patch};
use certyard_domain::{inventory, orgs};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The caller's organisation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Organisation {
    /// The organisation.
    pub id: Uuid,
    /// Its name.
    #[schema(example = "Example Corp")]
    pub name: String,
    /// Days before its end from which a certificate counts as expiring.
    #[schema(example = 60)]
    pub start_days: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// Changes the organisation; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateOrganisation {
    /// New name.
    #[schema(example = "Example Corp")]
    pub name: Option<String>,
    /// Days before its end from which a certificate counts as expiring, 30 to 365.
    #[schema(example = 60)]
    pub start_days: Option<i32>,
}

/// Reads the organisation.
#[utoipa::path(operation_id = "get_organisation", tag = "organisation", responses((status = 200, description = "The organisation", body = Organisation, headers(("ETag" = String, description = "Version, for If-Match")))))]
#[get("/organisation")]
pub(crate) async fn get_organisation(app: App, caller: Caller) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let org = orgs::get(&tx).await?;
    Ok(versioned(time_version(org.updated_at), organisation(org)))
}

/// Changes the organisation.
///
/// Another number of days moves the counts of expiring certificates: they are counted again in the background, cluster by
/// cluster, and have followed within a minute as a rule. Lists and single certificates follow at once.
#[utoipa::path(operation_id = "update_organisation", tag = "organisation", request_body = UpdateOrganisation, params(("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), responses((status = 200, description = "Changed", body = Organisation)))]
#[patch("/organisation")]
pub(crate) async fn update_organisation(
    app: App,
    caller: Caller,
    condition: IfMatch,
    body: Json<UpdateOrganisation>,
) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    condition.require(time_version(orgs::get(&tx).await?.updated_at))?;
    let change = orgs::Change {
        name: body.0.name,
        start_days: body.0.start_days,
    };
    let before = orgs::get(&tx).await?.start_days;
    let org = orgs::update(&tx, &change).await?;
    if org.start_days != before {
        // What counts as expiring has changed with the days.
        inventory::outdate_all(&tx).await?;
    }
    tx.commit().await?;
    Ok(versioned(time_version(org.updated_at), organisation(org)))
}

fn organisation(org: orgs::Org) -> Organisation {
    Organisation {
        id: org.id,
        name: org.name,
        start_days: org.start_days,
        created_at: org.created_at,
        updated_at: org.updated_at,
    }
}
