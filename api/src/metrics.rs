//! Gauges of the organisation in the text format of Prometheus. Those of the process stand on a listener of their own.

use crate::caller::Caller;
use crate::error::Problem;
use crate::query::Query;
use crate::state::App;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, get};
use certyard_domain::Scope;
use certyard_domain::alerts::{self, Code};
use certyard_domain::clusters::Counts;
use certyard_domain::gauges::{self, Gauges, WINDOWS};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use utoipa::IntoParams;

/// Media type of the text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Which gauges.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadMetrics {
    /// Gauges of each cluster as well: some lines for each.
    #[serde(default)]
    #[param(example = false)]
    pub per_cluster: bool,
}

/// Reads the gauges of the organisation for Prometheus.
///
/// A token of the role `monitor` reads them and nothing else; bound to groups, it sees those alone. Each place that holds a certificate
/// counts. `expiring` is what ends within the start days of the notification settings; `certyard_certificates_ending` counts windows
/// of 7, 30 and 90 days.
#[utoipa::path(operation_id = "get_metrics", tag = "organisation", params(ReadMetrics), responses((status = 200, description = "Gauges in the text format 0.0.4", body = String, content_type = "text/plain")))]
#[get("/metrics")]
pub(crate) async fn get_metrics(app: App, caller: Caller, query: Query<ReadMetrics>) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let found = gauges::gauges(&tx, query.0.per_cluster).await?;
    drop(tx);
    // What keeps people from being told is the organisation's, whatever groups the caller is bound to.
    let tx = app.db.read(&Scope::system(caller.scope().org_id(), "metrics")).await?;
    let troubles: BTreeSet<Code> = alerts::health(&tx).await?.into_iter().map(|found| found.code).collect();
    drop(tx);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, TEXT_FORMAT))
        .body(text(&found, &troubles)))
}

fn text(found: &Gauges, troubles: &BTreeSet<Code>) -> String {
    let mut out = Lines::default();
    out.gauge("certyard_certificates", "Places that hold a certificate, by its state.");
    for row in &found.products {
        let labels = [("product", row.product.as_str()), ("kind", &row.kind)];
        out.states("certyard_certificates", &labels, row.counts);
    }
    out.gauge(
        "certyard_certificates_ending",
        "Places whose certificate ends within the window.",
    );
    for row in &found.ends {
        for (days, count) in WINDOWS.iter().zip(row.counts) {
            let window = format!("{days}d");
            let labels = [
                ("product", row.product.as_str()),
                ("kind", &row.kind),
                ("window", &window),
            ];
            out.line("certyard_certificates_ending", &labels, count);
        }
    }
    out.gauge(
        "certyard_next_expiry_timestamp_seconds",
        "The next end within the longest window, in seconds since 1970.",
    );
    for row in &found.ends {
        let labels = [("product", row.product.as_str()), ("kind", &row.kind)];
        out.line("certyard_next_expiry_timestamp_seconds", &labels, row.next.timestamp());
    }
    if !found.clusters.is_empty() {
        out.gauge(
            "certyard_cluster_certificates",
            "Places of a cluster that hold a certificate, by its state.",
        );
    }
    for row in &found.clusters {
        let id = row.cluster_id.to_string();
        let labels = [
            ("cluster", row.cluster.as_str()),
            ("cluster_id", &id),
            ("product", &row.product),
            ("kind", &row.kind),
        ];
        out.states("certyard_cluster_certificates", &labels, row.counts);
    }
    out.gauge(
        "certyard_organisation_alerting_trouble",
        "1 where something keeps people from being told of expiring certificates.",
    );
    for code in Code::ALL {
        let labels = [("code", code.as_str())];
        out.line(
            "certyard_organisation_alerting_trouble",
            &labels,
            i64::from(troubles.contains(&code)),
        );
    }
    out.text
}

#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn gauge(&mut self, name: &str, help: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn states(&mut self, name: &str, labels: &[(&str, &str)], counts: Counts) {
        let valid = counts.total - counts.expired - counts.expiring;
        for (state, count) in [
            ("valid", valid),
            ("expiring", counts.expiring),
            ("expired", counts.expired),
        ] {
            let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("state", state)]).collect();
            self.line(name, &labels, count);
        }
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: i64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
            .collect();
        let _ = writeln!(self.text, "{name}{{{}}} {value}", labels.join(","));
    }
}

/// A value of a label: what somebody named a cluster ends no line and no value.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use certyard_domain::clusters::ClusterCounts;
    use uuid::Uuid;

    #[test]
    fn a_cluster_ends_no_line_whatever_its_name() {
        let found = Gauges {
            clusters: vec![ClusterCounts {
                cluster_id: Uuid::nil(),
                cluster: "a\"} 1\nb\\".into(),
                product: "cucm".into(),
                kind: "identity".into(),
                counts: Counts {
                    total: 5,
                    expired: 1,
                    expiring: 1,
                },
            }],
            ..Gauges::default()
        };
        let text = text(&found, &BTreeSet::from([Code::SweepLate]));
        let id = Uuid::nil();
        let line = format!(
            "certyard_cluster_certificates{{cluster=\"a\\\"}} 1\\nb\\\\\",cluster_id=\"{id}\",product=\"cucm\",kind=\"identity\",state=\"valid\"}} 3\n"
        );
        assert!(text.contains(&line), "{text}");
        assert!(
            text.contains("{code=\"sweep_late\"} 1\n") && text.contains("{code=\"mail_delayed\"} 0\n"),
            "{text}"
        );
    }
}
