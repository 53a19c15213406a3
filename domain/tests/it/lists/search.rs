//! Search over names, serial numbers, fingerprints and nodes.

use crate::fleet::*;
use certyard_domain::certificates::{self, CertificateFilter};
use certyard_domain::clusters::{self, ClusterFilter};
use certyard_domain::inventory::{self, InstallationFilter, Sort, TrustFilter};
use certyard_domain::nodes::{self, NodeFilter};
use certyard_protocol::Served;
use uuid::Uuid;

/// Names that each list finds, in their order.
struct Found {
    installations: Vec<String>,
    in_cluster: Vec<String>,
    alerts: Vec<String>,
    certificates: Vec<String>,
    trust: Vec<String>,
}

async fn find(fleet: &Fleet, cluster: Uuid, text: &str) -> Found {
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let search = Some(text.to_string());
    let names = |rows: Vec<inventory::InstallationRow>| -> Vec<String> {
        let mut names: Vec<String> = rows.into_iter().map(|row| row.installation.common_name).collect();
        names.sort();
        names
    };
    let everywhere = InstallationFilter {
        search: search.clone(),
        ..Default::default()
    };
    let here = InstallationFilter {
        clusters: vec![cluster],
        ..everywhere.clone()
    };
    let sort = Sort::NotAfter;
    let installations = inventory::installations(&tx, &everywhere, sort, None, 200)
        .await
        .unwrap();
    let in_cluster = inventory::installations(&tx, &here, sort, None, 200).await.unwrap();
    let alerts = inventory::alerts(&tx, &everywhere, sort, None, 200).await.unwrap();
    let filter = CertificateFilter {
        search: search.clone(),
        ..Default::default()
    };
    let certificates = certificates::list(&tx, &filter, None, 200).await.unwrap();
    let mut certificates: Vec<String> = certificates.items.into_iter().map(|row| row.common_name).collect();
    certificates.sort();
    let filter = TrustFilter {
        search,
        ..Default::default()
    };
    let trust = inventory::trust(&tx, cluster, &filter, None, 200).await.unwrap();
    Found {
        installations: names(installations.items),
        in_cluster: names(in_cluster.items),
        alerts: names(alerts.items),
        certificates,
        trust: trust.items.into_iter().map(|row| row.certificate.common_name).collect(),
    }
}

#[tokio::test]
async fn r08_search_knows_names_serial_numbers_fingerprints_and_nodes() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let (first, second) = (
        fleet.node(cluster, "Pub-1").await.node.id,
        fleet.node(cluster, "sub-2").await.node.id,
    );
    let root = Ca::root("Root");
    let web = root.leaf_with("web.example.org", &["alias.example.net", "www.example.org"], 5);
    let phone = root.leaf_with("phone.example.org", &["phone.example.org"], 300);
    fleet
        .apply(
            first,
            &inventory(
                "1",
                vec![
                    identity_entry("tomcat", &web, Served::Served),
                    trust_entry("tomcat-trust", "root", &root.certificate),
                    trust_entry("tomcat-trust", "web", &web),
                ],
            ),
        )
        .await;
    fleet
        .apply(
            second,
            &inventory("1", vec![identity_entry("CallManager", &phone, Served::Served)]),
        )
        .await;
    let colons: String = web
        .sha256_hex()
        .to_uppercase()
        .as_bytes()
        .chunks(2)
        .map(|pair| String::from_utf8_lossy(pair).into_owned())
        .collect::<Vec<_>>()
        .join(":");
    let serial = web.serial_hex[..6].to_lowercase();
    // Common name, alternative name, begin of the serial number, begin and whole of the fingerprint as it is printed.
    for text in [
        "WEB.ex",
        "alias",
        ".NET",
        serial.as_str(),
        &colons[..17],
        colons.as_str(),
    ] {
        let found = find(&fleet, cluster, text).await;
        let twice = ["web.example.org", "web.example.org"];
        assert_eq!(found.installations, twice, "{text}");
        assert_eq!(found.in_cluster, twice, "{text}");
        assert_eq!(found.alerts, twice, "{text}");
        assert_eq!(found.certificates, ["web.example.org"], "{text}");
        assert_eq!(found.trust, ["web.example.org"], "{text}");
    }
    // The name of a node finds what it holds.
    let found = find(&fleet, cluster, "pub-").await;
    let held = ["Root", "web.example.org", "web.example.org"];
    assert_eq!(found.installations, held);
    assert_eq!(found.in_cluster, held);
    assert_eq!(found.alerts, held[1..]);
    assert_eq!(found.certificates, held[..2]);
    let found = find(&fleet, cluster, "sub-2").await;
    assert_eq!(found.certificates, ["phone.example.org"]);
    assert!(found.alerts.is_empty());
    // The end of a fingerprint is not its begin.
    let tail = &web.sha256_hex()[40..];
    let found = find(&fleet, cluster, tail).await;
    assert!(found.installations.is_empty() && found.certificates.is_empty() && found.in_cluster.is_empty());
    // Nothing that can be looked for is no search.
    assert_eq!(find(&fleet, cluster, " \u{0} ").await.installations.len(), 4);
}

#[tokio::test]
async fn r08_search_takes_the_signs_of_like_as_letters() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("100%_a\\b").await.cluster.id;
    fleet.cluster("plain").await;
    let node = fleet.node(cluster, "n_1").await.node.id;
    fleet.node(cluster, "nx1").await;
    let root = Ca::root("Root");
    let names = ["50% off", "a_b", "axb", "c\\d"];
    let entries = names
        .iter()
        .map(|name| trust_entry("tomcat-trust", name, &root.leaf_with(name, &[name], 5)))
        .collect();
    fleet.apply(node, &inventory("1", entries)).await;
    for (text, expected) in [
        ("%", vec!["50% off"]),
        ("0% o", vec!["50% off"]),
        ("a_b", vec!["a_b"]),
        ("_b", vec!["a_b"]),
        ("\\", vec!["c\\d"]),
        ("c\\d", vec!["c\\d"]),
        ("\\%", vec![]),
        ("'", vec![]),
    ] {
        let found = find(&fleet, cluster, text).await;
        assert_eq!(found.installations, expected, "{text}");
        assert_eq!(found.in_cluster, expected, "{text}");
        assert_eq!(found.alerts, expected, "{text}");
        assert_eq!(found.certificates, expected, "{text}");
        assert_eq!(found.trust, expected, "{text}");
    }
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    for (text, clusters_found, nodes_found) in [("%", 1, 0), ("_", 1, 1), ("\\", 1, 0), ("_1", 0, 1)] {
        let search = Some(text.to_string());
        let filter = ClusterFilter {
            search: search.clone(),
            ..Default::default()
        };
        let page = clusters::list(&tx, &filter, None, 50).await.unwrap();
        assert_eq!(page.items.len(), clusters_found, "{text}");
        let filter = NodeFilter {
            search,
            ..Default::default()
        };
        let page = nodes::list(&tx, &filter, None, 50).await.unwrap();
        assert_eq!(page.items.len(), nodes_found, "{text}");
    }
}

#[tokio::test]
async fn another_organisation_finds_nothing_by_search() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let leaf = Ca::root("Root").leaf("secret.example.org", 5);
    fleet
        .apply(node, &inventory("1", vec![trust_entry("tomcat-trust", "x", &leaf)]))
        .await;
    let strangers = fleet.test.org("South").await;
    for text in ["secret", &leaf.serial_hex, &leaf.sha256_hex(), "n1"] {
        let tx = fleet.test.db.read(&strangers.owner).await.unwrap();
        let filter = InstallationFilter {
            search: Some(text.into()),
            ..Default::default()
        };
        let page = inventory::installations(&tx, &filter, Sort::NotAfter, None, 50)
            .await
            .unwrap();
        assert!(page.items.is_empty(), "{text}");
        let filter = CertificateFilter {
            search: Some(text.into()),
            ..Default::default()
        };
        let page = certificates::list(&tx, &filter, None, 50).await.unwrap();
        assert!(page.items.is_empty(), "{text}");
    }
}
