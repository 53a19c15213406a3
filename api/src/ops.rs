//! The listener for operators: metrics, health and readiness. It has no credential: it listens where only they come.

use crate::error::Problem;
use crate::health::get_health;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, web};
use certyard_domain::{Db, alerts};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError};
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
    /// What was found out last of alerts.
    pub alerting: Arc<Alerting>,
}

/// How many organisations have which trouble with their alerts.
type Troubles = BTreeMap<alerts::Code, u64>;

/// What was found out last of alerts, and when. Finding out looks at every organisation.
#[derive(Default)]
pub(crate) struct Alerting {
    /// Held by whoever looks.
    looking: Mutex<()>,
    known: std::sync::Mutex<Option<(Instant, Troubles)>>,
}

impl Alerting {
    /// What is known, and whether it is of late. What is too old is not known any more: nobody has been able to look since.
    fn known(&self) -> (Option<Troubles>, bool) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let age = known.as_ref().map(|(at, _)| at.elapsed());
        let of_late = age.is_some_and(|age| age < ALERTING_KEPT);
        let holds = age.is_some_and(|age| age < ALERTING_HOLDS);
        let found = known.as_ref().filter(|_| holds).map(|(_, found)| found.clone());
        (found, of_late)
    }

    /// Looks, unless somebody has just done so; `None` where nobody can tell: the database does not answer, or not in time.
    async fn look(&self, look: impl Future<Output = certyard_domain::Result<Troubles>>) -> Option<Troubles> {
        self.look_within(ALERTING_LOOK, look).await
    }

    async fn look_within(
        &self,
        limit: Duration,
        look: impl Future<Output = certyard_domain::Result<Troubles>>,
    ) -> Option<Troubles> {
        match tokio::time::timeout(limit, self.look_once(look)).await {
            Ok(found) => found,
            Err(_) => {
                tracing::warn!(seconds = limit.as_secs(), "the state of alerts cannot be read in time");
                None
            }
        }
    }

    async fn look_once(&self, look: impl Future<Output = certyard_domain::Result<Troubles>>) -> Option<Troubles> {
        let _looking = self.looking.lock().await;
        if let (Some(found), true) = self.known() {
            return Some(found);
        }
        match look.await {
            Ok(found) => {
                *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), found.clone()));
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

    /// What is known, without waiting for anything: where it is old, it is looked beside.
    fn at_once<F>(self: &Arc<Self>, look: impl FnOnce() -> F) -> Option<Troubles>
    where
        F: Future<Output = certyard_domain::Result<Troubles>> + Send + 'static,
    {
        let (found, of_late) = self.known();
        if !of_late && self.looking.try_lock().is_ok() {
            let (alerting, look) = (self.clone(), look());
            tokio::spawn(async move { alerting.look(look).await });
        }
        found
    }
}

/// For how long that holds: scrapes of several collectors cost one look.
const ALERTING_KEPT: Duration = Duration::from_secs(15);
/// After that nobody knows any more: an answer that is older would hide that nobody can look.
const ALERTING_HOLDS: Duration = Duration::from_secs(120);
/// For how long one look may take: collectors give up after ten seconds.
const ALERTING_LOOK: Duration = Duration::from_secs(8);
/// What metrics and readiness call it where nobody can tell.
const UNKNOWN: &str = "unknown";

pub(crate) fn register(config: &mut web::ServiceConfig) {
    config
        .service(get_metrics)
        .service(get_ready)
        .service(get_health)
        .default_service(web::to(|| async { Err::<HttpResponse, _>(Problem::no_route()) }));
}

#[get("/metrics")]
async fn get_metrics(ops: web::Data<Ops>) -> HttpResponse {
    let found = ops.alerting.look(alerts::health_of_all(&ops.db)).await;
    let trouble = |code: &'static str, organisations: f64| {
        metrics::gauge!("certyard_alerting_trouble", "code" => code).set(organisations);
    };
    trouble(UNKNOWN, if found.is_none() { 1.0 } else { 0.0 });
    for code in alerts::Code::ALL {
        // No number is none: zero would say that all is well.
        let organisations = found
            .as_ref()
            .map(|found| found.get(&code).copied().unwrap_or(0) as f64);
        trouble(code.as_str(), organisations.unwrap_or(f64::NAN));
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
    // The server is of use although somebody is not told: it says so, and stays ready. It does not wait for that.
    let db = ops.db.clone();
    let found = ops.alerting.at_once(|| async move { alerts::health_of_all(&db).await });
    let alerting: BTreeMap<&str, u64> = match found {
        Some(found) => found
            .into_iter()
            .filter(|(_, organisations)| *organisations > 0)
            .map(|(code, organisations)| (code.as_str(), organisations))
            .collect(),
        None => BTreeMap::from([(UNKNOWN, 1)]),
    };
    Ok(HttpResponse::Ok().json(serde_json::json!({ "status": "ready", "alerting": alerting })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[tokio::test]
    async fn readiness_waits_for_no_look_and_hears_of_it_once_it_is_over() {
        let alerting = Arc::new(Alerting::default());
        assert_eq!(alerting.at_once(pending), None);
        // The look that hangs keeps all others waiting, but nobody who asks at once.
        tokio::task::yield_now().await;
        assert_eq!(alerting.at_once(pending), None);
        let alerting = Arc::new(Alerting::default());
        let found = Troubles::from([(alerts::Code::SweepLate, 1)]);
        let expected = Some(found.clone());
        assert_eq!(alerting.at_once(|| async { Ok(found) }), None);
        while alerting.known().0.is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(alerting.at_once(pending), expected);
    }

    #[tokio::test]
    async fn what_nobody_can_look_at_any_more_is_unknown() {
        let alerting = Arc::new(Alerting::default());
        let found = Troubles::from([(alerts::Code::SweepLate, 0)]);
        let now = Instant::now();
        for (age, known) in [(0, true), (60, true), (121, false)] {
            let Some(then) = now.checked_sub(Duration::from_secs(age)) else {
                continue;
            };
            *alerting.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((then, found.clone()));
            assert_eq!(alerting.known().0.is_some(), known, "{age} s");
        }
        // A look that hangs comes to an end, and says so.
        assert_eq!(alerting.look_within(Duration::from_millis(10), pending()).await, None);
    }
}
