//! Files over HTTP: the labelled corpus, the policy of uploads, bulk.

use crate::house::{Answer, House, answer};
use serde_json::Value;
use std::path::{Path, PathBuf};

async fn upload(house: &House, path: &str, bytes: Vec<u8>) -> Answer {
    let part = reqwest::multipart::Part::bytes(bytes).file_name("file");
    let form = reqwest::multipart::Form::new().part("file", part);
    answer(house.request("POST", path).bearer_auth(&house.owner).multipart(form)).await
}

fn corpus() -> PathBuf {
    std::env::var_os("CERTYARD_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"),
        PathBuf::from,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn no_labelled_file_is_judged_against_its_label_or_breaks_the_server() {
    let folder = corpus();
    let Ok(labels) = std::fs::read(folder.join("corpus.json")) else {
        println!(
            "the labelled corpus is not at {}: nothing was uploaded",
            folder.display()
        );
        return;
    };
    let labels: Value = serde_json::from_slice(&labels).expect("labels");
    let house = House::new().await;
    let mut wrong = Vec::new();
    let mut uploaded = 0;
    for item in labels["items"].as_array().expect("items") {
        let text = |key: &str| item[key].as_str().unwrap_or_default();
        let bytes = std::fs::read(folder.join(text("file"))).expect("a file");
        let inspected = upload(&house, "/api/v1/certificates/inspect", bytes.clone()).await;
        uploaded += 1;
        let name = format!("{} {} {}", text("id"), text("strength"), text("file"));
        if inspected.status.is_server_error() {
            wrong.push(format!("{name}: {} {}", inspected.status, inspected.text));
        }
        if text("strength") == "must" || text("strength") == "policy" {
            match (text("verdict"), inspected.status.as_u16()) {
                ("accept", 200) | ("either", _) => {}
                ("reject", 400..=499) => assert!(!inspected.code().is_empty()),
                (verdict, status) => wrong.push(format!("{name}: {verdict}, but {status} {}", inspected.text)),
            }
        }
        if inspected.status == 200
            && let (Some(expected), found) = (item["expect"]["certs"].as_array(), &inspected.json()["certificates"])
        {
            for certificate in expected {
                let same = found
                    .as_array()
                    .into_iter()
                    .flatten()
                    .find(|one| one["sha256"] == certificate["sha256"]);
                match same {
                    Some(one) if one["serial_hex"] == certificate["serial_hex"] => {}
                    found => wrong.push(format!("{name}: {certificate} is {found:?}")),
                }
            }
        }
        let imported = upload(&house, "/api/v1/certificates/import", bytes).await;
        if imported.status.is_server_error() {
            wrong.push(format!("{name}, import: {} {}", imported.status, imported.text));
        }
    }
    println!("{uploaded} files were uploaded");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_certificate_is_refused_whole() {
    let house = House::new().await;
    let (key, csr) = crate::house::key_and_csr();
    let secret = upload(
        &house,
        "/api/v1/certificates/import",
        key.to_pkcs8_pem().as_bytes().to_vec(),
    )
    .await;
    assert_eq!(secret.status, 422, "{}", secret.text);
    assert!(secret.text.contains("private_key"), "{}", secret.text);
    let inspected = upload(&house, "/api/v1/certificates/inspect", csr.clone().into_bytes()).await;
    assert_eq!(inspected.json()["csrs"][0]["key"]["type"], "EC", "{}", inspected.text);
    assert_eq!(
        upload(&house, "/api/v1/certificates/import", csr.into_bytes())
            .await
            .status,
        422
    );
    assert_eq!(
        upload(&house, "/api/v1/certificates/import", Vec::new()).await.status,
        422
    );
    upload(&house, "/api/v1/certificates/inspect", vec![b'x'; (10 << 20) + 1])
        .await
        .problem(413, "too_large");
    upload(&house, "/api/v1/certificates/inspect", vec![b'x'; 11 << 20])
        .await
        .problem(413, "too_large");
    let form = reqwest::multipart::Form::new().text("other", "x");
    let other = house
        .request("POST", "/api/v1/certificates/inspect")
        .bearer_auth(&house.owner)
        .multipart(form);
    answer(other).await.problem(422, "invalid");
    assert_eq!(house.get("/api/v1/certificates").await["items"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_gives_a_verdict_for_each_row() {
    let house = House::new().await;
    let pem = house.db.keys.bundle_pem();
    let rows = [
        serde_json::json!({ "pem": pem }).to_string(),
        "{broken".into(),
        serde_json::json!({ "pem": pem }).to_string(),
    ];
    let request = house
        .request("POST", "/api/v1/certificates/bulk")
        .bearer_auth(&house.owner);
    let done = answer(
        request
            .header("content-type", "application/x-ndjson")
            .body(rows.join("\n")),
    )
    .await;
    assert_eq!(done.status, 200, "{}", done.text);
    let mut verdicts: Vec<Value> = done
        .text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line"))
        .collect();
    verdicts.sort_by_key(|verdict| verdict["row"].as_u64());
    let told: Vec<_> = verdicts
        .iter()
        .map(|verdict| (&verdict["ok"], &verdict["new"]))
        .collect();
    assert_eq!(
        told,
        [
            (&true.into(), &true.into()),
            (&false.into(), &Value::Null),
            (&true.into(), &false.into())
        ]
    );
    assert_eq!(verdicts[1]["code"], "broken_json");
    assert_eq!(
        house.get("/api/v1/certificates").await["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}
