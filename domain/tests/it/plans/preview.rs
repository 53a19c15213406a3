//! What a plan foresees, warns of and refuses.

use super::{Uc, codes, csr_for, refusal, targets, upload};
use crate::machine::{Authority, Fleet, noon, own_certificate, payload, request};
use certyard_domain::Error;
use certyard_domain::jobs::{self, Changed};
use certyard_domain::plans::{
    Action, CsrOptions, DistributeOptions, Order, Plan, ReplaceOptions, Targets, UploadOptions,
};
use certyard_pki::Certificate;
use certyard_protocol::{Rollback, Step, StepKind};

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

/// A root with an RSA key of 5120 bits.
const LARGE_KEY: &str = include_str!("../large_key.pem");

#[tokio::test]
async fn a_certificate_whose_key_no_node_takes_is_refused_wherever_it_would_go_in() {
    let large = Certificate::from_pem(LARGE_KEY).expect("a certificate");
    assert_eq!(large.key.bits, Some(5120));
    let old = own_certificate("Old Root", 10);
    let file = || vec![large.to_pem().into_bytes()];
    for product in ["cucm", "imp", "cuc"] {
        let uc = Uc::of(product, "14").await;
        let held = uc
            .fleet
            .install(uc.cluster, uc.nodes[0], "trust", "tomcat-trust", &old)
            .await;
        let gone = uc
            .fleet
            .install(uc.cluster, uc.nodes[0], "trust", "tomcat-trust", &large)
            .await;
        uc.fleet.set("installation", gone, "gone_at", noon()).await;
        let distribute = Action::Distribute(DistributeOptions {
            stores: vec!["tomcat-trust".into()],
            files: file(),
            ..DistributeOptions::default()
        });
        let replace = Action::Replace(ReplaceOptions {
            files: file(),
            ..ReplaceOptions::default()
        });
        let table = [
            (distribute, Targets::Nodes(vec![uc.nodes[0]])),
            (replace, Targets::Installations(vec![held])),
            (Action::Restore, Targets::Installations(vec![gone])),
        ];
        for (action, targets) in table {
            let name = action.as_str();
            assert_eq!(
                refusal(&uc.fleet, action, targets).await,
                "key_too_long",
                "{name} on {product}"
            );
        }
    }
}

#[tokio::test]
async fn keys_hashes_and_names_of_a_csr_are_those_of_the_catalogue() {
    let uc = Uc::new().await;
    let one = || Targets::Installations(vec![uc.installed[0]]);
    let csr = |change: fn(&mut CsrOptions)| {
        let mut options = CsrOptions::default();
        change(&mut options);
        Action::GenerateCsr(options)
    };
    let table: [(Action, &str); 5] = [
        (csr(|options| options.hash = Some("SHA512".into())), "hash_unsupported"),
        (csr(|options| options.key_bits = Some(384)), "key_bits_unsupported"),
        (
            csr(|options| options.key_type = Some("EC".into())),
            "key_type_unsupported",
        ),
        (
            csr(|options| options.common_name = Some("*.example.org".into())),
            "wildcard_unsupported",
        ),
        (
            csr(|options| options.names = vec!["*.example.org".into()]),
            "wildcard_unsupported",
        ),
    ];
    for (action, wanted) in table {
        assert_eq!(refusal(&uc.fleet, action, one()).await, wanted);
    }
    // nginx takes what it is given.
    let (_, _, servers) = uc.fleet.servers(1).await;
    let options = CsrOptions {
        common_name: Some("*.example.org".into()),
        names: vec!["*.example.org".into()],
        key_type: Some("RSA".into()),
        hash: Some("SHA512".into()),
        ..csr_for("nginx:www.example.org")
    };
    let plan = uc
        .fleet
        .plan(Action::GenerateCsr(options), Targets::Nodes(servers), Order::default())
        .await
        .expect("a plan");
    assert_eq!((plan.targets, plan.refused), (1, 0));
}

#[tokio::test]
async fn the_command_line_hears_no_names_and_no_key_and_the_plan_says_so_beforehand() {
    for version in ["11.5", "12.5"] {
        let uc = Uc::of("cucm", version).await;
        for node in &uc.nodes {
            uc.fleet.set("node", *node, "connector", "cisco_cli").await;
        }
        let told = async |options: CsrOptions| {
            let plan = uc
                .fleet
                .plan(
                    Action::GenerateCsr(options),
                    Targets::Installations(vec![uc.installed[0]]),
                    Order::default(),
                )
                .await
                .expect("a plan");
            assert_eq!((plan.targets, plan.refused), (1, 0));
            let warning = plan.warnings.into_iter().find(|one| one.code == "csr_by_node");
            let warning = warning.expect("a warning");
            assert!(
                warning.message.contains("its names, the length of the key, the hash"),
                "{}",
                warning.message
            );
            warning.consent
        };
        assert!(!told(CsrOptions::default()).await, "nobody asked for anything");
        let asked: [fn(&mut CsrOptions); 4] = [
            |options| options.common_name = Some("cm.example.org".into()),
            |options| options.names = vec!["cm.example.org".into()],
            |options| options.key_bits = Some(3072),
            |options| options.hash = Some("SHA256".into()),
        ];
        for change in asked {
            let mut options = CsrOptions::default();
            change(&mut options);
            assert!(told(options.clone()).await, "{options:?}");
        }
    }
    // The API of later releases hears them.
    let uc = Uc::new().await;
    let options = CsrOptions {
        key_bits: Some(3072),
        ..CsrOptions::default()
    };
    let one = Targets::Installations(vec![uc.installed[0]]);
    let plan = uc
        .fleet
        .plan(Action::GenerateCsr(options), one, Order::default())
        .await
        .expect("a plan");
    assert!(!codes(&plan).contains(&"csr_by_node"));
}
