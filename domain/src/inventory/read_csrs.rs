//! Lists of CSRs.

use super::entity::csr;
use crate::clusters;
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result};
use crate::lists::{Page, fetch, page};
use crate::nodes;
use crate::{Permission, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// What became of a CSR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CsrState {
    /// The node has it and waits for an answer.
    Open,
    /// A certificate for its key is installed.
    Answered,
    /// The node made another one.
    Replaced,
    /// The node no longer has it.
    Gone,
}

impl CsrState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Open, Self::Answered, Self::Replaced, Self::Gone];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Replaced => "replaced",
            Self::Gone => "gone",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A CSR with what lists show of it.
#[derive(Clone, Debug, PartialEq)]
pub struct CsrRow {
    /// The CSR.
    pub csr: csr::Model,
    /// Name of its node.
    pub node_name: String,
    /// Name of its cluster.
    pub cluster_name: String,
}

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct CsrFilter {
    /// Only of this cluster.
    pub cluster_id: Option<Uuid>,
    /// Only of this node.
    pub node_id: Option<Uuid>,
    /// Only for this purpose.
    pub purpose: Option<String>,
    /// Any of these; empty: open ones.
    pub states: Vec<CsrState>,
}

fn not_found() -> Error {
    Error::NotFound { what: "CSR" }
}

/// One page of CSRs, newest first; `after` is the time and id of the last one of the page before.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn csrs(
    tx: &OrgTx,
    filter: &CsrFilter,
    after: Option<(Timestamp, Uuid)>,
    limit: u64,
) -> Result<Page<CsrRow, (Timestamp, Uuid)>> {
    tx.scope().require(Permission::ReadFleet)?;
    use csr::{Column, Entity};
    let mut rows = tx.find::<Entity>();
    if let Some(cluster) = filter.cluster_id {
        rows = rows.filter(Column::ClusterId.eq(cluster));
    }
    if let Some(node) = filter.node_id {
        rows = rows.filter(Column::NodeId.eq(node));
    }
    if let Some(purpose) = &filter.purpose {
        rows = rows.filter(Column::Purpose.eq(purpose.as_str()));
    }
    rows = match filter.states.as_slice() {
        [] => rows.filter(Column::State.eq(CsrState::Open.as_str())),
        states => rows.filter(Column::State.is_in(states.iter().map(|state| state.as_str()))),
    };
    if let Some((at, id)) = after {
        let row = Expr::tuple([Expr::col((Entity, Column::CreatedAt)), Expr::col((Entity, Column::Id))]);
        rows = rows.filter(row.lt(Expr::tuple([Expr::value(at), Expr::value(id)])));
    }
    let rows = rows
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(fetch(limit))
        .all(tx)
        .await?;
    let page = page(rows, limit, |csr| (csr.created_at, csr.id));
    Ok(Page {
        items: with_names(tx, page.items).await?,
        next: page.next,
    })
}

async fn with_names(tx: &OrgTx, rows: Vec<csr::Model>) -> Result<Vec<CsrRow>> {
    let nodes = nodes::by_ids(tx, rows.iter().map(|csr| csr.node_id)).await?;
    let clusters = clusters::by_ids(tx, rows.iter().map(|csr| csr.cluster_id)).await?;
    Ok(rows
        .into_iter()
        .map(|csr| CsrRow {
            node_name: nodes
                .get(&csr.node_id)
                .map(|node| node.name.clone())
                .unwrap_or_default(),
            cluster_name: clusters
                .get(&csr.cluster_id)
                .map(|cluster| cluster.name.clone())
                .unwrap_or_default(),
            csr,
        })
        .collect())
}

/// One CSR, whatever became of it.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn get_csr(tx: &OrgTx, id: Uuid) -> Result<CsrRow> {
    tx.scope().require(Permission::ReadFleet)?;
    let csr = tx
        .find::<csr::Entity>()
        .filter(csr::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or_else(not_found)?;
    with_names(tx, vec![csr]).await?.pop().ok_or_else(not_found)
}

/// A CSR in PEM.
pub fn csr_pem(csr: &csr::Model) -> String {
    certyard_pki::pem_text::encode("CERTIFICATE REQUEST", &csr.der)
}

/// The open CSRs of some nodes, by node and purpose, as far as the scope sees them.
///
/// # Errors
/// The database is busy or away.
pub async fn open_csrs(
    tx: &OrgTx,
    nodes: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<(Uuid, String), csr::Model>> {
    let nodes: BTreeSet<Uuid> = nodes.into_iter().collect();
    let nodes: Vec<Uuid> = nodes.into_iter().collect();
    let mut found = HashMap::new();
    for chunk in nodes.chunks(dialect::MAX_BINDS / 2) {
        let rows = tx
            .find::<csr::Entity>()
            .filter(csr::Column::NodeId.is_in(dialect::listed(chunk.iter().copied())))
            .filter(csr::Column::State.eq(CsrState::Open.as_str()))
            .all(tx)
            .await?;
        found.extend(rows.into_iter().map(|csr| ((csr.node_id, csr.purpose.clone()), csr)));
    }
    Ok(found)
}
