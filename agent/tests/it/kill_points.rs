//! The agent dies as by `kill -9` at every point of every step, and comes back: nothing is lost, no effect is repeated.

use crate::conformance::installed;
use crate::nginx::{NAME, PURPOSE, TestNginx, install_steps};
use crate::program::{Program, text};
use crate::uc::TestUc;
use certyard_agent::failpoint::{KillPoint, Phase, kill_points};
use certyard_lab::Operation;
use certyard_pki::Certificate;
use certyard_protocol::*;

/// Runs a task with the agent dying once on its way when `point` is one of its steps.
async fn run(program: &mut Program, node: &str, steps: Vec<Step>, point: KillPoint, check: impl Fn()) -> TaskResult {
    let stub = program.stub.clone();
    let dies = steps.iter().any(|step| step.kind() == point.step) && !marker(program, point).exists();
    let payload = stub.payload(&stub.node(node), steps);
    let task = stub.queue(&payload);
    if dies {
        program.ended(&point.to_string()).await;
        check();
        program.start(Some(&point.to_string()));
    }
    let result = stub.result(task).await;
    assert_eq!(
        result.outcome,
        Outcome::Succeeded,
        "{point}: {:?}\n{}",
        result.failure,
        program.log()
    );
    let results = stub.state().results.clone();
    let mine: Vec<&TaskResult> = results
        .iter()
        .filter(|(id, other)| *id == task.task_id && other.epoch == result.epoch)
        .map(|(_, r)| r)
        .collect();
    assert!(
        mine.iter().all(|other| **other == result),
        "{point}: a repeated result is the same"
    );
    noted(program, task).await;
    result
}

/// Waits until the agent noted that the server has the result: else it would tell it again in the next round, and a point
/// behind the report of that round would be this result's.
async fn noted(program: &Program, task: TaskRef) {
    let file = program.data().join(format!("journal/{}.jsonl", task.task_id));
    program
        .stub
        .until("the journal's last line", |_| {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            text.contains("\"line\":\"delivered\"").then_some(())
        })
        .await;
}

/// It says that the point was reached; a point fires once in a data folder.
fn marker(program: &Program, point: KillPoint) -> std::path::PathBuf {
    let name = format!("failpoint-{}-{}.fired", point.step.as_str(), point.phase.as_str());
    program.data().join(name)
}

async fn held(program: &Program, node: &str) {
    program
        .stub
        .until("the node is declared and read", |state| {
            let id = state.nodes.get(node)?.node_id;
            state.inventories.iter().any(|(read, _)| *read == id).then_some(())
        })
        .await;
}

#[test]
fn the_points_are_every_step_times_every_phase() {
    assert_eq!(kill_points().len(), StepKind::ALL.len() * Phase::ALL.len());
    assert_eq!(kill_points().len(), 33);
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_survives_every_point_with_one_effect_each() {
    let nginx = TestNginx::start().await;
    let mut program = Program::joined().await;
    program.add_nginx("web", &nginx);
    let (mut keys, mut proven) = (0, 0);
    for point in kill_points().into_iter().filter(|point| on_nginx(point.step)) {
        program.start(Some(&point.to_string()));
        held(&program, "web").await;
        let safe = || nginx.assert_working_pair();
        // Requests that are answered are pruned; count what this round adds by the open request alone.
        let result = run(
            &mut program,
            "web",
            vec![nginx.csr_step(), Step::Inventory],
            point,
            safe,
        )
        .await;
        let csr = result.csr_pem.unwrap();
        let open = std::fs::read_to_string(nginx.folder().join("request/csr.pem")).unwrap();
        assert_eq!(open, csr, "{point}: the reported CSR is the node's");
        if nginx.count("requests") < 3 {
            keys += 1;
            assert_eq!(nginx.count("requests"), keys, "{point}: one key was made");
        }
        let answer = nginx.ca.sign(&csr, 30).unwrap();
        run(&mut program, "web", install_steps(PURPOSE, &answer), point, safe).await;
        assert_eq!(nginx.served(NAME).await, answer.leaf.sha256_hex(), "{point}");
        nginx.assert_working_pair();
        assert!(marker(&program, point).exists(), "{point} was reached");
        program.kill();
        proven += 1;
    }
    assert_eq!(proven, 15);
    println!("nginx: {proven} kill points, each resumed with one effect");
}

/// Steps that the connector `nginx` has.
fn on_nginx(step: StepKind) -> bool {
    match step {
        StepKind::GenerateCsr
        | StepKind::InstallIdentity
        | StepKind::Activate
        | StepKind::Verify
        | StepKind::Inventory => true,
        StepKind::InstallTrust
        | StepKind::DeleteCsr
        | StepKind::Regenerate
        | StepKind::ReuseTomcat
        | StepKind::DeleteTrust
        | StepKind::RestartService => false,
    }
}

/// An agent that holds a UC node as `pub`.
async fn with_node(uc: &TestUc) -> Program {
    let program = Program::joined().await;
    let (api, ssh) = (uc.node.address, uc.node.ssh);
    let old = uc.node.connector == "cisco_cli";
    let address = if old { ssh } else { api }.to_string();
    let other = if old { api } else { ssh }.port().to_string();
    let args = [
        "node",
        "add",
        "--cluster",
        "London",
        "--product",
        &uc.node.product,
        "--version",
        &uc.node.version,
        "--name",
        "pub",
        "--address",
        &address,
        "--role",
        "publisher",
        "--connector",
        &uc.node.connector,
        "--user",
        &uc.node.user,
        "--password-stdin",
        if old { "--tls-port" } else { "--ssh-port" },
        &other,
    ];
    let output = program.command(&args, Some(&uc.node.password));
    assert!(output.status.success(), "{}", text(&output));
    program
}

/// What the node's own steps come to: one round for a point of theirs, with one effect.
async fn own_round(uc: &TestUc, program: &mut Program, point: KillPoint) {
    let count = |operation| uc.lab.effects(&uc.node.name, operation);
    let purpose = || "tomcat".to_owned();
    let tell = async |program: &mut Program, steps: Vec<Step>| {
        let steps = steps.into_iter().chain([Step::Inventory]).collect();
        run(program, "pub", steps, point, || {}).await.inventory.unwrap()
    };
    let held = tell(program, vec![]).await;
    let regenerate = |held: &NodeInventory, purpose: &str| Step::Regenerate {
        purpose: purpose.into(),
        replaces_sha256: Some(installed(held, purpose)),
    };
    let (operation, steps) = match point.step {
        StepKind::DeleteCsr => {
            tell(program, vec![uc.csr_step()]).await;
            (Operation::CsrDelete, vec![Step::DeleteCsr { purpose: purpose() }])
        }
        StepKind::Regenerate => (Operation::Regenerate, vec![regenerate(&held, "tomcat")]),
        StepKind::RestartService => {
            tell(program, vec![regenerate(&held, "tomcat")]).await;
            let service = "Cisco Tomcat".into();
            (Operation::ServiceRestart, vec![Step::RestartService { service }])
        }
        StepKind::ReuseTomcat => {
            uc.share_tomcat().await;
            // After the first round the purpose shares the certificate, and has followed.
            let held = tell(program, vec![]).await;
            let purpose = "CallManager".to_owned();
            tell(program, vec![regenerate(&held, &purpose)]).await;
            (Operation::ReuseTomcat, vec![Step::ReuseTomcat { purpose }])
        }
        StepKind::DeleteTrust => {
            let csr = tell(program, vec![uc.csr_step()]).await.csrs.remove(0).csr_pem;
            let root = uc.lab.outside_ca().sign(&csr, 30).unwrap().root;
            let store = "tomcat-trust".to_owned();
            let trust = Step::InstallTrust {
                store: store.clone(),
                certificates_pem: vec![root.to_pem()],
            };
            tell(program, vec![trust]).await;
            let delete = Step::DeleteTrust {
                store,
                entry: String::new(),
                sha256: root.sha256_hex(),
            };
            (Operation::TrustDelete, vec![delete])
        }
        StepKind::GenerateCsr
        | StepKind::InstallTrust
        | StepKind::InstallIdentity
        | StepKind::Activate
        | StepKind::Verify
        | StepKind::Inventory => panic!("{point} has its round elsewhere"),
    };
    let before = count(operation);
    tell(program, steps).await;
    assert_eq!(count(operation) - before, 1, "{point}: it was done once");
}

/// A certificate from CSR to service.
async fn install_round(uc: &TestUc, program: &mut Program, point: KillPoint) {
    let count = |operation| uc.lab.effects(&uc.node.name, operation);
    let (csrs, identities) = (count(Operation::CsrGenerate), count(Operation::IdentityUpload));
    let steps = vec![uc.csr_step(), Step::Inventory];
    let csr = run(program, "pub", steps, point, || {}).await.csr_pem.unwrap();
    assert_eq!(count(Operation::CsrGenerate) - csrs, 1, "{point}: one CSR was made");
    let answer = uc.lab.outside_ca().sign(&csr, 30).unwrap();
    let trust = Step::InstallTrust {
        store: "tomcat-trust".into(),
        certificates_pem: answer.issuers().map(Certificate::to_pem).into(),
    };
    let mut steps = install_steps("tomcat", &answer);
    steps.retain(|step| step.kind() != StepKind::Activate);
    steps.insert(0, trust);
    run(program, "pub", steps, point, || {}).await;
    let installed = count(Operation::IdentityUpload) - identities;
    assert_eq!(installed, 1, "{point}: it was installed once");
    assert_eq!(
        count(Operation::TrustUpload),
        2,
        "{point}: root and intermediate once each"
    );
}

/// Every point of the steps that are `wanted`; answers how many were proven.
async fn survives(uc: &TestUc, wanted: impl Fn(StepKind) -> bool) -> usize {
    let mut program = with_node(uc).await;
    let mut rounds = 0;
    // The node's own steps last: they add to the trust stores whose uploads are counted.
    let (own, install): (Vec<_>, Vec<_>) = kill_points()
        .into_iter()
        .filter(|point| point.step != StepKind::Activate && wanted(point.step))
        .partition(|point| !on_nginx(point.step) && point.step != StepKind::InstallTrust);
    for point in install.into_iter().chain(own) {
        program.start(Some(&point.to_string()));
        held(&program, "pub").await;
        if on_nginx(point.step) || point.step == StepKind::InstallTrust {
            install_round(uc, &mut program, point).await;
        } else {
            own_round(uc, &mut program, point).await;
        }
        assert!(marker(&program, point).exists(), "{point} was reached");
        program.kill();
        rounds += 1;
    }
    assert!(!program.log().contains(&uc.node.password), "no password in the log");
    println!(
        "{}: {rounds} kill points, each resumed with one effect",
        uc.node.connector
    );
    rounds
}

#[tokio::test(flavor = "multi_thread")]
async fn cisco_uc_survives_every_point_with_one_effect_each() {
    let uc = TestUc::start().await;
    assert_eq!(survives(&uc, |_| true).await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn cisco_cli_survives_every_point_with_one_effect_each() {
    let uc = TestUc::start_old().await;
    // Before release 14 nothing is reused.
    assert_eq!(survives(&uc, |step| step != StepKind::ReuseTomcat).await, 27);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_comes_back_with_a_higher_epoch_takes_over_what_was_done() {
    let nginx = TestNginx::start().await;
    let mut program = Program::joined().await;
    program.add_nginx("web", &nginx);
    program.start(Some("generate_csr:after"));
    held(&program, "web").await;
    let stub = program.stub.clone();
    let mut payload = stub.payload(&stub.node("web"), vec![nginx.csr_step(), Step::Inventory]);
    let first = stub.queue(&payload);
    program.ended("generate_csr:after").await;
    let made = std::fs::read_to_string(nginx.folder().join("request/csr.pem")).unwrap();
    // The lease ran out while the agent was down.
    payload.epoch = 2;
    let second = stub.queue(&payload);
    program.start(None);
    let result = stub.result(second).await;
    assert_eq!(result.outcome, Outcome::Succeeded, "{:?}", result.failure);
    assert_eq!(result.csr_pem.unwrap(), made, "the CSR of the first epoch is adopted");
    assert_eq!(nginx.count("requests"), 1);
    assert!(
        stub.state()
            .results
            .iter()
            .all(|(_, result)| result.epoch != first.epoch),
        "the stale epoch reports nothing"
    );
}
