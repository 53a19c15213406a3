//! Which identity certificates chain to the old certificate, and which to the new one.

use super::lineage::{Lineage, issued_by, lineage, names};
use super::list::RootChange;
use crate::db::OrgTx;
use crate::error::{Error, Result};
use crate::lists::{Page, fetch, page};
use crate::{Permission, Timestamp};
use sea_orm::sea_query::{CaseStatement, Condition, Expr, ExprTrait, Func, Query, SelectStatement, UnionType};
use sea_orm::{ConnectionTrait, QueryResult};
use std::collections::HashSet;
use uuid::Uuid;

/// Where an identity certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentityState {
    /// It chains to the old certificate.
    Old,
    /// So it does, and a CSR waits for its answer.
    CsrPending,
    /// It chains to the new one.
    New,
}

impl IdentityState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Old, Self::CsrPending, Self::New];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::CsrPending => "csr_pending",
            Self::New => "new",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Identity certificates by where they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdentityCounts {
    /// That chain to the old certificate, without a CSR.
    pub old: i64,
    /// That chain to the old certificate, with a CSR that waits for its answer.
    pub csr_pending: i64,
    /// That chain to the new one.
    pub new: i64,
    /// That chain to the old certificate in clusters outside of the root change.
    pub outside: i64,
}

/// An identity certificate, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRow {
    /// The installation.
    pub installation_id: Uuid,
    /// The cluster.
    pub cluster_id: Uuid,
    /// Its name.
    pub cluster_name: String,
    /// Its product.
    pub product: String,
    /// The node.
    pub node_id: Uuid,
    /// Its name.
    pub node_name: String,
    /// What the certificate is for.
    pub purpose: String,
    /// Where it stands.
    pub state: IdentityState,
    /// The certificate.
    pub certificate_id: Uuid,
    /// Its common name.
    pub common_name: String,
    /// Its issuer, RFC 4514.
    pub issuer: String,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
    /// Its end.
    pub not_after: Timestamp,
    /// The CSR that waits for its answer.
    pub csr_id: Option<Uuid>,
}

/// Names and ids of the last row of a page: cluster, node, installation.
pub type IdentityCursor = (String, Uuid, String, Uuid, Uuid);

/// Which identity certificates to list.
#[derive(Clone, Debug, Default)]
pub struct IdentityFilter {
    /// In any of these states; empty: all.
    pub states: Vec<IdentityState>,
    /// Of any of these clusters; empty: all.
    pub clusters: Vec<Uuid>,
}

fn of(table: &'static str, column: &'static str) -> Expr {
    Expr::col((table, column))
}

/// One page of identity certificates, by cluster, node and purpose.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`]; [`Error::Refused`] `too_many_issuers`.
pub async fn identities(
    tx: &OrgTx,
    change: &RootChange,
    filter: &IdentityFilter,
    after: Option<IdentityCursor>,
    limit: u64,
) -> Result<Page<IdentityRow, IdentityCursor>> {
    tx.scope().require(Permission::ReadFleet)?;
    const KEY: [&str; 5] = ["cluster_name", "cluster_id", "node_name", "node_id", "installation_id"];
    let lineage = lineage(tx, change).await?;
    let mut select = found(tx, change, &lineage);
    if !filter.states.is_empty() {
        select.and_where(of("found", "state").is_in(filter.states.iter().map(|state| state.as_str())));
    }
    if !filter.clusters.is_empty() {
        select.and_where(of("found", "cluster_id").is_in(filter.clusters.iter().copied()));
    }
    if let Some((cluster, cluster_id, node, node_id, installation)) = after {
        let last = [
            Expr::value(cluster),
            Expr::value(cluster_id),
            Expr::value(node),
            Expr::value(node_id),
            Expr::value(installation),
        ];
        select.and_where(Expr::tuple(KEY.map(|column| of("found", column))).gt(Expr::tuple(last)));
    }
    for column in KEY {
        select.order_by(("found", column), sea_orm::Order::Asc);
    }
    select.limit(fetch(limit));
    let mut rows = Vec::new();
    for row in tx.query_all(&select).await? {
        rows.push(identity(&row)?);
    }
    Ok(page(rows, limit, |row: &IdentityRow| {
        (
            row.cluster_name.clone(),
            row.cluster_id,
            row.node_name.clone(),
            row.node_id,
            row.installation_id,
        )
    }))
}

/// How many identity certificates stand where.
pub(super) async fn counts(tx: &OrgTx, change: &RootChange) -> Result<IdentityCounts> {
    let lineage = lineage(tx, change).await?;
    let select = Query::select()
        .column(("place", "state"))
        .expr_as(Func::count(of("place", "installation_id")), "identities")
        .from_subquery(found(tx, change, &lineage), "place")
        .group_by_col(("place", "state"))
        .take();
    let mut counts = IdentityCounts::default();
    for row in tx.query_all(&select).await? {
        let count: i64 = row.try_get("", "identities")?;
        match state_of(&row)? {
            IdentityState::Old => counts.old = count,
            IdentityState::CsrPending => counts.csr_pending = count,
            IdentityState::New => counts.new = count,
        }
    }
    if !change.within.is_everywhere() && !lineage.old.is_empty() {
        let select = installed(tx, change, &lineage, chains_to_old(change, &lineage))
            .expr_as(Func::count(of("installation", "id")), "identities")
            .cond_where(change.within.others())
            .take();
        if let Some(row) = tx.query_one(&select).await? {
            counts.outside = row.try_get("", "identities")?;
        }
    }
    Ok(counts)
}

/// Installations that chain to the old certificate and for which no CSR was made, so many at most.
pub(crate) async fn identities_on_old(tx: &OrgTx, change: &RootChange, limit: u64) -> Result<Vec<Uuid>> {
    let lineage = lineage(tx, change).await?;
    let mut select = found(tx, change, &lineage);
    select.and_where(of("found", "state").eq(IdentityState::Old.as_str()));
    for column in ["cluster_name", "cluster_id", "node_name", "node_id", "installation_id"] {
        select.order_by(("found", column), sea_orm::Order::Asc);
    }
    select.limit(limit);
    let mut ids = Vec::new();
    for row in tx.query_all(&select).await? {
        ids.push(row.try_get("", "installation_id")?);
    }
    Ok(ids)
}

/// What chains to the old certificate: signed by one of its authorities, or it itself.
fn chains_to_old(change: &RootChange, lineage: &Lineage) -> Condition {
    match issued_by(&lineage.old) {
        Some(signed) => Condition::any()
            .add(
                Condition::all()
                    .add(Expr::cust("\"certificate\".\"self_signed\" = FALSE"))
                    .add(signed),
            )
            .add(of("installation", "certificate_id").eq(change.old.id)),
        None => Condition::all().add(Expr::cust("1 = 0")),
    }
}

fn chains_to_new(lineage: &Lineage) -> Condition {
    match issued_by(&lineage.new) {
        Some(signed) => Condition::all()
            .add(Expr::cust("\"certificate\".\"self_signed\" = FALSE"))
            .add(signed),
        None => Condition::all().add(Expr::cust("1 = 0")),
    }
}

/// Identity certificates for which a condition holds, joined with certificate, node and cluster.
fn installed(tx: &OrgTx, change: &RootChange, lineage: &Lineage, wanted: Condition) -> SelectStatement {
    let names: HashSet<&str> = names(lineage.old.iter().chain(&lineage.new));
    // The certificates first, each branch by an index; a node may use the CA's own one, too.
    let of_org = || {
        Query::select()
            .column(("certificate", "id"))
            .from("certificate")
            .and_where(of("certificate", "org_id").eq(tx.org_id()))
            .take()
    };
    let itself = of_org().and_where(of("certificate", "id").eq(change.old.id)).take();
    let ours = of_org()
        .and_where(Expr::cust("\"certificate\".\"self_signed\" = FALSE"))
        .and_where(of("certificate", "issuer_hash").is_in(names.iter().copied()))
        .union(UnionType::All, itself)
        .take();
    Query::select()
        .from("installation")
        .inner_join(
            "certificate",
            Condition::all()
                .add(of("certificate", "org_id").equals(("installation", "org_id")))
                .add(of("certificate", "id").equals(("installation", "certificate_id"))),
        )
        .inner_join(
            "node",
            Condition::all()
                .add(of("node", "org_id").equals(("installation", "org_id")))
                .add(of("node", "id").equals(("installation", "node_id"))),
        )
        .inner_join(
            "cluster",
            Condition::all()
                .add(of("cluster", "org_id").equals(("installation", "org_id")))
                .add(of("cluster", "id").equals(("installation", "cluster_id"))),
        )
        .and_where(of("installation", "org_id").eq(tx.org_id()))
        .and_where(of("installation", "kind").eq("identity"))
        .and_where(Expr::cust("\"installation\".\"gone_at\" IS NULL"))
        .and_where(of("installation", "certificate_id").in_subquery(ours))
        .and_where(of("node", "retired_at").is_null())
        .cond_where(wanted)
        .take()
}

/// Every identity certificate with where it stands, as a statement over a table `found`.
fn found(tx: &OrgTx, change: &RootChange, lineage: &Lineage) -> SelectStatement {
    let waiting = || {
        Query::select()
            .from("csr")
            .and_where(of("csr", "org_id").equals(("installation", "org_id")))
            .and_where(of("csr", "node_id").equals(("installation", "node_id")))
            .and_where(of("csr", "purpose").equals(("installation", "store")))
            .and_where(of("csr", "state").eq("open"))
            .take()
    };
    let old = || chains_to_old(change, lineage);
    let state = CaseStatement::new()
        .case(old().not(), IdentityState::New.as_str())
        .case(
            Expr::exists(waiting().expr(Expr::cust("1")).take()),
            IdentityState::CsrPending.as_str(),
        )
        .finally(IdentityState::Old.as_str());
    let csr: SelectStatement = waiting()
        .column(("csr", "id"))
        .order_by(("csr", "id"), sea_orm::Order::Desc)
        .limit(1)
        .take();
    let either = Condition::any().add(old()).add(chains_to_new(lineage));
    let mut inner = installed(tx, change, lineage, either);
    inner
        .cond_where(change.within.condition())
        .expr_as(of("installation", "id"), "installation_id")
        .expr_as(of("installation", "store"), "purpose")
        .expr_as(of("installation", "certificate_id"), "certificate_id")
        .expr_as(of("installation", "common_name"), "common_name")
        .expr_as(of("installation", "issuer"), "issuer")
        .expr_as(of("installation", "sha256"), "sha256")
        .expr_as(of("installation", "not_after"), "not_after")
        .expr_as(of("node", "id"), "node_id")
        .expr_as(of("node", "name"), "node_name")
        .expr_as(of("cluster", "id"), "cluster_id")
        .expr_as(of("cluster", "name"), "cluster_name")
        .expr_as(of("cluster", "product"), "product")
        .expr_as(state, "state")
        .expr_as(Expr::SubQuery(None, Box::new(csr.into())), "csr_id");
    Query::select()
        .columns(
            [
                "installation_id",
                "purpose",
                "certificate_id",
                "common_name",
                "issuer",
                "sha256",
                "not_after",
                "node_id",
                "node_name",
                "cluster_id",
                "cluster_name",
                "product",
                "state",
                "csr_id",
            ]
            .map(|name| ("found", name)),
        )
        .from_subquery(inner, "found")
        .take()
}

fn state_of(row: &QueryResult) -> Result<IdentityState> {
    let state: String = row.try_get("", "state")?;
    IdentityState::parse(&state).ok_or_else(|| Error::internal("an unknown state of an identity certificate"))
}

fn identity(row: &QueryResult) -> Result<IdentityRow> {
    Ok(IdentityRow {
        installation_id: row.try_get("", "installation_id")?,
        cluster_id: row.try_get("", "cluster_id")?,
        cluster_name: row.try_get("", "cluster_name")?,
        product: row.try_get("", "product")?,
        node_id: row.try_get("", "node_id")?,
        node_name: row.try_get("", "node_name")?,
        purpose: row.try_get("", "purpose")?,
        state: state_of(row)?,
        certificate_id: row.try_get("", "certificate_id")?,
        common_name: row.try_get("", "common_name")?,
        issuer: row.try_get("", "issuer")?,
        sha256: row.try_get("", "sha256")?,
        not_after: row.try_get("", "not_after")?,
        csr_id: row.try_get("", "csr_id")?,
    })
}
