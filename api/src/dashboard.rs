//! The web dashboard: the files that `./dev` built into the program, or those of a folder.

use crate::error::Problem;
use crate::state::App;
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::STANDARD};
use certyard_domain::digest::sha256_hex;
use rust_embed::RustEmbed;
use std::borrow::Cow;
use std::path::{Component, Path};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../frontend/dist/"]
#[allow_missing = true]
struct Built;

/// Stands in the built page where the nonce goes.
const NONCE: &str = "__CSP_NONCE__";
/// Letters of a tag: 128 bits tell any two files apart.
const TAG_LENGTH: usize = 32;
const INDEX: &str = "index.html";

const MISSING: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Certyard</title>\
    <h1>The dashboard is not in this build</h1><p>Run <code>./dev up</code>, or build it with <code>npm run build</code> in \
    <code>frontend</code>. The API is here: <a href=\"/api/docs/\">/api/docs</a>.</p></html>";

/// Answers whatever no other handler wants: a file of the dashboard, or its one page.
pub(crate) async fn serve(app: App, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let path = request.path();
    if matches!(path, "/api" | "/agent") || path.starts_with("/api/") || path.starts_with("/agent/") {
        return Err(Problem::no_route());
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::wrong_method("GET, HEAD".into()));
    }
    let name = path.trim_start_matches('/');
    let is_page = name.is_empty() || name == INDEX;
    if !is_page && let Some(response) = file(&app, name, request.headers()).await {
        return Ok(response);
    }
    if name.starts_with("assets/") || !(is_page || wants_page(request.headers())) {
        return Err(Problem::no_route());
    }
    page(&app).await
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

async fn page(app: &App) -> Result<HttpResponse, Problem> {
    let Some(bytes) = load(app, INDEX).await else {
        return Ok(HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .content_type("text/html; charset=utf-8")
            .body(MISSING));
    };
    let mut random = [0; 18];
    rand::fill(&mut random).map_err(|_| Problem::internal("no random bytes"))?;
    let nonce = STANDARD.encode(random);
    let html = String::from_utf8_lossy(&bytes).replace(NONCE, &nonce);
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy(&nonce)))
        .content_type("text/html; charset=utf-8")
        .body(html))
}

/// Scripts are the page's own files; style elements made by scripts carry the nonce.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
}

async fn file(app: &App, name: &str, headers: &HeaderMap) -> Option<HttpResponse> {
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut found = None;
    for (encoding, ending) in [("br", ".br"), ("gzip", ".gz")] {
        if accepts(accepted, encoding)
            && let Some(bytes) = load(app, &format!("{name}{ending}")).await
        {
            found = Some((bytes, Some(encoding)));
            break;
        }
    }
    let (bytes, encoding) = match found {
        Some(found) => found,
        None => (load(app, name).await?, None),
    };
    let tag = format!("\"{}\"", &sha256_hex(&bytes)[..TAG_LENGTH]);
    let is_known = headers
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .any(|known| names(known, &tag));
    let mut response = HttpResponse::build(if is_known {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::OK
    });
    response.insert_header((header::ETAG, tag));
    response.insert_header((header::VARY, "Accept-Encoding"));
    response.insert_header((
        header::CACHE_CONTROL,
        if name.starts_with("assets/") {
            // Their names change with what is in them.
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        },
    ));
    if is_known {
        return Some(response.finish());
    }
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    response.content_type(kind.as_ref());
    if let Some(encoding) = encoding {
        response.insert_header((header::CONTENT_ENCODING, encoding));
    }
    Some(response.body(bytes.into_owned()))
}

/// Whether `Accept-Encoding` takes an encoding (RFC 9110, 12.5.3): a weight of zero refuses it.
fn accepts(header: &str, encoding: &str) -> bool {
    header.split(',').any(|part| {
        let mut parts = part.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let is_refused = parts
            .filter_map(|parameter| parameter.split_once('='))
            .any(|(name, weight)| {
                name.eq_ignore_ascii_case("q") && weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0)
            });
        is_named && !is_refused
    })
}

/// Whether `If-None-Match` names a tag (RFC 9110, 13.1.2), by the weak comparison.
fn names(known: &str, tag: &str) -> bool {
    known
        .split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

async fn load(app: &App, name: &str) -> Option<Cow<'static, [u8]>> {
    let Some(folder) = &app.config.ui_dir else {
        return Built::get(name).map(|file| file.data);
    };
    let plain = Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(part) if !part.to_string_lossy().starts_with('.')));
    if !plain {
        return None;
    }
    tokio::fs::read(folder.join(name)).await.ok().map(Cow::Owned)
}
