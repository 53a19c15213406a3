//! Requirements of the reference that are about the whole of the API: what there is, and what belongs together.

use crate::house::{House, text};
use certyard_api::operations::OPERATIONS;
use serde_json::json;

fn has(method: &str, path: &str) -> bool {
    OPERATIONS
        .iter()
        .any(|operation| operation.method == method && operation.path == path)
}

#[test]
fn r03_every_function_of_the_reference_has_an_operation() {
    for (function, method, path) in [
        ("status by cluster", "GET", "/api/v1/clusters"),
        (
            "identity of a cluster",
            "GET",
            "/api/v1/clusters/{id}/identity-certificates",
        ),
        ("trust of a cluster", "GET", "/api/v1/clusters/{id}/trust-certificates"),
        ("every action", "POST", "/api/v1/plans"),
        ("its job", "POST", "/api/v1/jobs"),
        ("download and copy", "GET", "/api/v1/certificates/{id}.pem"),
        ("download", "GET", "/api/v1/certificates/{id}.der"),
        ("download a CSR", "GET", "/api/v1/csrs/{id}.pem"),
        ("alerts", "GET", "/api/v1/alerts"),
        ("notification by mail", "PUT", "/api/v1/settings/notifications"),
        ("profiles", "POST", "/api/v1/profiles"),
        ("assigned to clusters", "PUT", "/api/v1/clusters/{id}/profile"),
    ] {
        assert!(has(method, path), "{function}: {method} {path}");
    }
    let names = certyard_domain::plans::Action::NAMES;
    for action in [
        "generate_csr",
        "upload_certificate",
        "renew",
        "replace",
        "delete",
        "distribute",
        "reuse_tomcat",
        "delete_csr",
    ] {
        assert!(names.contains(&action), "{action}");
    }
}

#[test]
fn r05_there_are_alerts_clusters_profiles_and_settings_and_the_tabs_of_a_cluster() {
    for path in ["alerts", "clusters", "profiles", "settings/notifications"] {
        assert!(has("GET", &format!("/api/v1/{path}")), "{path}");
    }
    for tab in ["identity-certificates", "trust-certificates", "jobs"] {
        assert!(has("GET", &format!("/api/v1/clusters/{{id}}/{tab}")), "{tab}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_r10_an_alert_has_the_details_the_pem_and_the_actions_of_its_certificate() {
    let house = House::new().await;
    let at = house.furnish("campus").await;
    house.report(&at, 5).await;
    let row = house.get("/api/v1/alerts").await["items"][0].clone();
    let shown = house.get(&format!("/api/v1/installations/{}", text(&row["id"]))).await;
    assert_eq!(row["actions"], shown["actions"], "the row offers what the panel does");
    let actions = row["actions"].as_array().expect("actions");
    let offered = |name: &str| {
        let action = actions.iter().find(|action| action["action"] == name);
        action.unwrap_or_else(|| panic!("{name} is not told: {actions:#?}"))
    };
    assert_eq!(offered("renew")["allowed"], true);
    assert_eq!(offered("generate_csr")["allowed"], true);
    // What is not allowed is told with the reason.
    let reuse = offered("reuse_tomcat");
    assert_eq!(
        (&reuse["allowed"], &reuse["code"]),
        (&json!(false), &json!("reuse_not_supported"))
    );
    assert!(
        reuse["reason"].as_str().is_some_and(|reason| reason.len() > 20),
        "{reuse:#}"
    );
    let certificate = house
        .get(&format!("/api/v1/certificates/{}", text(&row["certificate_id"])))
        .await;
    for detail in ["subject", "issuer", "serial_hex", "sha256", "not_before", "not_after"] {
        assert!(certificate[detail].is_string(), "{detail}: {certificate:#}");
    }
    let path = format!("/api/v1/certificates/{}.pem", text(&row["certificate_id"]));
    let pem = house.call("GET", &path, Some(&house.owner), None).await;
    assert!(pem.text.starts_with("-----BEGIN CERTIFICATE-----"), "{}", pem.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_der_is_binary_and_pem_is_the_same_in_base64_for_identity_and_trust_alike() {
    let house = House::new().await;
    let at = house.furnish("campus").await;
    let (own, root) = (crate::house::certificate(100), crate::house::certificate(900));
    let entry = |store: &str, kind: &str, pem: &str| json!({"store": store, "kind": kind, "entry": store, "certificate_pem": pem, "served": {"state": "not_observable"}});
    let inventory = json!({
        "form": "full", "digest": "d1", "observed_at": chrono::Utc::now(), "version": null, "csrs": [],
        "entries": [entry("tomcat", "identity", &own), entry("tomcat-trust", "trust", &root)],
    });
    let path = house.agent_url(&format!("/agent/v1/nodes/{}/inventory", at.node));
    let stored = crate::house::answer(at.agent.client.put(path).json(&inventory)).await;
    assert_eq!(stored.status, 200, "{}", stored.text);
    for (kind, wanted) in [("identity", &own), ("trust", &root)] {
        let row = house.get(&format!("/api/v1/installations?kind={kind}")).await["items"][0].clone();
        let base = format!("/api/v1/certificates/{}", text(&row["certificate_id"]));
        let request = house.request("GET", &format!("{base}.der")).bearer_auth(&house.owner);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.headers()["content-type"], "application/pkix-cert");
        let der = answer.bytes().await.expect("bytes");
        let certificate = certyard_pki::Certificate::from_der(&der).expect("a certificate");
        let pem = house
            .call("GET", &format!("{base}.pem"), Some(&house.owner), None)
            .await;
        assert_eq!(pem.text, certificate.to_pem(), "{kind}");
        let reported = certyard_pki::Certificate::from_pem(wanted).expect("a certificate");
        assert_eq!(certificate.sha256, reported.sha256, "{kind}");
        assert_eq!(row["sha256"], certificate.sha256_hex());
    }
}
