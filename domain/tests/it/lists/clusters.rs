//! Clusters by profile (R24), and who holds a certificate (R29).

use crate::fleet::*;
use crate::profiles::{assign, profile};
use certyard_domain::clusters::{self, ClusterFilter};
use certyard_domain::inventory::{self, Holder};
use certyard_domain::profiles::{self, Assignment, BUILT_IN, ProfileChange};
use certyard_domain::{Error, Role};
use certyard_protocol::{Served, StoreKind};
use uuid::Uuid;

async fn having(fleet: &Fleet, profiles: &[Uuid]) -> Vec<String> {
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let filter = ClusterFilter {
        profiles: profiles.into(),
        ..Default::default()
    };
    let page = clusters::list(&tx, &filter, None, 50).await.unwrap();
    let matrix = inventory::compliance(&tx, &filter, None, None, 50).await.unwrap();
    let names: Vec<String> = page.items.into_iter().map(|row| row.cluster.name).collect();
    let same: Vec<String> = matrix.items.into_iter().map(|row| row.cluster.name).collect();
    assert_eq!(names, same, "the matrix filters alike");
    names
}

#[tokio::test]
async fn r24_clusters_are_found_by_their_profile_own_or_default() {
    let fleet = Fleet::new().await;
    let mut ids = Vec::new();
    for name in ["a-follows", "b-own", "c-own-built-in"] {
        ids.push(fleet.cluster(name).await.cluster.id);
    }
    let campus = profile(&fleet, "Campus", Vec::new()).await.id;
    let branch = profile(&fleet, "Branch", Vec::new()).await.id;
    assign(&fleet, &[ids[1]], Assignment::Own(campus)).await.unwrap();
    assign(&fleet, &[ids[2]], Assignment::Own(BUILT_IN)).await.unwrap();
    assert_eq!(having(&fleet, &[]).await.len(), 3);
    assert_eq!(having(&fleet, &[campus]).await, ["b-own"]);
    assert!(having(&fleet, &[branch]).await.is_empty());
    assert_eq!(having(&fleet, &[BUILT_IN]).await, ["a-follows", "c-own-built-in"]);
    assert_eq!(having(&fleet, &[BUILT_IN, campus]).await.len(), 3);
    // Another default takes its followers along, and nobody else.
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let change = ProfileChange {
        is_default: Some(true),
        ..Default::default()
    };
    profiles::update(&tx, branch, None, change).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(having(&fleet, &[branch]).await, ["a-follows"]);
    assert_eq!(having(&fleet, &[BUILT_IN]).await, ["c-own-built-in"]);
    assert_eq!(having(&fleet, &[campus, branch]).await, ["a-follows", "b-own"]);
}

#[tokio::test]
async fn r29_all_clusters_that_hold_a_certificate_are_told_with_counts() {
    let fleet = Fleet::new().await;
    let south = group(&fleet.test, fleet.owner(), "South").await;
    let root = Ca::root("Root");
    let other = root.leaf("other", 10);
    let mut clusters = Vec::new();
    for (name, group) in [("alpha", fleet.group), ("beta", fleet.group), ("gamma", south)] {
        let cluster = cluster(&fleet.test, fleet.owner(), group, name).await.cluster.id;
        for node in 0..2 {
            let node = fleet.node(cluster, &format!("{name}-{node}")).await.node.id;
            let mut entries = vec![trust_entry("ipsec-trust", "other", &other)];
            if name != "beta" {
                entries.push(trust_entry("tomcat-trust", "root", &root.certificate));
                entries.push(trust_entry("CallManager-trust", "root", &root.certificate));
            }
            if name == "gamma" {
                entries.push(identity_entry("tomcat", &root.certificate, Served::Served));
            }
            fleet.apply(node, &inventory("1", entries)).await;
        }
        clusters.push(cluster);
    }
    let owner = fleet.owner().clone();
    let id = {
        let tx = fleet.test.db.read(&owner).await.unwrap();
        let page = inventory::trust(&tx, clusters[0], &Default::default(), None, 50)
            .await
            .unwrap();
        let found = page.items.iter().find(|row| row.certificate.common_name == "Root");
        found.unwrap().certificate.id
    };
    let told = |rows: &[Holder]| -> Vec<(String, i64, i64, i64, String)> {
        let row = |row: &Holder| {
            (
                row.cluster.name.clone(),
                row.nodes,
                row.identity,
                row.trust,
                row.stores.join(" "),
            )
        };
        rows.iter().map(row).collect()
    };
    let trusted = "CallManager-trust tomcat-trust";
    let alpha = ("alpha".to_string(), 2, 0, 4, trusted.to_string());
    let gamma = (
        "gamma".to_string(),
        2,
        2,
        4,
        format!("CallManager-trust tomcat {}", "tomcat-trust"),
    );
    let tx = fleet.test.db.read(&owner).await.unwrap();
    let all = inventory::holders(&tx, id, None, None, 50).await.unwrap();
    assert_eq!(told(&all.items), [alpha.clone(), gamma.clone()]);
    // Page after page.
    let first = inventory::holders(&tx, id, None, None, 1).await.unwrap();
    let second = inventory::holders(&tx, id, None, first.next, 1).await.unwrap();
    assert_eq!(told(&first.items), std::slice::from_ref(&alpha));
    assert_eq!(told(&second.items), [gamma]);
    assert!(second.next.is_none());
    // By kind.
    let identity = inventory::holders(&tx, id, Some(StoreKind::Identity), None, 50)
        .await
        .unwrap();
    assert_eq!(told(&identity.items), [("gamma".into(), 2, 2, 0, "tomcat".into())]);
    let trust = inventory::holders(&tx, id, Some(StoreKind::Trust), None, 50)
        .await
        .unwrap();
    assert_eq!(
        told(&trust.items),
        [alpha.clone(), ("gamma".into(), 2, 0, 4, trusted.into())]
    );
    // Somebody who is bound to a group sees its clusters only, and of what is elsewhere not even that it is.
    let bound = fleet.org.member(Role::Viewer, Some(vec![fleet.group]));
    let tx = fleet.test.db.read(&bound).await.unwrap();
    let seen = inventory::holders(&tx, id, None, None, 50).await.unwrap();
    assert_eq!(told(&seen.items), [alpha]);
    let unknown = inventory::holders(&tx, Uuid::now_v7(), None, None, 50).await;
    assert!(matches!(unknown, Err(Error::NotFound { .. })), "{unknown:?}");
    let nowhere = fleet.org.member(Role::Viewer, Some(vec![Uuid::now_v7()]));
    let tx = fleet.test.db.read(&nowhere).await.unwrap();
    let hidden = inventory::holders(&tx, id, None, None, 50).await;
    assert!(matches!(hidden, Err(Error::NotFound { .. })), "{hidden:?}");
}
