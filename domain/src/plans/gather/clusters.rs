//! The other nodes of the targets' clusters, where certificates may cover several nodes.

use super::{Gathered, nodes};
use crate::catalogue::{Replication, has_multi_server, names_multi_server, trust_stores_of};
use crate::db::OrgTx;
use crate::error::Result;
use crate::nodes::host_of;
use crate::plans::facts::Holding;
use crate::plans::rows::{col, distinct, for_ids};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

impl Gathered {
    /// Adds the other nodes of the clusters, where the product spreads certificates or keeps trust stores alike.
    pub(super) async fn add_clusters(&mut self, tx: &OrgTx) -> Result<()> {
        let spanned = self
            .nodes
            .values()
            .filter(|node| has_multi_server(&node.product) || has_replication(&node.product));
        let clusters = distinct(spanned.map(|node| node.cluster_id));
        if clusters.is_empty() {
            return Ok(());
        }
        for (id, node) in nodes(tx, "cluster_id", &clusters).await? {
            if !node.retired {
                self.clusters.entry(node.cluster_id).or_default().push(id);
            }
            self.nodes.insert(id, node);
        }
        let nodes = &self.nodes;
        for ids in self.clusters.values_mut() {
            ids.sort_by_key(|id| nodes.get(id).map(|node| (node.role != "publisher", node.name.clone())));
        }
        Ok(())
    }

    /// Brings together what the nodes of each cluster hold.
    pub(super) fn hold(&mut self, purposes: &[&str]) {
        for (cluster, ids) in &self.clusters {
            for purpose in purposes {
                let held = ids.iter().filter_map(|id| {
                    let node = self.nodes.get(id)?;
                    let key = (*id, (*purpose).to_string());
                    Some(Holding {
                        node_id: *id,
                        node: node.name.clone(),
                        known_as: vec![node.name.clone(), host_of(&node.address).into()],
                        csr: self.csrs.get(&key).map(|csr| csr.spki_sha256.clone()),
                        waiting: self.open.get(&key).is_some_and(|open| open.waiting > 0),
                    })
                });
                self.holdings.insert((*cluster, (*purpose).to_string()), held.collect());
            }
        }
    }

    /// Adds the names that nodes have in certificates of their own: what people call a node need not be its host name.
    pub(super) async fn add_names(&mut self, tx: &OrgTx) -> Result<()> {
        let ids = distinct(self.clusters.values().flatten().copied());
        if ids.is_empty() {
            return Ok(());
        }
        let known = own_names(tx, &ids).await?;
        for holding in self.holdings.values_mut().flatten() {
            holding
                .known_as
                .extend(known.get(&holding.node_id).cloned().unwrap_or_default());
        }
        Ok(())
    }

    /// The nodes in use of a cluster, the publisher first; none where its nodes have nothing in common.
    pub(in crate::plans) fn in_use(&self, cluster: Uuid) -> &[Uuid] {
        self.clusters.get(&cluster).map_or(&[], Vec::as_slice)
    }
}

/// Whether the product keeps some trust store alike on all nodes of a cluster.
fn has_replication(product: &str) -> bool {
    trust_stores_of(product).any(|store| [store.import, store.delete].contains(&Replication::Cluster))
}

/// Common names that one node alone has in its identity certificates.
async fn own_names(tx: &OrgTx, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<String>>> {
    let mut select = Query::select();
    select
        .columns(["node_id", "common_name"].map(|column| ("installation", column)))
        .from("installation")
        .and_where(col("installation", "org_id").eq(tx.org_id()))
        .and_where(col("installation", "kind").eq("identity"))
        .and_where(Expr::cust("\"installation\".\"gone_at\" IS NULL"));
    let mut nodes: HashMap<String, HashSet<Uuid>> = HashMap::new();
    for row in for_ids(tx, &select, ("installation", "node_id"), ids).await? {
        let name: String = row.try_get("", "common_name")?;
        nodes.entry(name).or_default().insert(row.try_get("", "node_id")?);
    }
    let mut found: HashMap<Uuid, Vec<String>> = HashMap::new();
    for (name, nodes) in nodes {
        if let (1, Some(node), false) = (nodes.len(), nodes.iter().next(), names_multi_server(&name)) {
            found.entry(*node).or_default().push(name);
        }
    }
    Ok(found)
}
