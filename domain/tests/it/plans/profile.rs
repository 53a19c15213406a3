//! What a profile makes of plans: which are refused, what they ask for, and what needs consent.

use super::{Uc, codes, csr_for, refusal, upload};
use crate::machine::{Authority, Fleet, payload, request};
use certyard_domain::Error;
use certyard_domain::plans::{Action, CsrOptions, Order, Targets, UploadOptions};
use certyard_domain::profiles::{self, Assignment, NewProfile, Setting, Signing};
use certyard_pki::Certificate;
use certyard_protocol::Step;

/// Gives the cluster a profile with this setting for `tomcat`.
pub(super) async fn want(uc: &Uc, setting: Setting) {
    want_for(uc, "tomcat", setting).await;
}

/// The same for another purpose.
pub(super) async fn want_for(uc: &Uc, purpose: &str, setting: Setting) {
    let tx = uc
        .fleet
        .test
        .db
        .write(&uc.fleet.org.owner)
        .await
        .expect("a transaction");
    let new = NewProfile {
        name: "Campus".into(),
        settings: vec![Setting {
            product: "cucm".into(),
            purpose: purpose.into(),
            ..setting
        }],
        ..NewProfile::default()
    };
    let made = profiles::create(&tx, new).await.expect("a profile");
    profiles::assign(&tx, &[uc.cluster], Assignment::Own(made.id))
        .await
        .expect("it is given");
    tx.commit().await.expect("it is kept");
}

#[tokio::test]
async fn r13_a_csr_under_a_self_signed_profile_is_refused_whatever_is_installed() {
    let uc = Uc::new().await;
    let signed = Authority::new("Example").sign(&request("node-1.example.org"), 365);
    uc.fleet
        .install(uc.cluster, uc.nodes[1], "identity", "tomcat-ECDSA", &signed)
        .await;
    want(
        &uc,
        Setting {
            signing: Some(Signing::SelfSigned),
            ..Setting::default()
        },
    )
    .await;
    let targets = Targets::Installations(vec![uc.installed[0]]);
    let code = refusal(&uc.fleet, Action::GenerateCsr(CsrOptions::default()), targets).await;
    assert_eq!(code, "profile_self_signed");
    // A purpose that the profile leaves open offers both ways (R34).
    let plan = uc
        .fleet
        .plan(
            Action::GenerateCsr(csr_for("tomcat-ECDSA")),
            Targets::Nodes(vec![uc.nodes[1]]),
            Order::default(),
        )
        .await
        .expect("a plan");
    assert_eq!((plan.targets, plan.refused), (1, 0));
}

#[tokio::test]
async fn r14_an_answer_comes_as_pem_or_der_and_what_is_neither_is_refused_whole() {
    let uc = Uc::new().await;
    let (id, csr) = uc.csr(0).await;
    let ca = Authority::new("Example");
    let leaf = ca.sign(&csr, 365);
    for issuer in [&ca.root, &ca.intermediate] {
        uc.fleet
            .install(uc.cluster, uc.nodes[0], "trust", "tomcat-trust", issuer)
            .await;
    }
    let plan = async |file: Vec<u8>| {
        let action = Action::UploadCertificate(UploadOptions {
            files: vec![file],
            ..UploadOptions::default()
        });
        uc.fleet.plan(action, Targets::Csrs(vec![id]), Order::default()).await
    };
    let chain = [&leaf, &ca.intermediate, &ca.root].map(Certificate::to_pem).concat();
    for file in [leaf.to_pem().into_bytes(), leaf.der.clone(), chain.into_bytes()] {
        let plan = plan(file).await.expect("a plan");
        assert_eq!((plan.targets, plan.refused), (1, 0));
    }
    let key = certyard_pki::PrivateKey::generate(certyard_pki::KeySpec::P256).expect("a key");
    let mut longer = leaf.der.clone();
    longer.push(0);
    for file in [
        b"%PDF-1.7".to_vec(),
        Vec::new(),
        longer,
        key.to_pkcs8_pem().as_bytes().to_vec(),
    ] {
        let error = plan(file).await.expect_err("no certificate");
        let Error::Invalid(wrong) = error else {
            panic!("{error:?}")
        };
        assert_eq!(wrong[0].field, "certificate");
    }
}

#[tokio::test]
async fn r14_an_upload_under_a_self_signed_profile_is_refused() {
    let uc = Uc::new().await;
    let (id, csr) = uc.csr(0).await;
    let ca = Authority::new("Example");
    let leaf = ca.sign(&csr, 365);
    want(
        &uc,
        Setting {
            signing: Some(Signing::SelfSigned),
            ..Setting::default()
        },
    )
    .await;
    let action = upload(&[&leaf, &ca.intermediate, &ca.root]);
    let code = refusal(&uc.fleet, action, Targets::Csrs(vec![id])).await;
    assert_eq!(code, "profile_self_signed");
}

#[tokio::test]
async fn r33_a_csr_asks_for_what_the_profile_wants_and_r18_for_anything_else_only_with_consent() {
    let uc = Uc::new().await;
    want(
        &uc,
        Setting {
            signing: Some(Signing::CaSigned),
            key_bits: Some(3072),
            hash: Some("SHA256".into()),
            subject: vec![("O".into(), "Example".into())],
            ..Setting::default()
        },
    )
    .await;
    let targets_of = || Targets::Installations(vec![uc.installed[0]]);
    let plan = uc
        .fleet
        .plan(
            Action::GenerateCsr(CsrOptions::default()),
            targets_of(),
            Order::default(),
        )
        .await
        .expect("a plan");
    assert_eq!(codes(&plan), ["subject_by_node", "not_reversible"]);
    let told = &plan.warnings[0];
    assert!(!told.consent && told.message.contains(" O "), "{}", told.message);
    uc.fleet.start(&plan).await.expect("a job");
    let claimed = uc.fleet.claim(uc.agent, 10).await;
    let work = payload(&claimed[0]);
    assert!(
        matches!(&work.steps[0], Step::GenerateCsr(spec) if spec.key_bits == 3072 && spec.subject.is_empty()),
        "{:?}",
        work.steps[0]
    );
    let other = CsrOptions {
        key_bits: Some(2048),
        subject: vec![("O".into(), "Other".into())],
        ..CsrOptions::default()
    };
    let plan = uc
        .fleet
        .plan(Action::GenerateCsr(other), targets_of(), Order::default())
        .await
        .expect("a plan");
    let warning = plan
        .warnings
        .iter()
        .find(|warning| warning.code == "not_as_profile")
        .expect("a warning");
    assert!(warning.consent);
    let told = plan.warnings.iter().find(|warning| warning.code == "subject_by_node");
    assert!(told.is_some_and(|told| told.consent), "what was asked for is not heard");
    for word in ["3072", "2048", "Campus"] {
        assert!(warning.message.contains(word), "{word}: {}", warning.message);
    }
}

#[tokio::test]
async fn r18_an_answer_that_is_not_as_the_profile_wants_it_needs_consent() {
    let uc = Uc::new().await;
    want(
        &uc,
        Setting {
            signing: Some(Signing::CaSigned),
            subject: vec![("O".into(), "Nobody asked for it".into())],
            ..Setting::default()
        },
    )
    .await;
    let (id, csr) = uc.csr(0).await;
    let ca = Authority::new("Example");
    let leaf = ca.sign(&csr, 365);
    let plan = uc
        .fleet
        .plan(
            upload(&[&leaf, &ca.intermediate, &ca.root]),
            Targets::Csrs(vec![id]),
            Order::default(),
        )
        .await
        .expect("a plan");
    // The product carries the issuers to the two others, which are read.
    assert_eq!((plan.targets, plan.refused), (3, 0));
    assert!(
        plan.warnings
            .iter()
            .any(|warning| warning.code == "not_as_profile" && warning.consent),
        "{:?}",
        plan.warnings
    );
}

#[tokio::test]
async fn r33_an_nginx_takes_the_subject_of_the_profile_and_r18_another_one_with_consent() {
    let fleet = Fleet::new().await;
    let (agent, cluster, nodes) = fleet.servers(1).await;
    let tx = fleet.test.db.write(&fleet.org.owner).await.expect("a transaction");
    let wanted = |field: &str, value: &str| vec![(field.to_string(), value.to_string())];
    let new = NewProfile {
        name: "Web".into(),
        settings: vec![Setting {
            product: "server".into(),
            purpose: "nginx:".into(),
            subject: wanted("O", "Example"),
            ..Setting::default()
        }],
        ..NewProfile::default()
    };
    let made = profiles::create(&tx, new).await.expect("a profile");
    profiles::assign(&tx, &[cluster], Assignment::Own(made.id))
        .await
        .expect("it is given");
    tx.commit().await.expect("it is kept");
    let plan = async |subject: Vec<(String, String)>| {
        let options = CsrOptions {
            subject,
            ..csr_for("nginx:www.example.org")
        };
        fleet
            .plan(
                Action::GenerateCsr(options),
                Targets::Nodes(nodes.clone()),
                Order::default(),
            )
            .await
            .expect("a plan")
    };
    let other = plan(wanted("O", "Other")).await;
    assert_eq!(codes(&other), ["not_as_profile"]);
    for word in ["O=Example", "O=Other", "Web"] {
        assert!(
            other.warnings[0].message.contains(word),
            "{}",
            other.warnings[0].message
        );
    }
    let as_wanted = plan(Vec::new()).await;
    assert!(as_wanted.warnings.is_empty(), "{:?}", as_wanted.warnings);
    fleet.start(&as_wanted).await.expect("a job");
    let work = payload(&fleet.claim(agent, 1).await[0]);
    assert!(
        matches!(&work.steps[0], Step::GenerateCsr(spec) if spec.subject == wanted("O", "Example") && !spec.multi_server),
        "{:?}",
        work.steps[0]
    );
}
