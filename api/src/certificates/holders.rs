//! Who holds a certificate.

use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::installations::StoreKind;
use crate::list::{self, List, turn};
use crate::page::{self, Named, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, get, web};
use certyard_domain::{OrgTx, inventory};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A cluster that holds a certificate.
#[derive(Serialize, ToSchema)]
pub(crate) struct CertificateCluster {
    /// The cluster.
    pub cluster: Named,
    /// Its product.
    #[schema(example = "cucm")]
    pub product: String,
    /// Nodes that hold it.
    #[schema(example = 3)]
    pub node_count: i64,
    /// Places that hold it as an identity certificate.
    #[schema(example = 0)]
    pub identity_count: i64,
    /// Trust stores that hold it, those of each node counted.
    #[schema(example = 6)]
    pub trust_count: i64,
    /// Names of the stores.
    #[schema(example = json!(["CallManager-trust", "tomcat-trust"]))]
    pub stores: Vec<String>,
}

/// Which clusters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListCertificateClusters {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Only as an identity certificate, or only in trust stores.
    #[param(inline)]
    pub kind: Option<StoreKind>,
}

impl List for ListCertificateClusters {
    type Of = Uuid;
    type Row = CertificateCluster;
    const NAME: &'static str = "certificate-clusters";

    turn!();

    async fn read(&self, tx: &OrgTx, of: Uuid, limit: u64) -> Result<Page<CertificateCluster>, Problem> {
        let kind = self.kind.map(Into::into);
        let rows = inventory::holders(tx, of, kind, page::cursor(&self.cursor)?, limit).await?;
        Ok(page::convert(rows, |row| CertificateCluster {
            cluster: Named {
                id: row.cluster.id,
                name: row.cluster.name,
            },
            product: row.cluster.product,
            node_count: row.nodes,
            identity_count: row.identity,
            trust_count: row.trust,
            stores: row.stores,
        }))
    }
}

/// Lists the clusters that hold a certificate.
#[utoipa::path(operation_id = "list_certificate_clusters", tag = "certificates", params(("id" = Uuid, Path, description = "The certificate"), ListCertificateClusters), responses((status = 200, description = "Clusters by name", body = Page<CertificateCluster>)))]
#[get("/certificates/{id}/clusters")]
pub(crate) async fn list_certificate_clusters(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListCertificateClusters>,
) -> Reply<Page<CertificateCluster>> {
    list::answer(&app, &caller, *id, query.0).await
}

/// Exports the clusters that hold a certificate as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_certificate_clusters", tag = "certificates", params(("id" = Uuid, Path, description = "The certificate"), ListCertificateClusters), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/certificates/{id}/clusters.csv")]
pub(crate) async fn export_certificate_clusters(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListCertificateClusters>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, *id, query.0).await
}
