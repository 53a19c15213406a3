//! Certificates: taken whole or not at all, known once.

use crate::fleet::*;
use certyard_domain::certificates::{self, CertificateFilter, Format, Outcome, Rows};
use certyard_domain::{Error, Role};
use std::sync::Arc;

#[tokio::test]
async fn an_import_stores_each_certificate_once_and_says_which_are_new() {
    let fleet = Fleet::new().await;
    let root = Ca::root("Root");
    let leaf = root.leaf("www.example.org", 90);
    let first = leaf.to_pem();
    let both = format!("{}{}{}", leaf.to_pem(), root.certificate.to_pem(), leaf.to_pem());
    let import = async |text: String| {
        let done = certificates::import(&fleet.test.db, fleet.owner(), text.into_bytes())
            .await
            .unwrap();
        done.certificates
            .into_iter()
            .map(|one| (one.stored.id, one.stored.new))
            .collect::<Vec<_>>()
    };
    let one = import(first).await;
    assert!(one[0].1);
    let two = import(both).await;
    assert_eq!(two[0], (one[0].0, false));
    assert!(two[1].1);
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let stored = certificates::der(&tx, one[0].0).await.unwrap();
    assert_eq!(stored.der, leaf.der, "bytes are kept as received");
    assert_eq!(stored.to_pem(), leaf.to_pem());
    assert_eq!(stored.row.common_name, "www.example.org");
    assert_eq!(
        stored.row.details["sans"],
        serde_json::json!([["dns", "www.example.org"]])
    );
    assert_eq!(stored.row.details["key"]["type"], "EC");
    assert_eq!(stored.row.source, "import");
    assert_eq!(stored.row.sha256, leaf.sha256_hex());
    drop(tx);
    let log = audited(&fleet.test, fleet.owner()).await;
    assert_eq!(log.iter().filter(|action| *action == "certificate.import").count(), 2);
}

#[tokio::test]
async fn a_file_with_a_key_is_refused_whole() {
    let fleet = Fleet::new().await;
    let root = Ca::root("Root");
    let text = format!("{}{}", root.certificate.to_pem(), key().to_pkcs8_pem().as_str());
    let refused = certificates::import(&fleet.test.db, fleet.owner(), text.clone().into_bytes()).await;
    assert!(
        matches!(&refused, Err(Error::Invalid(fields)) if fields[0].code == "private_key"),
        "{refused:?}"
    );
    let refused = certificates::inspect(text.into_bytes()).await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let page = certificates::list(&tx, &CertificateFilter::default(), None, 50)
        .await
        .unwrap();
    assert!(page.items.is_empty());
    drop(tx);
    let viewer = fleet.org.member(Role::Viewer, None);
    let pem = root.certificate.to_pem().into_bytes();
    let refused = certificates::import(&fleet.test.db, &viewer, pem).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
}

#[tokio::test]
async fn a_bulk_import_gives_a_verdict_for_each_row() {
    let fleet = Fleet::new().await;
    let root = Ca::root("Root");
    let (a, b) = (root.leaf("a", 1), root.leaf("b", 2));
    let text = format!(
        "{}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{}{}{}",
        a.to_pem(),
        b.to_pem(),
        a.to_pem(),
        key().to_pkcs8_pem().as_str()
    );
    let mut rows = Rows::new(Format::Pem);
    let mut raw = rows.push(text.as_bytes()).unwrap();
    raw.extend(rows.finish());
    let read = certificates::read_rows(Format::Pem, raw).await.unwrap();
    let verdicts = certificates::bulk(&fleet.test.db, fleet.owner(), read).await.unwrap();
    let told: Vec<(u64, &str)> = verdicts
        .iter()
        .map(|verdict| {
            let what = match &verdict.outcome {
                Outcome::New { .. } => "new",
                Outcome::Known { .. } => "known",
                Outcome::Refused { code, .. } => code,
            };
            (verdict.row, what)
        })
        .collect();
    assert_eq!(told[0], (1, "new"));
    assert_eq!(told[1], (2, "trailing_bytes"));
    assert_eq!(told[2..], [(3, "new"), (4, "known"), (5, "private_key")]);
    let line = serde_json::json!({ "pem": b.to_pem() }).to_string();
    let rows = format!("{line}\n{{\"der\": \"!\"}}\nnothing\n{{}}\n");
    let mut cutter = Rows::new(Format::Ndjson);
    let raw = cutter.push(rows.as_bytes()).unwrap();
    let read = certificates::read_rows(Format::Ndjson, raw).await.unwrap();
    let verdicts = certificates::bulk(&fleet.test.db, fleet.owner(), read).await.unwrap();
    assert!(matches!(verdicts[0].outcome, Outcome::Known { .. }));
    let codes: Vec<&str> = verdicts[1..]
        .iter()
        .filter_map(|verdict| match &verdict.outcome {
            Outcome::Refused { code, .. } => Some(*code),
            Outcome::New { .. } | Outcome::Known { .. } => None,
        })
        .collect();
    assert_eq!(codes, ["broken_base64", "broken_json", "malformed_row"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_of_the_same_certificates_at_once_store_each_once() {
    let fleet = Arc::new(Fleet::new().await);
    let root = Ca::root("Root");
    let all: Vec<String> = (0..20)
        .map(|index| root.leaf(&format!("n{index}"), 30).to_pem())
        .collect();
    let racers: Vec<_> = (0..8)
        .map(|racer| {
            let fleet = fleet.clone();
            let mut mine = all.clone();
            mine.rotate_left(racer * 2);
            tokio::spawn(async move {
                let text = mine.concat().into_bytes();
                certificates::import(&fleet.test.db, fleet.owner(), text).await
            })
        })
        .collect();
    let mut new = 0;
    for racer in racers {
        let done = racer.await.unwrap().unwrap();
        assert_eq!(done.certificates.len(), 20);
        new += done.certificates.iter().filter(|one| one.stored.new).count();
    }
    assert_eq!(new, 20);
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let page = certificates::list(&tx, &CertificateFilter::default(), None, 200)
        .await
        .unwrap();
    assert_eq!(page.items.len(), 20);
    for row in page.items {
        certificates::der(&tx, row.id).await.expect("its bytes are there");
    }
}

#[tokio::test]
async fn certificates_of_others_are_not_found_and_yet_known_once() {
    let fleet = Fleet::new().await;
    let root = Ca::root("Root");
    let pem = root.certificate.to_pem().into_bytes();
    let owned = certificates::import(&fleet.test.db, fleet.owner(), pem.clone())
        .await
        .unwrap();
    let id = owned.certificates[0].stored.id;
    let other = fleet.test.org("South").await;
    let tx = fleet.test.db.read(&other.owner).await.unwrap();
    assert!(matches!(certificates::get(&tx, id).await, Err(Error::NotFound { .. })));
    assert!(matches!(certificates::der(&tx, id).await, Err(Error::NotFound { .. })));
    assert!(
        certificates::list(&tx, &CertificateFilter::default(), None, 50)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    drop(tx);
    let theirs = certificates::import(&fleet.test.db, &other.owner, pem.clone())
        .await
        .unwrap();
    assert!(theirs.certificates[0].stored.new, "each organisation has its own");
    let bound = fleet.org.member(Role::Operator, Some(vec![fleet.group]));
    let again = certificates::import(&fleet.test.db, &bound, pem).await.unwrap();
    assert_eq!(
        (again.certificates[0].stored.id, again.certificates[0].stored.new),
        (id, false)
    );
    let tx = fleet.test.db.read(&bound).await.unwrap();
    assert!(
        matches!(certificates::get(&tx, id).await, Err(Error::NotFound { .. })),
        "it is installed nowhere in their group"
    );
}
