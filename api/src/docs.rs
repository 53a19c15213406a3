//! The OpenAPI document, and a page to read it. Nothing comes from elsewhere.

use crate::error::Problem;
use crate::openapi::openapi_json;
use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use std::sync::{Arc, OnceLock};
use utoipa_swagger_ui::Config;

/// The page loads only what this server has; its styles are written into elements by its script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The OpenAPI document.
#[get("/api/openapi.json")]
pub(crate) async fn document() -> HttpResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .content_type("application/json")
        .body(TEXT.get_or_init(openapi_json).as_str())
}

/// Leads to the page.
#[get("/api/docs")]
pub(crate) async fn to_page() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, "/api/docs/"))
        .finish()
}

/// The page and its files.
#[get("/api/docs/{file:.*}")]
pub(crate) async fn page(file: web::Path<String>) -> Result<HttpResponse, Problem> {
    let config = Arc::new(Config::from("/api/openapi.json").try_it_out_enabled(false));
    let name = if file.is_empty() { "index.html" } else { file.as_str() };
    match utoipa_swagger_ui::serve(name, config) {
        Ok(Some(file)) => Ok(HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
            .content_type(file.content_type.as_str())
            .body(file.bytes.into_owned())),
        Ok(None) => Err(Problem::no_route()),
        Err(error) => Err(Problem::internal(error.to_string())),
    }
}
