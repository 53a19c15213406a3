//! What a root change is about, row by row: trust stores, and identity certificates.

use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::list::{self, List, turn};
use crate::page::{self, Named, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, get, web};
use certyard_domain::{OrgTx, root_changes};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Where a trust store stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CoverageState {
    /// A reading has found the new certificate there.
    Covered,
    /// A task that brings it has not ended.
    UnderWay,
    /// It cannot be brought there from here.
    Refused,
    /// The last task that was to bring it has failed.
    Failed,
    /// The node could not be read the last time.
    Unreachable,
    /// The node was never read.
    NeverRead,
    /// It was not brought there yet.
    Missing,
}

impl CoverageState {
    fn wanted(self) -> root_changes::CoverState {
        match self {
            Self::Covered => root_changes::CoverState::Covered,
            Self::UnderWay => root_changes::CoverState::UnderWay,
            Self::Refused => root_changes::CoverState::Refused,
            Self::Failed => root_changes::CoverState::Failed,
            Self::Unreachable => root_changes::CoverState::Unreachable,
            Self::NeverRead => root_changes::CoverState::NeverRead,
            Self::Missing => root_changes::CoverState::Missing,
        }
    }

    fn of(state: root_changes::CoverState) -> Self {
        match state {
            root_changes::CoverState::Covered => Self::Covered,
            root_changes::CoverState::UnderWay => Self::UnderWay,
            root_changes::CoverState::Refused => Self::Refused,
            root_changes::CoverState::Failed => Self::Failed,
            root_changes::CoverState::Unreachable => Self::Unreachable,
            root_changes::CoverState::NeverRead => Self::NeverRead,
            root_changes::CoverState::Missing => Self::Missing,
        }
    }
}

/// A trust store of a node, and whether it knows the new certificate.
#[derive(Serialize, ToSchema)]
pub(crate) struct CoverageRow {
    /// The cluster.
    pub cluster: Named,
    /// Its product.
    #[schema(example = "cucm")]
    pub product: String,
    /// The node.
    pub node: Named,
    /// The trust store; null for a node that was never read.
    #[schema(example = "tomcat-trust")]
    pub store: Option<String>,
    /// Where it stands.
    pub state: CoverageState,
    /// Why it is not covered: a stable code; of a failed task its own.
    #[schema(example = "node_unreachable")]
    pub code: Option<String>,
    /// The same for people, with the way out.
    #[schema(example = "the node does not answer on port 443: mend it and distribute again, to what is missing alone")]
    pub message: Option<String>,
    /// The old certificate is there still.
    #[schema(example = true)]
    pub holds_old: bool,
    /// When the node was last read.
    pub read_at: Option<DateTime<Utc>>,
    /// The last job that was to bring the new certificate there.
    pub job_id: Option<Uuid>,
}

/// Which trust stores.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListCoverage {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// In any of these states; repeat it for more than one; left out: all.
    #[param(inline)]
    #[serde(default)]
    pub state: Vec<CoverageState>,
    /// Of any of these clusters; repeat it for more than one.
    #[serde(default)]
    pub cluster_id: Vec<Uuid>,
}

impl List for ListCoverage {
    type Of = Uuid;
    type Row = CoverageRow;
    const NAME: &'static str = "root-change-coverage";

    turn!();

    async fn read(&self, tx: &OrgTx, id: Uuid, limit: u64) -> Result<Page<CoverageRow>, Problem> {
        let change = root_changes::get(tx, id).await?;
        let filter = root_changes::CoverageFilter {
            states: self.state.iter().copied().map(CoverageState::wanted).collect(),
            clusters: self.cluster_id.clone(),
        };
        let rows = root_changes::coverage(tx, &change, &filter, page::cursor(&self.cursor)?, limit).await?;
        Ok(page::convert(rows, |row| CoverageRow {
            cluster: Named {
                id: row.cluster_id,
                name: row.cluster_name,
            },
            product: row.product,
            node: Named {
                id: row.node_id,
                name: row.node_name,
            },
            store: (!row.store.is_empty()).then_some(row.store),
            state: CoverageState::of(row.state),
            code: row.code,
            message: row.message,
            holds_old: row.holds_old,
            read_at: row.read_at,
            job_id: row.job_id,
        }))
    }
}

/// Lists the trust stores of a root change, each with whether its node was read with the new certificate in it, and why not.
#[utoipa::path(operation_id = "list_root_change_coverage", tag = "root changes", params(("id" = Uuid, Path, description = "The root change"), ListCoverage), responses((status = 200, description = "Trust stores by cluster, node and name", body = Page<CoverageRow>)))]
#[get("/root-changes/{id}/coverage")]
pub(crate) async fn list_coverage(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListCoverage>,
) -> Reply<Page<CoverageRow>> {
    list::answer(&app, &caller, *id, query.0).await
}

/// Exports the trust stores of a root change as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_root_change_coverage", tag = "root changes", params(("id" = Uuid, Path, description = "The root change"), ListCoverage), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/root-changes/{id}/coverage.csv")]
pub(crate) async fn export_coverage(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListCoverage>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, *id, query.0).await
}

/// Where an identity certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IdentityState {
    /// It chains to the old certificate.
    Old,
    /// So it does, and a CSR waits for its answer.
    CsrPending,
    /// It chains to the new one.
    New,
}

impl IdentityState {
    fn wanted(self) -> root_changes::IdentityState {
        match self {
            Self::Old => root_changes::IdentityState::Old,
            Self::CsrPending => root_changes::IdentityState::CsrPending,
            Self::New => root_changes::IdentityState::New,
        }
    }

    fn of(state: root_changes::IdentityState) -> Self {
        match state {
            root_changes::IdentityState::Old => Self::Old,
            root_changes::IdentityState::CsrPending => Self::CsrPending,
            root_changes::IdentityState::New => Self::New,
        }
    }
}

/// An identity certificate that chains to one of the two certificates.
#[derive(Serialize, ToSchema)]
pub(crate) struct IdentityRow {
    /// The installation.
    pub installation_id: Uuid,
    /// The cluster.
    pub cluster: Named,
    /// Its product.
    #[schema(example = "cucm")]
    pub product: String,
    /// The node.
    pub node: Named,
    /// What the certificate is for.
    #[schema(example = "tomcat")]
    pub purpose: String,
    /// Where it stands.
    pub state: IdentityState,
    /// The certificate.
    pub certificate_id: Uuid,
    /// Common name.
    #[schema(example = "cucm-n-1.example.org")]
    pub common_name: String,
    /// Issuer, RFC 4514.
    #[schema(example = "CN=Example Issuing CA,O=Example")]
    pub issuer: String,
    /// SHA-256, lower-case hex.
    #[schema(example = "6a9c…")]
    pub sha256: String,
    /// End.
    pub not_after: DateTime<Utc>,
    /// The CSR that waits for its answer.
    #[schema(example = json!(null))]
    pub csr_id: Option<Uuid>,
}

/// Which identity certificates.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListIdentities {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// In any of these states; repeat it for more than one; left out: all.
    #[param(inline)]
    #[serde(default)]
    pub state: Vec<IdentityState>,
    /// Of any of these clusters; repeat it for more than one.
    #[serde(default)]
    pub cluster_id: Vec<Uuid>,
}

impl List for ListIdentities {
    type Of = Uuid;
    type Row = IdentityRow;
    const NAME: &'static str = "root-change-identities";

    turn!();

    async fn read(&self, tx: &OrgTx, id: Uuid, limit: u64) -> Result<Page<IdentityRow>, Problem> {
        let change = root_changes::get(tx, id).await?;
        let filter = root_changes::IdentityFilter {
            states: self.state.iter().copied().map(IdentityState::wanted).collect(),
            clusters: self.cluster_id.clone(),
        };
        let rows = root_changes::identities(tx, &change, &filter, page::cursor(&self.cursor)?, limit).await?;
        Ok(page::convert(rows, |row| IdentityRow {
            installation_id: row.installation_id,
            cluster: Named {
                id: row.cluster_id,
                name: row.cluster_name,
            },
            product: row.product,
            node: Named {
                id: row.node_id,
                name: row.node_name,
            },
            purpose: row.purpose,
            state: IdentityState::of(row.state),
            certificate_id: row.certificate_id,
            common_name: row.common_name,
            issuer: row.issuer,
            sha256: row.sha256,
            not_after: row.not_after,
            csr_id: row.csr_id,
        }))
    }
}

/// Lists the identity certificates of a root change: those that chain to the old certificate, directly or through authorities that are known
/// here, and those that chain to the new one.
#[utoipa::path(operation_id = "list_root_change_identities", tag = "root changes", params(("id" = Uuid, Path, description = "The root change"), ListIdentities), responses((status = 200, description = "Identity certificates by cluster and node", body = Page<IdentityRow>)))]
#[get("/root-changes/{id}/identities")]
pub(crate) async fn list_identities(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListIdentities>,
) -> Reply<Page<IdentityRow>> {
    list::answer(&app, &caller, *id, query.0).await
}

/// Exports the identity certificates of a root change as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_root_change_identities", tag = "root changes", params(("id" = Uuid, Path, description = "The root change"), ListIdentities), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/root-changes/{id}/identities.csv")]
pub(crate) async fn export_identities(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<ListIdentities>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, *id, query.0).await
}
