//! Plans that make certificates as their profiles want them.

use super::{Uc, targets};
use crate::machine::{Authority, own_certificate, request};
use certyard_domain::plans::{self, Fix, FixRequest, Order};
use certyard_domain::profiles::{self, Assignment, NewProfile, Setting, Signing};
use certyard_domain::{Error, Role, inventory};
use certyard_protocol::ConnectorKind;
use uuid::Uuid;

async fn mended(uc: &Uc, request: FixRequest) -> Fix {
    plans::fix(&uc.fleet.test.db, &uc.fleet.org.owner, request)
        .await
        .expect("plans")
}

async fn want_all(uc: &Uc, settings: Vec<Setting>) {
    let tx = uc
        .fleet
        .test
        .db
        .write(&uc.fleet.org.owner)
        .await
        .expect("a transaction");
    let new = NewProfile {
        name: "Campus".into(),
        settings,
        ..NewProfile::default()
    };
    let made = profiles::create(&tx, new).await.expect("a profile");
    profiles::assign(&tx, &[uc.cluster], Assignment::Own(made.id))
        .await
        .expect("it is given");
    inventory::settle_compliance(&tx).await.expect("it is compared");
    tx.commit().await.expect("it is kept");
}

fn setting(purpose: &str, signing: Option<Signing>) -> Setting {
    Setting {
        product: "cucm".into(),
        purpose: purpose.into(),
        signing,
        ..Setting::default()
    }
}

/// One difference of each kind.
async fn apart() -> Uc {
    let uc = Uc::new().await;
    let signed = Authority::new("Example").sign(&request("node-0.example.org"), 365);
    for (purpose, certificate) in [
        ("ipsec", &signed),
        ("CallManager", &own_certificate("calls.example.org", 100)),
        ("TVS", &own_certificate("tvs.example.org", 100)),
        ("CAPF", &own_certificate("capf.example.org", 100)),
    ] {
        let id = uc
            .fleet
            .install(uc.cluster, uc.nodes[0], "identity", purpose, certificate)
            .await;
        uc.fleet.set("installation", id, "product", "cucm").await;
    }
    uc.csr(2).await;
    let settings = vec![
        setting("tomcat", Some(Signing::CaSigned)),
        setting("ipsec", Some(Signing::SelfSigned)),
        Setting {
            use_tomcat: true,
            ..setting("CallManager", None)
        },
        Setting {
            validity_years: Some(20),
            ..setting("TVS", Some(Signing::SelfSigned))
        },
        Setting {
            key_type: Some("RSA".into()),
            ..setting("CAPF", None)
        },
    ];
    want_all(&uc, settings).await;
    uc
}

#[tokio::test]
async fn r18_each_difference_is_mended_by_the_way_that_the_profile_wants_or_told_with_the_reason() {
    let uc = apart().await;
    let fix = mended(&uc, FixRequest::default()).await;
    let made: Vec<(&str, i64, i64)> = fix
        .plans
        .iter()
        .map(|plan| (plan.action.as_str(), plan.targets, plan.refused))
        .collect();
    assert_eq!(made, [("renew", 1, 0), ("generate_csr", 2, 0)]);
    let renewed = targets(&uc.fleet, &fix.plans[0]).await.remove(0);
    assert_eq!((renewed.purpose.as_str(), renewed.node_id), ("ipsec", uc.nodes[0]));
    let mut left: Vec<(&str, &str)> = fix.left.iter().map(|left| (left.purpose.as_str(), left.code)).collect();
    left.sort_unstable();
    assert_eq!(
        left,
        [
            ("CAPF", "way_open"),
            ("CallManager", "after_another"),
            ("TVS", "chosen_by_node"),
            ("tomcat", "csr_open")
        ]
    );
    assert_eq!(fix.left_count, 4);
    for left in &fix.left {
        assert!(
            left.message.chars().count() > 40 && !left.message.ends_with('.'),
            "{left:?}"
        );
        assert_eq!((left.cluster_id, left.cluster_name.as_str()), (uc.cluster, "campus"));
    }
    for plan in &fix.plans {
        uc.fleet.start(plan).await.expect("one plan leaves the other as it is");
    }
    // By itself it is planned; what the plan refuses it tells, as any plan does.
    let calls = FixRequest {
        purposes: vec!["CallManager".into()],
        ..FixRequest::default()
    };
    let fix = mended(&uc, calls).await;
    assert_eq!(fix.plans[0].action, "reuse_tomcat");
    let refused = targets(&uc.fleet, &fix.plans[0]).await.remove(0);
    assert_eq!(refused.refusal_code.as_deref(), Some("source_not_multi_server"));
}

#[tokio::test]
async fn what_cannot_be_mended_is_counted_and_the_first_of_it_told() {
    let uc = Uc::new().await;
    for (index, node) in uc.nodes.iter().enumerate() {
        uc.fleet.set("node", *node, "name", format!("first-{index}")).await;
    }
    let nodes = uc
        .fleet
        .nodes(uc.cluster, ConnectorKind::CiscoUc, 205, uc.agent, None)
        .await;
    let own = own_certificate("same.example.org", 100);
    for node in nodes {
        uc.fleet.install(uc.cluster, node, "identity", "TVS", &own).await;
    }
    let twenty = Setting {
        validity_years: Some(20),
        ..setting("TVS", Some(Signing::SelfSigned))
    };
    want_all(&uc, vec![twenty]).await;
    let fix = mended(&uc, FixRequest::default()).await;
    assert_eq!((fix.plans.len(), fix.left.len(), fix.left_count), (0, 200, 205));
}

#[tokio::test]
async fn a_fix_is_of_what_was_named_and_nothing_where_nothing_differs() {
    let uc = apart().await;
    let of = |purposes: &[&str]| FixRequest {
        clusters: vec![uc.cluster],
        purposes: purposes.iter().map(ToString::to_string).collect(),
        order: Order {
            max_parallel: 1,
            ..Order::default()
        },
        ..FixRequest::default()
    };
    let fix = mended(&uc, of(&["ipsec"])).await;
    assert_eq!((fix.plans.len(), fix.left.len()), (1, 0));
    assert_eq!(fix.plans[0].request.order.max_parallel, 1);
    let other = FixRequest {
        products: vec!["imp".into()],
        ..FixRequest::default()
    };
    let none = mended(&uc, other).await;
    assert_eq!((none.plans.len(), none.left.len()), (0, 0));
    let unknown = FixRequest {
        clusters: vec![Uuid::now_v7()],
        ..FixRequest::default()
    };
    let error = plans::fix(&uc.fleet.test.db, &uc.fleet.org.owner, unknown).await;
    assert!(matches!(error, Err(Error::NotFound { .. })), "{error:?}");
    let viewer = uc.fleet.org.member(Role::Viewer, None);
    let error = plans::fix(&uc.fleet.test.db, &viewer, FixRequest::default()).await;
    assert!(matches!(error, Err(Error::Forbidden { .. })), "{error:?}");
}
