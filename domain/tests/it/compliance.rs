//! Compliance: installed certificates beside what their cluster's profile wants.

use crate::fleet::*;
use crate::profiles::{assign, profile, self_signed, setting};
use certyard_domain::clusters::{self, ClusterChange};
use certyard_domain::inventory::{self, ComplianceRow, InstallationFilter, InstallationRow, RuleCount, Sort};
use certyard_domain::profiles::{self, Assignment, Difference, Field, ProfileChange, Setting, Signing};
use certyard_pki::Certificate;
use certyard_protocol::Served;
use uuid::Uuid;

async fn listed(fleet: &Fleet, compliant: Option<bool>) -> Vec<InstallationRow> {
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let filter = InstallationFilter {
        compliant,
        ..Default::default()
    };
    inventory::installations(&tx, &filter, Sort::NotAfter, None, 200)
        .await
        .unwrap()
        .items
}

/// The differences of the identity certificate of a purpose on a node.
async fn differences(fleet: &Fleet, node: Uuid, purpose: &str) -> Vec<Difference> {
    let mut rows = listed(fleet, None).await;
    rows.retain(|row| row.installation.node_id == node && row.installation.store == purpose);
    rows.remove(0).differences
}

fn fields(differences: &[Difference]) -> Vec<Field> {
    differences.iter().map(|difference| difference.field).collect()
}

async fn matrix(fleet: &Fleet, compliant: Option<bool>) -> Vec<ComplianceRow> {
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let all = clusters::ClusterFilter::default();
    inventory::compliance(&tx, &all, compliant, None, 200)
        .await
        .unwrap()
        .items
}

async fn settle(fleet: &Fleet) -> u64 {
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let settled = inventory::settle_compliance(&tx).await.unwrap();
    tx.commit().await.unwrap();
    settled
}

/// A profile with one setting, given to a cluster, whose certificates are compared.
async fn give(fleet: &Fleet, cluster: Uuid, setting: Setting) -> Uuid {
    let made = profile(fleet, &Uuid::now_v7().to_string(), vec![setting]).await;
    assign(fleet, &[cluster], Assignment::Own(made.id)).await.unwrap();
    assert_eq!(settle(fleet).await, 1);
    made.id
}

fn holds(digest: &str, entries: &[(&str, &Certificate)]) -> certyard_protocol::NodeInventory {
    let entries = entries
        .iter()
        .map(|(purpose, certificate)| identity_entry(purpose, certificate, Served::NotObservable))
        .collect();
    inventory(digest, entries)
}

fn count(compared: i64, different: i64) -> RuleCount {
    RuleCount { compared, different }
}

#[tokio::test]
async fn r27_what_differs_is_told_field_by_field_and_counted_by_rule() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let own = Ca::root("n1");
    fleet.apply(node, &holds("1", &[("tomcat", &own.certificate)])).await;
    assert!(
        differences(&fleet, node, "tomcat").await.is_empty(),
        "nothing is wanted"
    );
    let wanted = Setting {
        signing: Some(Signing::CaSigned),
        key_type: Some("RSA".into()),
        ..setting("cucm", "tomcat")
    };
    let given = give(&fleet, cluster, wanted.clone()).await;
    let found = differences(&fleet, node, "tomcat").await;
    assert_eq!(fields(&found), [Field::Signing, Field::KeyType]);
    assert_eq!(
        (found[0].wanted.as_str(), found[0].installed.as_str()),
        ("ca_signed", "self_signed")
    );
    let row = listed(&fleet, Some(false)).await.remove(0);
    assert_eq!(row.installation.wanted.as_deref(), Some("ca_signed"));
    assert!(listed(&fleet, Some(true)).await.is_empty());
    let row = matrix(&fleet, Some(false)).await.remove(0);
    assert_eq!(row.certificates, count(1, 1));
    assert_eq!(
        row.rules,
        [(Field::Signing, count(1, 1)), (Field::KeyType, count(1, 1))]
    );
    assert!(!row.is_due);

    // Another certificate is compared with the report itself.
    let leaf = Ca::root("Root").leaf("n1", 100);
    fleet.apply(node, &holds("2", &[("tomcat", &leaf)])).await;
    assert_eq!(fields(&differences(&fleet, node, "tomcat").await), [Field::KeyType]);
    assert_eq!(
        matrix(&fleet, None).await.remove(0).rules,
        [(Field::Signing, count(1, 0)), (Field::KeyType, count(1, 1))]
    );

    // An edit of the profile.
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let change = ProfileChange {
        settings: Some(vec![Setting {
            key_type: None,
            ..wanted
        }]),
        ..ProfileChange::default()
    };
    profiles::update(&tx, given, None, change).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matrix(&fleet, None).await.remove(0).is_due);
    settle(&fleet).await;
    assert!(listed(&fleet, Some(false)).await.is_empty());
    assert_eq!(listed(&fleet, Some(true)).await.len(), 1);
    assert!(matrix(&fleet, Some(false)).await.is_empty());

    // A profile that ends leaves nothing behind.
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    profiles::retire(&tx, given, None, true).await.unwrap();
    inventory::settle_compliance(&tx).await.unwrap();
    tx.commit().await.unwrap();
    let row = matrix(&fleet, None).await.remove(0);
    assert_eq!((row.certificates, row.rules.len()), (count(0, 0), 0));
    assert_eq!(listed(&fleet, None).await.remove(0).installation.wanted, None);
}

#[tokio::test]
async fn r12_a_purpose_that_uses_tomcat_has_the_certificate_of_tomcat() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let root = Ca::root("Root");
    let (web, calls) = (root.leaf("n1", 100), root.leaf("n1", 200));
    fleet
        .apply(node, &holds("1", &[("tomcat", &web), ("CallManager", &calls)]))
        .await;
    let reuse = Setting {
        use_tomcat: true,
        ..setting("cucm", "CallManager")
    };
    give(&fleet, cluster, reuse).await;
    assert_eq!(
        fields(&differences(&fleet, node, "CallManager").await),
        [Field::UseTomcat]
    );
    fleet
        .apply(node, &holds("2", &[("tomcat", &web), ("CallManager", &web)]))
        .await;
    assert!(differences(&fleet, node, "CallManager").await.is_empty());
}

#[tokio::test]
async fn r38_another_version_of_the_cluster_wants_another_validity() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    // 4,050 days.
    let own = Ca::root("n1");
    fleet.apply(node, &holds("1", &[("tomcat", &own.certificate)])).await;
    give(&fleet, cluster, self_signed("cucm", "tomcat", 11)).await;
    assert!(differences(&fleet, node, "tomcat").await.is_empty());
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let change = ClusterChange {
        product_version: Some("12.5".into()),
        ..ClusterChange::default()
    };
    clusters::update(&tx, cluster, None, change).await.unwrap();
    assert_eq!(inventory::settle_compliance(&tx).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let found = differences(&fleet, node, "tomcat").await;
    assert_eq!(fields(&found), [Field::ValidityYears]);
    assert_eq!((found[0].wanted.as_str(), found[0].installed.as_str()), ("5", "11"));
}

#[tokio::test]
async fn several_nodes_tell_whether_a_certificate_is_for_all_of_them() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let first = fleet.node(cluster, "n1").await.node.id;
    let root = Ca::root("Root");
    let shared = root.leaf("n1", 100);
    let wanted = Setting {
        multi_server: Some(true),
        ..setting("cucm", "tomcat")
    };
    give(&fleet, cluster, wanted).await;
    fleet.apply(first, &holds("1", &[("tomcat", &shared)])).await;
    assert!(
        differences(&fleet, first, "tomcat").await.is_empty(),
        "one node tells nothing"
    );
    let second = fleet.node(cluster, "n2").await.node.id;
    fleet
        .apply(second, &holds("1", &[("tomcat", &root.leaf("n2", 100))]))
        .await;
    for node in [first, second] {
        assert_eq!(fields(&differences(&fleet, node, "tomcat").await), [Field::MultiServer]);
    }
    fleet.apply(second, &holds("2", &[("tomcat", &shared)])).await;
    for node in [first, second] {
        assert!(differences(&fleet, node, "tomcat").await.is_empty());
    }
    let named = root.leaf("n1-ms.example.org", 100);
    fleet.apply(second, &holds("3", &[("tomcat", &named)])).await;
    assert!(
        differences(&fleet, second, "tomcat").await.is_empty(),
        "its name says so"
    );
    assert_eq!(
        fields(&differences(&fleet, first, "tomcat").await),
        [Field::MultiServer]
    );
}

#[tokio::test]
async fn the_worker_compares_what_one_request_leaves() {
    let fleet = Fleet::new().await;
    for index in 0..55 {
        fleet.cluster(&format!("cluster {index}")).await;
    }
    let made = profile(&fleet, "Wanted", vec![setting("cucm", "tomcat")]).await;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    profiles::set_default(&tx, made.id).await.unwrap();
    let at_once = inventory::settle_compliance(&tx).await.unwrap();
    tx.commit().await.unwrap();
    assert!((1..55).contains(&at_once), "{at_once}");
    assert_eq!(inventory::settle_due(&fleet.test.db).await.unwrap(), 55 - at_once);
    assert_eq!(inventory::settle_due(&fleet.test.db).await.unwrap(), 0);
    assert!(matrix(&fleet, None).await.iter().all(|row| !row.is_due));
}
