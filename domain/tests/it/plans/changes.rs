//! Changes that nodes make for themselves: renewal, reuse of tomcat, deletion of CSRs (R11, R12, R15, R39).

use super::profile::{want, want_for};
use super::{Uc, codes, refusal, targets};
use crate::machine::{Authority, own_certificate, payload, request};
use certyard_domain::plans::{Action, DeleteCsrOptions, Order, RenewOptions, Targets};
use certyard_domain::profiles::{Setting, Signing};
use certyard_protocol::Step;

fn renew() -> Action {
    Action::Renew(RenewOptions::default())
}

fn renew_of(purpose: &str) -> Action {
    Action::Renew(RenewOptions {
        purpose: Some(purpose.into()),
        restart: false,
    })
}

fn reuse() -> Action {
    Action::ReuseTomcat(RenewOptions {
        purpose: Some("CallManager-ECDSA".into()),
        restart: false,
    })
}

fn signed_by(signing: Signing) -> Setting {
    Setting {
        signing: Some(signing),
        ..Setting::default()
    }
}

fn use_tomcat() -> Setting {
    Setting {
        use_tomcat: true,
        ..Setting::default()
    }
}

#[tokio::test]
async fn r11_a_renewal_warns_first_and_says_what_to_restart() {
    let uc = Uc::new().await;
    let plan = uc
        .fleet
        .plan(renew(), Targets::Installations(vec![uc.installed[0]]), Order::default())
        .await
        .expect("a plan");
    assert_eq!((plan.targets, plan.refused), (1, 0));
    assert_eq!(codes(&plan), ["trusted_anew", "restart_needed", "not_reversible"]);
    assert!(plan.warnings.iter().all(|warning| warning.consent));
    let target = targets(&uc.fleet, &plan).await.pop().expect("a target");
    assert_eq!(
        target.preview.restarts,
        ["Cisco Tomcat", "Cisco TFTP", "Cisco DRF Local", "Cisco DRF Master"]
    );
    let before = target.preview.before.expect("what is there");
    let job = uc.fleet.start(&plan).await.expect("a job");
    assert_eq!(job.title, "Renew certificate for tomcat on node-00000 of campus");
    let task = uc.fleet.claim(uc.agent, 1).await.pop().expect("a task");
    let payload = payload(&task);
    assert_eq!(
        payload.steps,
        [
            Step::Regenerate {
                purpose: "tomcat".into(),
                replaces_sha256: Some(before.sha256.clone()),
            },
            Step::Inventory,
        ]
    );
    assert_eq!(payload.expect[0].sha256, Some(before.sha256));
}

#[tokio::test]
async fn r11_restarts_are_steps_of_the_task_where_they_are_asked_for() {
    let uc = Uc::new().await;
    let action = Action::Renew(RenewOptions {
        restart: true,
        ..RenewOptions::default()
    });
    let plan = uc
        .fleet
        .plan(action, Targets::Installations(vec![uc.installed[0]]), Order::default())
        .await
        .expect("a plan");
    assert_eq!(codes(&plan), ["trusted_anew", "service_interrupted", "not_reversible"]);
    let target = targets(&uc.fleet, &plan).await.pop().expect("a target");
    assert!(target.preview.restarts.is_empty());
    let steps: Vec<&str> = target.preview.steps.iter().map(|step| step.about.as_str()).collect();
    assert_eq!(
        steps,
        [
            "make a new key and a self-signed certificate for tomcat",
            "restart Cisco Tomcat",
            "restart Cisco TFTP",
            "restart Cisco DRF Local",
            "restart Cisco DRF Master",
            "read the stores of the node",
        ]
    );
}

#[tokio::test]
async fn r11_the_way_that_the_profile_wants_decides_and_not_what_is_installed() {
    let uc = Uc::new().await;
    want(&uc, signed_by(Signing::CaSigned)).await;
    // Self-signed is installed, CA-signed is wanted.
    let code = refusal(&uc.fleet, renew(), Targets::Installations(vec![uc.installed[0]])).await;
    assert_eq!(code, "profile_ca_signed");

    let uc = Uc::new().await;
    let signed = Authority::new("Example").sign(&request("node-1.example.org"), 365);
    let installed = uc
        .fleet
        .install(uc.cluster, uc.nodes[1], "identity", "tomcat-ECDSA", &signed)
        .await;
    want_for(&uc, "tomcat-ECDSA", signed_by(Signing::SelfSigned)).await;
    let plan = uc
        .fleet
        .plan(renew(), Targets::Installations(vec![installed]), Order::default())
        .await
        .expect("a plan");
    assert_eq!((plan.targets, plan.refused), (1, 0));
    assert!(codes(&plan).contains(&"ca_signed_replaced"), "{:?}", codes(&plan));
}

#[tokio::test]
async fn r12_where_the_profile_wants_tomcat_a_renewal_is_refused_and_reuse_offered() {
    let uc = Uc::new().await;
    let own = own_certificate("node-0-call.example.org", 50);
    uc.fleet
        .install(uc.cluster, uc.nodes[0], "identity", "CallManager-ECDSA", &own)
        .await;
    want_for(&uc, "CallManager-ECDSA", use_tomcat()).await;
    let node = || Targets::Nodes(vec![uc.nodes[0]]);
    assert_eq!(
        refusal(&uc.fleet, renew_of("CallManager-ECDSA"), node()).await,
        "profile_uses_tomcat"
    );
    let shared = own_certificate("campus-EC.example.org", 100);
    for node in &uc.nodes {
        uc.fleet
            .install(uc.cluster, *node, "identity", "tomcat-ECDSA", &shared)
            .await;
    }
    // It is done once, and the other nodes are read after it.
    let plan = uc
        .fleet
        .plan(reuse(), Targets::Nodes(uc.nodes.clone()), Order::default())
        .await
        .expect("a plan");
    assert_eq!((plan.targets, plan.refused), (3, 2));
    assert!(codes(&plan).contains(&"identity_reused"));
    uc.fleet.start(&plan).await.expect("a job");
    let task = uc.fleet.claim(uc.agent, 1).await.pop().expect("a task");
    let payload = payload(&task);
    assert_eq!(
        payload.steps.first(),
        Some(&Step::ReuseTomcat {
            purpose: "CallManager-ECDSA".into()
        })
    );
    assert_eq!(payload.expect[1].store, "tomcat-ECDSA");
}

#[tokio::test]
async fn r12_the_certificate_of_one_node_alone_is_not_reused() {
    let uc = Uc::new().await;
    let single = own_certificate("node-0-EC.example.org", 100);
    uc.fleet
        .install(uc.cluster, uc.nodes[0], "identity", "tomcat-ECDSA", &single)
        .await;
    want_for(&uc, "CallManager-ECDSA", use_tomcat()).await;
    let node = Targets::Nodes(vec![uc.nodes[0]]);
    assert_eq!(refusal(&uc.fleet, reuse(), node).await, "source_not_multi_server");
}

#[tokio::test]
async fn r12_the_issuers_of_a_signed_tomcat_go_into_the_trust_store_first() {
    let uc = Uc::new().await;
    let ca = Authority::new("Example");
    let leaf = ca.sign(&request("campus-EC-ms.example.org"), 365);
    let node = uc.nodes[0];
    uc.fleet
        .install(uc.cluster, node, "identity", "tomcat-ECDSA", &leaf)
        .await;
    want_for(&uc, "CallManager-ECDSA", use_tomcat()).await;
    let targets_of = || Targets::Nodes(vec![node]);
    assert_eq!(refusal(&uc.fleet, reuse(), targets_of()).await, "missing_root");
    for issuer in [&ca.root, &ca.intermediate] {
        uc.fleet
            .install(uc.cluster, node, "trust", "tomcat-trust", issuer)
            .await;
    }
    let plan = uc
        .fleet
        .plan(reuse(), targets_of(), Order::default())
        .await
        .expect("a plan");
    let target = targets(&uc.fleet, &plan).await.remove(0);
    assert_eq!(
        target.preview.steps[0].about,
        "put 2 issuers into CallManager-trust, the root first"
    );
}

#[tokio::test]
async fn r39_reuse_is_for_unified_cm_from_14_on() {
    for (product, version) in [
        ("cucm", "12.5"),
        ("cucm", "11.5"),
        ("imp", "15"),
        ("cuc", "14"),
        ("cer", "14"),
    ] {
        let uc = Uc::of(product, version).await;
        let purpose = if product == "cucm" { "CallManager" } else { "tomcat" };
        let action = Action::ReuseTomcat(RenewOptions {
            purpose: Some(purpose.into()),
            restart: false,
        });
        let code = refusal(&uc.fleet, action, Targets::Nodes(vec![uc.nodes[0]])).await;
        assert_eq!(code, "reuse_not_supported", "{product} {version}");
    }
    // A profile that does not want it: also from 14 on.
    let uc = Uc::new().await;
    let code = refusal(&uc.fleet, reuse(), Targets::Nodes(vec![uc.nodes[0]])).await;
    assert_eq!(code, "profile_not_tomcat");
}

#[tokio::test]
async fn r39_a_certificate_of_several_nodes_is_renewed_on_one_and_not_at_all_before_14() {
    let shared = own_certificate("campus-ms.example.org", 100);
    for (version, refused) in [("14", false), ("12.5", true)] {
        let uc = Uc::of("cucm", version).await;
        for node in &uc.nodes {
            uc.fleet
                .install(uc.cluster, *node, "identity", "tomcat-ECDSA", &shared)
                .await;
        }
        let node = Targets::Nodes(vec![uc.nodes[0]]);
        if refused {
            let code = refusal(&uc.fleet, renew_of("tomcat-ECDSA"), node).await;
            assert_eq!(code, "multi_server_not_renewed");
            continue;
        }
        let plan = uc
            .fleet
            .plan(renew_of("tomcat-ECDSA"), node, Order::default())
            .await
            .expect("a plan");
        let warning = plan
            .warnings
            .iter()
            .find(|one| one.code == "one_node_only")
            .expect("a warning");
        assert!(
            warning.message.contains("node-00001, node-00002"),
            "{}",
            warning.message
        );
    }
}

#[tokio::test]
async fn r38_a_node_signs_for_five_years_whatever_the_profile_wants() {
    let uc = Uc::new().await;
    want(
        &uc,
        Setting {
            validity_years: Some(20),
            ..signed_by(Signing::SelfSigned)
        },
    )
    .await;
    let plan = uc
        .fleet
        .plan(renew(), Targets::Installations(vec![uc.installed[0]]), Order::default())
        .await
        .expect("a plan");
    let warning = plan
        .warnings
        .iter()
        .find(|one| one.code == "not_as_profile")
        .expect("a warning");
    assert!(warning.message.contains("20 years"), "{}", warning.message);
}

#[tokio::test]
async fn what_is_made_anew_elsewhere_is_refused_with_the_way_out() {
    let uc = Uc::new().await;
    let nodes = |index: usize| Targets::Nodes(vec![uc.nodes[index]]);
    assert_eq!(
        refusal(&uc.fleet, renew_of("authz"), nodes(0)).await,
        "renew_not_supported"
    );
    assert_eq!(
        refusal(&uc.fleet, renew_of("ITLRecovery"), nodes(1)).await,
        "publisher_only"
    );
    assert_eq!(
        refusal(&uc.fleet, renew_of("nonsense"), nodes(0)).await,
        "purpose_unknown"
    );
    let (_, _, servers) = uc.fleet.servers(1).await;
    assert_eq!(
        refusal(&uc.fleet, renew_of("nginx:www.example.org"), Targets::Nodes(servers)).await,
        "renew_not_supported"
    );
    // R28: Emergency Responder has no EC certificate.
    let uc = Uc::of("cer", "14").await;
    let node = Targets::Nodes(vec![uc.nodes[0]]);
    assert_eq!(
        refusal(&uc.fleet, renew_of("tomcat-ECDSA"), node).await,
        "purpose_unknown"
    );
}

#[tokio::test]
async fn r15_a_csr_is_deleted_where_there_is_one_and_a_ca_may_sign() {
    let uc = Uc::new().await;
    let (id, csr) = uc.csr(0).await;
    let delete = || Action::DeleteCsr(DeleteCsrOptions::default());
    let plan = uc
        .fleet
        .plan(delete(), Targets::Csrs(vec![id]), Order::default())
        .await
        .expect("a plan");
    assert_eq!(codes(&plan), ["csr_deleted", "not_reversible"]);
    uc.fleet.start(&plan).await.expect("a job");
    let task = uc.fleet.claim(uc.agent, 1).await.pop().expect("a task");
    let payload = payload(&task);
    assert_eq!(
        payload.steps.first(),
        Some(&Step::DeleteCsr {
            purpose: "tomcat".into()
        })
    );
    let hash = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &csr.spki_der));
    assert_eq!(payload.expect[0].csr_spki_sha256, Some(hash));

    let none = Targets::Installations(vec![uc.installed[1]]);
    assert_eq!(refusal(&uc.fleet, delete(), none).await, "no_csr");
    want(&uc, signed_by(Signing::SelfSigned)).await;
    let wanted = Targets::Csrs(vec![id]);
    assert_eq!(refusal(&uc.fleet, delete(), wanted).await, "profile_self_signed");
}
