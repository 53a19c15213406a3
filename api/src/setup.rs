//! First set-up: the one-time code of the log makes the first organisation and its owner.

use crate::error::{Problem, Reply};
use crate::people::Me;
use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
pub(crate) async fn get_setup() -> Reply<SetupState> {
    Err(Problem::not_yet())
}

/// Makes the first organisation and its owner, and signs the owner in.
///
/// Works once, with the code that the first start of the server printed.
#[utoipa::path(operation_id = "set_up", tag = "people", request_body = SetupRequest, responses((status = 201, description = "Made; the session cookie is set", body = Me)))]
#[post("/setup")]
pub(crate) async fn set_up(_body: web::Json<SetupRequest>) -> Result<HttpResponse, Problem> {
    Err(Problem::not_yet())
}
