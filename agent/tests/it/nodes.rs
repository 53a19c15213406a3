//! The nodes of an agent: by which ids the server knows them, whose word counts, and what a damaged file does.

use crate::nginx::TestNginx;
use crate::program::{Program, text};
use crate::stub::{State, Stub};
use crate::uc::TestUc;
use certyard_protocol::*;
use uuid::Uuid;

/// Waits until the last declaration is so.
async fn declared(stub: &Stub, what: &str, wanted: impl Fn(&NodeDeclaration) -> bool) {
    stub.until(what, |state: &mut State| {
        let last = state.declared.last()?;
        last.declared.iter().any(&wanted).then_some(())
    })
    .await;
}

fn list(program: &Program) -> String {
    text(&program.command(&["node", "list"], None))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_keeps_its_id_and_what_was_edited_on_the_server() {
    let nginx = TestNginx::start().await;
    let mut program = Program::joined().await;
    program.add_nginx("web", &nginx);
    assert!(list(&program).contains("not declared"), "{}", list(&program));
    program.start(None);
    let stub = program.stub.clone();
    let id = stub
        .until("the node", |state| Some(state.nodes.get("web")?.node_id))
        .await;
    // Also beside a running agent: the id is on disk once the answer was heard.
    stub.until("the id on disk", |_| list(&program).contains(" assigned").then_some(()))
        .await;
    stub.edit("web", |node| {
        node.cluster = "Edge".into();
        node.name = "www-1".into();
        node.address = "192.0.2.7:443".into();
    });
    stub.until("the new names", |_| {
        let list = list(&program);
        ["Edge", "named www-1 on the server", "192.0.2.7:443"]
            .iter()
            .all(|word| list.contains(word))
            .then_some(())
    })
    .await;
    program.kill();
    let told = stub.state().declared.len();
    program.start(None);
    stub.until("told again", |state| (state.declared.len() > told).then_some(()))
        .await;
    let last = stub.state().declared[told].clone();
    assert_eq!((last.declared[0].node_id, last.declared[0].changed), (Some(id), false));
    assert_eq!(last.ready, [id], "it is ready from the first call on");
    assert_eq!(stub.node("web").address, "192.0.2.7:443");
    // Under its new names the node is worked on.
    let task = stub.queue(&stub.payload(&stub.node("web"), vec![nginx.csr_step()]));
    assert_eq!(stub.result(task).await.outcome, Outcome::Succeeded);

    // A command of the agent counts again; the server's name works, too.
    let set = program.command(&["node", "set", "www-1", "--address", "192.0.2.8:443"], None);
    assert!(set.status.success(), "{}", text(&set));
    stub.until("the new address", |state| {
        (state.nodes["web"].address == "192.0.2.8:443").then_some(())
    })
    .await;
    stub.until("it was taken", |_| list(&program).contains(" assigned").then_some(()))
        .await;
    assert_eq!(
        (stub.node("web").node_id, stub.node("web").name.as_str()),
        (id, "www-1")
    );
    assert_eq!(stub.state().nodes.len(), 1);
    let nothing = program.command(&["node", "set", "web"], None);
    assert!(!nothing.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_node_file_is_named_and_the_others_go_on() {
    let nginx = TestNginx::start().await;
    let mut program = Program::joined().await;
    program.add_nginx("bad", &nginx);
    program.add_nginx("good", &nginx);
    program.start(None);
    let stub = program.stub.clone();
    let ready = async |wanted: &[&str]| {
        stub.until("the ready nodes", |state| {
            let mut names: Vec<&str> = state
                .nodes
                .values()
                .filter(|node| state.ready.contains(&node.node_id))
                .map(|node| node.name.as_str())
                .collect();
            names.sort_unstable();
            (names == wanted).then_some(())
        })
        .await;
    };
    ready(&["bad", "good"]).await;
    stub.until("both on disk", |_| {
        (list(&program).matches(" assigned").count() == 2).then_some(())
    })
    .await;
    let file = program.data().join("nodes/bad.json");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    ready(&["good"]).await;
    assert!(program.log().contains("node bad is left out"), "{}", program.log());
    let output = program.command(&["node", "list"], None);
    assert!(!output.status.success());
    let words = text(&output);
    for word in ["good", "damaged: the file of node `bad`", "node remove bad"] {
        assert!(words.contains(word), "{words}");
    }
    let status = program.command(&["status"], None);
    assert!(
        status.status.success() && text(&status).contains("damaged"),
        "{}",
        text(&status)
    );
    let task = stub.queue(&stub.payload(&stub.node("good"), vec![nginx.csr_step()]));
    assert_eq!(stub.result(task).await.outcome, Outcome::Succeeded);

    // Restarted on it, it works as well; mended, the node is taken up again.
    program.kill();
    program.start(None);
    let task = stub.queue(&stub.payload(&stub.node("good"), vec![Step::Inventory]));
    assert_eq!(stub.result(task).await.outcome, Outcome::Succeeded);
    std::fs::write(&file, &whole).unwrap();
    ready(&["bad", "good"]).await;
    let removed = program.command(&["node", "remove", "bad"], None);
    assert!(removed.status.success(), "{}", text(&removed));
    ready(&["good"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_set_for_a_node_that_was_entered_on_the_server() {
    let uc = TestUc::start().await;
    let mut program = Program::joined().await;
    let stub = program.stub.clone();
    let node = NodeAssignment {
        node_id: Uuid::new_v4(),
        cluster: "London".into(),
        name: uc.node.name.clone(),
        address: uc.node.address.to_string(),
        product: uc.node.product.clone(),
        version: uc.node.version.clone(),
        role: "publisher".into(),
        connector: ConnectorKind::CiscoUc,
    };
    let args = [
        "credentials",
        "set",
        &node.name,
        "--user",
        &uc.node.user,
        "--password-stdin",
    ];
    let unknown = program.command(&args, Some("wrong"));
    assert!(
        text(&unknown).contains("neither this agent nor its server"),
        "{}",
        text(&unknown)
    );
    stub.state().nodes.insert(node.name.clone(), node.clone());
    program.start_with(None, &["--poll-hold-seconds", "1", "--refresh-minutes", "0.05"]);
    stub.until("it heard of the node", |_| {
        program.data().join("assignments.json").exists().then_some(())
    })
    .await;
    assert!(stub.state().ready.is_empty(), "it holds no credentials");

    let output = program.command(&args, Some("wrong"));
    assert!(output.status.success(), "{}", text(&output));
    stub.until("ready", |state| state.ready.contains(&node.node_id).then_some(()))
        .await;
    assert!(
        stub.state().declared.iter().all(|told| told.declared.is_empty()),
        "it was not entered here"
    );
    stub.until("refused by the node", |state| {
        let refused = |report: &InventoryReport| {
            matches!(report, InventoryReport::Failed { code, .. } if code == "node_credentials_refused")
        };
        let mut reports = state.inventories.iter();
        reports.any(|(id, report)| *id == node.node_id && refused(report)).then_some(())
    })
    .await;
    let pinned = list(&program);
    assert!(pinned.contains(&uc.node.sha256), "{pinned}");

    // New credentials keep the pin; the running agent uses them.
    let output = program.command(&args, Some(&uc.node.password));
    assert!(output.status.success(), "{}", text(&output));
    stub.until("read", |state| {
        let mut reports = state.inventories.iter();
        reports
            .any(|(id, report)| *id == node.node_id && matches!(report, InventoryReport::Full(_)))
            .then_some(())
    })
    .await;
    assert_eq!(list(&program).matches(&uc.node.sha256).count(), 1);
    let mine = program.command(&["node", "set", &node.name, "--role", "subscriber"], None);
    assert!(text(&mine).contains("entered on the server"), "{}", text(&mine));

    // It was retired and entered again there: the same credentials serve the new one.
    let again = Uuid::new_v4();
    stub.edit(&node.name, |node| node.node_id = again);
    stub.until("ready under the new id", |state| {
        state.ready.contains(&again).then_some(())
    })
    .await;
    let files = std::fs::read_to_string(program.data().join(format!("nodes/{}.json", node.name))).unwrap();
    assert!(files.contains(&again.to_string()) && !files.contains(&uc.node.password));
    assert!(!program.log().contains(&uc.node.password), "no password in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_joins_again_tells_its_nodes_anew() {
    let nginx = TestNginx::start().await;
    let mut program = Program::joined().await;
    program.add_nginx("web", &nginx);
    program.start(None);
    let stub = program.stub.clone();
    declared(&stub, "the node is new", |node| node.changed).await;
    stub.until("the id on disk", |_| list(&program).contains(" assigned").then_some(()))
        .await;
    program.kill();
    let (url, token) = (stub.url(), stub.pinned_token());
    let output = program.command(&["join", "--url", &url, "--token", &token, "--force"], None);
    assert!(output.status.success(), "{}", text(&output));
    let told = stub.state().declared.len();
    program.start(None);
    stub.until("told", |state| (state.declared.len() > told).then_some(()))
        .await;
    let first = stub.state().declared[told].declared[0].clone();
    assert!(first.changed && first.node_id.is_some(), "{first:?}");
}
