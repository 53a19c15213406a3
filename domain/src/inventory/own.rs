//! Certificates of trust stores that are a node's own: they stay as long as they are used, and lists offer no deletion.

use super::entity::installation::{Column, Entity, Model};
use super::rows::InstallationRow;
use crate::catalogue::{Replication, trust_stores_of};
use crate::db::{OrgTx, dialect};
use crate::error::Result;
use crate::nodes;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// An identity certificate of a node.
struct Identity {
    cluster_id: Uuid,
    node_id: Uuid,
    purpose: String,
    sha256: String,
}

/// For rows of trust stores: whose own certificate it is, wherever its deletion reaches, as "`tomcat` on node `a`".
pub(super) async fn owners(tx: &OrgTx, rows: &[InstallationRow]) -> Result<HashMap<Uuid, Vec<String>>> {
    let rows = || rows.iter().map(|row| &row.installation);
    let trust = || rows().filter(|row| row.kind == "trust" && row.gone_at.is_none());
    let mut found = HashMap::new();
    let identities = identities(tx, trust()).await?;
    if identities.is_empty() {
        return Ok(found);
    }
    let names = nodes::by_ids(tx, identities.iter().map(|one| one.node_id)).await?;
    for row in trust() {
        let everywhere =
            trust_stores_of(&row.product).any(|store| store.name == row.store && store.delete == Replication::Cluster);
        let mut own: Vec<String> = identities
            .iter()
            .filter(|one| one.sha256 == row.sha256 && one.cluster_id == row.cluster_id)
            .filter(|one| everywhere || one.node_id == row.node_id)
            .filter_map(|one| Some(format!("`{}` on node `{}`", one.purpose, names.get(&one.node_id)?.name)))
            .collect();
        own.sort();
        if !own.is_empty() {
            found.insert(row.id, own);
        }
    }
    Ok(found)
}

/// The identity certificates that may be these. By their names, which an index of the cluster has: a certificate that many clusters
/// trust has many installations, and few of its name are a node's own.
async fn identities<'a>(tx: &OrgTx, trust: impl Iterator<Item = &'a Model>) -> Result<Vec<Identity>> {
    let mut clusters = HashSet::new();
    let mut names = HashSet::new();
    let mut wanted = HashSet::new();
    for row in trust {
        clusters.insert(row.cluster_id);
        names.insert(row.common_name.as_str());
        wanted.insert(row.sha256.as_str());
    }
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let all: Vec<(Uuid, Uuid, String, String)> = tx
        .find::<Entity>()
        .select_only()
        .columns([Column::ClusterId, Column::NodeId, Column::Store, Column::Sha256])
        .filter(Column::ClusterId.is_in(dialect::listed(clusters)))
        .filter(Column::Kind.eq("identity"))
        .filter(Column::GoneAt.is_null())
        .filter(Column::CommonName.is_in(dialect::listed(names)))
        .into_tuple()
        .all(tx)
        .await?;
    Ok(all
        .into_iter()
        .filter(|(.., sha256)| wanted.contains(sha256.as_str()))
        .map(|(cluster_id, node_id, purpose, sha256)| Identity {
            cluster_id,
            node_id,
            purpose,
            sha256,
        })
        .collect())
}
