//! Gathers the facts about all targets of a plan: a fixed number of statements, whatever the number of targets.

mod clusters;
mod issuers;
mod reuse;
mod tasks;

use super::actions::{decide, go_on, read};
use super::entries::{self, Entries};
use super::facts::{
    Agent, Expect, Facts, Holding, Installed, Node, OpenCsr, OpenTasks, Shared, Trusted, Wanted, wants_names,
};
use super::neighbours::{self, Sharing};
use super::request::{Action, Place, Request};
use super::resolve::Aim;
use super::rows::{self, col, distinct, for_ids, of_clusters};
use super::targets::Targets;
use crate::Timestamp;
use crate::catalogue::{REUSES, reuse_of, trust_store_of};
use crate::db::OrgTx;
use crate::error::{Error, Result};
use crate::profiles::{self, Attachments, effective};
use crate::root_changes;
use certyard_pki::{Certificate, Csr};
use certyard_protocol::Capability;
use issuers::share;
use reuse::{sources_of, takers_of};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use std::collections::{HashMap, HashSet};
use tasks::open_tasks;
use uuid::Uuid;

/// Facts of many targets.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    now: Timestamp,
    nodes: HashMap<Uuid, Node>,
    agents: HashMap<Uuid, Agent>,
    profiles: Attachments,
    installed: HashMap<(Uuid, String), Installed>,
    csrs: HashMap<(Uuid, String), OpenCsr>,
    /// Nodes in use by their cluster, the publisher first, where a change may reach others than its target.
    clusters: HashMap<Uuid, Vec<Uuid>>,
    /// What these nodes hold, by cluster and purpose.
    holdings: HashMap<(Uuid, String), Vec<Holding>>,
    trust: HashMap<(Uuid, String), Vec<Trusted>>,
    open: HashMap<(Uuid, String), OpenTasks>,
    sharing: Sharing,
    entries: Entries,
    shared: Shared,
}

/// Looks at the nodes of the aims as far as the scope sees. Nodes that it does not see are missing in the result.
pub(super) async fn gather(tx: &OrgTx, action: &Action, aims: &[Aim], uploaded: &[Certificate]) -> Result<Gathered> {
    let ids = distinct(aims.iter().map(|aim| aim.node_id));
    let mut gathered = Gathered {
        now: tx.now(),
        nodes: nodes(tx, "id", &ids).await?,
        ..Gathered::default()
    };
    if action.may_spread() {
        gathered.add_clusters(tx).await?;
    }
    gathered.agents = agents(tx, &gathered.nodes).await?;
    match action.place() {
        Place::Node => {}
        Place::Store => gathered.look_at_stores(tx, &ids, action.stores(), uploaded).await?,
        Place::Entry => gathered.look_at_entries(tx, &ids, aims, uploaded).await?,
        Place::Purpose => gathered.look_at_purposes(tx, &ids, action, aims, uploaded).await?,
    }
    Ok(gathered)
}

impl Gathered {
    async fn look_at_stores(
        &mut self,
        tx: &OrgTx,
        ids: &[Uuid],
        stores: &[String],
        uploaded: &[Certificate],
    ) -> Result<()> {
        let stores: HashSet<&str> = stores.iter().map(String::as_str).collect();
        self.open = open_tasks(tx, ids).await?;
        self.hold(&stores.iter().copied().collect::<Vec<&str>>());
        self.trust = trust(tx, &self.all(), &stores, &subjects(uploaded)).await?;
        self.shared.uploaded = uploaded.to_vec();
        Ok(())
    }

    async fn look_at_entries(
        &mut self,
        tx: &OrgTx,
        ids: &[Uuid],
        aims: &[Aim],
        uploaded: &[Certificate],
    ) -> Result<()> {
        let stores: HashSet<&str> = aims.iter().map(|aim| aim.purpose.as_str()).collect();
        let sha256: HashSet<&str> = aims.iter().filter_map(|aim| aim.sha256.as_deref()).collect();
        self.open = open_tasks(tx, ids).await?;
        self.hold(&stores.iter().copied().collect::<Vec<&str>>());
        let clusters = distinct(self.nodes.values().map(|node| node.cluster_id));
        let all = self.all();
        self.entries = Entries::gather(tx, &all, &clusters, &stores, &sha256).await?;
        let names = subjects(uploaded.iter().chain(self.entries.certificates()));
        self.trust = trust(tx, &all, &stores, &names).await?;
        self.shared.uploaded = uploaded.to_vec();
        Ok(())
    }

    async fn look_at_purposes(
        &mut self,
        tx: &OrgTx,
        ids: &[Uuid],
        action: &Action,
        aims: &[Aim],
        uploaded: &[Certificate],
    ) -> Result<()> {
        let clusters = distinct(self.nodes.values().map(|node| node.cluster_id));
        self.profiles = profiles::attached(tx, &clusters).await?;
        let purposes: HashSet<&str> = aims.iter().map(|aim| aim.purpose.as_str()).collect();
        let mut wanted: Vec<&str> = purposes.iter().copied().collect::<Vec<&str>>();
        if matches!(action, Action::ReuseTomcat(_)) {
            wanted.extend(sources_of(&purposes));
        }
        let takers = takers_of(&purposes);
        wanted.extend(takers.iter().filter(|taker| !purposes.contains(**taker)));
        let all = self.all();
        self.installed = installed(tx, &all, &wanted).await?;
        self.csrs = csrs(tx, &all, &wanted).await?;
        self.open = open_tasks(tx, if action.may_spread() { &all } else { ids }).await?;
        self.hold(&wanted);
        if action.changes_identity() {
            let changed = purposes.iter().chain(&takers).copied().collect();
            self.shared.recent = neighbours::recent(tx, &clusters, &changed).await?;
        }
        match action {
            Action::GenerateCsr(options) if wants_names(options) => names(tx, &mut self.installed).await?,
            Action::UploadCertificate(_) => {
                names(tx, &mut self.installed).await?;
                self.add_names(tx).await?;
                let stores = self.stores_of(aims);
                self.shared.set_upload(share(tx, uploaded).await?);
                self.shared.undistributed = root_changes::undistributed(tx, &clusters).await?;
                let issuers = self.shared.uploaded.iter().chain(&self.shared.known);
                self.trust = trust(tx, &all, &stores, &subjects(issuers)).await?;
            }
            Action::Renew(_) => self.sharing = neighbours::sharing(tx, &clusters, &purposes).await?,
            Action::ReuseTomcat(_) => {
                self.sharing = neighbours::sharing(tx, &clusters, &wanted.iter().copied().collect()).await?;
                let leaves = self.sources(tx).await?;
                let stores = self.stores_of(aims);
                self.shared.set_upload(share(tx, &leaves).await?);
                self.trust = trust(tx, &all, &stores, &subjects(&self.shared.known)).await?;
            }
            Action::GenerateCsr(_)
            | Action::DeleteCsr(_)
            | Action::Restart(_)
            | Action::Refresh
            | Action::Distribute(_)
            | Action::Delete(_)
            | Action::Replace(_)
            | Action::Restore => {}
        }
        Ok(())
    }

    /// The trust stores of the purposes that are aimed at.
    fn stores_of(&self, aims: &[Aim]) -> HashSet<&'static str> {
        aims.iter()
            .filter_map(|aim| {
                let node = self.nodes.get(&aim.node_id)?;
                trust_store_of(&node.product, &node.product_version, &aim.purpose)
            })
            .collect()
    }

    /// The installed certificates that others may take over.
    async fn sources(&self, tx: &OrgTx) -> Result<Vec<Certificate>> {
        let of = |purpose: &str| REUSES.iter().any(|row| row.of == purpose);
        let found = self
            .installed
            .iter()
            .filter(|((_, purpose), one)| of(purpose) && !one.self_signed);
        let sha256: HashSet<&str> = found.map(|(_, one)| one.sha256.as_str()).collect();
        Ok(entries::certificates(tx, &sha256).await?.into_values().collect())
    }

    /// Everything about the target of an aim; `None` for a node that is not there or out of scope.
    pub fn facts<'a>(&'a self, aim: &'a Aim) -> Option<Facts<'a>> {
        let (node_id, purpose) = (aim.node_id, aim.purpose.as_str());
        let node = self.nodes.get(&node_id)?;
        let key = (node_id, purpose.to_string());
        let entry = aim.sha256.as_deref();
        let source = reuse_of(&node.product, &node.product_version, purpose)
            .and_then(|row| Some((row.of, self.installed.get(&(node_id, row.of.to_string()))?)));
        let installed = match entry {
            Some(sha256) => self.entries.held(node_id, purpose, sha256),
            None => self.installed.get(&key),
        };
        let agents = [node.agent_id, node.second_agent_id]
            .into_iter()
            .flatten()
            .filter_map(|id| self.agents.get(&id))
            .collect();
        // A trust store is a place of its own.
        let store = trust_store_of(&node.product, &node.product_version, purpose).unwrap_or(purpose);
        let trust = self.trust.get(&(node_id, store.to_string()));
        let profile = self.profiles.of(node.cluster_id);
        Some(Facts {
            now: self.now,
            node,
            purpose,
            agents,
            wanted: Wanted {
                profile: &profile.name,
                effective: effective(&profile.settings, &node.product, &node.product_version, purpose),
            },
            installed,
            source_sharing: source.map_or_else(Vec::new, |(of, one)| self.sharing.others(node, of, &one.sha256)),
            source: source.map(|(_, one)| one),
            sharing: installed.map_or_else(Vec::new, |one| self.sharing.others(node, purpose, &one.sha256)),
            reused_by: if entry.is_some() {
                Vec::new()
            } else {
                self.takers(node, purpose)
            },
            entry: entry.map(|sha256| self.entries.of(node, purpose, sha256)),
            csr: self.csrs.get(&key),
            cluster: self
                .holdings
                .get(&(node.cluster_id, purpose.to_string()))
                .map_or(&[], Vec::as_slice),
            trust: trust.map_or(&[], Vec::as_slice),
            open: self.open.get(&key).copied().unwrap_or_default(),
            shared: &self.shared,
        })
    }

    /// The nodes of the targets, and those of their clusters that they may reach.
    fn all(&self) -> Vec<Uuid> {
        distinct(self.nodes.keys().copied())
    }

    /// Whether a node was seen with a certificate in a trust store, of those that may be put there.
    pub fn trusts(&self, node_id: Uuid, store: &str, sha256: &str) -> bool {
        let held = self.trust.get(&(node_id, store.to_string()));
        held.is_some_and(|held| held.iter().any(|trusted| trusted.sha256 == sha256))
    }

    /// Whether a node was seen with a certificate in a trust store, of those that the action is on.
    pub fn holds(&self, node_id: Uuid, store: &str, sha256: &str) -> bool {
        self.entries.held(node_id, store, sha256).is_some()
    }

    /// What of a target a job has to find unchanged, as it is now.
    pub fn expect(&self, aim: &Aim) -> Option<Expect> {
        self.facts(aim).map(|facts| Expect::of(&facts))
    }

    /// Plans one target.
    pub fn decide(&self, request: &Request, aim: &Aim) -> Result<Decision<'_>> {
        let node = self.nodes.get(&aim.node_id).ok_or(Error::NotFound { what: "node" })?;
        let facts = self.facts(aim).ok_or(Error::NotFound { what: "node" })?;
        let outcome = match &aim.refusal {
            Some(refusal) => Err(refusal.clone()),
            // A node as a whole, as a retry names one that was read beside the targets.
            None if request.action.place() != Place::Node
                && matches!(request.targets, Targets::Places(_))
                && aim.purpose.is_empty() =>
            {
                read(&facts)
            }
            None => aim
                .earlier
                .as_ref()
                .and_then(|earlier| go_on(earlier, &facts))
                .unwrap_or_else(|| decide(request, &facts)),
        };
        let before = facts.installed.map(super::preview::CertificateBrief::of_installed);
        Ok(Decision {
            node,
            expect: Expect::of(&facts),
            before,
            outcome,
        })
    }
}

/// What became of one target.
pub(super) struct Decision<'a> {
    pub node: &'a Node,
    pub expect: Expect,
    pub before: Option<super::preview::CertificateBrief>,
    pub outcome: Result<super::actions::Draft, super::actions::Refusal>,
}

/// Nodes whose `column` is one of `ids`.
async fn nodes(tx: &OrgTx, column: &'static str, ids: &[Uuid]) -> Result<HashMap<Uuid, Node>> {
    let mut select = of_clusters(tx, "node");
    for column in [
        "id",
        "name",
        "address",
        "role",
        "connector",
        "ready",
        "fault_message",
        "inventory_at",
        "agent_id",
        "second_agent_id",
        "cluster_id",
        "retired_at",
    ] {
        select.column(("node", column));
    }
    for (column, alias) in [
        ("name", "cluster_name"),
        ("product", "product"),
        ("product_version", "product_version"),
        ("enabled", "enabled"),
        ("retired_at", "cluster_retired_at"),
    ] {
        select.expr_as(col("cluster", column), alias);
    }
    let mut nodes = HashMap::with_capacity(ids.len());
    for row in for_ids(tx, &select, ("node", column), ids).await? {
        let retired: Option<Timestamp> = row.try_get("", "retired_at")?;
        let cluster_retired: Option<Timestamp> = row.try_get("", "cluster_retired_at")?;
        let node = Node {
            id: row.try_get("", "id")?,
            name: row.try_get("", "name")?,
            address: row.try_get("", "address")?,
            role: row.try_get("", "role")?,
            connector: row.try_get("", "connector")?,
            ready: row.try_get("", "ready")?,
            retired: retired.or(cluster_retired).is_some(),
            fault: row.try_get("", "fault_message")?,
            inventory_at: row.try_get("", "inventory_at")?,
            agent_id: row.try_get("", "agent_id")?,
            second_agent_id: row.try_get("", "second_agent_id")?,
            cluster_id: row.try_get("", "cluster_id")?,
            cluster_name: row.try_get("", "cluster_name")?,
            product: row.try_get("", "product")?,
            product_version: row.try_get("", "product_version")?,
            enabled: row.try_get("", "enabled")?,
        };
        nodes.insert(node.id, node);
    }
    Ok(nodes)
}

/// Agents of the nodes that are neither banned nor retired.
async fn agents(tx: &OrgTx, nodes: &HashMap<Uuid, Node>) -> Result<HashMap<Uuid, Agent>> {
    let ids = distinct(
        nodes
            .values()
            .flat_map(|node| [node.agent_id, node.second_agent_id])
            .flatten(),
    );
    let mut select = Query::select();
    for column in ["id", "protocol", "capabilities", "last_seen_at"] {
        select.column(("agent", column));
    }
    select
        .from("agent")
        .and_where(col("agent", "org_id").eq(tx.org_id()))
        .and_where(col("agent", "banned_at").is_null())
        .and_where(col("agent", "retired_at").is_null());
    let mut agents = HashMap::new();
    for row in for_ids(tx, &select, ("agent", "id"), &ids).await? {
        let capabilities: serde_json::Value = row.try_get("", "capabilities")?;
        let agent = Agent {
            id: row.try_get("", "id")?,
            protocol: u32::try_from(row.try_get::<i32>("", "protocol")?).unwrap_or_default(),
            // A newer agent may know connectors that this server does not: what is readable counts.
            capabilities: capabilities
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| serde_json::from_value::<Capability>(one.clone()).ok())
                .collect(),
            last_seen_at: row.try_get("", "last_seen_at")?,
        };
        agents.insert(agent.id, agent);
    }
    Ok(agents)
}

async fn installed(tx: &OrgTx, ids: &[Uuid], purposes: &[&str]) -> Result<HashMap<(Uuid, String), Installed>> {
    let select = rows::installed_in(tx, "identity", purposes.iter().copied());
    let mut found = HashMap::new();
    for row in for_ids(tx, &select, ("installation", "node_id"), ids).await? {
        let place = (row.try_get("", "node_id")?, row.try_get("", "store")?);
        found.insert(place, rows::installed(&row)?);
    }
    Ok(found)
}

/// Adds the DNS names and addresses of the installed certificates.
async fn names(tx: &OrgTx, installed: &mut HashMap<(Uuid, String), Installed>) -> Result<()> {
    let ids = distinct(installed.values().map(|one| one.certificate_id));
    let mut select = Query::select();
    select
        .columns([
            ("certificate_name", "certificate_id"),
            ("certificate_name", "position"),
            ("certificate_name", "value"),
        ])
        .from("certificate_name")
        .and_where(col("certificate_name", "org_id").eq(tx.org_id()))
        .and_where(col("certificate_name", "kind").is_in(["dns", "ip"]));
    let mut names: HashMap<Uuid, Vec<(i32, String)>> = HashMap::new();
    for row in for_ids(tx, &select, ("certificate_name", "certificate_id"), &ids).await? {
        let name = (row.try_get("", "position")?, row.try_get("", "value")?);
        names.entry(row.try_get("", "certificate_id")?).or_default().push(name);
    }
    for list in names.values_mut() {
        list.sort();
    }
    for one in installed.values_mut() {
        if let Some(list) = names.get(&one.certificate_id) {
            one.names = list.iter().map(|(_, name)| name.clone()).collect();
        }
    }
    Ok(())
}

async fn csrs(tx: &OrgTx, ids: &[Uuid], purposes: &[&str]) -> Result<HashMap<(Uuid, String), OpenCsr>> {
    let mut select = Query::select();
    for column in ["node_id", "purpose", "der", "spki_sha256", "created_at"] {
        select.column(("csr", column));
    }
    select
        .from("csr")
        .and_where(col("csr", "org_id").eq(tx.org_id()))
        .and_where(Expr::cust("\"csr\".\"state\" = 'open'"))
        .and_where(col("csr", "purpose").is_in(purposes.iter().copied()));
    let mut found = HashMap::new();
    for row in for_ids(tx, &select, ("csr", "node_id"), ids).await? {
        let der: Vec<u8> = row.try_get("", "der")?;
        let csr = OpenCsr {
            csr: Csr::from_der(&der).ok(),
            spki_sha256: row.try_get("", "spki_sha256")?,
            created_at: row.try_get("", "created_at")?,
        };
        found.insert((row.try_get("", "node_id")?, row.try_get("", "purpose")?), csr);
    }
    Ok(found)
}

/// What the nodes trust under the names of the issuers that may be needed.
async fn trust(
    tx: &OrgTx,
    ids: &[Uuid],
    stores: &HashSet<&str>,
    subjects: &HashSet<String>,
) -> Result<HashMap<(Uuid, String), Vec<Trusted>>> {
    let mut found: HashMap<(Uuid, String), Vec<Trusted>> = HashMap::new();
    if stores.is_empty() || subjects.is_empty() {
        return Ok(found);
    }
    let mut select = Query::select();
    select
        .columns([
            ("installation", "node_id"),
            ("installation", "store"),
            ("installation", "sha256"),
        ])
        .columns([("certificate", "subject_hash"), ("certificate", "not_before")])
        .from("installation")
        .inner_join(
            "certificate",
            Condition::all()
                .add(col("certificate", "org_id").equals(("installation", "org_id")))
                .add(col("certificate", "id").equals(("installation", "certificate_id"))),
        )
        .and_where(col("installation", "org_id").eq(tx.org_id()))
        .and_where(col("installation", "kind").eq("trust"))
        .and_where(col("installation", "store").is_in(stores.iter().copied()))
        .and_where(col("certificate", "subject_hash").is_in(subjects.iter().map(String::as_str)))
        .and_where(Expr::cust("\"installation\".\"gone_at\" IS NULL"));
    for row in for_ids(tx, &select, ("installation", "node_id"), ids).await? {
        let trusted = Trusted {
            sha256: row.try_get("", "sha256")?,
            subject_hash: row.try_get("", "subject_hash")?,
            not_before: row.try_get("", "not_before")?,
        };
        let key = (row.try_get("", "node_id")?, row.try_get("", "store")?);
        found.entry(key).or_default().push(trusted);
    }
    Ok(found)
}

/// The names of certificates, by which trust stores are searched.
fn subjects<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> HashSet<String> {
    certificates
        .into_iter()
        .map(|one| name_hash(&one.subject_der))
        .collect()
}

/// SHA-256 of an encoded name in hex, by which the inventory finds issuers.
pub(super) fn name_hash(name_der: &[u8]) -> String {
    crate::digest::sha256_hex(name_der)
}
