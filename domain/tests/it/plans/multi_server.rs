//! One certificate for all nodes of a cluster: what a plan makes of it.

use super::profile::want;
use super::{Uc, codes, csr_for, targets, upload};
use crate::machine::{Authority, Fleet, own_certificate, payload, result};
use certyard_domain::jobs::{self, TaskState};
use certyard_domain::plans::{Action, CsrOptions, DeleteCsrOptions, Order, Plan, Target, Targets, UploadOptions};
use certyard_domain::profiles::{Setting, Signing};
use certyard_pki::{Certificate, Csr, CsrRequest, Hash, KeySpec, PrivateKey, San, Subject, make_csr};
use certyard_protocol::{ConnectorKind, Outcome, Step, StepKind};
use uuid::Uuid;

/// An answer for `tomcat`.
fn answer(certificates: &[&Certificate]) -> Action {
    match upload(certificates) {
        Action::UploadCertificate(options) => Action::UploadCertificate(UploadOptions {
            purpose: Some("tomcat".into()),
            ..options
        }),
        other => panic!("no upload: {other:?}"),
    }
}

fn asks(multi_server: Option<bool>) -> Action {
    Action::GenerateCsr(CsrOptions {
        multi_server,
        ..csr_for("tomcat")
    })
}

/// A CSR with these names, called as nodes call one for all of them.
fn shared_csr(names: &[&str]) -> Csr {
    named_csr("node-00000-ms.example.org", names)
}

fn named_csr(common_name: &str, names: &[&str]) -> Csr {
    let key = PrivateKey::generate(KeySpec::P256).expect("a key");
    let request = CsrRequest {
        subject: Subject(vec![("CN".into(), common_name.into())]),
        sans: names.iter().map(|name| San::dns(*name)).collect(),
        key_usage: vec!["digitalSignature".into()],
        extended_key_usage: vec!["serverAuth".into()],
        hash: Hash::Sha256,
    };
    make_csr(&key, &request).expect("a CSR")
}

const ALL: [&str; 3] = [
    "node-00000.example.org",
    "node-00001.example.org",
    "node-00002.example.org",
];

async fn plan(uc: &Uc, action: Action, nodes: &[Uuid]) -> Plan {
    uc.fleet
        .plan(action, Targets::Nodes(nodes.to_vec()), Order::default())
        .await
        .expect("a plan")
}

/// Name of the node, code of the refusal, kinds of the steps.
fn told(target: &Target) -> (&str, Option<&str>, Vec<StepKind>) {
    let steps = target.preview.steps.iter().map(|step| step.step).collect();
    (target.node_name.as_str(), target.refusal_code.as_deref(), steps)
}

const MAKES: [StepKind; 2] = [StepKind::GenerateCsr, StepKind::Inventory];
const READS: [StepKind; 1] = [StepKind::Inventory];

#[tokio::test]
async fn one_node_makes_the_csr_for_its_cluster_and_the_others_are_covered_and_read_after_it() {
    let uc = Uc::new().await;
    // Named last, the publisher makes it.
    let order = [uc.nodes[2], uc.nodes[1], uc.nodes[0]];
    let plan = plan(&uc, asks(Some(true)), &order).await;
    let all = targets(&uc.fleet, &plan).await;
    let told: Vec<_> = all.iter().map(self::told).collect();
    assert_eq!(
        told,
        [
            ("node-00000", None, MAKES.to_vec()),
            ("node-00001", Some("covered_by_cluster"), vec![]),
            ("node-00002", Some("covered_by_cluster"), vec![]),
            ("node-00001", None, READS.to_vec()),
            ("node-00002", None, READS.to_vec()),
        ]
    );
    let refusal = all[1].refusal.as_deref().expect("a reason");
    for word in ["`node-00000`", "`node-00001`", "`campus`", "`tomcat`"] {
        assert!(refusal.contains(word), "{word}: {refusal}");
    }
    let made = &all[0].preview;
    assert_eq!(made.notes, ["covers 3 nodes: node-00000, node-00001, node-00002"]);
    let csr = made.csr.as_ref().expect("a CSR");
    assert!(csr.multi_server && csr.common_name.is_empty() && csr.names.is_empty());
    assert_eq!((all[3].purpose.as_str(), all[3].preview.undo), ("", None));

    let job = uc.fleet.start(&plan).await.expect("a job");
    assert_eq!(job.title, "Generate CSR for tomcat on node-00000 of campus");
    let claimed = uc.fleet.claim(uc.agent, 10).await;
    assert_eq!(claimed.len(), 1, "the others wait for the one that makes it");
    let work = payload(&claimed[0]);
    assert!(matches!(&work.steps[0], Step::GenerateCsr(spec) if spec.multi_server));
    let done = result(claimed[0].task.epoch, Outcome::Succeeded);
    uc.fleet
        .report(uc.agent, claimed[0].task.task_id, &done)
        .await
        .expect("it is taken");
    let claimed = uc.fleet.claim(uc.agent, 10).await;
    assert_eq!(claimed.len(), 2);
    for task in &claimed {
        let work = payload(task);
        assert_eq!((work.action.as_str(), work.steps), ("refresh", vec![Step::Inventory]));
    }
}

#[tokio::test]
async fn a_node_that_was_not_named_is_read_as_well_and_one_whose_agent_is_gone_is_not() {
    let uc = Uc::new().await;
    let plan = plan(&uc, asks(Some(true)), &uc.nodes[1..2]).await;
    let all = targets(&uc.fleet, &plan).await;
    let told: Vec<_> = all.iter().map(self::told).collect();
    assert_eq!(
        told,
        [
            ("node-00001", None, MAKES.to_vec()),
            ("node-00000", None, READS.to_vec()),
            ("node-00002", None, READS.to_vec()),
        ]
    );
    uc.fleet
        .set("node", uc.nodes[0], "agent_id", Option::<Uuid>::None)
        .await;
    let plan = self::plan(&uc, asks(Some(true)), &uc.nodes[1..2]).await;
    let all = targets(&uc.fleet, &plan).await;
    let names: Vec<&str> = all.iter().map(|target| target.node_name.as_str()).collect();
    assert_eq!(names, ["node-00001", "node-00002"]);
}

#[tokio::test]
async fn r33_the_profile_decides_where_the_request_says_nothing() {
    let uc = Uc::new().await;
    want(
        &uc,
        Setting {
            signing: Some(Signing::CaSigned),
            multi_server: Some(true),
            ..Setting::default()
        },
    )
    .await;
    let by_profile = plan(&uc, asks(None), &uc.nodes).await;
    assert_eq!((by_profile.targets, by_profile.refused), (3, 2));
    assert!(!codes(&by_profile).contains(&"not_as_profile"));
    let otherwise = plan(&uc, asks(Some(false)), &uc.nodes).await;
    assert_eq!((otherwise.targets, otherwise.refused), (3, 0));
    let warning = otherwise
        .warnings
        .iter()
        .find(|warning| warning.code == "not_as_profile")
        .expect("a warning");
    assert!(
        warning.consent && warning.message.contains("multi-server true"),
        "{warning:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_for_all_nodes_is_refused_by_the_rows_of_the_catalogue() {
    let fleet = Fleet::new().await;
    let agent = fleet.agent(fleet.group).await;
    for (product, version, connector, purpose) in [
        ("cucm", "14", ConnectorKind::CiscoUc, "ipsec"),
        ("cucm", "14", ConnectorKind::CiscoUc, "CAPF"),
        ("imp", "15", ConnectorKind::CiscoUc, "cup"),
        ("cer", "14", ConnectorKind::CiscoUc, "tomcat"),
        // TVS from release 14 on only, and REST as well.
        ("cucm", "12.5", ConnectorKind::CiscoUc, "TVS"),
        ("cucm", "12.5", ConnectorKind::CiscoUc, "tomcat"),
        ("server", "", ConnectorKind::Nginx, "nginx:www.example.org"),
    ] {
        let name = format!("{product}-{version}-{purpose}");
        let cluster = fleet.cluster(fleet.group, &name, product, version).await;
        let nodes = fleet.nodes(cluster, connector, 1, agent, None).await;
        let action = Action::GenerateCsr(CsrOptions {
            multi_server: Some(true),
            ..csr_for(purpose)
        });
        let code = super::refusal(&fleet, action, Targets::Nodes(nodes)).await;
        assert_eq!(code, "multi_server_unsupported", "{name}");
    }
}

#[tokio::test]
async fn the_command_line_has_no_csr_for_all_nodes_and_says_so() {
    let fleet = Fleet::new().await;
    let agent = fleet.agent(fleet.group).await;
    for version in ["12.5", "15"] {
        let cluster = fleet.cluster(fleet.group, version, "cucm", version).await;
        let nodes = fleet.nodes(cluster, ConnectorKind::CiscoCli, 1, agent, None).await;
        let plan = fleet
            .plan(asks(Some(true)), Targets::Nodes(nodes), Order::default())
            .await
            .expect("a plan");
        let target = targets(&fleet, &plan).await.pop().expect("a target");
        assert_eq!(target.refusal_code.as_deref(), Some("multi_server_unsupported"));
        assert!(target.refusal.expect("a reason").contains("cisco_cli"));
    }
}

#[tokio::test]
async fn an_agent_that_would_make_another_csr_is_not_asked() {
    let uc = Uc::new().await;
    uc.fleet.set("agent", uc.agent, "protocol", 1i32).await;
    let plan = plan(&uc, asks(Some(true)), &uc.nodes[..1]).await;
    let target = targets(&uc.fleet, &plan).await.remove(0);
    assert_eq!(target.refusal_code.as_deref(), Some("agent_outdated"));
    let plan = self::plan(&uc, asks(Some(false)), &uc.nodes[..1]).await;
    assert_eq!(
        (plan.targets, plan.refused),
        (1, 0),
        "one for one node is what it knows"
    );
}

#[tokio::test]
async fn an_open_csr_of_any_node_makes_way_and_that_needs_consent() {
    let uc = Uc::new().await;
    uc.csr(2).await;
    let plan = plan(&uc, asks(Some(true)), &uc.nodes[..1]).await;
    let warning = plan
        .warnings
        .iter()
        .find(|warning| warning.code == "csr_replaced")
        .expect("a warning");
    assert!(
        warning.consent && warning.message.contains("`node-00002`"),
        "{warning:?}"
    );
}

/// The CSR on these nodes, as they were read.
async fn holds(uc: &Uc, csr: &Csr, nodes: &[usize]) {
    for index in nodes {
        uc.fleet.open_csr(uc.cluster, uc.nodes[*index], "tomcat", csr).await;
    }
}

#[tokio::test]
async fn the_answer_is_installed_once_on_any_node_that_holds_the_csr() {
    let uc = Uc::new().await;
    let ca = Authority::new("Example");
    let csr = shared_csr(&ALL);
    // The publisher was not read since: it holds the CSR as well.
    holds(&uc, &csr, &[1, 2]).await;
    let leaf = ca.sign(&csr, 365);
    let plan = plan(&uc, answer(&[&leaf, &ca.intermediate, &ca.root]), &uc.nodes).await;
    let all = targets(&uc.fleet, &plan).await;
    let refused: Vec<_> = all
        .iter()
        .filter_map(|target| Some((target.node_name.as_str(), target.refusal_code.as_deref()?)))
        .collect();
    assert_eq!(
        refused,
        [
            ("node-00000", "covered_by_cluster"),
            ("node-00002", "covered_by_cluster")
        ]
    );
    let read: Vec<&str> = all
        .iter()
        .filter(|target| target.refusal_code.is_none() && target.purpose.is_empty())
        .map(|target| target.node_name.as_str())
        .collect();
    assert_eq!(read, ["node-00000", "node-00002"]);
    assert_eq!(codes(&plan), ["restart_needed", "not_reversible"]);
    let restart = &plan.warnings[0].message;
    for node in ["node-00000", "node-00001", "node-00002"] {
        assert!(restart.contains(node), "{restart}");
    }
    let maker = all
        .iter()
        .find(|target| target.refusal_code.is_none() && target.purpose == "tomcat")
        .expect("one that installs it");
    assert_eq!(maker.node_name, "node-00001");
    assert_eq!(
        maker.preview.notes.last().map(String::as_str),
        Some("covers 3 nodes: node-00000, node-00001, node-00002")
    );

    // A failure is told and tried again on the same node; what was read beside it is read again.
    let job = uc.fleet.start(&plan).await.expect("a job");
    let mut tried = 0;
    loop {
        let claimed = uc.fleet.claim(uc.agent, 10).await;
        if claimed.is_empty() {
            break;
        }
        for task in claimed {
            tried += 1;
            let failed = result(task.task.epoch, Outcome::Failed);
            uc.fleet
                .report(uc.agent, task.task.task_id, &failed)
                .await
                .expect("it is taken");
        }
    }
    assert_eq!(tried, 3);
    let again = jobs::retry(&uc.fleet.test.db, &uc.fleet.org.owner, job.id, &[])
        .await
        .expect("a retry");
    let tasks = uc.fleet.tasks(again.id).await;
    assert_eq!(tasks.len(), 3, "the nodes beside it follow it again, each once");
    assert!(tasks.iter().all(|task| task.state != TaskState::Failed));
}

#[tokio::test]
async fn an_answer_that_does_not_name_a_node_needs_consent() {
    let uc = Uc::new().await;
    let ca = Authority::new("Example");
    let csr = shared_csr(&ALL[..2]);
    holds(&uc, &csr, &[0, 1, 2]).await;
    let leaf = ca.sign(&csr, 365);
    let action = || answer(&[&leaf, &ca.intermediate, &ca.root]);
    let first = plan(&uc, action(), &uc.nodes[..1]).await;
    let drift = |plan: &Plan| {
        let found = plan.warnings.iter().find(|warning| warning.code == "san_drift");
        found.map(|warning| (warning.consent, warning.message.clone()))
    };
    let (consent, message) = drift(&first).expect("a warning");
    assert!(consent && message.contains("`node-00002`"), "{message}");
    assert!(!message.contains("node-00001"), "{message}");
    // Its own certificates tell how the node is called.
    let own = own_certificate("node-00001.example.org", 100);
    uc.fleet
        .install(uc.cluster, uc.nodes[2], "identity", "ipsec", &own)
        .await;
    let known = plan(&uc, action(), &uc.nodes[..1]).await;
    assert_eq!(drift(&known), None);
}

#[tokio::test]
async fn csrs_for_one_node_each_stay_apart() {
    let uc = Uc::new().await;
    let ca = Authority::new("Example");
    let mut leaves = Vec::new();
    for (index, name) in ALL.iter().enumerate() {
        let csr = named_csr(name, &[name]);
        holds(&uc, &csr, &[index]).await;
        leaves.push(ca.sign(&csr, 365));
    }
    let all: Vec<_> = leaves.iter().chain([&ca.intermediate, &ca.root]).collect();
    let plan = plan(&uc, answer(&all), &uc.nodes).await;
    assert_eq!((plan.targets, plan.refused), (3, 0));
}

#[tokio::test]
async fn r15_a_csr_for_all_nodes_is_deleted_once_and_the_others_are_read_after_it() {
    let uc = Uc::new().await;
    let csr = shared_csr(&ALL);
    holds(&uc, &csr, &[0, 1, 2]).await;
    let delete = Action::DeleteCsr(DeleteCsrOptions {
        purpose: Some("tomcat".into()),
    });
    let plan = plan(&uc, delete, &uc.nodes).await;
    let all = targets(&uc.fleet, &plan).await;
    let refused: Vec<_> = all.iter().filter_map(|target| target.refusal_code.as_deref()).collect();
    assert_eq!(refused, ["covered_by_cluster", "covered_by_cluster"]);
    let steps: Vec<Vec<StepKind>> = all
        .iter()
        .filter(|target| target.refusal_code.is_none())
        .map(|target| told(target).2)
        .collect();
    assert_eq!(
        steps,
        [
            vec![StepKind::DeleteCsr, StepKind::Inventory],
            READS.to_vec(),
            READS.to_vec()
        ]
    );
}
