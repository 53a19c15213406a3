//! Certificates for all nodes of a cluster that do not name every one of them.

use crate::fleet::*;
use certyard_domain::inventory::{self, InstallationFilter, InstallationRow, Sort, WarningCode};
use certyard_domain::nodes::{self, NodeChange};
use certyard_domain::{Scope, jobs};
use certyard_pki::{Certificate, Hash, Profile, San, Subject, self_signed};
use certyard_protocol::{NodeInventory, Served};
use chrono::TimeDelta;
use std::collections::HashMap;
use uuid::Uuid;

/// A certificate with these names, called so.
fn certificate(common_name: &str, names: &[&str]) -> Certificate {
    let profile = Profile {
        subject: Subject(vec![("CN".into(), common_name.into())]),
        sans: names.iter().map(|name| San::dns(*name)).collect(),
        ca: None,
        key_usage: vec!["digitalSignature"],
        extended_key_usage: Vec::new(),
        not_before: noon() - TimeDelta::days(1),
        not_after: noon() + TimeDelta::days(100),
        hash: Hash::Sha256,
    };
    self_signed(&key(), &profile).unwrap()
}

fn holds(digest: &str, entries: &[(&str, &Certificate)]) -> NodeInventory {
    let entries = entries
        .iter()
        .map(|(purpose, certificate)| identity_entry(purpose, certificate, Served::NotObservable))
        .collect();
    inventory(digest, entries)
}

async fn rows(fleet: &Fleet) -> Vec<InstallationRow> {
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    inventory::installations(&tx, &InstallationFilter::default(), Sort::NotAfter, None, 200)
        .await
        .unwrap()
        .items
}

/// Nodes that the certificate of a purpose on a node does not name.
async fn unnamed(fleet: &Fleet, node: Uuid, purpose: &str) -> Vec<String> {
    let mut found = rows(fleet).await;
    found.retain(|row| row.installation.node_id == node && row.installation.store == purpose);
    let warnings = found.remove(0).warnings;
    assert!(warnings.len() <= 1, "{warnings:?}");
    warnings
        .into_iter()
        .flat_map(|warning| {
            assert_eq!(warning.code, WarningCode::SanDrift);
            for node in &warning.nodes {
                assert!(warning.message().contains(node.as_str()), "{}", warning.message());
            }
            warning.nodes
        })
        .collect()
}

async fn counted(fleet: &Fleet, cluster: Uuid) -> Option<i64> {
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let found: HashMap<Uuid, i64> = inventory::drifted(&tx, &[cluster]).await.unwrap();
    found.get(&cluster).copied()
}

/// Has what is due compared, as the worker does.
async fn settle(fleet: &Fleet) {
    inventory::settle_due(&fleet.test.db).await.unwrap();
}

async fn rename(fleet: &Fleet, node: Uuid, name: &str) {
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let change = NodeChange {
        name: Some(name.into()),
        ..NodeChange::default()
    };
    jobs::update_node(&tx, node, None, change).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_node_that_comes_after_the_certificate_is_told_until_it_is_named_or_retired() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let first = fleet.node(cluster, "n1").await.node.id;
    let second = fleet.node(cluster, "n2").await.node.id;
    let shared = certificate("n1-ms.example.org", &["n1.example.org", "n2.example.org"]);
    for node in [first, second] {
        fleet.apply(node, &holds("1", &[("tomcat", &shared)])).await;
        assert!(unnamed(&fleet, node, "tomcat").await.is_empty());
    }
    assert_eq!(counted(&fleet, cluster).await, None);

    // It is told before the node was ever read.
    let third = fleet.node(cluster, "n3").await.node.id;
    settle(&fleet).await;
    for node in [first, second] {
        assert_eq!(unnamed(&fleet, node, "tomcat").await, ["n3"]);
    }
    assert_eq!(counted(&fleet, cluster).await, Some(2));
    // A certificate of its own is for itself, and is as it should be.
    let own = certificate("n3.example.org", &["n3.example.org"]);
    fleet.apply(third, &holds("1", &[("tomcat", &own)])).await;
    assert!(unnamed(&fleet, third, "tomcat").await.is_empty());
    assert_eq!(counted(&fleet, cluster).await, Some(2));

    rename(&fleet, third, "n2.example.org").await;
    settle(&fleet).await;
    assert_eq!(
        unnamed(&fleet, first, "tomcat").await,
        Vec::<String>::new(),
        "it is called by a name that is there"
    );
    rename(&fleet, third, "n4").await;
    settle(&fleet).await;
    assert_eq!(
        unnamed(&fleet, first, "tomcat").await,
        ["n4"],
        "n3.example.org, by which its own certificate calls it, is not there either"
    );

    let scope: &Scope = fleet.owner();
    jobs::retire_node(&fleet.test.db, scope, third, None).await.unwrap();
    assert!(unnamed(&fleet, first, "tomcat").await.is_empty());
    assert_eq!(counted(&fleet, cluster).await, None);
}

#[tokio::test]
async fn a_new_certificate_for_all_ends_it_and_one_node_alone_has_none() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let first = fleet.node(cluster, "n1").await.node.id;
    let second = fleet.node(cluster, "n2").await.node.id;
    let short = certificate("shared.example.org", &["n1.example.org"]);
    for node in [first, second] {
        fleet.apply(node, &holds("1", &[("tomcat", &short)])).await;
    }
    assert_eq!(unnamed(&fleet, first, "tomcat").await, ["n2"], "two nodes share it");
    let whole = certificate("shared.example.org", &["n1.example.org", "n2.example.org"]);
    for node in [first, second] {
        fleet.apply(node, &holds("2", &[("tomcat", &whole)])).await;
    }
    for node in [first, second] {
        assert!(unnamed(&fleet, node, "tomcat").await.is_empty());
    }
    for node in [first, second] {
        fleet.apply(node, &holds("3", &[("tomcat", &short)])).await;
    }
    assert_eq!(counted(&fleet, cluster).await, Some(2));
    jobs::retire_node(&fleet.test.db, fleet.owner(), first, None)
        .await
        .unwrap();
    assert!(unnamed(&fleet, second, "tomcat").await.is_empty());
    assert_eq!(counted(&fleet, cluster).await, None);
}

#[tokio::test]
async fn what_the_whole_cluster_has_anyway_and_what_is_for_one_node_is_no_drift() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let recovery = certificate("ITLRECOVERY_n1", &[]);
    let ipsec = certificate("n1.example.org", &["n1.example.org"]);
    let mut found = Vec::new();
    for name in ["n1", "n2"] {
        let node = fleet.node(cluster, name).await.node.id;
        fleet
            .apply(node, &holds("1", &[("ITLRecovery", &recovery), ("ipsec", &ipsec)]))
            .await;
        found.push(node);
    }
    settle(&fleet).await;
    for node in found {
        assert!(unnamed(&fleet, node, "ITLRecovery").await.is_empty());
        assert!(unnamed(&fleet, node, "ipsec").await.is_empty());
    }
    // A host whose own name ends as those of certificates for all do.
    let host = fleet.node(cluster, "lon-ms").await.node.id;
    let own = certificate("lon-ms.example.org", &["lon-ms.example.org"]);
    fleet.apply(host, &holds("1", &[("tomcat", &own)])).await;
    settle(&fleet).await;
    assert!(unnamed(&fleet, host, "tomcat").await.is_empty());
    assert_eq!(counted(&fleet, cluster).await, None);
}

#[tokio::test]
async fn a_node_is_known_by_its_own_certificates_and_its_address_as_well() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let shared = certificate("cm1-ms.example.org", &["cm1.example.org", "london-2"]);
    let own = certificate("cm1.example.org", &["cm1.example.org"]);
    let first = fleet.node(cluster, "publisher-in-london").await.node.id;
    let second = fleet.node(cluster, "subscriber-in-london").await.node.id;
    fleet
        .apply(first, &holds("1", &[("tomcat", &shared), ("ipsec", &own)]))
        .await;
    fleet.apply(second, &holds("1", &[("tomcat", &shared)])).await;
    assert_eq!(unnamed(&fleet, first, "tomcat").await, ["subscriber-in-london"]);
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let change = NodeChange {
        address: Some("london-2:8443".into()),
        ..NodeChange::default()
    };
    jobs::update_node(&tx, second, None, change).await.unwrap();
    tx.commit().await.unwrap();
    settle(&fleet).await;
    assert!(unnamed(&fleet, first, "tomcat").await.is_empty());
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    assert_eq!(nodes::get(&tx, second).await.unwrap().node.address, "london-2:8443");
}
