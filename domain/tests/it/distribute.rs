//! Distribute: certificates into trust stores of many clusters, and what each product makes of it (R4, R16, R21, R22).

use crate::machine::{Authority, Fleet, own_certificate, payload, result};
use certyard_domain::Error;
use certyard_domain::jobs::JobStatus;
use certyard_domain::plans::{
    self, Action, DistributeOptions, Order, Plan, StoredTargetFilter, Target, TargetFilter, Targets,
};
use certyard_pki::Certificate;
use certyard_protocol::{ConnectorKind, Outcome, Step};
use uuid::Uuid;

fn into(stores: &[&str], certificates: &[&Certificate]) -> Action {
    let text: String = certificates.iter().map(|certificate| certificate.to_pem()).collect();
    Action::Distribute(DistributeOptions {
        stores: stores.iter().map(ToString::to_string).collect(),
        files: vec![text.into_bytes()],
        ..DistributeOptions::default()
    })
}

async fn targets(fleet: &Fleet, plan: &Plan) -> Vec<Target> {
    let tx = fleet.test.db.read(&fleet.org.owner).await.expect("a transaction");
    plans::targets(&tx, plan.id, StoredTargetFilter::default(), None, 200)
        .await
        .expect("targets")
        .items
}

async fn refusals(fleet: &Fleet, plan: &Plan) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = targets(fleet, plan)
        .await
        .into_iter()
        .filter_map(|target| Some((format!("{} {}", target.node_name, target.purpose), target.refusal_code?)))
        .collect();
    all.sort();
    all
}

/// A cluster of three nodes: a publisher and two subscribers.
async fn cluster(fleet: &Fleet, agent: Uuid, name: &str, product: &str) -> (Uuid, Vec<Uuid>) {
    let cluster = fleet.cluster(fleet.group, name, product, "14").await;
    let nodes = fleet.nodes(cluster, ConnectorKind::CiscoUc, 3, agent, None).await;
    (cluster, nodes)
}

#[tokio::test]
async fn r16_one_operation_reaches_the_stores_of_many_clusters() {
    let fleet = Fleet::new().await;
    let agent = fleet.agent(fleet.group).await;
    let (north, _) = cluster(&fleet, agent, "north", "cucm").await;
    let (south, nodes) = cluster(&fleet, agent, "south", "cucm").await;
    let ca = Authority::new("Example");
    fleet.install(south, nodes[0], "trust", "tomcat-trust", &ca.root).await;
    let action = into(&["tomcat-trust", "CallManager-trust"], &[&ca.root, &ca.intermediate]);
    let filter = TargetFilter {
        cluster_ids: vec![north, south],
        ..TargetFilter::default()
    };
    let plan = fleet
        .plan(action, Targets::Filter(filter), Order::default())
        .await
        .expect("a plan");
    assert_eq!((plan.targets, plan.refused), (12, 0));
    let job = fleet.start(&plan).await.expect("a job");
    assert_eq!(
        job.title,
        "Distribute certificates to 2 stores on 6 nodes of 2 clusters"
    );
    // The publisher first: its subscribers get what it replicates, and find it there.
    assert_eq!((job.counts.pending, job.counts.waiting), (4, 8));
    let mut steps = 0;
    loop {
        let claimed = fleet.claim(agent, 100).await;
        if claimed.is_empty() {
            break;
        }
        for task in claimed {
            let payload = payload(&task);
            let Some(Step::InstallTrust {
                store,
                certificates_pem,
            }) = payload.steps.first()
            else {
                panic!("{:?}", payload.steps);
            };
            let known = payload.node_id == nodes[0] && store == "tomcat-trust";
            assert_eq!(certificates_pem.len(), if known { 1 } else { 2 }, "{store}");
            steps += 1;
            fleet
                .report(agent, task.task.task_id, &result(task.task.epoch, Outcome::Succeeded))
                .await
                .expect("recorded");
        }
    }
    assert_eq!(steps, 12);
    assert_eq!(fleet.job(job.id).await.status, JobStatus::Succeeded);
}

#[tokio::test]
async fn r4_emergency_responder_is_refused_with_the_reason() {
    let fleet = Fleet::new().await;
    let agent = fleet.agent(fleet.group).await;
    let (_, responders) = cluster(&fleet, agent, "responders", "cer").await;
    let (_, calls) = cluster(&fleet, agent, "calls", "cucm").await;
    let ca = Authority::new("Example");
    let nodes = vec![responders[0], calls[0]];
    let plan = fleet
        .plan(
            into(&["tomcat-trust"], &[&ca.root]),
            Targets::Nodes(nodes),
            Order::default(),
        )
        .await
        .expect("a plan");
    // Where it is taken, the product carries it to the two others, which are read.
    assert_eq!((plan.targets, plan.refused), (3, 1));
    assert_eq!(
        refusals(&fleet, &plan).await,
        [("node-00000 tomcat-trust".into(), "product_excluded".into())]
    );
}

#[tokio::test]
async fn r22_capf_and_ipsec_trust_are_the_publishers() {
    let fleet = Fleet::new().await;
    let agent = fleet.agent(fleet.group).await;
    let (_, nodes) = cluster(&fleet, agent, "calls", "cucm").await;
    let ca = Authority::new("Example");
    let action = into(&["CAPF-trust", "ipsec-trust", "tomcat-trust"], &[&ca.root]);
    let plan = fleet
        .plan(action, Targets::Nodes(nodes), Order::default())
        .await
        .expect("a plan");
    assert_eq!((plan.targets, plan.refused), (5, 4));
    let refused = refusals(&fleet, &plan).await;
    let places: Vec<&str> = refused.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(
        places,
        [
            "node-00001 CAPF-trust",
            "node-00001 ipsec-trust",
            "node-00002 CAPF-trust",
            "node-00002 ipsec-trust"
        ]
    );
    assert!(refused.iter().all(|(_, code)| code == "publisher_only"));
}

#[tokio::test]
async fn r21_the_plan_foretells_what_the_store_keeps() {
    let fleet = Fleet::new().await;
    let agent = fleet.agent(fleet.group).await;
    let (calls, nodes) = cluster(&fleet, agent, "calls", "cucm").await;
    // All of one name and one start; which is older or newer is told by the rows.
    let (first, second, third) = (
        Authority::new("Example"),
        Authority::new("Example"),
        Authority::new("Example"),
    );
    let newer = fleet
        .install(calls, nodes[0], "trust", "tomcat-trust", &first.root)
        .await;
    let older = fleet
        .install(calls, nodes[1], "trust", "tomcat-trust", &second.root)
        .await;
    for (installation, days) in [(newer, 1), (older, -1)] {
        let row = certificate_of(&fleet, installation).await;
        let start = first.root.not_before + chrono::Duration::days(days);
        fleet.set("certificate", row, "not_before", start).await;
    }
    fleet
        .install(calls, nodes[2], "trust", "tomcat-trust", &third.root)
        .await;
    let plan = fleet
        .plan(
            into(&["tomcat-trust"], &[&third.root]),
            Targets::Nodes(nodes),
            Order::default(),
        )
        .await
        .expect("a plan");
    // Beside the one that takes it, the one that keeps its newer one is read.
    assert_eq!((plan.targets, plan.refused), (2, 2));
    assert_eq!(
        refusals(&fleet, &plan).await,
        [
            ("node-00000 tomcat-trust".into(), "trust_newer_present".into()),
            ("node-00002 tomcat-trust".into(), "already_present".into())
        ]
    );
    let warning = plan.warnings.iter().find(|warning| warning.code == "trust_replaced");
    assert!(warning.is_some_and(|warning| warning.consent), "{:?}", plan.warnings);
}

#[tokio::test]
async fn a_store_keeps_one_of_a_name_and_gets_issuers_first() {
    let fleet = Fleet::new().await;
    let agent = fleet.agent(fleet.group).await;
    let (_, nodes) = cluster(&fleet, agent, "calls", "cucm").await;
    let (ca, other) = (Authority::new("Example"), Authority::new("Example"));
    let target = || Targets::Nodes(vec![nodes[0]]);
    let twice = into(&["tomcat-trust"], &[&ca.root, &other.root]);
    let plan = fleet.plan(twice, target(), Order::default()).await.expect("a plan");
    assert_eq!(refusals(&fleet, &plan).await[0].1, "same_name_twice");
    let upside_down = into(&["tomcat-trust"], &[&ca.intermediate, &ca.root]);
    let plan = fleet
        .plan(upside_down, target(), Order::default())
        .await
        .expect("a plan");
    fleet.start(&plan).await.expect("a job");
    let claimed = fleet.claim(agent, 1).await;
    let payload = payload(&claimed[0]);
    let Some(Step::InstallTrust { certificates_pem, .. }) = payload.steps.first() else {
        panic!("{:?}", payload.steps);
    };
    assert_eq!(certificates_pem, &[ca.root.to_pem(), ca.intermediate.to_pem()]);
}

async fn certificate_of(fleet: &Fleet, installation: Uuid) -> Uuid {
    let tx = fleet.test.db.read(&fleet.org.owner).await.expect("a transaction");
    certyard_domain::inventory::get(&tx, installation)
        .await
        .expect("it is there")
        .installation
        .certificate_id
}

#[tokio::test]
async fn known_certificates_are_named_by_their_ids() {
    let fleet = Fleet::new().await;
    let agent = fleet.agent(fleet.group).await;
    let (calls, nodes) = cluster(&fleet, agent, "calls", "cucm").await;
    let expired = own_certificate("old.example.org", -1);
    let installed = fleet
        .install(calls, nodes[1], "trust", "CallManager-trust", &expired)
        .await;
    let id = certificate_of(&fleet, installed).await;
    let known = |ids| {
        Action::Distribute(DistributeOptions {
            stores: vec!["tomcat-trust".into()],
            certificate_ids: ids,
            ..DistributeOptions::default()
        })
    };
    let plan = fleet
        .plan(known(vec![id]), Targets::Nodes(nodes.clone()), Order::default())
        .await
        .expect("a plan");
    assert_eq!((plan.targets, plan.refused), (3, 0));
    assert!(
        plan.warnings
            .iter()
            .any(|warning| warning.code == "expired" && warning.consent)
    );
    let error = fleet
        .plan(
            known(vec![Uuid::now_v7()]),
            Targets::Nodes(vec![nodes[0]]),
            Order::default(),
        )
        .await
        .expect_err("unknown");
    assert!(matches!(error, Error::NotFound { what: "certificate" }), "{error:?}");
}

#[tokio::test]
async fn a_request_without_store_or_certificate_names_the_field() {
    let fleet = Fleet::new().await;
    let agent = fleet.agent(fleet.group).await;
    let (_, nodes) = cluster(&fleet, agent, "calls", "cucm").await;
    let ca = Authority::new("Example");
    let none = Action::Distribute(DistributeOptions {
        stores: vec!["tomcat-trust".into()],
        ..DistributeOptions::default()
    });
    for (action, targets, field) in [
        (into(&[], &[&ca.root]), Targets::Nodes(nodes.clone()), "stores"),
        (none, Targets::Nodes(nodes.clone()), "certificate"),
        (
            into(&["tomcat-trust"], &[&ca.root]),
            Targets::Installations(vec![Uuid::now_v7()]),
            "installations",
        ),
    ] {
        let error = fleet.plan(action, targets, Order::default()).await.expect_err(field);
        let Error::Invalid(fields) = error else {
            panic!("{field}: {error:?}");
        };
        assert_eq!(fields[0].field, field);
    }
    let plan = fleet
        .plan(
            into(&["no-such-trust"], &[&ca.root]),
            Targets::Nodes(vec![nodes[0]]),
            Order::default(),
        )
        .await
        .expect("a plan");
    assert_eq!(refusals(&fleet, &plan).await[0].1, "store_unknown");
}
