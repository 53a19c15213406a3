//! The jobs tab: its columns, its filters, its period, and the text of errors (R25, R30-R32).

use crate::machine::{Fleet, noon, result};
use certyard_domain::jobs::{self, JobFilter, JobStatus, Period, PeriodCounts};
use certyard_domain::plans::{Action, CsrOptions, Order, TargetPlace, Targets};
use certyard_domain::{Error, Timestamp};
use certyard_protocol::{ConnectorKind, Outcome};
use chrono::{Duration, TimeZone, Utc};
use uuid::Uuid;

async fn list(fleet: &Fleet, filter: &JobFilter) -> Vec<jobs::Job> {
    let tx = fleet.test.db.read(&fleet.org.owner).await.unwrap();
    jobs::list(&tx, filter, None, 200).await.unwrap().items
}

async fn ids(fleet: &Fleet, filter: &JobFilter) -> Vec<Uuid> {
    list(fleet, filter).await.into_iter().map(|job| job.id).collect()
}

#[tokio::test]
async fn r31_a_job_names_its_first_nodes_certificates_and_product() {
    let fleet = Fleet::new().await;
    let (_, servers, nodes) = fleet.servers(5).await;
    let other = fleet.agent(fleet.group).await;
    let calls = fleet.cluster(fleet.group, "calls", "cucm", "14").await;
    let call_nodes = fleet.nodes(calls, ConnectorKind::CiscoUc, 1, other, None).await;
    let mut all = nodes.clone();
    all.extend(&call_nodes);
    let job = fleet.refresh(&all, Order::default()).await;
    let mine = list(&fleet, &JobFilter::default()).await.remove(0);
    assert_eq!(mine.id, job.id);
    assert_eq!(mine.counts.total(), 6);
    assert_eq!(mine.targets.len(), 3, "the first ones only");
    assert!(mine.targets.iter().all(|target| target.purpose.is_empty()));
    assert_eq!(mine.product, None, "its clusters are of two products");
    let of = JobFilter {
        cluster_id: Some(calls),
        ..Default::default()
    };
    let there = list(&fleet, &of).await.remove(0);
    assert_eq!(there.targets.len(), 1);
    assert_eq!(
        (there.targets[0].node_id, there.targets[0].node_name.as_str()),
        (call_nodes[0], "node-00000")
    );
    let of = JobFilter {
        cluster_id: Some(servers),
        ..Default::default()
    };
    assert_eq!(list(&fleet, &of).await[0].targets.len(), 3);
}

#[tokio::test]
async fn r31_jobs_are_filtered_by_certificate_product_type_and_status() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(2).await;
    let calls = fleet.cluster(fleet.group, "calls", "cucm", "14").await;
    let other = fleet.agent(fleet.group).await;
    let call_nodes = fleet.nodes(calls, ConnectorKind::CiscoUc, 1, other, None).await;
    let refresh = fleet.refresh(&nodes, Order::default()).await.id;
    fleet.later(1);
    let action = Action::GenerateCsr(CsrOptions::default());
    let place = TargetPlace {
        earlier: None,
        node_id: call_nodes[0],
        purpose: "tomcat".into(),
        sha256: None,
    };
    let plan = fleet
        .plan(action, Targets::Places(vec![place]), Order::default())
        .await
        .unwrap();
    let csr = fleet.start(&plan).await.unwrap().id;
    let none = JobFilter::default;
    assert_eq!(ids(&fleet, &none()).await, [csr, refresh]);
    let purposes = |purposes: &[&str]| JobFilter {
        purposes: purposes.iter().map(ToString::to_string).collect(),
        ..none()
    };
    assert_eq!(ids(&fleet, &purposes(&["tomcat", "CallManager"])).await, [csr]);
    assert!(ids(&fleet, &purposes(&["CallManager"])).await.is_empty());
    let elsewhere = JobFilter {
        cluster_id: Some(calls),
        ..purposes(&["tomcat"])
    };
    assert_eq!(list(&fleet, &elsewhere).await[0].targets[0].purpose, "tomcat");
    let products = |products: &[&str]| JobFilter {
        products: products.iter().map(ToString::to_string).collect(),
        ..none()
    };
    assert_eq!(ids(&fleet, &products(&["cucm"])).await, [csr]);
    assert_eq!(ids(&fleet, &products(&["cucm", "server"])).await, [csr, refresh]);
    assert!(ids(&fleet, &products(&["imp"])).await.is_empty());
    let actions = |actions: &[&str]| JobFilter {
        actions: actions.iter().map(ToString::to_string).collect(),
        ..none()
    };
    assert_eq!(ids(&fleet, &actions(&["refresh"])).await, [refresh]);
    assert_eq!(ids(&fleet, &actions(&["refresh", "generate_csr"])).await.len(), 2);
    let title = |text: &str| JobFilter {
        search: Some(text.into()),
        ..none()
    };
    let word = list(&fleet, &none()).await[1].title[..4].to_uppercase();
    assert!(ids(&fleet, &title(&word)).await.contains(&refresh));
    assert!(ids(&fleet, &title("%%%")).await.is_empty());
    for task in fleet.claim(agent, 2).await {
        fleet
            .report(agent, task.task.task_id, &result(1, Outcome::Succeeded))
            .await
            .unwrap();
    }
    let statuses = |statuses: &[JobStatus]| JobFilter {
        statuses: statuses.into(),
        ..none()
    };
    assert_eq!(ids(&fleet, &statuses(&[JobStatus::Succeeded])).await, [refresh]);
    assert_eq!(ids(&fleet, &statuses(&[JobStatus::Waiting])).await, [csr]);
    let both = [JobStatus::Waiting, JobStatus::Succeeded, JobStatus::Failed];
    assert_eq!(ids(&fleet, &statuses(&both)).await, [csr, refresh]);
}

#[tokio::test]
async fn r25_r31_the_period_drives_list_and_counts_alike() {
    let fleet = Fleet::new().await;
    let (agent, cluster, nodes) = fleet.servers(1).await;
    let month: Timestamp = Utc.with_ymd_and_hms(2026, 11, 1, 0, 0, 0).unwrap();
    let at = |time: Timestamp| fleet.later((time - noon()).num_seconds());
    // One in the last second of October, one at the begin of November, one at noon that fails.
    at(month - Duration::seconds(1));
    fleet.refresh(&nodes, Order::default()).await;
    at(month);
    fleet.refresh(&nodes, Order::default()).await;
    at(noon());
    fleet.refresh(&nodes, Order::default()).await;
    let claimed = fleet.claim(agent, 1).await;
    fleet
        .report(agent, claimed[0].task.task_id, &result(1, Outcome::Failed))
        .await
        .unwrap();
    let counts = async |from: Option<Timestamp>, to: Option<Timestamp>| -> PeriodCounts {
        let tx = fleet.test.db.read(&fleet.org.owner).await.unwrap();
        let period = Period::of(tx.now(), from, to).unwrap();
        let filter = JobFilter {
            from,
            to,
            cluster_id: Some(cluster),
            ..Default::default()
        };
        let listed = jobs::list(&tx, &filter, None, 200).await.unwrap().items.len();
        let found = jobs::period_counts(&tx, &[cluster], period).await.unwrap();
        let found = found.get(&cluster).copied().unwrap_or_default();
        assert_eq!(usize::try_from(found.total).unwrap(), listed, "{from:?} {to:?}");
        assert_eq!(found.complete + found.pending, found.total);
        found
    };
    assert_eq!(
        counts(None, None).await.total,
        2,
        "the month begins with its first second"
    );
    assert_eq!(counts(Some(month - Duration::seconds(1)), None).await.total, 3);
    assert_eq!(counts(Some(month - Duration::days(31)), Some(month)).await.total, 1);
    assert_eq!(counts(Some(month), Some(noon())).await.total, 1, "the end is not in it");
    let all = counts(Some(month - Duration::days(31)), None).await;
    assert_eq!(all.failed, 1, "{all:?}");
    assert!(all.complete >= all.failed, "what failed is complete: {all:?}");
    for (from, to) in [
        (Some(noon()), Some(noon())),
        (Some(noon()), Some(month)),
        (None, Some(month)),
    ] {
        let refused = Period::of(noon(), from, to);
        assert!(
            matches!(&refused, Err(Error::Invalid(fields)) if fields[0].field == "to"),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn r31_the_text_of_errors_is_told_by_code() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(3).await;
    let job = fleet.refresh(&nodes, Order::default()).await;
    let failures = async || {
        let tx = fleet.test.db.read(&fleet.org.owner).await.unwrap();
        jobs::failures(&tx, job.id).await.unwrap()
    };
    assert!(failures().await.is_empty());
    for (index, task) in fleet.claim(agent, 3).await.iter().enumerate() {
        let outcome = if index == 0 {
            Outcome::Succeeded
        } else {
            Outcome::Failed
        };
        fleet
            .report(agent, task.task.task_id, &result(1, outcome))
            .await
            .unwrap();
    }
    let told = failures().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].count, 2);
    let tasks = fleet.tasks(job.id).await;
    let failed = tasks.iter().find(|task| task.failure.is_some()).unwrap();
    assert_eq!(Some(&told[0].code), failed.failure_code.as_ref());
    assert_eq!(Some(&told[0].message), failed.failure.as_ref());
}
