//! From what a user named to purposes of nodes.

use super::actions::Refusal;
use super::options::DeleteOptions;
use super::request::{Action, Place};
use super::rows::{col, distinct, for_ids, of_clusters};
use super::targets::{Earlier, MAX_TARGETS, TargetFilter, Targets};
use crate::db::OrgTx;
use crate::error::{Error, Result};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use std::collections::HashMap;
use uuid::Uuid;

/// One purpose or trust store of one node, or the node as a whole where that is empty.
#[derive(Clone, Debug)]
pub(super) struct Aim {
    pub node_id: Uuid,
    pub purpose: String,
    /// SHA-256 of the certificate in the store, where the action is on one.
    pub sha256: Option<String>,
    /// Found out while looking for it.
    pub refusal: Option<Refusal>,
    /// What a task for it did before it failed.
    pub earlier: Option<Earlier>,
}

/// Finds what is meant. Each purpose of a node is there once.
///
/// # Errors
/// [`Error::NotFound`] for ids that are unknown, foreign or out of scope.
pub(super) async fn resolve(tx: &OrgTx, action: &Action, targets: &Targets) -> Result<Vec<Aim>> {
    let place = action.place();
    let mut aims = match targets {
        Targets::Installations(ids) => installations(tx, ids, place).await?,
        Targets::Csrs(ids) => csrs(tx, ids).await?,
        Targets::Kept(ids) => kept(tx, ids).await?,
        Targets::Nodes(ids) => match (place, action.entries()) {
            (Place::Entry, Some(which)) => entries(tx, Some(&distinct(ids.iter().copied())), None, which).await?,
            (Place::Purpose, _) => {
                let purpose = action.purpose().unwrap_or_default();
                ids.iter().map(|id| aim(*id, purpose)).collect()
            }
            (Place::Node | Place::Store | Place::Entry, _) => ids.iter().map(|id| aim(*id, "")).collect(),
        },
        Targets::Places(places) => places
            .iter()
            .map(|place_of| Aim {
                sha256: place_of.sha256.clone().filter(|_| place == Place::Entry),
                earlier: place_of.earlier.clone(),
                ..aim(
                    place_of.node_id,
                    if place == Place::Node { "" } else { &place_of.purpose },
                )
            })
            .collect(),
        Targets::Filter(filter) => match action.entries() {
            Some(which) => entries(tx, None, Some(filter), which).await?,
            None => matching(tx, filter, place == Place::Purpose).await?,
        },
    };
    let stores = action.stores();
    if place == Place::Store && !matches!(targets, Targets::Places(_)) {
        let nodes = distinct(aims.iter().map(|aim| aim.node_id));
        aims = nodes
            .into_iter()
            .flat_map(|node| stores.iter().map(move |store| aim(node, store)))
            .collect();
    }
    if aims.len() > MAX_TARGETS {
        return Err(Error::field(
            if place == Place::Store { "stores" } else { "filter" },
            "too_many",
            format!("more than {MAX_TARGETS} targets: narrow it and make several plans"),
        ));
    }
    let mut seen = std::collections::HashSet::new();
    aims.retain(|aim| seen.insert((aim.node_id, aim.purpose.clone(), aim.sha256.clone())));
    Ok(aims)
}

fn aim(node_id: Uuid, purpose: &str) -> Aim {
    Aim {
        node_id,
        purpose: purpose.into(),
        sha256: None,
        refusal: None,
        earlier: None,
    }
}

/// An installation that is gone still names its purpose, which may be made anew, and its certificate, which may be put back.
async fn installations(tx: &OrgTx, ids: &[Uuid], place: Place) -> Result<Vec<Aim>> {
    let wanted = distinct(ids.iter().copied());
    let mut select = of_clusters(tx, "installation");
    for column in ["id", "node_id", "kind", "store", "sha256"] {
        select.column(("installation", column));
    }
    let mut found = HashMap::new();
    for row in for_ids(tx, &select, ("installation", "id"), &wanted).await? {
        let id: Uuid = row.try_get("", "id")?;
        let kind: String = row.try_get("", "kind")?;
        let store: String = row.try_get("", "store")?;
        let whole = matches!(place, Place::Node | Place::Store);
        let mut aim = aim(row.try_get("", "node_id")?, if whole { "" } else { &store });
        match place {
            Place::Purpose if kind != "identity" => {
                aim.refusal = Some(Refusal {
                    code: "not_identity",
                    message: format!("`{store}` is a trust store: only identity certificates are made on the node"),
                });
            }
            Place::Entry if kind != "trust" => {
                aim.refusal = Some(Refusal {
                    code: "not_trust",
                    message: format!(
                        "`{store}` is the node's own certificate: it can be renewed or replaced by a signed one, not taken away"
                    ),
                });
            }
            Place::Entry => aim.sha256 = Some(row.try_get("", "sha256")?),
            Place::Node | Place::Purpose | Place::Store => {}
        }
        found.insert(id, aim);
    }
    in_order(ids, found, "installation")
}

/// The certificates of trust stores that are meant, wherever they are.
async fn entries(
    tx: &OrgTx,
    nodes: Option<&[Uuid]>,
    filter: Option<&TargetFilter>,
    which: &DeleteOptions,
) -> Result<Vec<Aim>> {
    let mut select = of_clusters(tx, "installation");
    for column in ["node_id", "store", "sha256"] {
        select.column(("installation", column));
    }
    select
        .and_where(Expr::cust("\"installation\".\"gone_at\" IS NULL"))
        .and_where(col("installation", "kind").eq("trust"))
        .and_where(col("cluster", "retired_at").is_null())
        .and_where(on_nodes_in_use(tx))
        .limit(MAX_TARGETS as u64 + 1);
    if !which.stores.is_empty() {
        select.and_where(col("installation", "store").is_in(which.stores.iter().map(String::as_str)));
    }
    if !which.certificate_ids.is_empty() {
        select.and_where(col("installation", "certificate_id").is_in(which.certificate_ids.iter().copied()));
    }
    if let Some(filter) = filter {
        select.cond_where(in_clusters(filter));
        if let Some(before) = filter.not_after_before {
            select.and_where(col("installation", "not_after").lt(before));
        }
    }
    let rows = match nodes {
        Some(nodes) => for_ids(tx, &select, ("installation", "node_id"), nodes).await?,
        None => tx.query_all(&select).await?,
    };
    let mut aims = Vec::with_capacity(rows.len());
    for row in rows {
        let store: String = row.try_get("", "store")?;
        aims.push(Aim {
            sha256: Some(row.try_get("", "sha256")?),
            ..aim(row.try_get("", "node_id")?, &store)
        });
    }
    if aims.is_empty() {
        return Err(Error::field(
            "certificate_ids",
            "not_held",
            "no trust store of these nodes holds it: refresh their inventory where you know better",
        ));
    }
    Ok(aims)
}

/// What a retired node once held is not there any more.
fn on_nodes_in_use(tx: &OrgTx) -> Expr {
    let retired = Query::select()
        .column(("node", "id"))
        .from("node")
        .and_where(col("node", "org_id").eq(tx.org_id()))
        .and_where(col("node", "retired_at").is_not_null())
        .take();
    col("installation", "node_id").not_in_subquery(retired)
}

fn in_clusters(filter: &TargetFilter) -> Condition {
    let mut conditions = Condition::all();
    if !filter.cluster_ids.is_empty() {
        conditions = conditions.add(col("cluster", "id").is_in(filter.cluster_ids.iter().copied()));
    }
    if !filter.group_ids.is_empty() {
        conditions = conditions.add(col("cluster", "group_id").is_in(filter.group_ids.iter().copied()));
    }
    if let Some(product) = &filter.product {
        conditions = conditions.add(col("cluster", "product").eq(product.as_str()));
    }
    conditions
}

async fn csrs(tx: &OrgTx, ids: &[Uuid]) -> Result<Vec<Aim>> {
    let wanted = distinct(ids.iter().copied());
    let mut select = of_clusters(tx, "csr");
    for column in ["id", "node_id", "purpose", "state"] {
        select.column(("csr", column));
    }
    let mut found = HashMap::new();
    for row in for_ids(tx, &select, ("csr", "id"), &wanted).await? {
        let id: Uuid = row.try_get("", "id")?;
        let purpose: String = row.try_get("", "purpose")?;
        let state: String = row.try_get("", "state")?;
        let mut aim = aim(row.try_get("", "node_id")?, &purpose);
        if state != "open" {
            aim.refusal = Some(Refusal {
                code: "csr_not_open",
                message: format!("this CSR for `{purpose}` waits for no answer any more: it is {state}"),
            });
        }
        found.insert(id, aim);
    }
    in_order(ids, found, "CSR")
}

/// What was taken from trust stores: what is back already is told so by the facts.
async fn kept(tx: &OrgTx, ids: &[Uuid]) -> Result<Vec<Aim>> {
    let wanted = distinct(ids.iter().copied());
    let mut select = of_clusters(tx, "quarantine");
    for column in ["id", "node_id", "store", "sha256"] {
        select.column(("quarantine", column));
    }
    let mut found = HashMap::new();
    for row in for_ids(tx, &select, ("quarantine", "id"), &wanted).await? {
        let store: String = row.try_get("", "store")?;
        let aim = Aim {
            sha256: Some(row.try_get("", "sha256")?),
            ..aim(row.try_get("", "node_id")?, &store)
        };
        found.insert(row.try_get("", "id")?, aim);
    }
    in_order(ids, found, "kept certificate")
}

fn in_order(ids: &[Uuid], mut found: HashMap<Uuid, Aim>, what: &'static str) -> Result<Vec<Aim>> {
    let mut aims = Vec::with_capacity(ids.len());
    let mut seen = std::collections::HashSet::new();
    for id in ids {
        if seen.insert(*id) {
            aims.push(found.remove(id).ok_or(Error::NotFound { what })?);
        }
    }
    Ok(aims)
}

async fn matching(tx: &OrgTx, filter: &TargetFilter, purposes: bool) -> Result<Vec<Aim>> {
    let by_certificate = purposes || filter.purpose.is_some() || filter.not_after_before.is_some();
    let table = if by_certificate { "installation" } else { "node" };
    let mut select = of_clusters(tx, table);
    if by_certificate {
        select.columns([("installation", "node_id"), ("installation", "store")]);
        select
            .and_where(Expr::cust("\"installation\".\"gone_at\" IS NULL"))
            .and_where(col("installation", "kind").eq("identity"));
        if let Some(purpose) = &filter.purpose {
            select.and_where(col("installation", "store").eq(purpose.as_str()));
        }
        if let Some(before) = filter.not_after_before {
            select.and_where(col("installation", "not_after").lt(before));
        }
        select.and_where(on_nodes_in_use(tx));
    } else {
        select
            .expr_as(col("node", "id"), "node_id")
            .and_where(col("node", "retired_at").is_null());
    }
    let conditions = in_clusters(filter).add(col("cluster", "retired_at").is_null());
    select.cond_where(conditions).limit(MAX_TARGETS as u64 + 1);
    let rows = tx.query_all(&select).await?;
    if rows.len() > MAX_TARGETS {
        return Err(Error::field(
            "filter",
            "too_many",
            format!("matches more than {MAX_TARGETS} targets: narrow it and make several plans"),
        ));
    }
    let mut aims = Vec::with_capacity(rows.len());
    for row in rows {
        let purpose: String = if purposes {
            row.try_get("", "store")?
        } else {
            String::new()
        };
        aims.push(aim(row.try_get("", "node_id")?, &purpose));
    }
    Ok(aims)
}
