//! Compliance: how far the certificates of clusters are from what their profiles want.

use crate::caller::Caller;
use crate::clusters::ClusterProfile;
use crate::error::{Problem, Reply};
use crate::list::{self, List, turn};
use crate::page::{self, Named, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, get};
use certyard_domain::clusters::ClusterFilter;
use certyard_domain::{OrgTx, inventory};
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
