//! What clutters trust stores, what was taken from them, and which certificates fail where nodes are clients.

use crate::fleet::{Ca, Fleet, identity_entry, inventory, noon, trust_entry};
use crate::machine::own_certificate;
use certyard_domain::inventory::{self as rooms, Cause, Clutter, ClutterFilter, InstallationFilter, KeptFilter};
use certyard_domain::plans::{self, Action, Order, Request, Targets};
use certyard_domain::{Error, Role, Scope};
use certyard_pki::Certificate;
use certyard_protocol::Served;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

async fn told(fleet: &Fleet, scope: &Scope, filter: &ClutterFilter) -> Vec<(String, Vec<&'static str>)> {
    let tx = fleet.test.db.read(scope).await.unwrap();
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = rooms::clutter(&tx, filter, after, 2).await.unwrap();
        for row in page.items {
            assert_eq!((row.clusters, row.nodes, row.installations), (1, 1, 1), "{row:?}");
            assert!(row.reasons.iter().all(|(_, message)| message.len() > 40), "{row:?}");
            let reasons = row.reasons.iter().map(|(reason, _)| reason.as_str()).collect();
            found.push((row.certificate.common_name, reasons));
        }
        after = page.next;
        if after.is_none() {
            found.sort();
            return found;
        }
    }
}

#[tokio::test]
async fn what_clutters_trust_stores_is_told_once_with_all_its_reasons() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let used = Ca::root("Used");
    let leaf = used.leaf("n1", 90);
    let trust = |store: &str, certificate: &Certificate| trust_entry(store, &certificate.sha256_hex(), certificate);
    let entries = vec![
        identity_entry("tomcat", &leaf, Served::Served),
        trust("tomcat-trust", &used.certificate),
        // The node's own copy of what it shows.
        trust("tomcat-trust", &leaf),
        trust("tomcat-trust", &Ca::root("Twin").certificate),
        trust("CallManager-trust", &own_certificate("Twin", 900)),
        trust("ipsec-trust", &own_certificate("Expired", -1)),
        trust("ipsec-trust", &own_certificate("Short", 900)),
        trust("ipsec-trust", &used.leaf("Broken", 900)),
    ];
    fleet.apply(node, &inventory("1", entries)).await;
    let rows = fleet.test.owner().await;
    for change in [
        "UPDATE certificate SET key_type = 'RSA', key_bits = 1024 WHERE common_name = 'Short'",
        "UPDATE certificate SET signature_algorithm = 'sha1WithRSAEncryption' WHERE common_name IN ('Broken', 'Used')",
    ] {
        rows.execute_unprepared(change).await.unwrap();
    }
    let all = told(&fleet, fleet.owner(), &ClutterFilter::default()).await;
    let expected: Vec<(String, Vec<&str>)> = [
        ("Broken", vec!["unused", "weak"]),
        ("Expired", vec!["expired", "unused"]),
        ("Short", vec!["unused", "weak"]),
        ("Twin", vec!["duplicate", "unused"]),
        ("Twin", vec!["unused"]),
    ]
    .map(|(name, reasons)| (name.to_string(), reasons))
    .to_vec();
    assert_eq!(all, expected);
    for (reasons, names) in [
        (vec![Clutter::Expired], vec!["Expired"]),
        (vec![Clutter::Duplicate], vec!["Twin"]),
        (
            vec![Clutter::Weak, Clutter::Expired],
            vec!["Broken", "Expired", "Short"],
        ),
    ] {
        let filter = ClutterFilter {
            reasons,
            ..ClutterFilter::default()
        };
        let found = told(&fleet, fleet.owner(), &filter).await;
        let found: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(found, names, "{filter:?}");
    }
    for (filter, count) in [
        (
            ClutterFilter {
                stores: vec!["ipsec-trust".into()],
                ..ClutterFilter::default()
            },
            3,
        ),
        (
            ClutterFilter {
                clusters: vec![Uuid::now_v7()],
                ..ClutterFilter::default()
            },
            0,
        ),
        (
            ClutterFilter {
                search: Some("shor".into()),
                product: Some("cucm".into()),
                ..ClutterFilter::default()
            },
            1,
        ),
    ] {
        assert_eq!(told(&fleet, fleet.owner(), &filter).await.len(), count, "{filter:?}");
    }
    // Another group sees nothing of it.
    let elsewhere = crate::fleet::group(&fleet.test, fleet.owner(), "Site 2").await;
    let bound = fleet.org.member(Role::Viewer, Some(vec![elsewhere]));
    assert!(told(&fleet, &bound, &ClutterFilter::default()).await.is_empty());
}

async fn kept(fleet: &Fleet, restored: bool) -> Vec<rooms::KeptRow> {
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let filter = KeptFilter {
        restored: Some(restored),
        ..KeptFilter::default()
    };
    let mut rows = rooms::kept(&tx, &filter, None, 50).await.unwrap().items;
    rows.sort_by(|a, b| a.kept.common_name.cmp(&b.kept.common_name));
    rows
}

#[tokio::test]
async fn r20_what_leaves_a_trust_store_is_kept_with_who_took_it_until_it_is_back() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let names = ["Deleted", "Renamed", "Replaced"];
    let [deleted, renamed, replaced] = names.map(|name| own_certificate(name, 900));
    let trust = |entry: &str, certificate: &Certificate| trust_entry("tomcat-trust", entry, certificate);
    let before = || vec![trust("a", &deleted), trust("b", &renamed), trust("c", &replaced)];
    fleet.apply(node, &inventory("1", before())).await;
    assert!(kept(&fleet, false).await.is_empty());

    let cause = |name: &str| Cause {
        job_id: Some(Uuid::from_u128(7)),
        actor_name: Some(name.into()),
    };
    let after = vec![trust("b2", &renamed), trust("c", &own_certificate("Successor", 900))];
    fleet.apply_for(node, &inventory("2", after), &cause("Ada")).await;
    let rows = kept(&fleet, false).await;
    let found: Vec<&str> = rows.iter().map(|row| row.kept.common_name.as_str()).collect();
    assert_eq!(found, ["Deleted", "Replaced"], "under another name it is there still");
    let row = &rows[0];
    assert_eq!(
        (row.kept.by_name.as_deref(), row.kept.job_id, row.kept.removed_at),
        (Some("Ada"), Some(Uuid::from_u128(7)), noon())
    );
    assert_eq!(
        (
            row.node_name.as_str(),
            row.cluster_name.as_str(),
            row.kept.store.as_str()
        ),
        ("n1", "alpha", "tomcat-trust")
    );
    assert_eq!(row.certificate.sha256, deleted.sha256_hex());

    // It is put back by one action that names it; this node has nobody to do it.
    let request = |action: Action| Request {
        action,
        targets: Targets::Kept(vec![row.kept.id]),
        order: Order::default(),
        override_reason: String::new(),
        aftercare_of: None,
        root_change: None,
    };
    let plan = plans::create(&fleet.test.db, fleet.owner(), request(Action::Restore))
        .await
        .unwrap();
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let target = plans::targets(&tx, plan.id, plans::StoredTargetFilter::default(), None, 10)
        .await
        .unwrap()
        .items
        .remove(0);
    drop(tx);
    assert_eq!(
        (target.purpose.as_str(), target.refusal_code.as_deref()),
        ("tomcat-trust", Some("no_agent"))
    );
    let refused = plans::create(&fleet.test.db, fleet.owner(), request(Action::Refresh)).await;
    assert!(
        matches!(&refused, Err(Error::Invalid(wrong)) if wrong[0].field == "quarantine"),
        "{refused:?}"
    );

    fleet.apply_for(node, &inventory("3", before()), &cause("Grace")).await;
    // The successor made way in its turn.
    let rows = kept(&fleet, false).await;
    let found: Vec<&str> = rows.iter().map(|row| row.kept.common_name.as_str()).collect();
    assert_eq!(found, ["Successor"]);
    let back = kept(&fleet, true).await;
    assert_eq!(back.len(), 2);
    assert!(
        back.iter()
            .all(|row| row.kept.restored_by_name.as_deref() == Some("Grace") && row.kept.restored_at == Some(noon())),
        "{back:?}"
    );
}

const SERVER_ONLY: &str = include_str!("public/server_only.pem");
const BOTH: &str = include_str!("public/both.pem");
const PRIVATE: &str = include_str!("public/private.pem");

#[tokio::test]
async fn a_certificate_of_a_public_ca_for_servers_only_is_told_where_its_node_is_a_client() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let [server_only, both, private] =
        [SERVER_ONLY, BOTH, PRIVATE].map(|pem| Certificate::from_pem(pem).expect("a certificate"));
    assert!(server_only.is_publicly_trusted() && both.is_publicly_trusted() && !private.is_publicly_trusted());
    for (name, entries) in [
        (
            "n1",
            vec![
                identity_entry("tomcat", &server_only, Served::Served),
                // CAPF shows its certificate to phones alone, by what is documented.
                identity_entry("CAPF", &server_only, Served::NotObservable),
                identity_entry("CallManager", &both, Served::NotObservable),
                identity_entry("ipsec", &private, Served::NotObservable),
            ],
        ),
        ("n2", vec![identity_entry("TVS", &server_only, Served::NotObservable)]),
    ] {
        let node = fleet.node(cluster, name).await.node.id;
        fleet.apply(node, &inventory(name, entries)).await;
    }
    let found = async |filter: InstallationFilter, after, limit| {
        let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
        rooms::server_only(&tx, &filter, after, limit).await.unwrap()
    };
    let page = found(InstallationFilter::default(), None, 50).await;
    let mut rows: Vec<(&str, &str)> = page
        .items
        .iter()
        .map(|row| (row.row.node_name.as_str(), row.row.installation.store.as_str()))
        .collect();
    rows.sort_unstable();
    assert_eq!(rows, [("n1", "tomcat"), ("n2", "TVS")]);
    assert_eq!(page.next, None);
    for row in &page.items {
        assert_eq!(
            (row.evidence, &row.extended_key_usage[..]),
            ("certain", &["serverAuth".to_string()][..])
        );
        assert!(row.message.contains("clientAuth"), "{}", row.message);
    }
    let first = found(InstallationFilter::default(), None, 1).await;
    let second = found(InstallationFilter::default(), first.next, 1).await;
    assert_ne!(first.items[0].row.installation.id, second.items[0].row.installation.id);
    let only = InstallationFilter {
        stores: vec!["TVS".into()],
        ..InstallationFilter::default()
    };
    assert_eq!(found(only, None, 50).await.items.len(), 1);
}
