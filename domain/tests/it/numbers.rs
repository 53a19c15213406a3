//! Requirements of the reference that are whole sentences rather than rules: what is in one place, and what a job is.

use crate::machine::{Authority, Fleet, noon, own_certificate, request, result};
use certyard_domain::catalogue::{PRODUCTS, purposes_of};
use certyard_domain::clusters::{self, ClusterFilter};
use certyard_domain::inventory::{self, InstallationFilter, Sort};
use certyard_domain::jobs::{self, JobFilter, JobStatus, TaskState};
use certyard_domain::plans::{
    self, Action, CsrOptions, DeleteCsrOptions, DeleteOptions, DistributeOptions, Order, RenewOptions, ReplaceOptions,
    RestartOptions, Targets, UploadOptions,
};
use certyard_domain::profiles::{self, Assignment, NewProfile, Setting};
use certyard_domain::{Error, Scope};
use certyard_pki::Certificate;
use certyard_protocol::{ConnectorKind, Outcome};
use uuid::Uuid;

const UC: [&str; 4] = ["cucm", "imp", "cuc", "cer"];

#[tokio::test]
async fn r01_one_place_holds_clusters_of_all_four_products() {
    for product in UC {
        assert!(PRODUCTS.iter().any(|known| known.code == product), "{product}");
        for version in ["11.5", "12.5", "14", "15"] {
            let purposes: Vec<&str> = purposes_of(product, version).map(|purpose| purpose.code).collect();
            assert!(purposes.contains(&"tomcat"), "{product} {version}: {purposes:?}");
        }
    }
    let fleet = Fleet::new().await;
    let agent = fleet.agent(fleet.group).await;
    for (days, product) in (10..).zip(UC) {
        let cluster = fleet.cluster(fleet.group, product, product, "14").await;
        let nodes = fleet.nodes(cluster, ConnectorKind::CiscoUc, 2, agent, None).await;
        let own = own_certificate(&format!("{product}.example.org"), days);
        fleet.install(cluster, nodes[1], "identity", "tomcat", &own).await;
    }
    let tx = fleet.test.db.read(&fleet.org.owner).await.unwrap();
    let page = clusters::list(&tx, &ClusterFilter::default(), None, 50).await.unwrap();
    let mut products: Vec<&str> = page.items.iter().map(|row| row.cluster.product.as_str()).collect();
    products.sort_unstable();
    assert_eq!(products, ["cer", "cuc", "cucm", "imp"]);
    let all = inventory::installations(&tx, &InstallationFilter::default(), Sort::NotAfter, None, 50)
        .await
        .unwrap();
    let names: Vec<&str> = all.items.iter().map(|row| row.cluster_name.as_str()).collect();
    assert_eq!(names, UC, "one list holds what all of them have");
}

/// A cluster on which each action can be done, and one of each.
async fn every_action(fleet: &Fleet) -> (Uuid, Vec<Uuid>, Vec<(Action, Targets)>) {
    let agent = fleet.agent(fleet.group).await;
    let cluster = fleet.cluster(fleet.group, "campus", "cucm", "14").await;
    let nodes = fleet.nodes(cluster, ConnectorKind::CiscoUc, 3, agent, None).await;
    let tx = fleet.test.db.write(&fleet.org.owner).await.unwrap();
    let calls = Setting {
        product: "cucm".into(),
        purpose: "CallManager".into(),
        use_tomcat: true,
        ..Setting::default()
    };
    let wanted = NewProfile {
        name: "Campus".into(),
        settings: vec![calls],
        ..NewProfile::default()
    };
    let profile = profiles::create(&tx, wanted).await.unwrap();
    profiles::assign(&tx, &[cluster], Assignment::Own(profile.id))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let shared = own_certificate("campus-ms.example.org", 100);
    let mut own = Vec::new();
    for node in &nodes {
        own.push(fleet.install(cluster, *node, "identity", "tomcat", &shared).await);
    }
    let ca = Authority::new("Example");
    let csr = request("ipsec.example.org");
    let answered = fleet.open_csr(cluster, nodes[0], "ipsec", &csr).await;
    let leaf = ca.sign(&csr, 365);
    let chain = [&leaf, &ca.intermediate, &ca.root].map(Certificate::to_pem).concat();
    let dropped = fleet
        .open_csr(cluster, nodes[1], "ipsec", &request("other.example.org"))
        .await;
    let trusted = async |name: &str| {
        let root = own_certificate(name, 10);
        fleet.install(cluster, nodes[0], "trust", "tomcat-trust", &root).await
    };
    let (deleted, replaced, restored) = (
        trusted("Deleted").await,
        trusted("Replaced").await,
        trusted("Restored").await,
    );
    fleet
        .set("installation", restored, "gone_at", noon() - chrono::Duration::hours(1))
        .await;
    let file = |name: &str| vec![own_certificate(name, 900).to_pem().into_bytes()];
    let whole = || Targets::Nodes(nodes.clone());
    let all = vec![
        (Action::Refresh, whole()),
        (
            Action::GenerateCsr(CsrOptions::default()),
            Targets::Installations(vec![own[0]]),
        ),
        (
            Action::UploadCertificate(UploadOptions {
                files: vec![chain.into_bytes()],
                ..UploadOptions::default()
            }),
            Targets::Csrs(vec![answered]),
        ),
        (
            Action::Distribute(DistributeOptions {
                stores: vec!["tomcat-trust".into()],
                files: file("New"),
                ..DistributeOptions::default()
            }),
            whole(),
        ),
        (
            Action::Renew(RenewOptions::default()),
            Targets::Installations(vec![own[1]]),
        ),
        (
            Action::ReuseTomcat(RenewOptions {
                purpose: Some("CallManager".into()),
                restart: false,
            }),
            Targets::Nodes(vec![nodes[2]]),
        ),
        (
            Action::DeleteCsr(DeleteCsrOptions::default()),
            Targets::Csrs(vec![dropped]),
        ),
        (
            Action::Delete(DeleteOptions::default()),
            Targets::Installations(vec![deleted]),
        ),
        (
            Action::Replace(ReplaceOptions {
                files: file("Successor"),
                ..ReplaceOptions::default()
            }),
            Targets::Installations(vec![replaced]),
        ),
        (Action::Restore, Targets::Installations(vec![restored])),
        (
            Action::Restart(RestartOptions {
                services: vec!["Cisco Tomcat".into()],
                ..RestartOptions::default()
            }),
            whole(),
        ),
    ];
    let names: Vec<&str> = all.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(names, Action::NAMES, "one of each");
    (cluster, nodes, all)
}

#[tokio::test]
async fn r02_a_cluster_without_the_service_is_listed_and_not_read_and_every_action_is_refused() {
    let fleet = Fleet::new().await;
    let (cluster, nodes, all) = every_action(&fleet).await;
    fleet.set("cluster", cluster, "enabled", false).await;
    for (action, targets) in all {
        let name = action.as_str();
        let plan = fleet.plan(action, targets, Order::default()).await.unwrap();
        assert_eq!(plan.targets, 0, "{name}");
        let tx = fleet.test.db.read(&fleet.org.owner).await.unwrap();
        let told = plans::targets(&tx, plan.id, plans::StoredTargetFilter::default(), None, 10)
            .await
            .unwrap();
        drop(tx);
        assert!(!told.items.is_empty(), "{name}");
        for target in told.items {
            assert_eq!(target.refusal_code.as_deref(), Some("cluster_not_enabled"), "{name}");
        }
        assert!(fleet.start(&plan).await.is_err(), "{name}");
    }
    let tx = fleet.test.db.read(&fleet.org.owner).await.unwrap();
    let page = clusters::list(&tx, &ClusterFilter::default(), None, 50).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert!(!page.items[0].cluster.enabled);
    let node = nodes[0];
    let seen = inventory::parse(&crate::fleet::inventory("1", Vec::new())).unwrap();
    let tx = fleet.test.db.write(&Scope::system(fleet.org.id, "test")).await.unwrap();
    let refused = inventory::apply(&tx, node, &seen, &inventory::Cause::default()).await;
    assert!(
        matches!(
            refused,
            Err(Error::Refused {
                code: "cluster_disabled",
                ..
            })
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn r30_every_action_becomes_a_job_of_its_cluster() {
    let fleet = Fleet::new().await;
    let (cluster, _, all) = every_action(&fleet).await;
    let mut wanted = Vec::new();
    for (action, targets) in all {
        let name = action.as_str();
        let plan = fleet.plan(action, targets, Order::default()).await.unwrap();
        assert!(plan.targets > 0, "{name}: {plan:?}");
        let job = fleet.start(&plan).await.unwrap();
        assert_eq!((job.action.as_str(), job.plan_id), (name, Some(plan.id)));
        assert!(!job.title.is_empty());
        assert_eq!(job.counts.total(), plan.targets, "{name}: a task for each target");
        wanted.push(job.id);
    }
    let tx = fleet.test.db.read(&fleet.org.owner).await.unwrap();
    let of = JobFilter {
        cluster_id: Some(cluster),
        ..JobFilter::default()
    };
    let mut listed: Vec<Uuid> = jobs::list(&tx, &of, None, 50)
        .await
        .unwrap()
        .items
        .iter()
        .map(|job| job.id)
        .collect();
    listed.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(listed, wanted);
}

#[tokio::test]
async fn r32_a_job_is_pending_complete_or_failed_with_a_result_for_each_node() {
    let fleet = Fleet::new().await;
    let (agent, cluster, nodes) = fleet.servers(3).await;
    let job = fleet.refresh(&nodes, Order::default()).await;
    let month = jobs::Period::of(noon(), None, None).unwrap();
    let counted = async || {
        let tx = fleet.test.db.read(&fleet.org.owner).await.unwrap();
        jobs::period_counts(&tx, &[cluster], month).await.unwrap()[&cluster]
    };
    assert_eq!((counted().await.pending, counted().await.complete), (1, 0));
    let outcomes = [Outcome::Succeeded, Outcome::Failed, Outcome::Succeeded];
    for (task, outcome) in fleet.claim(agent, 3).await.iter().zip(outcomes) {
        fleet
            .report(agent, task.task.task_id, &result(1, outcome))
            .await
            .unwrap();
    }
    // R25: what failed counts as complete for the job.
    assert_eq!((counted().await.pending, counted().await.complete), (0, 1));
    assert_eq!(fleet.job(job.id).await.status, JobStatus::PartlyFailed);
    let tasks = fleet.tasks(job.id).await;
    let failed: Vec<&jobs::Task> = tasks.iter().filter(|task| task.state == TaskState::Failed).collect();
    assert_eq!((tasks.len(), failed.len()), (3, 1));
    assert!(
        failed[0]
            .failure
            .as_deref()
            .is_some_and(|text| text.contains("does not answer"))
    );
}
