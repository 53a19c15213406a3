//! What a plan is asked for and how long it holds: wrong requests, what moved, whose it is.

use super::{Uc, csr_for, upload};
use crate::machine::{Fleet, own_certificate};
use certyard_domain::jobs::{self, Changed};
use certyard_domain::plans::{
    self, Action, CsrOptions, Order, Request, StoredTargetFilter, TargetFilter, Targets, UploadOptions,
};
use certyard_domain::{Error, Role};
use certyard_protocol::ConnectorKind;
use uuid::Uuid;

#[tokio::test]
async fn bad_requests_name_their_fields() {
    let uc = Uc::new().await;
    let node = || Targets::Nodes(uc.nodes.clone());
    let csr = |change: fn(&mut CsrOptions)| {
        let mut options = csr_for("tomcat");
        change(&mut options);
        Action::GenerateCsr(options)
    };
    let table: Vec<(Action, Targets, &str)> = vec![
        (Action::Refresh, Targets::Nodes(Vec::new()), "nodes"),
        (Action::GenerateCsr(CsrOptions::default()), node(), "purpose"),
        (Action::Refresh, Targets::Csrs(vec![Uuid::now_v7()]), "csrs"),
        (
            csr(|options| options.names = vec!["a b".into()]),
            node(),
            "csr.names[0]",
        ),
        (
            csr(|options| options.names = vec!["x".into(); 101]),
            node(),
            "csr.names",
        ),
        (
            csr(|options| options.common_name = Some(String::new())),
            node(),
            "csr.common_name",
        ),
        (
            csr(|options| options.key_type = Some("DSA".into())),
            node(),
            "csr.key_type",
        ),
        (csr(|options| options.key_bits = Some(1024)), node(), "csr.key_bits"),
        (csr(|options| options.hash = Some("MD5".into())), node(), "csr.hash"),
        (
            csr(|options| {
                options.key_bits = Some(521);
                options.hash = Some("SHA256".into());
            }),
            node(),
            "csr.hash",
        ),
        (
            csr(|options| options.subject = vec![("C".into(), "Sweden".into())]),
            node(),
            "csr.subject[0]",
        ),
        (
            Action::UploadCertificate(UploadOptions::default()),
            node(),
            "certificate",
        ),
    ];
    for (action, targets, field) in table {
        match uc.fleet.plan(action, targets, Order::default()).await {
            Err(Error::Invalid(fields)) => {
                assert!(fields.iter().any(|wrong| wrong.field == field), "{field}: {fields:?}");
            }
            other => panic!("{field}: {other:?}"),
        }
    }
    let order = Order {
        deadline_seconds: Some(1),
        ..Order::default()
    };
    assert!(matches!(
        uc.fleet.plan(Action::Refresh, node(), order).await,
        Err(Error::Invalid(_))
    ));
}

#[tokio::test]
async fn what_moved_under_a_plan_is_told_or_left_out() {
    let uc = Uc::new().await;
    let fleet = &uc.fleet;
    let plan = async || {
        fleet
            .plan(
                Action::GenerateCsr(CsrOptions::default()),
                Targets::Installations(uc.installed.clone()),
                Order::default(),
            )
            .await
            .expect("a plan")
    };
    let first = plan().await;
    // Someone installed another certificate on node 1, and cluster and agent moved for nobody.
    let new = own_certificate("node-1.example.org", 300).sha256_hex();
    fleet.set("installation", uc.installed[1], "sha256", new.clone()).await;
    match fleet.start(&first).await.expect_err("it moved") {
        Error::Conflict { code, detail, message } => {
            assert_eq!(code, "plan_changed");
            assert!(message.contains("node-00001"), "{message}");
            let changes = detail.expect("the differences")["changes"].clone();
            assert_eq!(changes.as_array().map(Vec::len), Some(1));
            assert_eq!(changes[0]["what"], "certificate");
            assert_eq!(changes[0]["after"], serde_json::json!(new));
        }
        other => panic!("{other:?}"),
    }
    let consent: Vec<String> = first.warnings.iter().map(|warning| warning.code.clone()).collect();
    let job = jobs::create(&fleet.test.db, &fleet.org.owner, first.id, &consent, Changed::Drop)
        .await
        .expect("the rest");
    assert_eq!(job.counts.total(), 2);
    jobs::cancel(&fleet.test.db, &fleet.org.owner, job.id)
        .await
        .expect("cancelled");
    for (table, id, column, value, what) in [
        (
            "cluster",
            uc.cluster,
            "product_version",
            sea_orm::Value::from("15"),
            "version",
        ),
        ("node", uc.nodes[0], "ready", sea_orm::Value::from(false), "ready"),
        (
            "node",
            uc.nodes[2],
            "agent_id",
            sea_orm::Value::from(Option::<Uuid>::None),
            "agent",
        ),
    ] {
        let plan = plan().await;
        fleet.set(table, id, column, value).await;
        match fleet.start(&plan).await.expect_err("it moved") {
            Error::Conflict {
                detail: Some(detail), ..
            } => assert_eq!(detail["changes"][0]["what"], what),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_plan_runs_once_and_for_an_hour() {
    let uc = Uc::new().await;
    let node = || Targets::Nodes(uc.nodes.clone());
    let plan = uc
        .fleet
        .plan(Action::Refresh, node(), Order::default())
        .await
        .expect("a plan");
    uc.fleet.start(&plan).await.expect("a job");
    let error = uc.fleet.start(&plan).await.expect_err("once");
    assert!(matches!(error, Error::Conflict { code: "plan_used", .. }));
    let plan = uc
        .fleet
        .plan(Action::Refresh, node(), Order::default())
        .await
        .expect("a plan");
    uc.fleet.later(3_600);
    let error = uc.fleet.start(&plan).await.expect_err("too late");
    assert!(matches!(
        error,
        Error::Refused {
            code: "plan_expired",
            ..
        }
    ));
    uc.fleet.later(3_601);
    let tx = uc
        .fleet
        .test
        .db
        .write(&uc.fleet.org.owner)
        .await
        .expect("a transaction");
    assert_eq!(
        plans::delete_expired(&tx, 100).await.expect("deleted"),
        1,
        "the plan of a job stays"
    );
}

#[tokio::test]
async fn a_filter_takes_what_matches_and_a_bound_member_what_is_theirs() {
    let uc = Uc::new().await;
    let fleet = &uc.fleet;
    let other = fleet.group("Other").await;
    let cluster = fleet.cluster(other, "elsewhere", "cucm", "15").await;
    let far = fleet.nodes(cluster, ConnectorKind::CiscoUc, 2, uc.agent, None).await;
    let own = own_certificate("far.example.org", 10);
    let installed = fleet.install(cluster, far[0], "identity", "tomcat", &own).await;
    let all = fleet
        .plan(
            Action::Refresh,
            Targets::Filter(TargetFilter::default()),
            Order::default(),
        )
        .await
        .expect("a plan");
    assert_eq!(all.targets, 5);
    let soon = TargetFilter {
        purpose: Some("tomcat".into()),
        not_after_before: Some(crate::machine::noon() + chrono::Duration::days(50)),
        ..TargetFilter::default()
    };
    let csrs = fleet
        .plan(
            Action::GenerateCsr(CsrOptions::default()),
            Targets::Filter(soon.clone()),
            Order::default(),
        )
        .await
        .expect("a plan");
    assert_eq!(csrs.targets, 1);

    let bound = fleet.org.member(Role::Operator, Some(vec![fleet.group]));
    let ask = |targets| Request {
        action: Action::Refresh,
        targets,
        order: Order::default(),
        override_reason: String::new(),
        aftercare_of: None,
        root_change: None,
    };
    let mine = plans::create(&fleet.test.db, &bound, ask(Targets::Filter(TargetFilter::default())))
        .await
        .expect("a plan");
    assert_eq!(mine.targets, 3);
    for targets in [
        Targets::Nodes(vec![uc.nodes[0], far[0]]),
        Targets::Installations(vec![installed]),
        Targets::Nodes(vec![Uuid::now_v7()]),
        Targets::Csrs(vec![Uuid::now_v7()]),
    ] {
        let action = if matches!(targets, Targets::Csrs(_)) {
            upload(&[&own])
        } else {
            Action::Refresh
        };
        let request = Request {
            action,
            targets,
            order: Order::default(),
            override_reason: String::new(),
            aftercare_of: None,
            root_change: None,
        };
        let error = plans::create(&fleet.test.db, &bound, request)
            .await
            .expect_err("not theirs");
        assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    }
    let tx = fleet.test.db.read(&bound).await.expect("a transaction");
    let part = plans::targets(&tx, all.id, StoredTargetFilter::default(), None, 200)
        .await
        .expect("a part");
    assert_eq!(part.items.len(), 3);
    drop(tx);
    let error = jobs::create(&fleet.test.db, &bound, all.id, &[], Changed::Refuse)
        .await
        .expect_err("it is larger");
    assert!(matches!(error, Error::NotFound { .. }));
    let viewer = fleet.org.member(Role::Viewer, None);
    let error = plans::create(&fleet.test.db, &viewer, ask(Targets::Filter(TargetFilter::default())))
        .await
        .expect_err("no");
    assert!(matches!(error, Error::Forbidden { .. }));
}

#[tokio::test]
async fn ten_thousand_nodes_are_planned_and_started_in_one_go() {
    let fleet = Fleet::new().await;
    let agent = fleet.agent(fleet.group).await;
    let mut nodes = Vec::new();
    for index in 0..100 {
        let cluster = fleet
            .cluster(fleet.group, &format!("cluster-{index:03}"), "server", "")
            .await;
        nodes.extend(fleet.nodes(cluster, ConnectorKind::Nginx, 100, agent, None).await);
    }
    let begun = std::time::Instant::now();
    let action = Action::GenerateCsr(csr_for("nginx:www.example.org"));
    let plan = fleet
        .plan(action, Targets::Nodes(nodes), Order::default())
        .await
        .expect("a plan");
    let planned = begun.elapsed();
    let job = fleet.start(&plan).await.expect("a job");
    println!("10,000 nodes: plan {planned:?}, plan and job {:?}", begun.elapsed());
    assert_eq!((job.counts.pending, job.cluster_count), (10_000, 100));
}
