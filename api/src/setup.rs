//! First set-up: the one-time code of the log makes the first organisation and its owner.

use crate::body::Json;
use crate::caller::From;
use crate::error::{Problem, Reply};
use crate::people::{Me, signed_in};
use crate::state::App;
use actix_web::{HttpResponse, get, post, web};
use certyard_domain::people;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// Whether the first owner is still to be made.
#[derive(Serialize, ToSchema)]
pub(crate) struct SetupState {
    /// There is no organisation yet: `POST /api/v1/setup` makes it.
    pub needed: bool,
}

/// Makes the first organisation and its owner.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetupRequest {
    /// The code that the first start printed.
    #[schema(example = "k3v9-2mxp-7hqd-t4wz")]
    pub code: String,
    /// Name of the organisation.
    #[schema(example = "Example Corp")]
    pub organisation: String,
    /// Name of the owner.
    #[schema(example = "Ada Lovelace")]
    pub name: String,
    /// E-mail address that the owner signs in with.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// Password of the owner, 12 characters or more.
    #[schema(example = "correct horse battery staple")]
    pub password: String,
}

/// Tells whether set-up is needed.
#[utoipa::path(operation_id = "get_setup", tag = "people", responses((status = 200, description = "Whether the first owner is still to be made", body = SetupState)))]
#[get("/setup")]
pub(crate) async fn get_setup(app: App) -> Reply<SetupState> {
    let needed = people::setup_wanted(&app.db).await?;
    Ok(web::Json(SetupState { needed }))
}

/// Makes the first organisation and its owner, and signs the owner in.
///
/// Works once, with the code that the first start of the server printed.
#[utoipa::path(operation_id = "set_up", tag = "people", request_body = SetupRequest, responses((status = 201, description = "Made; the session cookie is set", body = Me)))]
#[post("/setup")]
pub(crate) async fn set_up(app: App, from: From, body: Json<SetupRequest>) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let request = people::SetUp {
        code: body.code,
        organisation: body.organisation,
        name: body.name,
        email: body.email,
        password: Zeroizing::new(body.password),
    };
    let (principal, session) = people::set_up(&app.db, &app.keys, &request, &from.0).await?;
    if let Some(spent) = &app.config.on_set_up {
        spent();
    }
    signed_in(&app, &principal, &session).await
}
