//! What a change does beside its targets: nodes that are read after it, tasks whose place it takes, purposes that change with it.

use super::{Uc, codes, csr_for, refusal, targets};
use crate::machine::{Authority, own_certificate, payload, result};
use certyard_domain::inventory::{self, InstallationFilter, Sort};
use certyard_domain::jobs::{self, JobStatus, TaskState};
use certyard_domain::plans::{
    self, Action, CsrOptions, DeleteOptions, DistributeOptions, Listed, Order, Plan, RenewOptions, Targets,
};
use certyard_pki::Certificate;
use certyard_protocol::{Outcome, StepKind};
use uuid::Uuid;

fn csr_for_all() -> Action {
    Action::GenerateCsr(CsrOptions {
        multi_server: Some(true),
        ..csr_for("tomcat")
    })
}

fn renew(purpose: &str) -> Action {
    Action::Renew(RenewOptions {
        purpose: Some(purpose.into()),
        restart: false,
    })
}

fn distribute(certificate: &Certificate, store: &str) -> Action {
    Action::Distribute(DistributeOptions {
        stores: vec![store.into()],
        files: vec![certificate.to_pem().into_bytes()],
        ..DistributeOptions::default()
    })
}

async fn plan(uc: &Uc, action: Action, nodes: &[Uuid]) -> Plan {
    uc.fleet
        .plan(action, Targets::Nodes(nodes.to_vec()), Order::default())
        .await
        .expect("a plan")
}

/// The nodes that are only read.
async fn read(uc: &Uc, plan: &Plan) -> Vec<String> {
    let all = targets(&uc.fleet, plan).await.into_iter();
    all.filter(|target| target.purpose.is_empty() && target.refusal_code.is_none())
        .map(|target| target.node_name)
        .collect()
}

#[tokio::test]
async fn a_node_that_is_only_read_beside_the_targets_stops_no_job() {
    let uc = Uc::new().await;
    let order = Order {
        stop_at_failures: 1,
        max_parallel: 1,
        ..Order::default()
    };
    let plan = uc
        .fleet
        .plan(csr_for_all(), Targets::Nodes(uc.nodes[..1].to_vec()), order)
        .await
        .expect("a plan");
    let job = uc.fleet.start(&plan).await.expect("a job");
    for outcome in [Outcome::Succeeded, Outcome::Failed, Outcome::Succeeded] {
        let task = uc.fleet.claim(uc.agent, 1).await.pop().expect("the job goes on");
        uc.fleet
            .report(uc.agent, task.task.task_id, &result(task.task.epoch, outcome))
            .await
            .expect("it is taken");
    }
    let job = uc.fleet.job(job.id).await;
    assert_eq!((job.status, job.counts.succeeded), (JobStatus::PartlyFailed, 2));
}

#[tokio::test]
async fn a_reading_beside_the_targets_waits_for_no_agent_that_is_away() {
    let uc = Uc::new().await;
    let away = uc.fleet.agent(uc.fleet.group).await;
    uc.fleet.set("node", uc.nodes[1], "agent_id", away).await;
    let long_ago = crate::machine::noon() - chrono::Duration::hours(1);
    uc.fleet.set("agent", away, "last_seen_at", long_ago).await;
    let plan = plan(&uc, csr_for_all(), &uc.nodes[..1]).await;
    let job = uc.fleet.start(&plan).await.expect("a job");
    for _ in 0..2 {
        let task = uc.fleet.claim(uc.agent, 1).await.pop().expect("a task");
        uc.fleet
            .report(
                uc.agent,
                task.task.task_id,
                &result(task.task.epoch, Outcome::Succeeded),
            )
            .await
            .expect("it is taken");
    }
    jobs::open_waves(&uc.fleet.test.db).await.expect("a round");
    let ended = uc.fleet.job(job.id).await;
    assert_eq!((ended.status, ended.counts.succeeded), (JobStatus::Succeeded, 3));
    assert!(ended.finished_at.is_some());
    let tasks = uc.fleet.tasks(job.id).await;
    let unread = tasks
        .iter()
        .find(|task| task.node_id == uc.nodes[1])
        .expect("it was planned");
    assert!(
        unread.message.as_deref().is_some_and(|text| text.contains("not read")),
        "{unread:?}"
    );
    // What was asked for itself waits for its agent.
    let refresh = uc.fleet.refresh(&uc.nodes[1..2], Order::default()).await;
    jobs::open_waves(&uc.fleet.test.db).await.expect("a round");
    assert_eq!(uc.fleet.tasks(refresh.id).await[0].state, TaskState::Pending);
}

#[tokio::test]
async fn a_change_for_all_nodes_takes_the_place_of_tasks_that_wait_on_any_of_them() {
    let uc = Uc::new().await;
    let waiting = plan(&uc, renew("tomcat"), &uc.nodes[1..2]).await;
    let waiting = uc.fleet.start(&waiting).await.expect("a job");
    let other = plan(&uc, renew("ipsec"), &uc.nodes[1..2]).await;
    let other = uc.fleet.start(&other).await.expect("a job");
    let wide = plan(&uc, csr_for_all(), &uc.nodes[..1]).await;
    let warning = wide
        .warnings
        .iter()
        .find(|one| one.code == "task_open")
        .expect("a warning");
    assert!(
        warning.consent && warning.message.contains("`node-00001`"),
        "{warning:?}"
    );
    uc.fleet.start(&wide).await.expect("a job");
    assert_eq!(uc.fleet.tasks(waiting.id).await[0].state, TaskState::Superseded);
    assert_eq!(uc.fleet.tasks(other.id).await[0].state, TaskState::Pending);
    // One for one node leaves the others alone.
    let waiting = plan(&uc, renew("tomcat"), &uc.nodes[2..]).await;
    let waiting = uc.fleet.start(&waiting).await.expect("a job");
    let narrow = plan(&uc, renew("tomcat"), &uc.nodes[..1]).await;
    uc.fleet.start(&narrow).await.expect("a job");
    assert_eq!(uc.fleet.tasks(waiting.id).await[0].state, TaskState::Pending);
}

#[tokio::test]
async fn what_the_product_carries_to_other_nodes_is_read_there_afterwards() {
    let uc = Uc::new().await;
    let old = own_certificate("Old Root", 10);
    let mut held = Vec::new();
    for node in &uc.nodes[..2] {
        for store in ["tomcat-trust", "TVS-trust"] {
            held.push(uc.fleet.install(uc.cluster, *node, "trust", store, &old).await);
        }
    }
    let delete = |ids: Vec<Uuid>| {
        let action = Action::Delete(DeleteOptions::default());
        uc.fleet.plan(action, Targets::Installations(ids), Order::default())
    };
    // Deleted everywhere: the other node that holds it is read; who never did is not.
    let carried = delete(vec![held[0]]).await.expect("a plan");
    assert_eq!(read(&uc, &carried).await, ["node-00001"]);
    let job = uc.fleet.start(&carried).await.expect("a job");
    assert_eq!(
        job.title,
        "Delete certificates for tomcat-trust on node-00000 of campus"
    );
    let first = uc.fleet.claim(uc.agent, 10).await;
    assert_eq!(first.len(), 1, "it is read after the deletion");
    assert_eq!(payload(&first[0]).steps[0].kind(), StepKind::DeleteTrust);
    // Each has a task of its own: none is read once more. And what stays on its node reaches no other.
    let both = delete(vec![held[0], held[2]]).await.expect("a plan");
    assert_eq!(read(&uc, &both).await, [] as [&str; 0]);
    let local = delete(vec![held[1]]).await.expect("a plan");
    assert_eq!(read(&uc, &local).await, [] as [&str; 0]);

    let new = own_certificate("New Root", 900);
    let import = plan(&uc, distribute(&new, "tomcat-trust"), &uc.nodes[..1]).await;
    assert_eq!(read(&uc, &import).await, ["node-00001", "node-00002"]);
    let local = plan(&uc, distribute(&new, "TVS-trust"), &uc.nodes[..1]).await;
    assert_eq!(read(&uc, &local).await, [] as [&str; 0]);
}

#[tokio::test]
async fn a_retry_reads_again_what_was_not_read_beside_a_deletion() {
    let uc = Uc::new().await;
    let old = own_certificate("Old Root", 10);
    let mut held = Vec::new();
    for node in &uc.nodes {
        held.push(uc.fleet.install(uc.cluster, *node, "trust", "tomcat-trust", &old).await);
    }
    let action = Action::Delete(DeleteOptions::default());
    let plan = uc
        .fleet
        .plan(action, Targets::Installations(vec![held[0]]), Order::default())
        .await
        .expect("a plan");
    let job = uc.fleet.start(&plan).await.expect("a job");
    for outcomes in [&[Outcome::Succeeded][..], &[Outcome::Failed, Outcome::Succeeded]] {
        let claimed = uc.fleet.claim(uc.agent, 10).await;
        assert_eq!(claimed.len(), outcomes.len());
        for (task, outcome) in claimed.iter().zip(outcomes) {
            uc.fleet
                .report(uc.agent, task.task.task_id, &result(task.task.epoch, *outcome))
                .await
                .expect("it is taken");
        }
    }
    let again = jobs::retry(&uc.fleet.test.db, &uc.fleet.org.owner, job.id, &[])
        .await
        .expect("a retry");
    let tasks = uc.fleet.tasks(again.id).await;
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0].planned, [StepKind::Inventory]);
}

/// CallManager of the publisher uses the certificate of tomcat.
async fn reuses(uc: &Uc) {
    let shared = own_certificate("campus-ms.example.org", 100);
    uc.fleet
        .set("installation", uc.installed[0], "sha256", shared.sha256_hex())
        .await;
    uc.fleet
        .install(uc.cluster, uc.nodes[0], "identity", "CallManager", &shared)
        .await;
}

#[tokio::test]
async fn r12_a_change_of_tomcat_is_one_of_what_uses_its_certificate_too() {
    let uc = Uc::new().await;
    let alone = plan(&uc, renew("tomcat"), &uc.nodes[..1]).await;
    assert!(!codes(&alone).contains(&"reused_too"));
    reuses(&uc).await;
    let both = plan(&uc, renew("tomcat"), &uc.nodes[..1]).await;
    let warning = both
        .warnings
        .iter()
        .find(|one| one.code == "reused_too")
        .expect("a warning");
    assert!(
        warning.consent && warning.message.contains("`CallManager`"),
        "{warning:?}"
    );
    let target = targets(&uc.fleet, &both).await.pop().expect("a target");
    assert_eq!(
        target.preview.restarts,
        [
            "Cisco Tomcat",
            "Cisco TFTP",
            "Cisco DRF Local",
            "Cisco DRF Master",
            "Cisco CallManager",
            "Cisco CTIManager",
            "Cisco HAProxy"
        ]
    );
    let mixed = "a cluster in mixed mode needs its CTL file updated and phones reset";
    assert!(
        target.preview.notes.iter().any(|note| note == mixed),
        "{:?}",
        target.preview.notes
    );
    // The others of the cluster have certificates of their own for CallManager.
    let other = plan(&uc, renew("tomcat"), &uc.nodes[1..2]).await;
    assert!(!codes(&other).contains(&"reused_too"));
}

#[tokio::test]
async fn what_uses_the_certificate_of_tomcat_is_kept_apart_from_tvs() {
    let uc = Uc::new().await;
    reuses(&uc).await;
    let tvs = plan(&uc, renew("TVS"), &uc.nodes[1..2]).await;
    uc.fleet.start(&tvs).await.expect("a job");
    let node = || Targets::Nodes(vec![uc.nodes[0]]);
    assert_eq!(refusal(&uc.fleet, renew("tomcat"), node()).await, "unsafe_together");

    let uc = Uc::new().await;
    reuses(&uc).await;
    let tomcat = plan(&uc, renew("tomcat"), &uc.nodes[..1]).await;
    uc.fleet.start(&tomcat).await.expect("a job");
    let node = Targets::Nodes(vec![uc.nodes[1]]);
    assert_eq!(refusal(&uc.fleet, renew("TVS"), node).await, "unsafe_together");
}

#[tokio::test]
async fn r20_lists_offer_no_deletion_of_a_certificate_that_a_node_uses_itself() {
    let uc = Uc::new().await;
    let own = own_certificate("own.example.org", 100);
    let foreign = Authority::new("Example").root;
    uc.fleet
        .install(uc.cluster, uc.nodes[0], "identity", "ipsec", &own)
        .await;
    // Where a deletion reaches all nodes it is the own of one of them; elsewhere that of the node alone.
    let mut rows = Vec::new();
    for (node, store, certificate, offered) in [
        (0, "tomcat-trust", &own, false),
        (1, "tomcat-trust", &own, false),
        (0, "ipsec-trust", &own, false),
        (1, "TVS-trust", &own, true),
        (0, "tomcat-trust", &foreign, true),
    ] {
        let id = uc
            .fleet
            .install(uc.cluster, uc.nodes[node], "trust", store, certificate)
            .await;
        uc.fleet.set("installation", id, "product", "cucm").await;
        rows.push((id, offered));
    }
    let tx = uc.fleet.test.db.read(&uc.fleet.org.owner).await.expect("a transaction");
    let page = inventory::installations(&tx, &InstallationFilter::default(), Sort::NotAfter, None, 50)
        .await
        .expect("a page");
    for (id, offered) in rows {
        let row = page
            .items
            .iter()
            .find(|row| row.installation.id == id)
            .expect("it is listed");
        let place = &row.installation;
        let listed = Listed {
            identity: false,
            store: &place.store,
            entry: &place.entry,
            sha256: &place.sha256,
            gone: false,
            node: &row.node_name,
            role: &row.node_role,
            cluster: &row.cluster_name,
            product: &place.product,
            version: &row.cluster_version,
            enabled: true,
            wanted: None,
            csr: false,
            own: &row.own,
        };
        let offers = plans::offers(&listed, tx.now());
        for action in ["delete", "replace"] {
            let offer = offers.iter().find(|offer| offer.action == action).expect("it is told");
            let code = offer.refusal.as_ref().map(|refusal| refusal.code);
            assert_eq!(
                code,
                (!offered).then_some("own_certificate"),
                "{action} {} {offer:?}",
                place.store
            );
        }
        // As a plan says.
        let action = Action::Delete(DeleteOptions::default());
        let plan = uc
            .fleet
            .plan(action, Targets::Installations(vec![id]), Order::default())
            .await
            .expect("a plan");
        assert_eq!(plan.refused, i64::from(!offered), "{}", place.store);
    }
}
