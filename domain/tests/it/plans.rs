//! Plans: what an action would do, refusals in the user's words, and what a job has to find unchanged.

use crate::machine::{Authority, Fleet, own_certificate, payload, request};
use certyard_domain::jobs::{self, Changed};
use certyard_domain::plans::{
    self, Action, CsrOptions, Order, Plan, Request, StoredTargetFilter, Target, TargetFilter, Targets, UploadOptions,
};
use certyard_domain::{Error, Role};
use certyard_pki::{Certificate, Csr};
use certyard_protocol::{ConnectorKind, Rollback, Step, StepKind};
use uuid::Uuid;

async fn targets(fleet: &Fleet, plan: &Plan) -> Vec<Target> {
    let tx = fleet.test.db.read(&fleet.org.owner).await.expect("a transaction");
    plans::targets(&tx, plan.id, StoredTargetFilter::default(), None, 200)
        .await
        .expect("targets")
        .items
}

fn codes(plan: &Plan) -> Vec<&str> {
    plan.warnings.iter().map(|warning| warning.code.as_str()).collect()
}

fn csr_for(purpose: &str) -> CsrOptions {
    CsrOptions {
        purpose: Some(purpose.into()),
        ..CsrOptions::default()
    }
}

fn upload(certificates: &[&Certificate]) -> Action {
    let text: String = certificates.iter().map(|certificate| certificate.to_pem()).collect();
    Action::UploadCertificate(UploadOptions {
        files: vec![text.into_bytes()],
        ..UploadOptions::default()
    })
}

/// The one refusal of a plan with one target.
async fn refusal(fleet: &Fleet, action: Action, targets_of: Targets) -> String {
    let plan = fleet.plan(action, targets_of, Order::default()).await.expect("a plan");
    assert_eq!((plan.targets, plan.refused), (0, 1));
    let target = targets(fleet, &plan).await.pop().expect("a target");
    let words = target.refusal.expect("a reason");
    assert!(words.chars().count() > 20 && !words.ends_with('.'), "{words}");
    let error = fleet.start(&plan).await.expect_err("nothing to do");
    assert!(
        matches!(
            error,
            Error::Refused {
                code: "nothing_to_do",
                ..
            }
        ),
        "{error:?}"
    );
    target.refusal_code.expect("a code")
}

/// A Unified CM cluster of three nodes, each with a self-signed tomcat certificate.
struct Uc {
    fleet: Fleet,
    agent: Uuid,
    cluster: Uuid,
    nodes: Vec<Uuid>,
    installed: Vec<Uuid>,
}

impl Uc {
    async fn new() -> Self {
        let fleet = Fleet::new().await;
        let agent = fleet.agent(fleet.group).await;
        let cluster = fleet.cluster(fleet.group, "campus", "cucm", "14").await;
        let nodes = fleet.nodes(cluster, ConnectorKind::CiscoUc, 3, agent, None).await;
        let mut installed = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            let own = own_certificate(&format!("node-{index}.example.org"), 100);
            installed.push(fleet.install(cluster, *node, "identity", "tomcat", &own).await);
        }
        Self {
            fleet,
            agent,
            cluster,
            nodes,
            installed,
        }
    }

    async fn csr(&self, index: usize) -> (Uuid, Csr) {
        let csr = request(&format!("node-{index}.example.org"));
        let id = self
            .fleet
            .open_csr(self.cluster, self.nodes[index], "tomcat", &csr)
            .await;
        (id, csr)
    }
}

#[tokio::test]
async fn a_csr_plan_says_what_it_asks_for_and_that_it_cannot_be_undone() {
    let uc = Uc::new().await;
    let (_, _) = uc.csr(1).await;
    let options = CsrOptions {
        names: vec!["cm.example.org".into(), "192.0.2.7".into()],
        key_bits: Some(3072),
        ..CsrOptions::default()
    };
    let plan = uc
        .fleet
        .plan(
            Action::GenerateCsr(options),
            Targets::Installations(uc.installed.clone()),
            Order::default(),
        )
        .await
        .expect("a plan");
    assert_eq!((plan.targets, plan.refused), (3, 0));
    assert_eq!(codes(&plan), ["not_reversible", "csr_replaced"]);
    assert!(plan.warnings.iter().all(|warning| warning.consent));
    assert_eq!(plan.warnings[0].targets, 3);
    assert_eq!(plan.warnings[1].targets, 1);
    let all = targets(&uc.fleet, &plan).await;
    let preview = &all[0].preview;
    assert_eq!(
        (all[0].purpose.as_str(), preview.undo),
        ("tomcat", Some(Rollback::None))
    );
    let csr = preview.csr.as_ref().expect("a CSR");
    assert_eq!(
        (csr.key_type.as_str(), csr.key_bits, csr.hash.as_str()),
        ("RSA", 3072, "SHA256")
    );
    assert_eq!(csr.common_name, "cm.example.org");
    assert_eq!(preview.before.as_ref().map(|before| before.self_signed), Some(true));
    assert_eq!(
        preview.steps.iter().map(|step| step.step).collect::<Vec<_>>(),
        [StepKind::GenerateCsr, StepKind::Inventory]
    );
    uc.fleet.start(&plan).await.expect("a job");
    let claimed = uc.fleet.claim(uc.agent, 10).await;
    let work = payload(&claimed[0]);
    assert!(matches!(&work.steps[0], Step::GenerateCsr(spec) if spec.names.len() == 2 && spec.purpose == "tomcat"));
    assert!(work.expect[0].sha256.is_some());
}

#[tokio::test]
async fn names_of_a_server_come_from_what_is_installed_or_from_its_purpose() {
    let fleet = Fleet::new().await;
    let (_, cluster, nodes) = fleet.servers(2).await;
    let own = own_certificate("shop.example.org", 30);
    fleet
        .install(cluster, nodes[0], "identity", "nginx:www.example.org", &own)
        .await;
    let plan = fleet
        .plan(
            Action::GenerateCsr(csr_for("nginx:www.example.org")),
            Targets::Nodes(nodes),
            Order::default(),
        )
        .await
        .expect("a plan");
    assert!(
        plan.warnings.is_empty(),
        "nginx puts the former state back by itself: {:?}",
        plan.warnings
    );
    let all = targets(&fleet, &plan).await;
    let names: Vec<Vec<String>> = all
        .iter()
        .map(|target| target.preview.csr.clone().expect("a CSR").names)
        .collect();
    assert_eq!(
        names,
        [
            vec!["shop.example.org".to_string()],
            vec!["www.example.org".to_string()]
        ]
    );
    assert_eq!(all[0].preview.undo, Some(Rollback::Automatic));
}

#[tokio::test]
async fn an_upload_puts_missing_issuers_first_and_the_publisher_before_its_subscribers() {
    let uc = Uc::new().await;
    let ca = Authority::new("Example");
    // Node 2 trusts the root already.
    uc.fleet
        .install(uc.cluster, uc.nodes[2], "trust", "tomcat-trust", &ca.root)
        .await;
    let mut ids = Vec::new();
    let mut leaves = Vec::new();
    for index in 0..3 {
        let (id, csr) = uc.csr(index).await;
        ids.push(id);
        leaves.push(ca.sign(&csr, 365));
    }
    let all: Vec<&Certificate> = leaves.iter().chain([&ca.intermediate, &ca.root]).collect();
    let plan = uc
        .fleet
        .plan(upload(&all), Targets::Csrs(ids), Order::default())
        .await
        .expect("a plan");
    assert_eq!((plan.targets, plan.refused), (3, 0));
    assert_eq!(codes(&plan), ["restart_needed", "not_reversible"]);
    let all = targets(&uc.fleet, &plan).await;
    for target in &all {
        let index = uc
            .nodes
            .iter()
            .position(|node| *node == target.node_id)
            .expect("a node");
        let after = target.preview.after.as_ref().expect("a certificate");
        assert_eq!(after.sha256, leaves[index].sha256_hex());
        assert!(target.preview.restarts.iter().any(|service| service == "Cisco Tomcat"));
    }
    let error = jobs::create(
        &uc.fleet.test.db,
        &uc.fleet.org.owner,
        plan.id,
        &["not_reversible".into()],
        Changed::Refuse,
    )
    .await
    .expect_err("a consent is missing");
    match error {
        Error::Invalid(fields) => {
            assert_eq!(fields.len(), 1);
            assert_eq!(
                (fields[0].code, fields[0].field.as_str()),
                ("consent_missing", "consent")
            );
            assert!(fields[0].message.contains("restart_needed"));
        }
        other => panic!("{other:?}"),
    }
    let job = uc.fleet.start(&plan).await.expect("a job");
    assert_eq!(
        (job.counts.pending, job.counts.waiting),
        (1, 2),
        "subscribers wait for the publisher"
    );
    let claimed = uc.fleet.claim(uc.agent, 10).await;
    let work = payload(&claimed[0]);
    assert_eq!(work.node_id, uc.nodes[0]);
    match &work.steps[0] {
        Step::InstallTrust {
            store,
            certificates_pem,
        } => {
            assert_eq!(store, "tomcat-trust");
            assert_eq!(certificates_pem, &[ca.root.to_pem(), ca.intermediate.to_pem()]);
        }
        other => panic!("{other:?}"),
    }
    match &work.steps[1] {
        Step::InstallIdentity { chain_pem, sha256, .. } => {
            assert_eq!(
                chain_pem,
                &[leaves[0].to_pem(), ca.intermediate.to_pem(), ca.root.to_pem()]
            );
            assert_eq!(sha256, &leaves[0].sha256_hex());
        }
        other => panic!("{other:?}"),
    }
    assert!(work.expect[0].csr_spki_sha256.is_some());
    let failed = crate::machine::result(1, certyard_protocol::Outcome::Failed);
    uc.fleet
        .report(uc.agent, work.task_id, &failed)
        .await
        .expect("recorded");
    let claimed = uc.fleet.claim(uc.agent, 10).await;
    assert_eq!(claimed.len(), 2, "the order is not a condition");
    let last = claimed
        .iter()
        .map(payload)
        .find(|work| work.node_id == uc.nodes[2])
        .expect("node 2");
    assert!(
        matches!(&last.steps[0], Step::InstallTrust { certificates_pem, .. } if certificates_pem == &[ca.intermediate.to_pem()])
    );
}

#[tokio::test]
async fn issuers_that_the_inventory_knows_complete_the_chain() {
    let uc = Uc::new().await;
    let ca = Authority::new("Example");
    let (id, csr) = uc.csr(0).await;
    let leaf = ca.sign(&csr, 365);
    assert_eq!(
        refusal(&uc.fleet, upload(&[&leaf]), Targets::Csrs(vec![id])).await,
        "chain_incomplete"
    );
    uc.fleet
        .install(uc.cluster, uc.nodes[1], "trust", "CAPF-trust", &ca.root)
        .await;
    uc.fleet
        .install(uc.cluster, uc.nodes[1], "trust", "CAPF-trust", &ca.intermediate)
        .await;
    let plan = uc
        .fleet
        .plan(upload(&[&leaf]), Targets::Csrs(vec![id]), Order::default())
        .await
        .expect("a plan");
    assert_eq!(plan.refused, 0);
}

#[tokio::test]
async fn uploads_are_refused_with_what_differs() {
    let uc = Uc::new().await;
    let ca = Authority::new("Example");
    let (id, csr) = uc.csr(0).await;
    let one = || Targets::Csrs(vec![id]);
    let full = |leaf: &Certificate| upload(&[leaf, &ca.intermediate, &ca.root]);
    assert_eq!(refusal(&uc.fleet, full(&ca.sign(&csr, -1)), one()).await, "expired");
    let other = ca.sign(&request("node-0.example.org"), 365);
    assert_eq!(refusal(&uc.fleet, full(&other), one()).await, "key_mismatch");
    let node = Targets::Installations(vec![uc.installed[1]]);
    assert_eq!(refusal(&uc.fleet, full(&ca.sign(&csr, 365)), node).await, "no_csr");
    uc.fleet.set("csr", id, "state", "replaced").await;
    assert_eq!(
        refusal(&uc.fleet, full(&ca.sign(&csr, 365)), one()).await,
        "csr_not_open"
    );
    for (file, code) in [
        (b"hello".to_vec(), "no_certificate"),
        (
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_vec(),
            "private_key",
        ),
    ] {
        let action = Action::UploadCertificate(UploadOptions {
            files: vec![file],
            ..UploadOptions::default()
        });
        match uc
            .fleet
            .plan(action, one(), Order::default())
            .await
            .expect_err("refused")
        {
            Error::Invalid(fields) => assert_eq!((fields[0].field.as_str(), fields[0].code), ("certificate", code)),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn refusals_name_what_the_node_lacks() {
    let uc = Uc::new().await;
    let fleet = &uc.fleet;
    let node = || Targets::Nodes(vec![uc.nodes[1]]);
    let tomcat = || Action::GenerateCsr(csr_for("tomcat"));
    assert_eq!(
        refusal(fleet, Action::GenerateCsr(csr_for("httpd")), node()).await,
        "purpose_unknown"
    );
    assert_eq!(
        refusal(fleet, Action::GenerateCsr(csr_for("ITLRecovery")), node()).await,
        "csr_not_supported"
    );
    assert_eq!(
        refusal(fleet, Action::GenerateCsr(csr_for("CAPF")), node()).await,
        "publisher_only"
    );
    let ec = CsrOptions {
        key_type: Some("EC".into()),
        ..csr_for("tomcat")
    };
    assert_eq!(
        refusal(fleet, Action::GenerateCsr(ec), node()).await,
        "key_type_unsupported"
    );
    let wild = CsrOptions {
        names: vec!["*.example.org".into()],
        ..csr_for("tomcat")
    };
    assert_eq!(
        refusal(fleet, Action::GenerateCsr(wild), node()).await,
        "wildcard_unsupported"
    );
    fleet.set("node", uc.nodes[1], "ready", false).await;
    assert_eq!(refusal(fleet, Action::Refresh, node()).await, "credentials_missing");
    fleet.set("node", uc.nodes[1], "ready", true).await;
    fleet
        .set(
            "agent",
            uc.agent,
            "capabilities",
            serde_json::json!([{"connector": "from_the_future", "steps": []}]),
        )
        .await;
    assert_eq!(refusal(fleet, tomcat(), node()).await, "unsupported_step");
    fleet.set("agent", uc.agent, "banned_at", crate::machine::noon()).await;
    assert_eq!(refusal(fleet, tomcat(), node()).await, "no_agent");
    fleet.set("cluster", uc.cluster, "enabled", false).await;
    assert_eq!(refusal(fleet, tomcat(), node()).await, "cluster_not_enabled");
    fleet
        .set("node", uc.nodes[1], "retired_at", crate::machine::noon())
        .await;
    assert_eq!(refusal(fleet, Action::Refresh, node()).await, "node_retired");
}

#[tokio::test]
async fn a_trust_certificate_has_no_csr() {
    let uc = Uc::new().await;
    let ca = Authority::new("Example");
    let trust = uc
        .fleet
        .install(uc.cluster, uc.nodes[0], "trust", "tomcat-trust", &ca.root)
        .await;
    let action = Action::GenerateCsr(CsrOptions::default());
    assert_eq!(
        refusal(&uc.fleet, action, Targets::Installations(vec![trust])).await,
        "not_identity"
    );
}

#[tokio::test]
async fn an_offline_agent_is_a_warning_and_no_refusal() {
    let uc = Uc::new().await;
    uc.fleet.later(600);
    let plan = uc
        .fleet
        .plan(Action::Refresh, Targets::Nodes(uc.nodes.clone()), Order::default())
        .await
        .expect("a plan");
    assert_eq!(codes(&plan), ["agent_offline"]);
    assert!(!plan.warnings[0].consent);
    fleet_starts(&uc, &plan).await;
}

async fn fleet_starts(uc: &Uc, plan: &Plan) {
    jobs::create(&uc.fleet.test.db, &uc.fleet.org.owner, plan.id, &[], Changed::Refuse)
        .await
        .expect("no consent is needed");
}

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
