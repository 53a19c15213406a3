//! Certificates for all nodes of a cluster that do not name every one of them: a node was added or renamed after they were made
//! (cisco.md 2.4). Recomputed with [`super::compliance`], stored with the installation, and counted by cluster under a rule of its
//! own, so that no page has to look.

use super::compliance::Held;
use super::entity::{compliance, installation};
use crate::catalogue::{has_multi_server, names_multi_server, purpose_info};
use crate::clusters::Cluster;
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result};
use crate::nodes::{self, Node, host_of, is_named};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// The rule under which clusters count them.
pub(super) const RULE: &str = "san_drift";

/// What an [`InstallationWarning`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// A certificate for all nodes of the cluster does not name every one of them.
    SanDrift,
}

impl WarningCode {
    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SanDrift => RULE,
        }
    }
}

/// What is to be known of an installed certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallationWarning {
    /// What it is about.
    pub code: WarningCode,
    /// Names of the nodes that it is about.
    pub nodes: Vec<String>,
}

impl InstallationWarning {
    /// What is the matter, and the way out.
    pub fn message(&self) -> String {
        let nodes = self.nodes.join("`, `");
        match self.code {
            WarningCode::SanDrift => format!(
                "the certificate is for all nodes of the cluster and does not name `{nodes}`: make a new CSR for all of them and have \
                 it signed"
            ),
        }
    }
}

/// The nodes in use of the clusters whose product has certificates that cover several.
pub(super) async fn watched(tx: &OrgTx, clusters: &[Cluster]) -> Result<HashMap<Uuid, Vec<Node>>> {
    let ids: Vec<Uuid> = clusters
        .iter()
        .filter(|cluster| has_multi_server(&cluster.product))
        .map(|cluster| cluster.id)
        .collect();
    let mut found: HashMap<Uuid, Vec<Node>> = HashMap::new();
    if !ids.is_empty() {
        for node in nodes::of_clusters(tx, &ids).await? {
            found.entry(node.cluster_id).or_default().push(node);
        }
    }
    // One node needs nothing that is spread; what stood there of others is cleared.
    let alone: Vec<Uuid> = ids
        .iter()
        .copied()
        .filter(|id| found.get(id).is_none_or(|nodes| nodes.len() < 2))
        .collect();
    clear(tx, &alone).await?;
    found.retain(|_, nodes| nodes.len() > 1);
    Ok(found)
}

async fn clear(tx: &OrgTx, clusters: &[Uuid]) -> Result<()> {
    use installation::Column;
    if clusters.is_empty() {
        return Ok(());
    }
    tx.update_many::<installation::Entity>()
        .col_expr(Column::Warnings, Expr::value(Option::<serde_json::Value>::None))
        .filter(Column::ClusterId.is_in(clusters.iter().copied()))
        .filter(Column::Kind.eq("identity"))
        .filter(Column::Warnings.is_not_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Looks anew which certificates of watched clusters do not name all nodes, and stores and counts what it finds.
pub(super) async fn refresh(
    tx: &OrgTx,
    held: &[Held],
    clusters: &[Cluster],
    watched: &HashMap<Uuid, Vec<Node>>,
    counts: &mut BTreeMap<(Uuid, &'static str), (i64, i64)>,
) -> Result<()> {
    let held: Vec<&Held> = held
        .iter()
        .filter(|one| watched.contains_key(&one.cluster_id))
        .collect();
    let covering = covering(&held, clusters, watched);
    let certificates = held.iter().filter(|one| covering.contains(&one.id));
    let names = names_of(tx, certificates.map(|one| one.certificate_id).collect()).await?;
    let known = known_names(&held, watched);
    let mut changes: BTreeMap<Option<String>, Vec<Uuid>> = BTreeMap::new();
    for one in &held {
        let mut warning = None;
        if covering.contains(&one.id) {
            let unnamed: Vec<String> = watched
                .get(&one.cluster_id)
                .into_iter()
                .flatten()
                .filter(|node| {
                    let names = names.get(&one.certificate_id).map_or(&[][..], Vec::as_slice);
                    let own = known.get(&node.id).into_iter().flatten().map(String::as_str);
                    !is_named(own, names)
                })
                .map(|node| node.name.clone())
                .collect();
            let (all, different) = counts.entry((one.cluster_id, RULE)).or_default();
            *all += 1;
            *different += i64::from(!unnamed.is_empty());
            if !unnamed.is_empty() {
                warning = Some(vec![InstallationWarning {
                    code: WarningCode::SanDrift,
                    nodes: unnamed,
                }]);
            }
        }
        let json = warning.map(serde_json::to_value).transpose().map_err(Error::internal)?;
        if one.warnings != json {
            changes
                .entry(json.map(|json| json.to_string()))
                .or_default()
                .push(one.id);
        }
    }
    for (text, ids) in changes {
        let json = text
            .map(|text| serde_json::from_str::<serde_json::Value>(&text))
            .transpose()
            .map_err(Error::internal)?;
        store(tx, &ids, json).await?;
    }
    Ok(())
}

/// Certificates that cover several nodes: several hold the same, or its name says so and is not that of the host itself.
fn covering(held: &[&Held], clusters: &[Cluster], watched: &HashMap<Uuid, Vec<Node>>) -> HashSet<Uuid> {
    let is_host = |one: &Held| {
        let mut nodes = watched.get(&one.cluster_id).into_iter().flatten();
        nodes.any(|node| {
            let known = [node.name.as_str(), host_of(&node.address)];
            is_named(known, std::slice::from_ref(&one.common_name))
        })
    };
    let clusters: HashMap<Uuid, &Cluster> = clusters.iter().map(|cluster| (cluster.id, cluster)).collect();
    let mut sharing: HashMap<(Uuid, &str, &str), HashSet<Uuid>> = HashMap::new();
    for one in held {
        let place = (one.cluster_id, one.store.as_str(), one.sha256.as_str());
        sharing.entry(place).or_default().insert(one.node_id);
    }
    held.iter()
        .filter(|one| {
            let may = clusters.get(&one.cluster_id).is_some_and(|cluster| {
                purpose_info(&cluster.product, &cluster.product_version, &one.store)
                    .is_some_and(|info| info.is_ever_multi_server())
            });
            let place = (one.cluster_id, one.store.as_str(), one.sha256.as_str());
            let shared = sharing.get(&place).is_some_and(|nodes| nodes.len() > 1);
            may && (shared || (names_multi_server(&one.common_name) && !is_host(one)))
        })
        .map(|one| one.id)
        .collect()
}

/// By what each node is known: its name, its address, and the common names of certificates that it alone has.
fn known_names(held: &[&Held], watched: &HashMap<Uuid, Vec<Node>>) -> HashMap<Uuid, Vec<String>> {
    let mut known: HashMap<Uuid, Vec<String>> = watched
        .values()
        .flatten()
        .map(|node| (node.id, vec![node.name.clone(), host_of(&node.address).to_string()]))
        .collect();
    let mut named: HashMap<&str, HashSet<Uuid>> = HashMap::new();
    for one in held.iter().filter(|one| !names_multi_server(&one.common_name)) {
        named.entry(one.common_name.as_str()).or_default().insert(one.node_id);
    }
    for (name, nodes) in named {
        if let (1, Some(node)) = (nodes.len(), nodes.iter().next())
            && let Some(names) = known.get_mut(node)
        {
            names.push(name.to_string());
        }
    }
    known
}

/// DNS names and addresses of certificates.
async fn names_of(tx: &OrgTx, mut ids: Vec<Uuid>) -> Result<HashMap<Uuid, Vec<String>>> {
    ids.sort_unstable();
    ids.dedup();
    let mut found: HashMap<Uuid, Vec<String>> = HashMap::new();
    let name = |column: &'static str| Expr::col(("certificate_name", column));
    for chunk in ids.chunks(dialect::MAX_BINDS / 2) {
        let select = Query::select()
            .columns([("certificate_name", "certificate_id"), ("certificate_name", "value")])
            .from("certificate_name")
            .and_where(name("org_id").eq(tx.org_id()))
            .and_where(name("kind").is_in(["dns", "ip"]))
            .and_where(name("certificate_id").is_in(chunk.iter().copied()))
            .take();
        for row in tx.query_all(&select).await? {
            let of: Uuid = row.try_get("", "certificate_id")?;
            found.entry(of).or_default().push(row.try_get("", "value")?);
        }
    }
    Ok(found)
}

async fn store(tx: &OrgTx, ids: &[Uuid], warnings: Option<serde_json::Value>) -> Result<()> {
    use installation::Column;
    for chunk in ids.chunks(dialect::MAX_BINDS / 2) {
        tx.update_many::<installation::Entity>()
            .col_expr(Column::Warnings, Expr::value(warnings.clone()))
            .filter(Column::Id.is_in(chunk.iter().copied()))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// The warnings that stand on an installation.
///
/// # Errors
/// [`Error::Internal`] for what no server wrote.
pub(super) fn warnings(installation: &installation::Model) -> Result<Vec<InstallationWarning>> {
    match &installation.warnings {
        Some(json) => serde_json::from_value(json.clone()).map_err(Error::internal),
        None => Ok(Vec::new()),
    }
}

/// How many identity certificates of these clusters should name all nodes and do not; clusters without any are left out.
///
/// # Errors
/// The database is busy or away.
pub async fn drifted(tx: &OrgTx, clusters: &[Uuid]) -> Result<HashMap<Uuid, i64>> {
    use compliance::{Column, Entity};
    let mut found = HashMap::new();
    for chunk in clusters.chunks(dialect::MAX_BINDS / 2) {
        let rows = tx
            .find::<Entity>()
            .filter(Column::ClusterId.is_in(chunk.iter().copied()))
            .filter(Column::Rule.eq(RULE))
            .filter(Column::Different.gt(0))
            .all(tx)
            .await?;
        found.extend(rows.into_iter().map(|row| (row.cluster_id, row.different)));
    }
    Ok(found)
}
