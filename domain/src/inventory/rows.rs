//! Rows of installations with what lists show of them.

use super::drift::{self, InstallationWarning};
use super::entity::installation::{self, Column, Entity};
use super::list::ExpiryStatus;
use super::read_csrs::open_csrs;
use super::{compliance, own};
use crate::Timestamp;
use crate::certificates::Certificate;
use crate::certificates::entity::certificate;
use crate::clusters::entity::cluster;
use crate::db::OrgTx;
use crate::error::Result;
use crate::nodes::entity as node;
use crate::orgs;
use crate::profiles::Difference;
use chrono::TimeDelta;
use sea_orm::sea_query::{Alias, Condition, Expr, ExprTrait, JoinType, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, FromQueryResult, Iden, Iterable, QueryResult, QueryTrait, Select};
use uuid::Uuid;

/// An open CSR as lists of installations name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsrBrief {
    /// The CSR.
    pub id: Uuid,
    /// When it was first seen.
    pub created_at: Timestamp,
}

/// An installation with what lists show of it.
#[derive(Clone, Debug, PartialEq)]
pub struct InstallationRow {
    /// The installation.
    pub installation: installation::Model,
    /// Its certificate.
    pub certificate: Certificate,
    /// Name of its node.
    pub node_name: String,
    /// Role of its node.
    pub node_role: String,
    /// Name of its cluster.
    pub cluster_name: String,
    /// Version of the cluster's product.
    pub cluster_version: String,
    /// Certificate management is switched on for the cluster (R2).
    pub cluster_enabled: bool,
    /// When the node was last read well: the installation was there then.
    pub seen_at: Option<Timestamp>,
    /// How near its end it is.
    pub status: ExpiryStatus,
    /// For identity: the open CSR of its purpose.
    pub csr: Option<CsrBrief>,
    /// For identity: what differs from the cluster's profile (R18, R27).
    pub differences: Vec<Difference>,
    /// For identity: what else is to be known of it.
    pub warnings: Vec<InstallationWarning>,
    /// For trust: whose own certificate it is, wherever its deletion reaches.
    pub own: Vec<String>,
}

/// Reads the selected installations, in the order of `order`, with what lists show of them. The selection stands inside of
/// the statement, so that its own limit is applied before anything is joined.
///
/// # Errors
/// The database is busy or away.
pub(super) async fn read(tx: &OrgTx, selected: Select<Entity>, order: &[Column]) -> Result<Vec<InstallationRow>> {
    let found = tx.query_all(&named(selected, order)).await?;
    let mut rows = found.iter().map(|row| parse(tx, row)).collect::<Result<Vec<_>>>()?;
    let identity = |row: &&InstallationRow| row.installation.kind == "identity";
    let nodes = rows.iter().filter(identity).map(|row| row.installation.node_id);
    let csrs = open_csrs(tx, nodes).await?;
    let mut owners = own::owners(tx, &rows).await?;
    for row in &mut rows {
        if row.installation.kind == "identity" {
            let purpose = (row.installation.node_id, row.installation.store.clone());
            row.csr = csrs.get(&purpose).map(|csr| CsrBrief {
                id: csr.id,
                created_at: csr.created_at,
            });
        }
        row.own = owners.remove(&row.installation.id).unwrap_or_default();
    }
    Ok(rows)
}

/// Before the name of each column of the certificate.
const CERTIFICATE: &str = "certificate_";

fn named(selected: Select<Entity>, order: &[Column]) -> SelectStatement {
    let of = |column: Column| Expr::col((Entity, column));
    let same = |left: Expr, right: Column| left.eq(of(right));
    let mut select = Query::select();
    select.from_subquery(selected.into_query(), Entity);
    // An installation, its node, its cluster and its certificate are of one organisation: org_id on both sides.
    select.join(
        JoinType::InnerJoin,
        node::Entity,
        Condition::all()
            .add(same(Expr::col((node::Entity, node::Column::OrgId)), Column::OrgId))
            .add(same(Expr::col((node::Entity, node::Column::Id)), Column::NodeId)),
    );
    select.join(
        JoinType::InnerJoin,
        cluster::Entity,
        Condition::all()
            .add(same(
                Expr::col((cluster::Entity, cluster::Column::OrgId)),
                Column::OrgId,
            ))
            .add(same(
                Expr::col((cluster::Entity, cluster::Column::Id)),
                Column::ClusterId,
            )),
    );
    select.join(
        JoinType::InnerJoin,
        certificate::Entity,
        Condition::all()
            .add(same(
                Expr::col((certificate::Entity, certificate::Column::OrgId)),
                Column::OrgId,
            ))
            .add(same(
                Expr::col((certificate::Entity, certificate::Column::Id)),
                Column::CertificateId,
            )),
    );
    select.join(
        JoinType::InnerJoin,
        orgs::Entity,
        same(Expr::col((orgs::Entity, orgs::Column::Id)), Column::OrgId),
    );
    for column in Column::iter() {
        select.column((Entity, column));
    }
    for column in certificate::Column::iter() {
        let name = format!("{CERTIFICATE}{}", column.to_string());
        select.expr_as(Expr::col((certificate::Entity, column)), Alias::new(name));
    }
    for (expr, name) in [
        (Expr::col((node::Entity, node::Column::Name)), "node_name"),
        (Expr::col((node::Entity, node::Column::Role)), "node_role"),
        (Expr::col((node::Entity, node::Column::InventoryAt)), "seen_at"),
        (Expr::col((cluster::Entity, cluster::Column::Name)), "cluster_name"),
        (
            Expr::col((cluster::Entity, cluster::Column::ProductVersion)),
            "cluster_version",
        ),
        (
            Expr::col((cluster::Entity, cluster::Column::Enabled)),
            "cluster_enabled",
        ),
        (Expr::col((orgs::Entity, orgs::Column::StartDays)), "start_days"),
    ] {
        select.expr_as(expr, Alias::new(name));
    }
    for column in order {
        select.order_by((Entity, *column), Order::Asc);
    }
    select
}

fn parse(tx: &OrgTx, row: &QueryResult) -> Result<InstallationRow> {
    let installation = installation::Model::from_query_result(row, "")?;
    let start = TimeDelta::days(i64::from(row.try_get::<i32>("", "start_days")?));
    Ok(InstallationRow {
        certificate: certificate::Model::from_query_result(row, CERTIFICATE)?,
        node_name: row.try_get("", "node_name")?,
        node_role: row.try_get("", "node_role")?,
        cluster_name: row.try_get("", "cluster_name")?,
        cluster_version: row.try_get("", "cluster_version")?,
        cluster_enabled: row.try_get("", "cluster_enabled")?,
        seen_at: row.try_get("", "seen_at")?,
        status: ExpiryStatus::of(installation.not_after, tx.now(), start),
        csr: None,
        differences: match installation.differences {
            Some(_) => compliance::differences(&installation)?,
            None => Vec::new(),
        },
        warnings: match installation.warnings {
            Some(_) => drift::warnings(&installation)?,
            None => Vec::new(),
        },
        own: Vec::new(),
        installation,
    })
}
