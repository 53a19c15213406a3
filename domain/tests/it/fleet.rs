//! A small fleet for tests of the rooms: a group, a cluster, an agent, nodes, and a CA that makes certificates.

use certyard_domain::agents::{self, AgentIdentity, Heartbeat, NewJoinToken, Peer, Purpose};
use certyard_domain::clusters::{self, ClusterRow, NewCluster};
use certyard_domain::inventory::{self, Applied, Cause};
use certyard_domain::nodes::{self, NewNode, NodeRow};
use certyard_domain::{Error, Scope, Timestamp};
use certyard_pki::{
    Certificate, Csr, CsrRequest, Hash, KeySpec, PrivateKey, Profile, San, Subject, issue, make_csr, self_signed,
};
use certyard_protocol::{
    ConnectorKind, EnrollRequest, HostFacts, Identity, InventoryCsr, InventoryEntry, NodeInventory, PROTOCOL_VERSION,
    Served, StoreKind,
};
use certyard_testkit::{TestDb, TestOrg};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use uuid::Uuid;

/// The time at which the tests' clock stands.
pub fn noon() -> Timestamp {
    Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).single().expect("a time")
}

/// A database with one organisation.
pub struct Fleet {
    pub test: TestDb,
    pub org: TestOrg,
    pub group: Uuid,
}

impl Fleet {
    pub async fn new() -> Self {
        let test = TestDb::new().await;
        test.db.fix_time(Some(noon()));
        let org = test.org("North").await;
        let group = group(&test, &org.owner, "Site 1").await;
        Self { test, org, group }
    }

    pub fn owner(&self) -> &Scope {
        &self.org.owner
    }

    pub async fn cluster(&self, name: &str) -> ClusterRow {
        cluster(&self.test, self.owner(), self.group, name).await
    }

    /// A node without an agent.
    pub async fn node(&self, cluster: Uuid, name: &str) -> NodeRow {
        self.node_of(cluster, name, None).await
    }

    pub async fn node_of(&self, cluster: Uuid, name: &str, agent_id: Option<Uuid>) -> NodeRow {
        let tx = self.test.db.write(self.owner()).await.expect("a transaction");
        let node = nodes::create(&tx, new_node(cluster, name, agent_id))
            .await
            .expect("a node");
        tx.commit().await.expect("it is kept");
        node
    }

    pub async fn agent(&self, name: &str) -> (AgentIdentity, PrivateKey) {
        let (identity, key) = join(&self.test, self.owner(), self.group, name).await;
        (identify(&self.test, &identity).await.expect("it is known"), key)
    }

    pub async fn apply(&self, node: Uuid, inventory: &NodeInventory) -> Applied {
        self.apply_for(node, inventory, &Cause::default()).await
    }

    pub async fn apply_for(&self, node: Uuid, inventory: &NodeInventory, cause: &Cause) -> Applied {
        let parsed = inventory::parse(inventory).expect("an inventory");
        let scope = Scope::system(self.org.id, "test");
        let tx = self.test.db.write(&scope).await.expect("a transaction");
        let applied = inventory::apply(&tx, node, &parsed, cause)
            .await
            .expect("it is applied");
        tx.commit().await.expect("it is kept");
        applied
    }
}

pub fn new_node(cluster_id: Uuid, name: &str, agent_id: Option<Uuid>) -> NewNode {
    NewNode {
        cluster_id,
        name: name.into(),
        address: format!("{name}:443"),
        role: "publisher".into(),
        connector: ConnectorKind::CiscoUc,
        agent_id,
        second_agent_id: None,
    }
}

pub async fn group(test: &TestDb, scope: &Scope, name: &str) -> Uuid {
    let tx = test.db.write(scope).await.expect("a transaction");
    let group = clusters::create_group(&tx, name, "").await.expect("a group");
    tx.commit().await.expect("it is kept");
    group.group.id
}

pub fn new_cluster(group_id: Uuid, name: &str) -> NewCluster {
    NewCluster {
        group_id,
        name: name.into(),
        product: "cucm".into(),
        product_version: "14".into(),
        enabled: true,
        description: String::new(),
    }
}

pub async fn cluster(test: &TestDb, scope: &Scope, group: Uuid, name: &str) -> ClusterRow {
    let tx = test.db.write(scope).await.expect("a transaction");
    let cluster = clusters::create(&tx, new_cluster(group, name))
        .await
        .expect("a cluster");
    tx.commit().await.expect("it is kept");
    cluster
}

pub async fn join_token(test: &TestDb, scope: &Scope, group_id: Uuid, uses: Option<i32>) -> (Uuid, String) {
    let tx = test.db.write(scope).await.expect("a transaction");
    let new = NewJoinToken {
        group_id,
        name: "for the test".into(),
        uses,
        lifetime: None,
        ca_sha256: None,
    };
    let (row, token) = agents::create_join_token(&tx, new).await.expect("a token");
    tx.commit().await.expect("it is kept");
    (row.token.id, token)
}

pub fn key() -> PrivateKey {
    PrivateKey::generate(KeySpec::P256).expect("a key")
}

pub fn csr(key: &PrivateKey, name: &str) -> Csr {
    let request = CsrRequest {
        subject: Subject(vec![("CN".into(), name.into())]),
        sans: vec![San::dns(name)],
        key_usage: vec!["digitalSignature".into()],
        extended_key_usage: vec!["serverAuth".into()],
        hash: Hash::Sha256,
    };
    make_csr(key, &request).expect("a CSR")
}

pub fn enrolment(token: &str, name: &str, key: &PrivateKey) -> EnrollRequest {
    EnrollRequest {
        token: token.into(),
        csr_pem: csr(key, name).to_pem(),
        name: name.into(),
        host: HostFacts {
            hostname: name.into(),
            os: "Debian GNU/Linux 13".into(),
            arch: "x86_64".into(),
        },
        version: "0.1.0".into(),
        protocol: PROTOCOL_VERSION,
    }
}

/// An agent that joined, and its key.
pub async fn join(test: &TestDb, scope: &Scope, group: Uuid, name: &str) -> (Identity, PrivateKey) {
    let (_, token) = join_token(test, scope, group, None).await;
    let key = key();
    let identity = agents::enroll(&test.db, &test.keys, &enrolment(&token, name, &key), None)
        .await
        .expect("it joins");
    (identity, key)
}

/// What the listener would say of the connection of an identity.
pub fn peer(identity: &Identity) -> Peer {
    let (leaf, _) = identity
        .certificate_pem
        .split_at(identity.certificate_pem.find("-----END").expect("a PEM") + 26);
    agents::peer(&Certificate::from_pem(leaf).expect("a certificate").der).expect("an agent")
}

pub async fn identify(test: &TestDb, identity: &Identity) -> Result<AgentIdentity, Error> {
    identify_for(test, identity, Purpose::Work).await
}

pub async fn identify_for(test: &TestDb, identity: &Identity, purpose: Purpose) -> Result<AgentIdentity, Error> {
    agents::identify(&test.db, &peer(identity), Some("192.0.2.9".into()), purpose).await
}

pub fn heartbeat() -> Heartbeat {
    Heartbeat {
        session: Uuid::from_u128(7),
        version: "0.1.0".into(),
        protocol: PROTOCOL_VERSION,
        capabilities: Vec::new(),
    }
}

/// A CA of the tests.
pub struct Ca {
    pub certificate: Certificate,
    pub key: PrivateKey,
}

pub fn profile(name: &str, ca: bool, not_after: DateTime<Utc>) -> Profile {
    Profile {
        subject: Subject(vec![("CN".into(), name.into())]),
        sans: if ca { Vec::new() } else { vec![San::dns(name)] },
        ca: ca.then_some(None),
        key_usage: vec![if ca { "keyCertSign" } else { "digitalSignature" }],
        extended_key_usage: Vec::new(),
        not_before: noon() - TimeDelta::days(400),
        not_after,
        hash: Hash::Sha256,
    }
}

impl Ca {
    pub fn root(name: &str) -> Self {
        let key = key();
        let certificate = self_signed(&key, &profile(name, true, noon() + TimeDelta::days(3650))).expect("a root");
        Self { certificate, key }
    }

    /// A certificate that ends so many days from noon.
    pub fn leaf(&self, name: &str, days: i64) -> Certificate {
        self.leaf_for(&key(), name, days)
    }

    /// A certificate whose alternative names are not its common name.
    pub fn leaf_with(&self, name: &str, sans: &[&str], days: i64) -> Certificate {
        let mut profile = profile(name, false, noon() + TimeDelta::days(days));
        profile.sans = sans.iter().map(|san| San::dns(*san)).collect();
        issue(&self.certificate, &self.key, key().spki_der(), &profile).expect("a leaf")
    }

    pub fn leaf_for(&self, key: &PrivateKey, name: &str, days: i64) -> Certificate {
        let profile = profile(name, false, noon() + TimeDelta::days(days));
        issue(&self.certificate, &self.key, key.spki_der(), &profile).expect("a leaf")
    }
}

pub fn identity_entry(purpose: &str, certificate: &Certificate, served: Served) -> InventoryEntry {
    InventoryEntry {
        store: purpose.into(),
        kind: StoreKind::Identity,
        entry: purpose.into(),
        certificate_pem: certificate.to_pem(),
        served,
    }
}

pub fn trust_entry(store: &str, entry: &str, certificate: &Certificate) -> InventoryEntry {
    InventoryEntry {
        store: store.into(),
        kind: StoreKind::Trust,
        entry: entry.into(),
        certificate_pem: certificate.to_pem(),
        served: Served::NotObservable,
    }
}

pub fn inventory(digest: &str, entries: Vec<InventoryEntry>) -> NodeInventory {
    NodeInventory {
        digest: digest.into(),
        observed_at: noon(),
        entries,
        csrs: Vec::new(),
        version: None,
    }
}

pub fn with_csr(mut inventory: NodeInventory, purpose: &str, csr: &Csr) -> NodeInventory {
    inventory.csrs.push(InventoryCsr {
        purpose: purpose.into(),
        csr_pem: csr.to_pem(),
    });
    inventory
}

/// Actions of the audit log, newest last.
pub async fn audited(test: &TestDb, scope: &Scope) -> Vec<String> {
    let tx = test.db.read(scope).await.expect("a transaction");
    let mut rows = certyard_domain::audit::list(&tx, &Default::default(), None, 200)
        .await
        .expect("the log");
    rows.reverse();
    rows.into_iter().map(|row| row.action).collect()
}
