//! Certificates in trust stores that an action is on: where they are, what they are, and what hangs on them.

use super::facts::{Entry, Installed, Node};
use super::gather::name_hash;
use super::rows::{col, for_ids, installed, installed_in};
use crate::catalogue::{Replication, trust_stores_of};
use crate::db::OrgTx;
use crate::error::Result;
use certyard_pki::Certificate;
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Fingerprints of one IN list.
const CHUNK: usize = 5_000;

/// A certificate in a trust store.
#[derive(Debug)]
struct Held {
    name: String,
    certificate: Installed,
}

/// An identity certificate of a node.
#[derive(Debug)]
struct Identity {
    node_id: Uuid,
    node: String,
    purpose: String,
    sha256: String,
    issuer_hash: String,
}

impl Identity {
    fn words(&self) -> String {
        format!("`{}` on node `{}`", self.purpose, self.node)
    }
}

/// What is known about certificates of trust stores.
#[derive(Debug, Default)]
pub(super) struct Entries {
    held: HashMap<(Uuid, String, String), Held>,
    certificates: HashMap<String, Certificate>,
    /// By cluster.
    identities: HashMap<Uuid, Vec<Identity>>,
}

impl Entries {
    /// Looks for certificates in trust stores of nodes, and at the identities of their clusters.
    pub async fn gather(
        tx: &OrgTx,
        nodes: &[Uuid],
        clusters: &[Uuid],
        stores: &HashSet<&str>,
        sha256: &HashSet<&str>,
    ) -> Result<Self> {
        Ok(Self {
            held: held(tx, nodes, stores, sha256).await?,
            certificates: certificates(tx, sha256).await?,
            identities: identities(tx, clusters).await?,
        })
    }

    /// All certificates that are meant.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.certificates.values()
    }

    /// The certificate while it is in the store.
    pub fn held(&self, node_id: Uuid, store: &str, sha256: &str) -> Option<&Installed> {
        let key = (node_id, store.to_string(), sha256.to_string());
        self.held.get(&key).map(|held| &held.certificate)
    }

    /// Everything about a certificate in a store of a node. Where the product carries its deletion to all nodes of the cluster, what
    /// hangs on it there counts as well.
    pub fn of<'a>(&'a self, node: &Node, store: &str, sha256: &'a str) -> Entry<'a> {
        let key = (node.id, store.to_string(), sha256.to_string());
        let certificate = self.certificates.get(sha256);
        let subject = certificate.map(|one| name_hash(&one.subject_der));
        let everywhere =
            trust_stores_of(&node.product).any(|known| known.name == store && known.delete == Replication::Cluster);
        let all = self.identities.get(&node.cluster_id).map_or(&[][..], Vec::as_slice);
        let reached = || all.iter().filter(|one| everywhere || one.node_id == node.id);
        Entry {
            sha256,
            name: self.held.get(&key).map(|held| held.name.as_str()),
            certificate,
            own: reached()
                .filter(|one| one.sha256 == sha256)
                .map(Identity::words)
                .collect(),
            signs: reached()
                .filter(|one| one.sha256 != sha256 && Some(&one.issuer_hash) == subject.as_ref())
                .map(Identity::words)
                .collect(),
        }
    }
}

async fn held(
    tx: &OrgTx,
    nodes: &[Uuid],
    stores: &HashSet<&str>,
    sha256: &HashSet<&str>,
) -> Result<HashMap<(Uuid, String, String), Held>> {
    let mut select = installed_in(tx, "trust", stores.iter().copied());
    // One certificate on many nodes is the usual case; with many, all of the stores are read.
    if sha256.len() <= CHUNK {
        select.and_where(col("installation", "sha256").is_in(sha256.iter().copied()));
    }
    let mut found = HashMap::new();
    for row in for_ids(tx, &select, ("installation", "node_id"), nodes).await? {
        let certificate = installed(&row)?;
        if !sha256.contains(certificate.sha256.as_str()) {
            continue;
        }
        let key = (
            row.try_get("", "node_id")?,
            row.try_get("", "store")?,
            certificate.sha256.clone(),
        );
        let held = Held {
            name: row.try_get("", "entry")?,
            certificate,
        };
        found.insert(key, held);
    }
    Ok(found)
}

/// Certificates that the organisation knows, by fingerprint. Those that cannot be read any more are left out.
pub(super) async fn certificates(tx: &OrgTx, sha256: &HashSet<&str>) -> Result<HashMap<String, Certificate>> {
    let all: Vec<&str> = sha256.iter().copied().collect();
    let mut found = HashMap::with_capacity(all.len());
    for chunk in all.chunks(CHUNK) {
        let select = Query::select()
            .column(("certificate", "sha256"))
            .column(("certificate_der", "der"))
            .from("certificate")
            .inner_join(
                "certificate_der",
                Condition::all()
                    .add(col("certificate_der", "org_id").equals(("certificate", "org_id")))
                    .add(col("certificate_der", "id").equals(("certificate", "id"))),
            )
            .and_where(col("certificate", "org_id").eq(tx.org_id()))
            .and_where(col("certificate", "sha256").is_in(chunk.iter().copied()))
            .take();
        for row in tx.query_all(&select).await? {
            let der: Vec<u8> = row.try_get("", "der")?;
            if let Ok(certificate) = Certificate::from_der(&der) {
                found.insert(row.try_get("", "sha256")?, certificate);
            }
        }
    }
    Ok(found)
}

async fn identities(tx: &OrgTx, clusters: &[Uuid]) -> Result<HashMap<Uuid, Vec<Identity>>> {
    let mut select = Query::select();
    select
        .columns([
            ("installation", "cluster_id"),
            ("installation", "node_id"),
            ("installation", "store"),
            ("installation", "sha256"),
        ])
        .column(("certificate", "issuer_hash"))
        .column(("node", "name"))
        .from("installation")
        .inner_join(
            "certificate",
            Condition::all()
                .add(col("certificate", "org_id").equals(("installation", "org_id")))
                .add(col("certificate", "id").equals(("installation", "certificate_id"))),
        )
        .inner_join(
            "node",
            Condition::all()
                .add(col("node", "org_id").equals(("installation", "org_id")))
                .add(col("node", "id").equals(("installation", "node_id"))),
        )
        .and_where(col("installation", "org_id").eq(tx.org_id()))
        .and_where(col("installation", "kind").eq("identity"))
        .and_where(Expr::cust("\"installation\".\"gone_at\" IS NULL"));
    let mut found: HashMap<Uuid, Vec<Identity>> = HashMap::new();
    for row in for_ids(tx, &select, ("installation", "cluster_id"), clusters).await? {
        let identity = Identity {
            node_id: row.try_get("", "node_id")?,
            node: row.try_get("", "name")?,
            purpose: row.try_get("", "store")?,
            sha256: row.try_get("", "sha256")?,
            issuer_hash: row.try_get("", "issuer_hash")?,
        };
        found.entry(row.try_get("", "cluster_id")?).or_default().push(identity);
    }
    for identities in found.values_mut() {
        identities.sort_by(|a, b| (&a.node, &a.purpose).cmp(&(&b.node, &b.purpose)));
    }
    Ok(found)
}
