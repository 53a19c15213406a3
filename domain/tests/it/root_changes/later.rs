//! What a root change must not overlook: what arises after a plan, what stands outside of its scope, and what its reader may not see.

use super::{STORE, Site, code, field};
use crate::machine::{noon, request};
use certyard_domain::plans::{self, Action, Order, Plan, Request, Targets, UploadOptions};
use certyard_domain::root_changes::{self as rooms, NewAuthority, NewRootChange, Phase, PhaseState, Within};
use certyard_domain::{Role, Timestamp, jobs};
use certyard_protocol::ConnectorKind;
use uuid::Uuid;

fn has(plan: &Plan, code: &str) -> bool {
    plan.warnings
        .iter()
        .any(|warning| warning.code == code && warning.consent)
}

#[tokio::test]
async fn a_reason_overrides_what_the_plan_told_and_nothing_that_comes_later() {
    let site = Site::new().await;
    let change = site.begin().await;
    let mut brought = Vec::new();
    for node in &site.nodes {
        let id = site
            .fleet
            .install(site.cluster, *node, "trust", STORE, &site.new.root)
            .await;
        brought.push(id);
    }
    site.switch_all().await;

    // Nothing was blocked: the reason is for nothing.
    let calm = site.plan(change.id, Phase::Retire, "to be safe").await.expect("a plan");
    assert!(!has(&calm, "identities_on_old") && !has(&calm, "coverage_incomplete"));
    let late = site.old.sign(&request("late.example.org"), 90);
    site.fleet
        .install(site.cluster, site.nodes[1], "identity", "TVS", &late)
        .await;
    assert_eq!(code(site.fleet.start(&calm).await), "identities_on_old");

    // What was agreed to passes; what arises beside it does not, nor where the job is done again.
    let forced = site
        .plan(change.id, Phase::Retire, "the node goes away")
        .await
        .expect("a plan");
    assert!(has(&forced, "identities_on_old") && !has(&forced, "coverage_incomplete"));
    let is_there = async |there: bool| {
        let gone: Option<Timestamp> = (!there).then(noon);
        site.fleet.set("installation", brought[0], "gone_at", gone).await;
    };
    is_there(false).await;
    assert_eq!(code(site.fleet.start(&forced).await), "coverage_incomplete");
    is_there(true).await;
    let job = site.fleet.start(&forced).await.expect("a job");
    site.work(&[site.nodes[2]]).await;
    let retry = async || jobs::retry(&site.fleet.test.db, site.owner(), job.id, &[]).await;
    is_there(false).await;
    assert_eq!(code(retry().await), "coverage_incomplete");
    is_there(true).await;
    assert_eq!(retry().await.expect("a job").root_change_id, Some(change.id));
}

#[tokio::test]
async fn whoever_is_bound_to_groups_is_warned_of_a_root_that_none_of_their_nodes_holds() {
    let site = Site::new().await;
    site.begin().await;
    let csr = request("calls.example.org");
    site.fleet.open_csr(site.cluster, site.nodes[0], "tomcat", &csr).await;
    let leaf = site.new.sign(&csr, 365);
    let chain = [&leaf, &site.new.intermediate, &site.new.root].map(certyard_pki::Certificate::to_pem);
    for groups in [None, Some(vec![site.fleet.group])] {
        let wanted = Request {
            action: Action::UploadCertificate(UploadOptions {
                purpose: Some("tomcat".into()),
                files: vec![chain.concat().into_bytes()],
                ..UploadOptions::default()
            }),
            targets: Targets::Nodes(vec![site.nodes[0]]),
            order: Order::default(),
            override_reason: String::new(),
            aftercare_of: None,
            root_change: None,
        };
        let scope = site.fleet.org.member(Role::Operator, groups.clone());
        let plan = plans::create(&site.fleet.test.db, &scope, wanted)
            .await
            .expect("a plan");
        assert!(
            plan.refused == 0 && has(&plan, "root_not_distributed"),
            "{groups:?}: {:?}",
            plan.warnings
        );
    }
}

#[tokio::test]
async fn nothing_switches_while_trust_stores_outside_of_the_scope_know_the_old_root_alone() {
    let site = Site::new().await;
    let group = site.fleet.group("elsewhere").await;
    let others = site.fleet.cluster(group, "others", "cucm", "14").await;
    let nodes = site
        .fleet
        .nodes(others, ConnectorKind::CiscoUc, 2, site.agent, None)
        .await;
    for node in &nodes {
        site.trust(others, *node, STORE, &site.old.root).await;
    }
    let change = site
        .create(NewRootChange {
            within: Within {
                group_ids: vec![site.fleet.group],
                ..Within::default()
            },
            ..site.wanted(&site.new.root)
        })
        .await
        .expect("it is begun");
    for node in &site.nodes {
        site.trust(site.cluster, *node, STORE, &site.new.root).await;
    }
    let outside = async || {
        let progress = site.progress(change.id).await;
        assert_eq!(progress.coverage.lacking(), 0);
        let open = progress.state(Phase::Switch) == PhaseState::Open;
        assert_eq!(open, progress.coverage.outside == 0, "{progress:?}");
        progress.coverage.outside
    };
    assert_eq!(outside().await, 2);
    assert_eq!(
        code(site.plan(change.id, Phase::Switch, "").await),
        "trust_outside_scope"
    );
    let forced = site
        .plan(change.id, Phase::Switch, "they never meet")
        .await
        .expect("a plan");
    assert!(has(&forced, "trust_outside_scope"));
    site.trust(others, nodes[0], STORE, &site.new.root).await;
    assert_eq!(outside().await, 1);
    site.trust(others, nodes[1], STORE, &site.new.root).await;
    assert_eq!(outside().await, 0);
    let plan = site.plan(change.id, Phase::Switch, "").await.expect("a plan");
    assert!(!has(&plan, "trust_outside_scope"));

    // It is theirs that counts, as it stands when the job is made.
    let retired = site.fleet.cluster(group, "retired", "cucm", "14").await;
    let gone = site
        .fleet
        .nodes(retired, ConnectorKind::CiscoUc, 1, site.agent, None)
        .await;
    site.trust(retired, gone[0], STORE, &site.old.root).await;
    assert_eq!(code(site.fleet.start(&plan).await), "trust_outside_scope");
    site.fleet.set("cluster", retired, "retired_at", noon()).await;
    assert_eq!(outside().await, 0);
}

#[tokio::test]
async fn more_authorities_of_a_name_than_are_read_are_an_error_whatever_key_they_name() {
    let site = Site::new().await;
    let change = site.begin().await;
    site.fleet.set("certificate", site.old_id, "ski", "aa").await;
    let tx = site.fleet.test.db.read(site.owner()).await.expect("a transaction");
    let issuer_hash = rooms::get(&tx, change.id).await.expect("it is there").old.subject_hash;
    drop(tx);
    let row = |index: usize| {
        vec![
            ("id", Uuid::now_v7().into()),
            ("sha256", format!("{index:064x}").into()),
            ("sha1", format!("{index:040x}").into()),
            ("serial_hex", format!("{index:x}").into()),
            ("subject", "CN=Namesake".into()),
            ("issuer", "CN=Old root".into()),
            ("common_name", "Namesake".into()),
            ("subject_hash", format!("{index:064x}").into()),
            ("issuer_hash", issuer_hash.clone().into()),
            ("aki", "bb".into()),
            ("not_before", noon().into()),
            ("not_after", (noon() + chrono::Duration::days(900)).into()),
            ("key_type", "EC".into()),
            ("signature_algorithm", "ecdsa-with-SHA256".into()),
            ("is_ca", true.into()),
            ("self_signed", false.into()),
            ("details", serde_json::json!({}).into()),
            ("source", "test".into()),
            ("created_at", noon().into()),
        ]
    };
    // One of the name is the issuing CA of the fleet.
    site.fleet.insert("certificate", (0..999).map(row).collect()).await;
    assert_eq!(site.progress(change.id).await.identities.old, 3);
    site.fleet.insert("certificate", vec![row(1_000)]).await;
    let tx = site.fleet.test.db.read(site.owner()).await.expect("a transaction");
    assert_eq!(code(rooms::progress(&tx, &change).await), "too_many_issuers");
}

#[tokio::test]
async fn a_key_that_the_trust_stores_do_not_take_is_refused_at_once() {
    let site = Site::new().await;
    site.trust(site.cluster, site.nodes[0], "CallManager-trust", &site.new.root)
        .await;
    let new = site.id_of(&site.new.root).await;
    for (bits, refused) in [(4_097, true), (4_096, false)] {
        site.fleet.set("certificate", new, "key_bits", bits).await;
        let made = site
            .create(NewRootChange {
                new: NewAuthority::Known(new),
                ..site.wanted(&site.new.root)
            })
            .await;
        match refused {
            true => assert_eq!(field(made), [("new_certificate_id".into(), "key_too_long")]),
            false => assert!(made.is_ok(), "{made:?}"),
        }
    }
}
