//! One suite for every connector: what it says that it can do, it does, twice with one effect, and a failure in the
//! middle leaves the old certificate served.

use crate::nginx::{self, TestNginx};
use crate::uc::TestUc;
use async_trait::async_trait;
use certyard_agent::connector::{Connector, has_effect};
use certyard_agent::execute::{Bench, Ended, Lease, execute};
use certyard_agent::folder::Folder;
use certyard_agent::journal::{Admission, Journal};
use certyard_lab::{Answer, Operation};
use certyard_pki::Certificate;
use certyard_protocol::*;
use chrono::{TimeDelta, Utc};
use uuid::Uuid;

/// What the suite needs of a kind of node beside its connector.
#[async_trait]
pub trait Rig: Sync {
    fn connector(&self) -> Box<dyn Connector>;
    fn csr_step(&self) -> Step;
    fn purpose(&self) -> &str;
    fn trust_store(&self) -> &str;
    /// Plays the CA.
    fn sign(&self, csr_pem: &str) -> Answer;
    /// SHA-256 of what the node serves for the purpose.
    async fn served(&self) -> String;
    /// How often the node was changed by steps of this kind.
    fn effects(&self, step: StepKind) -> usize;
    /// Makes a change of the certificate fail on its way.
    async fn break_it(&self);
    async fn mend_it(&self);
    /// Makes the node take up what is installed, where only a person can.
    async fn restart(&self);
    /// Prepares a reuse of `tomcat`; answers the purpose that may take it over, none where the release has no reuse.
    async fn prepare_reuse(&self) -> Option<String>;
}

/// Runs tasks as the agent does, with a journal on disk.
pub struct Desk {
    temp: tempfile::TempDir,
    journal: Journal,
}

pub struct Free;

#[async_trait]
impl Lease for Free {
    fn cancelled(&self) -> bool {
        false
    }
    fn lost(&self) -> bool {
        false
    }
    async fn progress(&self, _step: StepKind, _message: &str) {}
}

pub fn payload(connector: ConnectorKind, steps: Vec<Step>) -> TaskPayload {
    TaskPayload {
        org_id: Uuid::new_v4(),
        agent_id: Uuid::new_v4(),
        node_id: Uuid::new_v4(),
        job_id: Uuid::new_v4(),
        task_id: Uuid::new_v4(),
        epoch: 1,
        action: "conformance".into(),
        connector,
        steps,
        expect: vec![],
        not_before: Utc::now(),
        deadline: Utc::now() + TimeDelta::hours(1),
    }
}

impl Desk {
    pub fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::create(&temp.path().join("data")).unwrap();
        let journal = Journal::open(&folder, Utc::now()).unwrap();
        Self { temp, journal }
    }

    pub async fn run(&self, connector: &dyn Connector, payload: &TaskPayload) -> TaskResult {
        self.run_with(connector, payload, &Free).await
    }

    pub async fn run_with(&self, connector: &dyn Connector, payload: &TaskPayload, lease: &dyn Lease) -> TaskResult {
        let carried = match self.journal.admit(payload, 1).unwrap() {
            Admission::Run(carried) => carried,
            other => panic!("not admitted: {other:?}"),
        };
        let bench = Bench {
            connector,
            journal: &self.journal,
            data: self.temp.path(),
            lease,
        };
        match execute(&bench, payload, &carried).await {
            Ended::Result(result) => {
                self.journal.finished(payload.task_id, &result, Utc::now()).unwrap();
                *result
            }
            Ended::Lost => panic!("lost"),
        }
    }

    /// Runs a task, and once more in the next epoch as after a lost lease; both have to succeed.
    pub async fn run_twice(&self, connector: &dyn Connector, steps: Vec<Step>) -> TaskResult {
        let mut payload = payload(connector.capability().connector, steps);
        let first = self.run(connector, &payload).await;
        assert_eq!(first.outcome, Outcome::Succeeded, "{:?}", first.failure);
        payload.epoch = 2;
        let second = self.run(connector, &payload).await;
        assert_eq!(second.outcome, Outcome::Succeeded, "{:?}", second.failure);
        assert_eq!(
            first.csr_pem, second.csr_pem,
            "the second try answers with the same CSR"
        );
        second
    }
}

pub fn installed(inventory: &NodeInventory, purpose: &str) -> String {
    let entry = inventory.entries.iter().find(|entry| entry.store == purpose).unwrap();
    Certificate::from_pem(&entry.certificate_pem).unwrap().sha256_hex()
}

/// A step, whether it is offered, what two tries did, what a failure on the way left.
pub type Row = (StepKind, &'static str, String, String);

/// Proves a connector and prints what was proven.
async fn conformance<R: Rig>(rig: &R) {
    let desk = Desk::new();
    let connector = rig.connector();
    let connector = connector.as_ref();
    let kind = connector.capability().connector;
    let mut table: Vec<Row> = Vec::new();
    let offers = |step| connector.rollback_kind(step).is_some();
    let old = rig.served().await;

    // Read.
    let read = desk.run_twice(connector, vec![Step::Inventory]).await;
    let inventory = read.inventory.unwrap();
    assert_eq!(installed(&inventory, rig.purpose()), old);
    let again = connector.inventory().await.unwrap();
    assert_eq!(
        again.digest, inventory.digest,
        "an unchanged node has an unchanged digest"
    );
    table.push((StepKind::Inventory, "yes", "digest is stable".into(), String::new()));

    // A key and a CSR.
    let result = desk.run_twice(connector, vec![rig.csr_step()]).await;
    let csr = result.csr_pem.unwrap();
    assert_eq!(rig.effects(StepKind::GenerateCsr), 1, "two tries made one key");
    let open = connector.inventory().await.unwrap().csrs;
    assert!(
        open.iter().any(|held| held.purpose == rig.purpose()),
        "the CSR is in the inventory"
    );
    table.push((
        StepKind::GenerateCsr,
        "yes",
        "1 effect of 2 tries".into(),
        "CSR in inventory".into(),
    ));
    let answer = rig.sign(&csr);

    // Trust.
    let trust = Step::InstallTrust {
        store: rig.trust_store().into(),
        certificates_pem: [&answer.root, &answer.intermediate].map(Certificate::to_pem).into(),
    };
    if offers(StepKind::InstallTrust) {
        desk.run_twice(connector, vec![trust]).await;
        assert_eq!(
            rig.effects(StepKind::InstallTrust),
            2,
            "root and intermediate once each"
        );
        table.push((
            StepKind::InstallTrust,
            "yes",
            "1 effect each of 2 tries".into(),
            String::new(),
        ));
    } else {
        table.push((
            StepKind::InstallTrust,
            "no",
            unsupported(&desk, connector, trust).await,
            String::new(),
        ));
    }

    // A failure in the middle.
    let mut steps = vec![nginx::install_step(rig.purpose(), &answer)];
    let activate = Step::Activate {
        purpose: rig.purpose().into(),
    };
    if offers(StepKind::Activate) {
        steps.push(activate.clone());
    }
    steps.push(nginx::verify_step(rig.purpose(), &answer));
    rig.break_it().await;
    let failed = desk.run(connector, &payload(kind, steps.clone())).await;
    assert_ne!(failed.outcome, Outcome::Succeeded);
    assert_eq!(rig.served().await, old, "the old certificate is served");
    rig.mend_it().await;
    assert_eq!(installed(&connector.inventory().await.unwrap(), rig.purpose()), old);
    let halfway = format!("{:?}, {:?}, old served", failed.outcome, failed.node_state);

    // Install, twice, alone; then the way to service.
    desk.run_twice(connector, vec![nginx::install_step(rig.purpose(), &answer)])
        .await;
    assert_eq!(rig.effects(StepKind::InstallIdentity), 1, "two tries installed once");
    table.push((
        StepKind::InstallIdentity,
        "yes",
        "1 effect of 2 tries".into(),
        halfway.clone(),
    ));
    if offers(StepKind::Activate) {
        desk.run_twice(connector, vec![activate]).await;
        table.push((StepKind::Activate, "yes", "harmless twice".into(), halfway));
    } else {
        table.push((
            StepKind::Activate,
            "no",
            unsupported(&desk, connector, activate).await,
            String::new(),
        ));
        assert_eq!(rig.served().await, old, "without a restart the old one is served");
    }
    let verified = desk
        .run_twice(connector, vec![nginx::verify_step(rig.purpose(), &answer)])
        .await;
    let note = verified.steps[0].note.clone();
    rig.restart().await;
    assert_eq!(
        rig.served().await,
        answer.leaf.sha256_hex(),
        "the new certificate is served"
    );
    let inventory = connector.inventory().await.unwrap();
    let entry = inventory
        .entries
        .iter()
        .find(|entry| entry.store == rig.purpose())
        .unwrap();
    assert_eq!(entry.served, Served::Served);
    assert!(
        inventory.csrs.iter().all(|csr| csr.purpose != rig.purpose()),
        "the CSR is answered"
    );
    table.push((StepKind::Verify, "yes", note, String::new()));

    crate::own_steps::prove(rig, &desk, connector, &answer, &mut table).await;

    table.sort_by_key(|row| row.0);
    assert_eq!(table.len(), StepKind::ALL.len(), "every step has its row");
    println!(
        "\n{:<10} {:<17} {:<8} {:<17} {:<62} halfway",
        "connector", "step", "offered", "rollback", "twice"
    );
    for (step, offered, twice, halfway) in table {
        let rollback = connector
            .rollback_kind(step)
            .map_or("-".into(), |kind| format!("{kind:?}"));
        let effect = if has_effect(step) { "" } else { " (reads)" };
        println!(
            "{:<10} {:<17} {offered:<8} {rollback:<17} {:<62} {halfway}",
            kind.as_str(),
            step.as_str(),
            format!("{twice}{effect}")
        );
    }
}

pub async fn unsupported(desk: &Desk, connector: &dyn Connector, step: Step) -> String {
    let name = step.kind().as_str();
    let result = desk
        .run(connector, &payload(connector.capability().connector, vec![step]))
        .await;
    let failure = result.failure.unwrap();
    assert_eq!(
        (result.outcome, result.node_state),
        (Outcome::Failed, NodeState::NotStarted)
    );
    assert_eq!(failure.code, "unsupported_step");
    assert!(failure.message.contains(name), "{}", failure.message);
    format!("refused by name: {name}")
}

#[async_trait]
impl Rig for TestNginx {
    fn connector(&self) -> Box<dyn Connector> {
        Box::new(TestNginx::connector(self))
    }
    fn csr_step(&self) -> Step {
        TestNginx::csr_step(self)
    }
    fn purpose(&self) -> &str {
        nginx::PURPOSE
    }
    fn trust_store(&self) -> &str {
        "nginx:www.example.test:client"
    }
    fn sign(&self, csr_pem: &str) -> Answer {
        self.ca.sign(csr_pem, 30).unwrap()
    }
    async fn served(&self) -> String {
        TestNginx::served(self, nginx::NAME).await
    }
    fn effects(&self, step: StepKind) -> usize {
        match step {
            StepKind::GenerateCsr => self.count("requests"),
            // The adopted pair is a release, too.
            StepKind::InstallIdentity => self.count("releases") - 1,
            StepKind::InstallTrust
            | StepKind::DeleteCsr
            | StepKind::Regenerate
            | StepKind::ReuseTomcat
            | StepKind::DeleteTrust
            | StepKind::RestartService
            | StepKind::Activate
            | StepKind::Verify
            | StepKind::Inventory => 0,
        }
    }
    async fn break_it(&self) {
        std::fs::write(self.temp.path().join("sites/broken.conf"), "no_such_directive on;").unwrap();
    }
    async fn mend_it(&self) {
        std::fs::remove_file(self.temp.path().join("sites/broken.conf")).unwrap();
    }
    async fn restart(&self) {}
    async fn prepare_reuse(&self) -> Option<String> {
        None
    }
}

/// A UC node by one of its two connectors.
struct UcRig {
    uc: TestUc,
    connector: ConnectorKind,
}

#[async_trait]
impl Rig for UcRig {
    fn connector(&self) -> Box<dyn Connector> {
        match self.connector {
            ConnectorKind::CiscoCli => Box::new(self.uc.commands()),
            ConnectorKind::CiscoUc | ConnectorKind::Nginx => {
                Box::new(self.uc.connector().with_commands(self.uc.commands()))
            }
        }
    }
    fn csr_step(&self) -> Step {
        self.uc.csr_step()
    }
    fn purpose(&self) -> &str {
        "tomcat"
    }
    fn trust_store(&self) -> &str {
        "tomcat-trust"
    }
    fn sign(&self, csr_pem: &str) -> Answer {
        self.uc.lab.outside_ca().sign(csr_pem, 30).unwrap()
    }
    async fn served(&self) -> String {
        self.uc.served().await
    }
    fn effects(&self, step: StepKind) -> usize {
        let operation = match step {
            StepKind::GenerateCsr => Operation::CsrGenerate,
            StepKind::DeleteCsr => Operation::CsrDelete,
            StepKind::InstallTrust => Operation::TrustUpload,
            StepKind::InstallIdentity => Operation::IdentityUpload,
            StepKind::Regenerate => Operation::Regenerate,
            StepKind::ReuseTomcat => Operation::ReuseTomcat,
            StepKind::DeleteTrust => Operation::TrustDelete,
            StepKind::RestartService => Operation::ServiceRestart,
            StepKind::Activate | StepKind::Verify | StepKind::Inventory => return 0,
        };
        self.uc.lab.effects(&self.uc.node.name, operation)
    }
    async fn break_it(&self) {
        let fault = format!("{}:identity-upload:500", self.uc.node.name);
        self.uc.lab.fault(&fault).await.unwrap();
    }
    async fn mend_it(&self) {
        self.uc.lab.clear_faults("*").await.unwrap();
    }
    async fn restart(&self) {
        self.uc.lab.restart(&self.uc.node.name).await.unwrap();
    }
    async fn prepare_reuse(&self) -> Option<String> {
        if self.uc.node.connector == "cisco_cli" {
            return None;
        }
        self.uc.share_tomcat().await;
        Some("CallManager".into())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_does_what_it_says() {
    conformance(&TestNginx::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cisco_uc_does_what_it_says() {
    let rig = UcRig {
        uc: TestUc::start().await,
        connector: ConnectorKind::CiscoUc,
    };
    conformance(&rig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cisco_cli_does_what_it_says_before_release_14() {
    let rig = UcRig {
        uc: TestUc::start_old().await,
        connector: ConnectorKind::CiscoCli,
    };
    conformance(&rig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cisco_cli_does_what_it_says_on_release_15() {
    let rig = UcRig {
        uc: TestUc::start().await,
        connector: ConnectorKind::CiscoCli,
    };
    conformance(&rig).await;
}
