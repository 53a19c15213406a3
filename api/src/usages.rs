//! Certificates of public CAs that are for servers only, where nodes are clients as well.

use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::list::{self, List, turn};
use crate::page::{self, Named, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, get};
use certyard_domain::{OrgTx, inventory};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// An identity certificate that fails where its node is a client.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServerOnly {
    /// The installation.
    pub installation_id: Uuid,
    /// The certificate.
    pub certificate_id: Uuid,
    /// Common name; empty where it has none.
    #[schema(example = "cucm-n-1.example.org")]
    pub common_name: String,
    /// Issuer, RFC 4514.
    #[schema(example = "CN=Public Issuing CA,O=Public")]
    pub issuer: String,
    /// What the certificate is for.
    #[schema(example = "tomcat")]
    pub purpose: String,
    /// The node.
    pub node: Named,
    /// Its cluster.
    pub cluster: Named,
    /// Product of the cluster.
    #[schema(example = "cucm")]
    pub product: String,
    /// End.
    pub not_after: DateTime<Utc>,
    /// What it may be used for.
    #[schema(example = json!(["serverAuth"]))]
    pub extended_key_usage: Vec<String>,
    /// How sure it is that the purpose needs clients, too: `certain`, `likely`.
    #[schema(example = "certain")]
    pub evidence: String,
    /// What happens, and the way out.
    #[schema(
        example = "`tomcat` of node `cucm-n-1` is shown to peers that it calls as well: have a CA sign it that adds clientAuth"
    )]
    pub message: String,
}

/// Which certificates.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListServerOnly {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Of any of these clusters; repeat it for more than one.
    #[serde(default)]
    pub cluster_id: Vec<Uuid>,
    /// Of clusters of any of these groups; repeat it for more than one.
    #[serde(default)]
    pub group: Vec<Uuid>,
    /// Any of these products; repeat it for more than one.
    #[serde(default)]
    pub product: Vec<String>,
    /// For any of these purposes; repeat it for more than one.
    #[serde(default)]
    pub purpose: Vec<String>,
    /// Part of a name of the certificate or of its node, or the begin of its serial number or SHA-256.
    pub search: Option<String>,
}

impl List for ListServerOnly {
    type Of = ();
    type Row = ServerOnly;
    const NAME: &'static str = "server-only-certificates";

    turn!();

    async fn read(&self, tx: &OrgTx, (): (), limit: u64) -> Result<Page<ServerOnly>, Problem> {
        let filter = inventory::InstallationFilter {
            clusters: self.cluster_id.clone(),
            groups: self.group.clone(),
            products: self.product.clone(),
            stores: self.purpose.clone(),
            search: self.search.clone(),
            ..inventory::InstallationFilter::default()
        };
        let rows = inventory::server_only(tx, &filter, page::cursor(&self.cursor)?, limit).await?;
        Ok(page::convert(rows, server_only))
    }
}

/// Lists identity certificates of public CAs that are for servers only, on purposes that are shown by clients as well.
///
/// Public CAs take client authentication out of what they issue (Cisco field notice FN74345). A certificate is of a public CA where it carries
/// a policy of the CA/Browser Forum. Where many certificates have to be looked at, a page may be short or empty and still have a `next`.
#[utoipa::path(operation_id = "list_server_only_certificates", tag = "certificates", params(ListServerOnly), responses((status = 200, description = "Certificates by their ends", body = Page<ServerOnly>)))]
#[get("/server-only-certificates")]
pub(crate) async fn list_server_only(
    app: App,
    caller: Caller,
    query: Query<ListServerOnly>,
) -> Reply<Page<ServerOnly>> {
    list::answer(&app, &caller, (), query.0).await
}

/// Exports these certificates as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_server_only_certificates", tag = "certificates", params(ListServerOnly), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/server-only-certificates.csv")]
pub(crate) async fn export_server_only(
    app: App,
    caller: Caller,
    query: Query<ListServerOnly>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, (), query.0).await
}

fn server_only(found: inventory::UsageRow) -> ServerOnly {
    let (place, row) = (found.row.installation.clone(), found.row);
    ServerOnly {
        installation_id: place.id,
        certificate_id: place.certificate_id,
        common_name: place.common_name,
        issuer: place.issuer,
        purpose: place.store,
        node: Named {
            id: place.node_id,
            name: row.node_name,
        },
        cluster: Named {
            id: place.cluster_id,
            name: row.cluster_name,
        },
        product: place.product,
        not_after: place.not_after,
        extended_key_usage: found.extended_key_usage,
        evidence: found.evidence.into(),
        message: found.message,
    }
}
