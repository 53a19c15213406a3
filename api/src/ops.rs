//! The listener for operators: metrics, health and readiness. It has no credential: it listens where only they come.

use crate::error::Problem;
use crate::health::get_health;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, web};
use certyard_domain::{Db, alerts};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, watch};

/// Upper ends of the buckets for times, in seconds.
const SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The recorder of the process; a second server in the same process shares it.
pub(crate) fn recorder() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let handle = PrometheusBuilder::new()
                .set_buckets(&SECONDS)
                .ok()?
                .install_recorder()
                .ok()?;
            describe();
            Some(handle)
        })
        .as_ref()
}

fn describe() {
    metrics::describe_counter!("certyard_http_requests_total", "Requests by operation and status.");
    metrics::describe_histogram!(
        "certyard_http_request_seconds",
        metrics::Unit::Seconds,
        "Time to answer by operation."
    );
    metrics::describe_counter!(
        "certyard_agent_requests_total",
        "Requests of agents by call and status."
    );
    metrics::describe_gauge!("certyard_agent_polls", "Polls that are held.");
    metrics::describe_gauge!(
        "certyard_alerting_trouble",
        "Organisations where people are not told of certificates that expire, by reason."
    );
    metrics::describe_gauge!("certyard_build_info", "Version of the program.");
    metrics::gauge!("certyard_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// What readiness is told by.
pub(crate) struct Ops {
    /// Storage.
    pub db: Db,
    /// Turns true when the program is about to stop.
    pub stopping: watch::Receiver<bool>,
    /// What was found out last of alerts, and when.
    pub alerting: Mutex<Option<(Instant, BTreeMap<alerts::Code, u64>)>>,
}

/// For how long that holds: scrapes of several collectors cost one look.
const ALERTING_KEPT: Duration = Duration::from_secs(15);

pub(crate) fn register(config: &mut web::ServiceConfig) {
    config
        .service(get_metrics)
        .service(get_ready)
        .service(get_health)
        .default_service(web::to(|| async { Err::<HttpResponse, _>(Problem::no_route()) }));
}

/// How many organisations have which trouble with their alerts; `None` where the database does not answer.
async fn alerting(ops: &Ops) -> Option<BTreeMap<alerts::Code, u64>> {
    let mut known = ops.alerting.lock().await;
    if let Some((at, found)) = known.as_ref()
        && at.elapsed() < ALERTING_KEPT
    {
        return Some(found.clone());
    }
    match alerts::health_of_all(&ops.db).await {
        Ok(found) => {
            *known = Some((Instant::now(), found.clone()));
            Some(found)
        }
        Err(error) => {
            tracing::warn!(
                error = crate::error::chain(&error),
                "the state of alerts cannot be read"
            );
            None
        }
    }
}

#[get("/metrics")]
async fn get_metrics(ops: web::Data<Ops>) -> HttpResponse {
    for (code, organisations) in alerting(&ops).await.unwrap_or_default() {
        metrics::gauge!("certyard_alerting_trouble", "code" => code.as_str()).set(organisations as f64);
    }
    let Some(handle) = recorder() else {
        return HttpResponse::ServiceUnavailable().finish();
    };
    handle.run_upkeep();
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(handle.render())
}

/// Ready is a server whose database answers with the schema that it expects. The KEK was checked at start.
#[get("/readyz")]
async fn get_ready(ops: web::Data<Ops>) -> Result<HttpResponse, Problem> {
    if *ops.stopping.borrow() {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "the server is about to stop",
        ));
    }
    // Reads a table, not only the clock: a database without its schema is not ready.
    certyard_domain::orgs::any(&ops.db).await.map_err(|error| {
        tracing::warn!(error = crate::error::chain(&error), "not ready");
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_ready",
            "the database does not answer, or was not migrated",
        )
    })?;
    // The server is of use although somebody is not told: it says so, and stays ready.
    let alerting: BTreeMap<&str, u64> = alerting(&ops)
        .await
        .unwrap_or_default()
        .into_iter()
        .filter(|(_, organisations)| *organisations > 0)
        .map(|(code, organisations)| (code.as_str(), organisations))
        .collect();
    Ok(HttpResponse::Ok().json(serde_json::json!({ "status": "ready", "alerting": alerting })))
}
