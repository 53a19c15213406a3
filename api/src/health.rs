//! Whether the program lives.

use actix_web::{get, web};
use serde::Serialize;
use utoipa::ToSchema;

/// The program lives.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    pub status: String,
    /// Version of the server.
    #[schema(example = "0.1.0")]
    pub version: String,
}

/// Says that the program lives.
///
/// It asks nothing of the database; that is `/readyz` of the operations listener.
#[utoipa::path(operation_id = "get_health", tag = "health", responses((status = 200, description = "It lives", body = Health)))]
#[get("/healthz")]
pub(crate) async fn get_health() -> web::Json<Health> {
    web::Json(Health {
        status: "ok".into(),
        version: env!("CARGO_PKG_VERSION").into(),
    })
}
