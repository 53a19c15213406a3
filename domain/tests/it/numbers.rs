//! Requirements of the reference that are whole sentences rather than rules: what is in one place, and what a job is.

use crate::machine::{Fleet, noon, own_certificate, result};
use certyard_domain::catalogue::{PRODUCTS, purposes_of};
use certyard_domain::clusters::{self, ClusterFilter};
use certyard_domain::inventory::{self, InstallationFilter, Sort};
use certyard_domain::jobs::{self, JobFilter, JobStatus, TaskState};
use certyard_domain::plans::{
    self, Action, CsrOptions, DeleteCsrOptions, DeleteOptions, DistributeOptions, Order, RenewOptions, RestartOptions,
    Targets, UploadOptions,
};
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

/// One of each action.
fn every_action() -> Vec<Action> {
    let purpose = || Some("tomcat".to_string());
    let root = own_certificate("Root", 100);
    let file = || vec![root.to_pem().into_bytes()];
    vec![
        Action::Refresh,
        Action::GenerateCsr(CsrOptions {
            purpose: purpose(),
            ..CsrOptions::default()
        }),
        Action::UploadCertificate(UploadOptions {
            purpose: purpose(),
            files: file(),
            ..UploadOptions::default()
        }),
        Action::Distribute(DistributeOptions {
            stores: vec!["tomcat-trust".into()],
            files: file(),
            ..DistributeOptions::default()
        }),
        Action::Renew(RenewOptions {
            purpose: purpose(),
            restart: false,
        }),
        Action::ReuseTomcat(RenewOptions {
            purpose: Some("CallManager".into()),
            restart: false,
        }),
        Action::DeleteCsr(DeleteCsrOptions { purpose: purpose() }),
        Action::Restart(RestartOptions {
            services: vec!["Cisco Tomcat".into()],
            purpose: None,
        }),
    ]
}

#[tokio::test]
async fn r02_a_cluster_without_the_service_is_listed_and_every_action_is_refused() {
    let fleet = Fleet::new().await;
    let agent = fleet.agent(fleet.group).await;
    let cluster = fleet.cluster(fleet.group, "campus", "cucm", "14").await;
    let nodes = fleet.nodes(cluster, ConnectorKind::CiscoUc, 1, agent, None).await;
    let trusted = own_certificate("Old Root", 10);
    let held = fleet
        .install(cluster, nodes[0], "trust", "tomcat-trust", &trusted)
        .await;
    fleet.set("cluster", cluster, "enabled", false).await;
    let mut asked: Vec<(Action, Targets)> = every_action()
        .into_iter()
        .map(|action| (action, Targets::Nodes(nodes.clone())))
        .collect();
    let entry = || Targets::Installations(vec![held]);
    asked.push((Action::Delete(DeleteOptions::default()), entry()));
    asked.push((Action::Restore, entry()));
    for (action, targets) in asked {
        let name = action.as_str();
        let plan = fleet.plan(action, targets, Order::default()).await.unwrap();
        assert_eq!((plan.targets, plan.refused), (0, 1), "{name}");
        let tx = fleet.test.db.read(&fleet.org.owner).await.unwrap();
        let all = plans::targets(&tx, plan.id, plans::StoredTargetFilter::default(), None, 10)
            .await
            .unwrap();
        assert_eq!(
            all.items[0].refusal_code.as_deref(),
            Some("cluster_not_enabled"),
            "{name}"
        );
    }
    let tx = fleet.test.db.read(&fleet.org.owner).await.unwrap();
    let page = clusters::list(&tx, &ClusterFilter::default(), None, 50).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert!(!page.items[0].cluster.enabled);
}

#[tokio::test]
async fn r30_every_action_becomes_a_job_of_its_cluster() {
    let fleet = Fleet::new().await;
    let agent = fleet.agent(fleet.group).await;
    let cluster = fleet.cluster(fleet.group, "campus", "cucm", "14").await;
    let nodes = fleet.nodes(cluster, ConnectorKind::CiscoUc, 1, agent, None).await;
    let mut wanted = Vec::new();
    for action in every_action() {
        let name = action.as_str();
        let plan = fleet
            .plan(action, Targets::Nodes(nodes.clone()), Order::default())
            .await
            .unwrap();
        // What these need is not there; how they become jobs is tested with them.
        if ["upload_certificate", "reuse_tomcat", "delete_csr"].contains(&name) {
            assert_eq!(plan.targets, 0, "{name}");
            continue;
        }
        let job = fleet.start(&plan).await.unwrap();
        assert_eq!((job.action.as_str(), job.plan_id), (name, Some(plan.id)));
        assert!(!job.title.is_empty());
        wanted.push(job.id);
    }
    assert_eq!(wanted.len(), 5);
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
