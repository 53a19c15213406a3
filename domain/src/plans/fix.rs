//! From the differences of clusters to their profiles to plans that mend them (R18, R27): each way that a profile wants is an action of
//! its own, and what no action can mend is told with the reason.

use super::options::RenewOptions;
use super::request::{Action, CsrOptions, Request};
use super::store::Plan;
use super::targets::{MAX_TARGETS, Order, Targets};
use crate::catalogue::{PURPOSES, product};
use crate::clusters;
use crate::db::{Db, OrgTx};
use crate::error::{Error, Result};
use crate::inventory::{self, InstallationFilter, InstallationRow, Sort};
use crate::profiles::Field;
use crate::{Permission, Scope};
use certyard_protocol::{ConnectorKind, StoreKind};
use uuid::Uuid;

/// Rows that are read at a time.
const PAGE: u64 = 200;
/// Clusters of one request by their ids at most.
const MAX_CLUSTERS: usize = 500;

/// Which certificates are to be as their profiles want them.
#[derive(Clone, Debug, Default)]
pub struct FixRequest {
    /// Of these clusters; empty: of all that the rest of the filter leaves.
    pub clusters: Vec<Uuid>,
    /// Of clusters of any of these groups; empty: all.
    pub groups: Vec<Uuid>,
    /// Any of these products; empty: all.
    pub products: Vec<String>,
    /// For any of these purposes; empty: all.
    pub purposes: Vec<String>,
    /// How the jobs proceed.
    pub order: Order,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Fix {
    /// One for each way, in the order in which they are sensibly carried out.
    pub plans: Vec<Plan>,
    /// What no action mends.
    pub left: Vec<Left>,
}

/// A certificate that stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The installation.
    pub installation_id: Uuid,
    /// Its purpose.
    pub purpose: String,
    /// The node.
    pub node_id: Uuid,
    /// Name of the node.
    pub node_name: String,
    /// The cluster.
    pub cluster_id: Uuid,
    /// Name of the cluster.
    pub cluster_name: String,
    /// Stable code.
    pub code: &'static str,
    /// Why, and the way out.
    pub message: String,
}

/// How a difference is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Renew,
    GenerateCsr,
    ReuseTomcat,
}

/// Plans what makes the certificates of clusters as their profiles want them. Nothing is changed by it.
///
/// # Errors
/// [`Error::NotFound`] for clusters that are unknown, foreign or out of scope; [`Error::Invalid`] where it is too much for one plan;
/// [`Error::Forbidden`] without [`Permission::Operate`].
pub async fn fix(db: &Db, scope: &Scope, request: FixRequest) -> Result<Fix> {
    scope.require(Permission::Operate)?;
    if request.clusters.len() > MAX_CLUSTERS {
        return Err(Error::field(
            "cluster_ids",
            "too_many",
            format!("at most {MAX_CLUSTERS} clusters by their ids: use a filter"),
        ));
    }
    let tx = db.read(scope).await?;
    let mut left = Vec::new();
    let mut ways: [(Way, Vec<Uuid>); 3] = [Way::Renew, Way::GenerateCsr, Way::ReuseTomcat].map(|way| (way, Vec::new()));
    for row in different(&tx, &request).await? {
        match way_of(&row) {
            Ok(way) => {
                let place = ways.iter_mut().find(|(known, _)| *known == way);
                place.into_iter().for_each(|(_, ids)| ids.push(row.installation.id));
            }
            Err((code, message)) => left.push(left_of(row, code, message)),
        }
    }
    drop(tx);
    let mut plans = Vec::new();
    for (way, ids) in ways.into_iter().filter(|(_, ids)| !ids.is_empty()) {
        let action = match way {
            Way::Renew => Action::Renew(RenewOptions::default()),
            Way::GenerateCsr => Action::GenerateCsr(CsrOptions::default()),
            Way::ReuseTomcat => Action::ReuseTomcat(RenewOptions::default()),
        };
        let request = Request {
            action,
            targets: Targets::Installations(ids),
            order: request.order.clone(),
            override_reason: String::new(),
        };
        plans.push(super::create(db, scope, request).await?);
    }
    Ok(Fix { plans, left })
}

/// What is named has to be there: a name that fits nothing would pass for certificates that are as they should be.
async fn check(tx: &OrgTx, request: &FixRequest) -> Result<()> {
    let known = clusters::by_ids(tx, request.clusters.iter().copied()).await?;
    let gone = |id: &Uuid| known.get(id).is_none_or(|cluster| cluster.retired_at.is_some());
    if request.clusters.iter().any(gone) {
        return Err(Error::NotFound { what: "cluster" });
    }
    for group in &request.groups {
        clusters::get_group(tx, *group).await?;
    }
    if let Some(index) = request.products.iter().position(|code| product(code).is_none()) {
        return Err(Error::field(
            format!("products[{index}]"),
            "unknown",
            "is no product: `GET /api/v1/catalogue` lists them",
        ));
    }
    let is_purpose = |name: &String| PURPOSES.iter().any(|known| known.is(name));
    if let Some(index) = request.purposes.iter().position(|name| !is_purpose(name)) {
        return Err(Error::field(
            format!("purposes[{index}]"),
            "unknown",
            "is no purpose of any product: `GET /api/v1/catalogue` lists them",
        ));
    }
    Ok(())
}

/// All identity certificates that differ.
async fn different(tx: &OrgTx, request: &FixRequest) -> Result<Vec<InstallationRow>> {
    check(tx, request).await?;
    let filter = InstallationFilter {
        clusters: request.clusters.clone(),
        groups: request.groups.clone(),
        products: request.products.clone(),
        stores: request.purposes.clone(),
        kind: Some(StoreKind::Identity),
        compliant: Some(false),
        ..InstallationFilter::default()
    };
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let page = inventory::installations(tx, &filter, Sort::NotAfter, after, PAGE).await?;
        rows.extend(page.items);
        after = page.next;
        if rows.len() > MAX_TARGETS {
            return Err(Error::field(
                "cluster_ids",
                "too_many",
                format!(
                    "more than {MAX_TARGETS} certificates differ: name clusters, groups, products or purposes, and mend them in several goes"
                ),
            ));
        }
        if after.is_none() {
            return Ok(rows);
        }
    }
}

/// What mends the differences of a certificate, or why nothing does.
fn way_of(row: &InstallationRow) -> Result<Way, (&'static str, String)> {
    let place = &row.installation;
    let purpose = &place.store;
    let differs = |field: Field| row.differences.iter().any(|difference| difference.field == field);
    let only = |fields: &[Field]| {
        row.differences
            .iter()
            .all(|difference| fields.contains(&difference.field))
    };
    if differs(Field::UseTomcat) {
        return Ok(Way::ReuseTomcat);
    }
    let by_ca = match place.wanted.as_deref() {
        Some("ca_signed") => true,
        Some("self_signed") => false,
        _ if place.self_signed => {
            return Err((
                "way_open",
                format!(
                    "the profile leaves open who signs `{purpose}`, and a node makes its own certificate as it chooses: say in the profile \
                     that a CA signs it, or make a CSR"
                ),
            ));
        }
        _ => true,
    };
    if !by_ca {
        // A node takes neither key nor names nor validity from here.
        return match differs(Field::Signing) {
            true => Ok(Way::Renew),
            false => Err((
                "chosen_by_node",
                format!(
                    "node `{}` chooses {} of its own certificate for `{purpose}` itself: change it there, have a CA sign it, or change the \
                     profile",
                    row.node_name,
                    named(row)
                ),
            )),
        };
    }
    let cisco =
        crate::catalogue::product(&place.product).is_some_and(|product| ConnectorKind::is_cisco(product.connector));
    if cisco && only(&[Field::Subject]) {
        return Err((
            "subject_by_node",
            format!(
                "node `{}` takes its subject from its installation: change it there with `set web-security`, or change the profile",
                row.node_name
            ),
        ));
    }
    if let Some(csr) = &row.csr {
        return Err((
            "csr_open",
            format!(
                "a CSR of {} for `{purpose}` waits on node `{}` for its answer: upload that, or delete the CSR first",
                csr.created_at.format("%Y-%m-%d"),
                row.node_name
            ),
        ));
    }
    Ok(Way::GenerateCsr)
}

/// The fields that differ, in a sentence.
fn named(row: &InstallationRow) -> String {
    let names: Vec<&str> = row
        .differences
        .iter()
        .map(|difference| difference.field.as_str())
        .collect();
    names.join(", ")
}

fn left_of(row: InstallationRow, code: &'static str, message: String) -> Left {
    Left {
        installation_id: row.installation.id,
        purpose: row.installation.store,
        node_id: row.installation.node_id,
        node_name: row.node_name,
        cluster_id: row.installation.cluster_id,
        cluster_name: row.cluster_name,
        code,
        message,
    }
}
