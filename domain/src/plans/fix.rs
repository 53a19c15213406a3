//! From the differences of clusters to their profiles to plans that mend them (R18, R27): each way that a profile wants is an action of
//! its own, and what no action can mend is told with the reason.

use super::options::RenewOptions;
use super::request::{Action, CsrOptions, Request};
use super::store::Plan;
use super::targets::{MAX_TARGETS, Order, Targets};
use crate::catalogue::{PURPOSES, UNSAFE_TOGETHER, csr_fields, product, reuse_of};
use crate::clusters;
use crate::db::{Db, OrgTx};
use crate::error::Error;
use crate::inventory::{self, InstallationFilter, InstallationRow, Sort};
use crate::profiles::Field;
use crate::{Permission, Scope};
use certyard_protocol::StoreKind;
use std::collections::HashSet;
use uuid::Uuid;

/// Rows that are read at a time.
const PAGE: u64 = 200;
/// Certificates that are told of those that stay.
const TOLD: usize = 200;
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
    /// What no action mends, or not yet: the first of it.
    pub left: Vec<Left>,
    /// How much of it there is.
    pub left_count: usize,
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

/// A code and a message for what stays as it is.
type Why = (&'static str, String);

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
pub async fn fix(db: &Db, scope: &Scope, request: FixRequest) -> crate::error::Result<Fix> {
    scope.require(Permission::Operate)?;
    if request.clusters.len() > MAX_CLUSTERS {
        return Err(Error::field(
            "cluster_ids",
            "too_many",
            format!("at most {MAX_CLUSTERS} clusters by their ids: use a filter"),
        ));
    }
    let tx = db.read(scope).await?;
    let rows = different(&tx, &request).await?;
    drop(tx);
    let mended: Vec<(InstallationRow, Result<Way, Why>)> = rows
        .into_iter()
        .map(|row| {
            let way = way_of(&row);
            (row, way)
        })
        .collect();
    let changed = changed(&mended);
    let mut left = Vec::new();
    let mut left_count = 0;
    let mut ways: [(Way, Vec<Uuid>); 3] = [Way::Renew, Way::GenerateCsr, Way::ReuseTomcat].map(|way| (way, Vec::new()));
    for (row, way) in mended {
        let way = way.and_then(|way| match follows(&row, way, &changed) {
            Some(why) => Err(why),
            None => Ok(way),
        });
        match way {
            Ok(way) => {
                let place = ways.iter_mut().find(|(known, _)| *known == way);
                place.into_iter().for_each(|(_, ids)| ids.push(row.installation.id));
            }
            Err((code, message)) => {
                left_count += 1;
                if left.len() < TOLD {
                    left.push(left_of(row, code, message));
                }
            }
        }
    }
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
            aftercare_of: None,
            root_change: None,
        };
        plans.push(super::create(db, scope, request).await?);
    }
    Ok(Fix {
        plans,
        left,
        left_count,
    })
}

/// The purposes that get another certificate, by cluster.
fn changed(mended: &[(InstallationRow, Result<Way, Why>)]) -> HashSet<(Uuid, String)> {
    let all = mended.iter().filter(|(_, way)| way.is_ok());
    // A reuse waits for what it takes, and is none of it.
    let all = all.filter(|(_, way)| !matches!(way, Ok(Way::ReuseTomcat)));
    all.map(|(row, _)| (row.installation.cluster_id, row.installation.store.clone()))
        .collect()
}

/// Why a reuse has to wait for another change of this fix: two plans would not hold beside each other.
fn follows(row: &InstallationRow, way: Way, changed: &HashSet<(Uuid, String)>) -> Option<Why> {
    if way != Way::ReuseTomcat {
        return None;
    }
    let place = &row.installation;
    let is_changed = |purpose: &str| changed.contains(&(place.cluster_id, purpose.to_string()));
    let source = reuse_of(&place.product, &row.cluster_version, &place.store).map(|reuse| reuse.of);
    let apart = UNSAFE_TOGETHER
        .iter()
        .filter(|pair| pair.product == place.product)
        .filter_map(|pair| match place.store.as_str() {
            store if store == pair.one => Some(pair.other),
            store if store == pair.other => Some(pair.one),
            _ => None,
        });
    let first = source.into_iter().chain(apart).find(|purpose| is_changed(purpose))?;
    Some((
        "after_another",
        format!(
            "`{first}` of cluster `{}` gets another certificate first: mend that, let the phones register again where they have to, and ask \
             again for `{}`",
            row.cluster_name, place.store
        ),
    ))
}

/// What is named has to be there: a name that fits nothing would pass for certificates that are as they should be.
async fn check(tx: &OrgTx, request: &FixRequest) -> crate::error::Result<()> {
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
async fn different(tx: &OrgTx, request: &FixRequest) -> crate::error::Result<Vec<InstallationRow>> {
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
fn way_of(row: &InstallationRow) -> Result<Way, Why> {
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
    let fields = product(&place.product).and_then(|product| csr_fields(product.connector));
    if fields.is_some_and(|fields| !fields.subject) && only(&[Field::Subject]) {
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
