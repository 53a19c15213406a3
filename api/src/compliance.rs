//! Compliance: how far the certificates of clusters are from what their profiles want.

use crate::caller::Caller;
use crate::clusters::ClusterProfile;
use crate::error::Reply;
use crate::page::{self, Named, Page};
use crate::state::App;
use actix_web::{get, web};
use certyard_domain::inventory;
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
    /// Only this product.
    pub product: Option<String>,
    /// Only this group.
    pub group: Option<Uuid>,
    /// Only clusters where something differs (`false`), or where nothing does.
    pub compliant: Option<bool>,
}

/// Lists clusters by how far they are from their profiles: a matrix of clusters by rule.
#[utoipa::path(operation_id = "list_compliance", tag = "profiles", params(ListCompliance), responses((status = 200, description = "Clusters by name", body = Page<ClusterCompliance>)))]
#[get("/compliance")]
pub(crate) async fn list_compliance(
    app: App,
    caller: Caller,
    query: web::Query<ListCompliance>,
) -> Reply<Page<ClusterCompliance>> {
    let limit = page::limit(query.limit)?;
    let query = query.into_inner();
    let filter = inventory::ComplianceFilter {
        search: query.search,
        products: query.product.into_iter().collect(),
        groups: query.group.into_iter().collect(),
        compliant: query.compliant,
    };
    let tx = app.db.read(caller.scope()).await?;
    let rows = inventory::compliance(&tx, &filter, page::cursor(&query.cursor)?, limit).await?;
    Ok(web::Json(page::convert(rows, row)))
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
