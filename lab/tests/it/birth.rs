//! What a fleet is born with.

use crate::support::{Client, options, start};
use certyard_lab::{Lab, LabOptions};
use certyard_pki::Certificate;
use chrono::{Duration, Utc};
use serde_json::Value;
use std::collections::BTreeSet;

/// Every identity certificate of a lab.
async fn identities(lab: &Lab) -> Vec<(String, String, Certificate)> {
    let mut all = Vec::new();
    for node in lab.nodes() {
        let (_, snapshot) = Client::new(node.clone()).get("/snapshot/server").await;
        for item in snapshot["identities"].as_array().unwrap() {
            if let Some(pem) = item["certificate"].as_str().filter(|pem| !pem.is_empty()) {
                let service = item["service"].as_str().unwrap().to_owned();
                all.push((node.name.clone(), service, Certificate::from_pem(pem).unwrap()));
            }
        }
    }
    all
}

#[tokio::test]
async fn the_smallest_fleet_shows_every_state_of_a_certificate() {
    let (_dir, lab) = start(3).await;
    let now = Utc::now();
    let all = identities(&lab).await;
    let ends = |from: i64, to: i64| {
        all.iter().filter(move |(.., certificate)| {
            let left = certificate.not_after - now;
            left > Duration::days(from) && left <= Duration::days(to)
        })
    };
    assert!(ends(-10_000, 0).count() > 0, "expired");
    assert!(ends(0, 7).count() > 0, "this week");
    assert!(ends(7, 30).count() > 0, "this month");
    assert!(ends(30, 90).count() > 0, "this quarter");
    assert!(ends(90, 10_000).count() > all.len() / 2, "most are valid");
    let signed = all
        .iter()
        .filter(|(.., certificate)| !certificate.is_self_signed())
        .count();
    assert!(signed > 0 && signed < all.len());
    assert!(
        all.iter().any(|(.., certificate)| certificate.sans.len() > 2),
        "one for several servers"
    );
    let ec = all
        .iter()
        .filter(|(.., certificate)| certificate.key.key_type == "EC")
        .count();
    assert!(ec > 0 && ec < all.len());
    // The story of a newcomer: one is urgent, one is due, one can wait.
    let tomcat: Vec<_> = all
        .iter()
        .filter(|(_, service, _)| service == "tomcat")
        .take(3)
        .collect();
    let left: Vec<_> = tomcat
        .iter()
        .map(|(.., certificate)| (certificate.not_after - now).num_days())
        .collect();
    assert!(left[0] < 7 && (7..30).contains(&left[1]) && left[2] > 90, "{left:?}");
}

#[tokio::test]
async fn every_certificate_is_readable_and_its_issuer_is_trusted_where_a_ca_signed_it() {
    let (_dir, lab) = start(3).await;
    for node in lab.nodes() {
        let (_, snapshot) = Client::new(node).get("/snapshot/server").await;
        let trusted: BTreeSet<Vec<u8>> = snapshot["trusts"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|store| store["certificate_data"].as_array().unwrap())
            .map(|file: &Value| {
                Certificate::from_pem(file["certificate"].as_str().unwrap())
                    .unwrap()
                    .subject_der
            })
            .collect();
        for item in snapshot["identities"].as_array().unwrap() {
            let Some(pem) = item["certificate"].as_str().filter(|pem| !pem.is_empty()) else {
                continue;
            };
            let certificate = Certificate::from_pem(pem).unwrap();
            assert_eq!(certificate.warnings, Vec::<String>::new());
            assert!(certificate.is_self_signed() || trusted.contains(&certificate.issuer_der));
        }
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_fleet_and_another_seed_another() {
    let mut fleets = Vec::new();
    for seed in [5, 5, 6] {
        let dir = tempfile::tempdir().unwrap();
        let lab = Lab::start(LabOptions {
            seed,
            ..options(dir.path(), 2)
        })
        .await
        .unwrap();
        let now = Utc::now();
        let describe = |(node, service, certificate): (String, String, Certificate)| {
            let left = (certificate.not_after - now + Duration::hours(1)).num_days();
            (node, service, certificate.subject, left)
        };
        fleets.push(identities(&lab).await.into_iter().map(describe).collect::<Vec<_>>());
    }
    assert_eq!(
        fleets[0].iter().map(|item| &item.2).collect::<Vec<_>>(),
        fleets[1].iter().map(|item| &item.2).collect::<Vec<_>>()
    );
    let differing = fleets[0]
        .iter()
        .zip(&fleets[1])
        .filter(|(first, second)| (first.3 - second.3).abs() > 1)
        .count();
    assert_eq!(differing, 0);
    assert_ne!(fleets[0], fleets[2]);
}
