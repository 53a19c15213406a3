//! What the other nodes of a cluster have to do with a change.

use super::facts::{Node, Recent};
use super::rows::{col, for_ids};
use crate::catalogue::{REUSES, Reuse, UNSAFE_TOGETHER};
use crate::db::OrgTx;
use crate::error::Result;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Hours after a change within which phones take it: until then no other change may need what they trusted before
/// (cisco.md 2.6).
const SETTLING_HOURS: i64 = 24;
/// No task is open for longer: it begins at most 30 days after its job was made, and within 30 days from then.
const OPEN_DAYS: i64 = 61;

/// Which nodes of clusters have the same certificate for a purpose.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    nodes: HashMap<(Uuid, String, String), Vec<(Uuid, String)>>,
}

impl Sharing {
    /// Names of the other nodes that have this certificate for the purpose.
    pub fn others(&self, node: &Node, purpose: &str, sha256: &str) -> Vec<&str> {
        let key = (node.cluster_id, purpose.to_string(), sha256.to_string());
        let all = self.nodes.get(&key).map_or(&[][..], Vec::as_slice);
        let others = all.iter().filter(|(id, _)| *id != node.id);
        others.map(|(_, name)| name.as_str()).collect()
    }
}

/// Looks at the certificates of purposes in clusters.
pub(super) async fn sharing(tx: &OrgTx, clusters: &[Uuid], purposes: &HashSet<&str>) -> Result<Sharing> {
    let mut select = Query::select();
    select
        .columns([
            ("installation", "cluster_id"),
            ("installation", "node_id"),
            ("installation", "store"),
            ("installation", "sha256"),
        ])
        .column(("node", "name"))
        .from("installation")
        .inner_join(
            "node",
            Condition::all()
                .add(col("node", "org_id").equals(("installation", "org_id")))
                .add(col("node", "id").equals(("installation", "node_id"))),
        )
        .and_where(col("installation", "org_id").eq(tx.org_id()))
        .and_where(col("installation", "kind").eq("identity"))
        .and_where(col("installation", "store").is_in(purposes.iter().copied()))
        .and_where(col("node", "retired_at").is_null())
        .and_where(Expr::cust("\"installation\".\"gone_at\" IS NULL"));
    let mut found = Sharing::default();
    for row in for_ids(tx, &select, ("installation", "cluster_id"), clusters).await? {
        let key = (
            row.try_get("", "cluster_id")?,
            row.try_get("", "store")?,
            row.try_get("", "sha256")?,
        );
        let node = (row.try_get("", "node_id")?, row.try_get("", "name")?);
        found.nodes.entry(key).or_default().push(node);
    }
    for nodes in found.nodes.values_mut() {
        nodes.sort_by(|a, b| a.1.cmp(&b.1));
    }
    Ok(found)
}

/// Changes in the clusters of purposes that must not go together with one of these.
pub(super) async fn recent(
    tx: &OrgTx,
    clusters: &[Uuid],
    purposes: &HashSet<&str>,
) -> Result<HashMap<(Uuid, String), Recent>> {
    let others: HashSet<&str> = UNSAFE_TOGETHER
        .iter()
        .flat_map(|row| [(row.one, row.other), (row.other, row.one)])
        .filter(|(one, _)| purposes.contains(one))
        .map(|(_, other)| other)
        .collect();
    let mut found = HashMap::new();
    if others.is_empty() {
        return Ok(found);
    }
    let using = reusing(tx, clusters, &others).await?;
    let named: HashSet<&str> = others
        .iter()
        .copied()
        .chain(using.iter().map(|(_, row)| row.of))
        .collect();
    let since = tx.now() - chrono::Duration::hours(SETTLING_HOURS);
    // A failed one may have changed the node all the same.
    let changed = col("task", "state").eq("succeeded").or(col("task", "state")
        .eq("failed")
        .and(col("task", "node_state").is_not_in(["not_started", "rolled_back"])));
    let mut select = Query::select();
    select
        .columns([("task", "cluster_id"), ("task", "purpose"), ("task", "state")])
        .from("task")
        .and_where(col("task", "org_id").eq(tx.org_id()))
        .and_where(col("task", "created_at").gt(tx.now() - chrono::Duration::days(OPEN_DAYS)))
        .and_where(col("task", "purpose").is_in(named))
        .and_where(col("task", "action").is_in(["upload_certificate", "renew", "reuse_tomcat"]))
        .cond_where(
            Condition::any()
                .add(col("task", "state").is_in(["waiting", "pending", "running"]))
                .add(col("task", "finished_at").gt(since).and(changed)),
        );
    for row in for_ids(tx, &select, ("task", "cluster_id"), clusters).await? {
        let (cluster, purpose): (Uuid, String) = (row.try_get("", "cluster_id")?, row.try_get("", "purpose")?);
        let state: String = row.try_get("", "state")?;
        let ended = ["succeeded", "failed"].contains(&state.as_str());
        let takers = using.iter().filter(|(id, row)| *id == cluster && row.of == purpose);
        let takers: Vec<String> = takers.map(|(_, row)| row.purpose.to_string()).collect();
        for purpose in takers.into_iter().chain([purpose]) {
            if ended {
                found.entry((cluster, purpose)).or_insert(Recent::Made);
            } else {
                found.insert((cluster, purpose), Recent::Open);
            }
        }
    }
    Ok(found)
}

/// The clusters in which some node uses the certificate of one purpose for one of these.
async fn reusing(tx: &OrgTx, clusters: &[Uuid], purposes: &HashSet<&str>) -> Result<Vec<(Uuid, &'static Reuse)>> {
    let rows: Vec<&'static Reuse> = REUSES.iter().filter(|row| purposes.contains(row.purpose)).collect();
    let mut found: Vec<(Uuid, &'static Reuse)> = Vec::new();
    if rows.is_empty() {
        return Ok(found);
    }
    let mut select = Query::select();
    select
        .columns(["cluster_id", "node_id", "store", "sha256"].map(|column| ("installation", column)))
        .from("installation")
        .and_where(col("installation", "org_id").eq(tx.org_id()))
        .and_where(col("installation", "kind").eq("identity"))
        .and_where(col("installation", "store").is_in(rows.iter().flat_map(|row| [row.purpose, row.of])))
        .and_where(Expr::cust("\"installation\".\"gone_at\" IS NULL"));
    let mut held: HashMap<(Uuid, Uuid), HashMap<String, String>> = HashMap::new();
    for row in for_ids(tx, &select, ("installation", "cluster_id"), clusters).await? {
        let node = (row.try_get("", "cluster_id")?, row.try_get("", "node_id")?);
        held.entry(node)
            .or_default()
            .insert(row.try_get("", "store")?, row.try_get("", "sha256")?);
    }
    for ((cluster, _), stores) in held {
        let uses = |row: &&&'static Reuse| stores.contains_key(row.of) && stores.get(row.of) == stores.get(row.purpose);
        found.extend(rows.iter().filter(uses).map(|row| (cluster, *row)));
    }
    Ok(found)
}
