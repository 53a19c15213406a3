//! A fleet for the tests of plans and jobs: rows as the rooms above would write them, made in bulk, and an agent that
//! answers what it is told.

use certyard_domain::jobs;
use certyard_domain::plans::{self, Action, Order, Plan, Request, Targets};
use certyard_domain::{Result, Scope, Timestamp};
use certyard_pki::{
    Certificate, Csr, CsrRequest, Hash, KeySpec, PrivateKey, Profile, San, Subject, issue_from_csr, make_csr,
    self_signed,
};
use certyard_protocol::{
    Capability, ClaimedTask, ConnectorKind, Failure, NodeState, Outcome, ResultAnswer, Rollback, StepCapability,
    StepKind, TaskPayload, TaskResult,
};
use certyard_testkit::{TestDb, TestOrg};
use chrono::{Duration, TimeZone, Utc};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::json;
use uuid::Uuid;

/// The clock of these tests stands still here until a test moves it.
pub fn noon() -> Timestamp {
    Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).single().expect("a time")
}

pub struct Fleet {
    pub test: TestDb,
    pub org: TestOrg,
    pub group: Uuid,
    pub rows: DatabaseConnection,
}

impl Fleet {
    pub async fn new() -> Self {
        let test = TestDb::new().await;
        test.db.fix_time(Some(noon()));
        let org = test.org("Example").await;
        let rows = test.owner().await;
        let mut fleet = Self {
            test,
            org,
            group: Uuid::nil(),
            rows,
        };
        fleet.group = fleet.group("Site").await;
        fleet
    }

    pub fn later(&self, seconds: i64) {
        self.test.db.fix_time(Some(noon() + Duration::seconds(seconds)));
    }

    pub async fn insert(&self, table: &'static str, rows: Vec<Vec<(&'static str, Expr)>>) {
        for chunk in rows.chunks(500) {
            let mut insert = Query::insert();
            insert.into_table(table);
            for (index, row) in chunk.iter().enumerate() {
                let mut row = row.clone();
                row.push(("org_id", Expr::value(self.org.id)));
                if index == 0 {
                    insert.columns(row.iter().map(|(name, _)| *name));
                }
                insert.values_panic(row.into_iter().map(|(_, value)| value));
            }
            self.rows
                .execute(&insert)
                .await
                .unwrap_or_else(|error| panic!("{table}: {error}"));
        }
    }

    pub async fn set(&self, table: &'static str, id: Uuid, column: &'static str, value: impl Into<sea_orm::Value>) {
        let update = Query::update()
            .table(table)
            .value(column, Expr::value(value))
            .and_where(sea_orm::sea_query::ExprTrait::eq(Expr::col("id"), id))
            .take();
        self.rows.execute(&update).await.expect("a row is changed");
    }

    pub async fn group(&self, name: &str) -> Uuid {
        let id = Uuid::now_v7();
        let row = vec![
            ("id", id.into()),
            ("name", name.into()),
            ("description", "".into()),
            ("version", 1i64.into()),
            ("created_at", noon().into()),
            ("updated_at", noon().into()),
        ];
        self.insert("cluster_group", vec![row]).await;
        id
    }

    /// An agent with all connectors, heard of just now.
    pub async fn agent(&self, group: Uuid) -> Uuid {
        let id = Uuid::now_v7();
        let row = vec![
            ("id", id.into()),
            ("group_id", group.into()),
            ("name", format!("agent-{}", id.simple()).into()),
            ("program_version", "0.1.0".into()),
            (
                "protocol",
                i32::try_from(certyard_protocol::PROTOCOL_VERSION)
                    .expect("small")
                    .into(),
            ),
            ("hostname", "host".into()),
            ("os", "".into()),
            ("arch", "".into()),
            ("fingerprint", id.simple().to_string().into()),
            ("generation", 1i64.into()),
            ("identity_not_after", (noon() + Duration::days(7)).into()),
            ("capabilities", json!(capabilities()).into()),
            ("last_seen_at", noon().into()),
            ("nodes_version", 1i64.into()),
            ("created_at", noon().into()),
            ("updated_at", noon().into()),
        ];
        self.insert("agent", vec![row]).await;
        id
    }

    pub fn agent_scope(&self, agent: Uuid) -> Scope {
        Scope::agent(self.org.id, agent, "an agent of the test", None)
    }

    pub async fn cluster(&self, group: Uuid, name: &str, product: &str, version: &str) -> Uuid {
        let id = Uuid::now_v7();
        let row = vec![
            ("id", id.into()),
            ("group_id", group.into()),
            ("name", name.into()),
            ("product", product.into()),
            ("product_version", version.into()),
            ("enabled", true.into()),
            ("description", "".into()),
            ("version", 1i64.into()),
            ("created_at", noon().into()),
            ("updated_at", noon().into()),
        ];
        self.insert("cluster", vec![row]).await;
        id
    }

    /// Nodes of a cluster, the first one its publisher.
    pub async fn nodes(
        &self,
        cluster: Uuid,
        connector: ConnectorKind,
        count: usize,
        agent: Uuid,
        second: Option<Uuid>,
    ) -> Vec<Uuid> {
        let mut ids = Vec::with_capacity(count);
        let mut rows = Vec::with_capacity(count);
        for index in 0..count {
            let id = Uuid::now_v7();
            let role = match (connector, index) {
                (ConnectorKind::Nginx, _) => "standalone",
                (ConnectorKind::CiscoUc | ConnectorKind::CiscoCli, 0) => "publisher",
                (ConnectorKind::CiscoUc | ConnectorKind::CiscoCli, _) => "subscriber",
            };
            rows.push(vec![
                ("id", id.into()),
                ("cluster_id", cluster.into()),
                ("name", format!("node-{index:05}").into()),
                ("address", "127.0.0.1:8443".into()),
                ("role", role.into()),
                ("connector", connector.as_str().into()),
                ("agent_id", agent.into()),
                ("second_agent_id", second.into()),
                ("ready", true.into()),
                ("version", 1i64.into()),
                ("created_at", noon().into()),
                ("updated_at", noon().into()),
            ]);
            ids.push(id);
        }
        self.insert("node", rows).await;
        ids
    }

    /// A cluster of nginx nodes with one agent.
    pub async fn servers(&self, count: usize) -> (Uuid, Uuid, Vec<Uuid>) {
        let agent = self.agent(self.group).await;
        let cluster = self.cluster(self.group, "servers", "server", "").await;
        let nodes = self.nodes(cluster, ConnectorKind::Nginx, count, agent, None).await;
        (agent, cluster, nodes)
    }

    pub async fn install(&self, cluster: Uuid, node: Uuid, kind: &str, store: &str, certificate: &Certificate) -> Uuid {
        let sha256 = certificate.sha256_hex();
        let known = Query::select()
            .column("id")
            .from("certificate")
            .and_where(sea_orm::sea_query::ExprTrait::eq(Expr::col("sha256"), sha256.as_str()))
            .take();
        let known = self.rows.query_one(&known).await.expect("a look");
        let certificate_id = match known {
            Some(row) => row.try_get("", "id").expect("an id"),
            None => self.certificate(certificate).await,
        };
        let id = Uuid::now_v7();
        let entry = if kind == "identity" {
            store.to_string()
        } else {
            sha256.clone()
        };
        let row = vec![
            ("id", id.into()),
            ("node_id", node.into()),
            ("cluster_id", cluster.into()),
            ("certificate_id", certificate_id.into()),
            ("kind", kind.into()),
            ("store", store.into()),
            ("entry", entry.into()),
            ("product", "any".into()),
            (
                "common_name",
                certificate.common_name.clone().unwrap_or_default().into(),
            ),
            ("issuer", certificate.issuer.clone().into()),
            ("serial_hex", certificate.serial_hex.clone().into()),
            ("sha256", sha256.into()),
            ("self_signed", certificate.is_self_signed().into()),
            ("not_after", certificate.not_after.into()),
            ("issued_at", certificate.not_before.into()),
            ("installed_at", noon().into()),
            ("served_state", "not_observable".into()),
            ("created_at", noon().into()),
            ("updated_at", noon().into()),
        ];
        self.insert("installation", vec![row]).await;
        id
    }

    async fn certificate(&self, certificate: &Certificate) -> Uuid {
        let id = Uuid::now_v7();
        let hash = |name: &[u8]| hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, name));
        let row = vec![
            ("id", id.into()),
            ("sha256", certificate.sha256_hex().into()),
            ("sha1", hex::encode(certificate.sha1).into()),
            ("serial_hex", certificate.serial_hex.clone().into()),
            ("subject", certificate.subject.clone().into()),
            ("issuer", certificate.issuer.clone().into()),
            (
                "common_name",
                certificate.common_name.clone().unwrap_or_default().into(),
            ),
            ("subject_hash", hash(&certificate.subject_der).into()),
            ("issuer_hash", hash(&certificate.issuer_der).into()),
            ("not_before", certificate.not_before.into()),
            ("not_after", certificate.not_after.into()),
            ("key_type", certificate.key.key_type.clone().into()),
            ("signature_algorithm", certificate.signature_algorithm.clone().into()),
            ("is_ca", certificate.is_ca().into()),
            ("self_signed", certificate.is_self_signed().into()),
            ("details", json!({}).into()),
            ("source", "test".into()),
            ("created_at", noon().into()),
        ];
        self.insert("certificate", vec![row]).await;
        let der = vec![("id", id.into()), ("der", certificate.der.clone().into())];
        self.insert("certificate_der", vec![der]).await;
        let names = certificate.sans.iter().enumerate().map(|(position, san)| {
            vec![
                ("certificate_id", id.into()),
                ("position", i32::try_from(position).expect("few names").into()),
                ("kind", san.kind.as_str().into()),
                ("value", san.value.clone().into()),
            ]
        });
        self.insert("certificate_name", names.collect()).await;
        id
    }

    pub async fn open_csr(&self, cluster: Uuid, node: Uuid, purpose: &str, csr: &Csr) -> Uuid {
        let id = Uuid::now_v7();
        let row = vec![
            ("id", id.into()),
            ("node_id", node.into()),
            ("cluster_id", cluster.into()),
            ("purpose", purpose.into()),
            ("state", "open".into()),
            ("der", csr.der.clone().into()),
            ("sha256", hex::encode(csr.sha256).into()),
            ("spki_sha256", hex::encode(csr.spki_sha256).into()),
            ("subject", csr.subject.clone().into()),
            ("common_name", csr.common_name.clone().unwrap_or_default().into()),
            ("details", json!({}).into()),
            ("created_at", noon().into()),
            ("updated_at", noon().into()),
        ];
        self.insert("csr", vec![row]).await;
        id
    }

    /// A plan in the name of the owner.
    pub async fn plan(&self, action: Action, targets: Targets, order: Order) -> Result<Plan> {
        self.plan_for(action, targets, order, "").await
    }

    /// The same with a reason for what should not be done in one go.
    pub async fn plan_for(&self, action: Action, targets: Targets, order: Order, reason: &str) -> Result<Plan> {
        let request = Request {
            action,
            targets,
            order,
            override_reason: reason.into(),
            aftercare_of: None,
            root_change: None,
        };
        plans::create(&self.test.db, &self.org.owner, request).await
    }

    /// A refresh of the nodes as a job.
    pub async fn refresh(&self, nodes: &[Uuid], order: Order) -> jobs::Job {
        let plan = self
            .plan(Action::Refresh, Targets::Nodes(nodes.to_vec()), order)
            .await
            .expect("a plan");
        self.start(&plan).await.expect("a job")
    }

    /// Starts a plan, agreeing to everything.
    pub async fn start(&self, plan: &Plan) -> Result<jobs::Job> {
        let consent: Vec<String> = plan.warnings.iter().map(|warning| warning.code.clone()).collect();
        jobs::create(&self.test.db, &self.org.owner, plan.id, &consent, jobs::Changed::Refuse).await
    }

    pub async fn claim(&self, agent: Uuid, max: u32) -> Vec<ClaimedTask> {
        jobs::claim(&self.test.db, &self.agent_scope(agent), &self.test.keys, max)
            .await
            .expect("a claim")
    }

    pub async fn report(&self, agent: Uuid, task: Uuid, result: &TaskResult) -> Result<ResultAnswer> {
        jobs::report(&self.test.db, &self.agent_scope(agent), task, result).await
    }

    pub async fn job(&self, id: Uuid) -> jobs::Job {
        let tx = self.test.db.read(&self.org.owner).await.expect("a transaction");
        jobs::get(&tx, id).await.expect("the job is there")
    }

    pub async fn tasks(&self, job: Uuid) -> Vec<jobs::Task> {
        let tx = self.test.db.read(&self.org.owner).await.expect("a transaction");
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = jobs::tasks(&tx, job, &jobs::TaskFilter::default(), after, 200)
                .await
                .expect("a page of tasks");
            all.extend(page.items);
            after = page.next;
            if after.is_none() {
                return all;
            }
        }
    }

    /// The counts of a job as its tasks have them.
    pub async fn counted(&self, job: Uuid) -> jobs::Counts {
        let mut counts = jobs::Counts::default();
        for task in self.tasks(job).await {
            counts.add(task.state);
        }
        counts
    }
}

/// What the connectors offer, as the agent tells it.
pub fn capabilities() -> Vec<Capability> {
    let steps = |list: &[(StepKind, Rollback)]| {
        list.iter()
            .map(|(step, rollback)| StepCapability {
                step: *step,
                rollback: *rollback,
            })
            .collect()
    };
    vec![
        Capability {
            connector: ConnectorKind::CiscoUc,
            steps: steps(&[
                (StepKind::GenerateCsr, Rollback::None),
                (StepKind::InstallTrust, Rollback::RestorePrevious),
                (StepKind::InstallIdentity, Rollback::None),
                (StepKind::Verify, Rollback::Automatic),
                (StepKind::Inventory, Rollback::Automatic),
                (StepKind::DeleteCsr, Rollback::None),
                (StepKind::Regenerate, Rollback::None),
                (StepKind::ReuseTomcat, Rollback::None),
                (StepKind::DeleteTrust, Rollback::RestorePrevious),
                (StepKind::RestartService, Rollback::None),
            ]),
        },
        Capability {
            connector: ConnectorKind::CiscoCli,
            steps: steps(&[
                (StepKind::GenerateCsr, Rollback::None),
                (StepKind::InstallTrust, Rollback::RestorePrevious),
                (StepKind::InstallIdentity, Rollback::None),
                (StepKind::Verify, Rollback::Automatic),
                (StepKind::Inventory, Rollback::Automatic),
                (StepKind::Regenerate, Rollback::None),
                (StepKind::DeleteTrust, Rollback::RestorePrevious),
                (StepKind::RestartService, Rollback::None),
            ]),
        },
        Capability {
            connector: ConnectorKind::Nginx,
            steps: steps(&[
                (StepKind::GenerateCsr, Rollback::Automatic),
                (StepKind::InstallIdentity, Rollback::Automatic),
                (StepKind::Activate, Rollback::Automatic),
                (StepKind::Verify, Rollback::Automatic),
                (StepKind::Inventory, Rollback::Automatic),
            ]),
        },
    ]
}

pub fn result(epoch: i64, outcome: Outcome) -> TaskResult {
    let failed = outcome != Outcome::Succeeded;
    TaskResult {
        epoch,
        outcome,
        node_state: if failed {
            NodeState::NotStarted
        } else {
            NodeState::Changed
        },
        failure: failed.then(|| Failure {
            code: "node_unreachable".into(),
            message: "the node does not answer".into(),
        }),
        steps: Vec::new(),
        csr_pem: None,
        inventory: None,
    }
}

pub fn payload(task: &ClaimedTask) -> TaskPayload {
    let (bytes, _) = task.envelope.decode().expect("base64");
    serde_json::from_slice(&bytes).expect("a payload")
}

/// A root and an intermediate.
pub struct Authority {
    pub root: Certificate,
    pub intermediate: Certificate,
    key: PrivateKey,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let root_key = PrivateKey::generate(KeySpec::P256).expect("a key");
        let key = PrivateKey::generate(KeySpec::P256).expect("a key");
        let profile = |common_name: String| Profile {
            subject: Subject(vec![("CN".into(), common_name)]),
            sans: Vec::new(),
            ca: Some(None),
            key_usage: vec!["keyCertSign"],
            extended_key_usage: Vec::new(),
            not_before: noon() - Duration::days(1000),
            not_after: noon() + Duration::days(3000),
            hash: Hash::Sha256,
        };
        let root = self_signed(&root_key, &profile(format!("{name} root"))).expect("a root");
        let intermediate = certyard_pki::issue(&root, &root_key, key.spki_der(), &profile(format!("{name} issuing")))
            .expect("an intermediate");
        Self {
            root,
            intermediate,
            key,
        }
    }

    pub fn sign(&self, csr: &Csr, days: i64) -> Certificate {
        let from = noon() - Duration::days(30);
        let until = noon() + Duration::days(days);
        issue_from_csr(&self.intermediate, &self.key, csr, from, until, Hash::Sha256).expect("a certificate")
    }
}

pub fn request(name: &str) -> Csr {
    let key = PrivateKey::generate(KeySpec::P256).expect("a key");
    let request = CsrRequest {
        subject: Subject(vec![("CN".into(), name.into())]),
        sans: vec![San::dns(name)],
        key_usage: vec!["digitalSignature".into()],
        extended_key_usage: vec!["serverAuth".into()],
        hash: Hash::Sha256,
    };
    make_csr(&key, &request).expect("a CSR")
}

pub fn own_certificate(name: &str, days: i64) -> Certificate {
    let key = PrivateKey::generate(KeySpec::P256).expect("a key");
    let profile = Profile {
        subject: Subject(vec![("CN".into(), name.into())]),
        sans: vec![San::dns(name)],
        ca: None,
        key_usage: vec!["digitalSignature"],
        extended_key_usage: vec!["serverAuth".into()],
        not_before: noon() - Duration::days(10),
        not_after: noon() + Duration::days(days),
        hash: Hash::Sha256,
    };
    self_signed(&key, &profile).expect("a certificate")
}
