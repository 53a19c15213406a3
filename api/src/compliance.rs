//! Compliance: how far the certificates of clusters are from what their profiles want.

use crate::body::Json;
use crate::caller::Caller;
use crate::clusters::ClusterProfile;
use crate::error::{Problem, Reply};
use crate::list::{self, List, turn};
use crate::page::{self, Named, Page};
use crate::plans::{self, Plan, PlanOrder};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, get, post, web};
use certyard_domain::clusters::ClusterFilter;
use certyard_domain::{OrgTx, inventory, plans as domain};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A cluster and how far its identity certificates are from its profile.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClusterCompliance {
    /// The cluster.
    pub cluster: Named,
    /// Its product.
    #[schema(example = "cucm")]
    pub product: String,
    /// Its version.
    #[schema(example = "14")]
    pub version: String,
    /// Its profile.
    pub profile: ClusterProfile,
    /// Certificates for which the profile says something.
    #[schema(example = 6)]
    pub compared: i64,
    /// Certificates that differ in any field.
    #[schema(example = 2)]
    pub different: i64,
    /// The rules of the profile, each with its counts.
    pub rules: Vec<RuleCompliance>,
    /// Something else is wanted since and is being compared: the counts are of before.
    #[schema(example = false)]
    pub pending: bool,
}

/// A rule with its counts.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleCompliance {
    /// `signing`, `use_tomcat`, `multi_server`, `validity_years`, `key_type`, `key_bits`, `hash` or `subject`.
    #[schema(example = "signing")]
    pub rule: String,
    /// Certificates for which the profile says something here.
    #[schema(example = 6)]
    pub compared: i64,
    /// Certificates that differ here.
    #[schema(example = 2)]
    pub different: i64,
}

/// Which clusters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListCompliance {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Part of the name of the cluster.
    pub search: Option<String>,
    /// Any of these products; repeat it for more than one.
    #[serde(default)]
    pub product: Vec<String>,
    /// Any of these groups; repeat it for more than one.
    #[serde(default)]
    pub group: Vec<Uuid>,
    /// Any of these profiles; repeat it for more than one.
    #[serde(default)]
    pub profile: Vec<Uuid>,
    /// Only clusters where something differs (`false`), or where nothing does.
    pub compliant: Option<bool>,
}

impl List for ListCompliance {
    type Of = ();
    type Row = ClusterCompliance;
    const NAME: &'static str = "compliance";

    turn!();

    async fn read(&self, tx: &OrgTx, (): (), limit: u64) -> Result<Page<ClusterCompliance>, Problem> {
        let filter = ClusterFilter {
            search: self.search.clone(),
            products: self.product.clone(),
            groups: self.group.clone(),
            profiles: self.profile.clone(),
            ..Default::default()
        };
        let rows = inventory::compliance(tx, &filter, self.compliant, page::cursor(&self.cursor)?, limit).await?;
        Ok(page::convert(rows, row))
    }
}

/// Lists clusters by how far they are from their profiles: a matrix of clusters by rule.
#[utoipa::path(operation_id = "list_compliance", tag = "profiles", params(ListCompliance), responses((status = 200, description = "Clusters by name", body = Page<ClusterCompliance>)))]
#[get("/compliance")]
pub(crate) async fn list_compliance(
    app: App,
    caller: Caller,
    query: Query<ListCompliance>,
) -> Reply<Page<ClusterCompliance>> {
    list::answer(&app, &caller, (), query.0).await
}

/// Exports the matrix of clusters by rule as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_compliance", tag = "profiles", params(ListCompliance), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/compliance.csv")]
pub(crate) async fn export_compliance(
    app: App,
    caller: Caller,
    query: Query<ListCompliance>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, (), query.0).await
}

/// Asks for plans that mend what differs from profiles. What is left out or empty does not matter; `{}` means all certificates.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FixCompliance {
    /// Clusters.
    #[serde(default)]
    #[schema(example = json!([]))]
    pub cluster_ids: Vec<Uuid>,
    /// Groups of clusters.
    #[serde(default)]
    #[schema(example = json!([]))]
    pub group_ids: Vec<Uuid>,
    /// Products.
    #[serde(default)]
    #[schema(example = json!(["cucm"]))]
    pub products: Vec<String>,
    /// Purposes.
    #[serde(default)]
    #[schema(example = json!(["tomcat"]))]
    pub purposes: Vec<String>,
    /// How the jobs proceed.
    #[serde(default)]
    pub order: Option<PlanOrder>,
}

/// Plans that mend what differs, and what none of them does.
#[derive(Serialize, ToSchema)]
pub(crate) struct ComplianceFix {
    /// At most one for each of `renew`, `generate_csr` and `reuse_tomcat`; each is made a job by itself.
    pub plans: Vec<Plan>,
    /// Certificates that no action makes as the profile wants them, or not before another of the plans was carried out: the first 200.
    pub unfixable: Vec<Unfixable>,
    /// How many of these there are.
    #[schema(example = 1)]
    pub unfixable_count: usize,
}

/// A certificate that stays as it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Unfixable {
    /// The installation.
    pub installation_id: Uuid,
    /// What the certificate is for.
    #[schema(example = "tomcat")]
    pub purpose: String,
    /// The node.
    pub node: Named,
    /// Its cluster.
    pub cluster: Named,
    /// `way_open`, `chosen_by_node`, `subject_by_node`, `csr_open` or `after_another`.
    #[schema(example = "csr_open")]
    pub code: String,
    /// Why, and the way out.
    #[schema(example = "a CSR of 2026-11-22 for `tomcat` waits on node `cucm-n-1` for its answer")]
    pub message: String,
}

/// Plans what makes certificates as their profiles want them.
///
/// Nothing is changed: the plans live an hour, as any do. A plan also tells what it refuses.
#[utoipa::path(operation_id = "fix_compliance", tag = "profiles", request_body = FixCompliance, responses((status = 200, description = "Plans, and what cannot be mended", body = ComplianceFix)))]
#[post("/compliance/fix")]
pub(crate) async fn fix_compliance(app: App, caller: Caller, body: Json<FixCompliance>) -> Reply<ComplianceFix> {
    let request = domain::FixRequest {
        clusters: body.0.cluster_ids,
        groups: body.0.group_ids,
        products: body.0.products,
        purposes: body.0.purposes,
        order: body.0.order.map(Into::into).unwrap_or_default(),
    };
    let fix = domain::fix(&app.db, caller.scope(), request).await?;
    let tx = app.db.read(caller.scope()).await?;
    let mut shown = Vec::with_capacity(fix.plans.len());
    for plan in fix.plans {
        shown.push(plans::with_targets(&tx, plan).await?);
    }
    Ok(web::Json(ComplianceFix {
        plans: shown,
        unfixable_count: fix.left_count,
        unfixable: fix.left.into_iter().map(unfixable).collect(),
    }))
}

fn unfixable(left: domain::Left) -> Unfixable {
    Unfixable {
        installation_id: left.installation_id,
        purpose: left.purpose,
        node: Named {
            id: left.node_id,
            name: left.node_name,
        },
        cluster: Named {
            id: left.cluster_id,
            name: left.cluster_name,
        },
        code: left.code.into(),
        message: left.message,
    }
}

fn row(row: inventory::ComplianceRow) -> ClusterCompliance {
    ClusterCompliance {
        cluster: Named {
            id: row.cluster.id,
            name: row.cluster.name,
        },
        product: row.cluster.product,
        version: row.cluster.product_version,
        profile: ClusterProfile {
            id: row.profile.id,
            name: row.profile.name,
            own: row.profile.own,
        },
        compared: row.certificates.compared,
        different: row.certificates.different,
        rules: row
            .rules
            .into_iter()
            .map(|(field, count)| RuleCompliance {
                rule: field.as_str().into(),
                compared: count.compared,
                different: count.different,
            })
            .collect(),
        pending: row.is_due,
    }
}
