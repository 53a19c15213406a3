//! The labelled corpus: files that must be taken, files that must be refused, and what each certificate says.

use std::path::{Path, PathBuf};

use certyard_pki::upload::{self, Limits, Upload};
use certyard_pki::{Certificate, San};
use serde_json::Value;

use crate::names::parts;

/// `should` items of the labels that Certyard decides otherwise, with the reason. The list may only shrink.
const OTHERWISE: &[(&str, &str)] = &[
    (
        "h0019",
        "its host names are UTF-8; they are shown as Latin-1, as the legend of the labels wants for all names",
    ),
    ("h0613", "names of kind x400 are listed"),
    (
        "h0636",
        "an empty part of a name is odd and readable; OpenSSL lists it too",
    ),
];

fn folder() -> PathBuf {
    std::env::var_os("CERTYARD_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    )
}

#[test]
fn every_labelled_file_is_judged_as_labelled() {
    let folder = folder();
    let Ok(labels) = std::fs::read(folder.join("corpus.json")) else {
        println!(
            "the labelled corpus is not at {}: nothing was compared",
            folder.display()
        );
        return;
    };
    let labels: Value = serde_json::from_slice(&labels).unwrap();
    let mut wrong = vec![];
    let mut counts = [0_usize; 3];
    for item in labels["items"].as_array().unwrap() {
        let text = |key: &str| item[key].as_str().unwrap_or_default();
        let bytes = std::fs::read(folder.join(text("file"))).unwrap();
        let result = upload::read(&bytes, &Limits::default(), true);
        let name = format!(
            "{} {} {} {}",
            text("id"),
            text("verdict"),
            text("strength"),
            text("file")
        );
        let expected = OTHERWISE.iter().any(|(id, _)| *id == text("id")) && text("strength") == "should";
        if expected {
            continue;
        }
        match (text("verdict"), &result) {
            ("accept", Ok(upload)) => {
                counts[0] += 1;
                wrong.extend(
                    compare(item, upload)
                        .into_iter()
                        .map(|difference| format!("{name}: {difference}")),
                );
            }
            ("reject", Err(refusal)) => {
                counts[1] += 1;
                if item["secret_must_not_be_stored"] == true && !matches!(refusal.code, "private_key" | "pkcs12") {
                    wrong.push(format!("{name}: the secret is not named: {refusal}"));
                }
            }
            ("either", Ok(upload)) => {
                counts[2] += 1;
                wrong.extend(
                    compare(item, upload)
                        .into_iter()
                        .map(|difference| format!("{name}: {difference}")),
                );
            }
            ("either", Err(_)) => counts[2] += 1,
            (_, Ok(_)) => wrong.push(format!("{name}: it was taken")),
            (_, Err(refusal)) => wrong.push(format!("{name}: it was refused: {refusal}")),
        }
    }
    println!(
        "corpus: {} taken, {} refused, {} either",
        counts[0], counts[1], counts[2]
    );
    assert!(
        wrong.is_empty(),
        "{} of the labelled files:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn compare(item: &Value, upload: &Upload) -> Vec<String> {
    let mut wrong = vec![];
    let expect = &item["expect"];
    if let Some(unique) = expect["unique"].as_u64()
        && unique != 0
        && upload.certificates.len() as u64 != unique
    {
        wrong.push(format!(
            "{} certificates instead of {unique}",
            upload.certificates.len()
        ));
    }
    for sum in expect["sha256s"].as_array().into_iter().flatten() {
        if !upload
            .certificates
            .iter()
            .any(|certificate| certificate.sha256_hex() == sum.as_str().unwrap())
        {
            wrong.push(format!("no certificate {sum}"));
        }
    }
    if let Some(subject) = expect["subject_openssl"].as_str() {
        let [csr] = upload.csrs.as_slice() else {
            return vec!["no single request".to_owned()];
        };
        for wanted in [subject, expect["subject_rfc4514"].as_str().unwrap()] {
            if parts(&csr.subject) != parts(wanted) {
                wrong.push(format!("subject {} instead of {wanted}", csr.subject));
            }
        }
    }
    for wanted in expect["certs"].as_array().into_iter().flatten() {
        let sum = wanted["sha256"].as_str().unwrap();
        match upload
            .certificates
            .iter()
            .find(|certificate| certificate.sha256_hex() == sum)
        {
            Some(certificate) => wrong.extend(compare_one(wanted, certificate)),
            None => wrong.push(format!("no certificate {sum}")),
        }
    }
    wrong
}

fn compare_one(wanted: &Value, certificate: &Certificate) -> Vec<String> {
    let mut wrong = vec![];
    let mut differ = |what: &str, wanted: &Value, got: String| wrong.push(format!("{what} {got} instead of {wanted}"));
    let same = |key: &str, got: &str| wanted[key].is_null() || wanted[key] == got;
    if !same("serial_hex", &certificate.serial_hex) {
        differ("serial", &wanted["serial_hex"], certificate.serial_hex.clone());
    }
    for (key, time) in [
        ("not_before", certificate.not_before),
        ("not_after", certificate.not_after),
    ] {
        let got = time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        if !same(key, &got) {
            differ(key, &wanted[key], got);
        }
    }
    for (key, got) in [
        ("subject_rfc2253", &certificate.subject),
        ("issuer_rfc2253", &certificate.issuer),
    ] {
        if wanted[key].as_str().is_some_and(|wanted| parts(wanted) != parts(got)) {
            differ(key, &wanted[key], got.clone());
        }
    }
    if let Some(attributes) = wanted["subject_attrs"].as_array() {
        let mut wanted: Vec<(String, String)> = attributes
            .iter()
            .map(|pair| {
                (
                    pair[0].as_str().unwrap().to_owned(),
                    pair[1].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        let mut got: Vec<(String, String)> = parts(&certificate.subject).concat();
        wanted.sort();
        got.sort();
        if wanted != got {
            wrong.push(format!("subject parts {got:?} instead of {wanted:?}"));
        }
    }
    let mut differ = |what: &str, wanted: &Value, got: String| wrong.push(format!("{what} {got} instead of {wanted}"));
    if wanted["version"]
        .as_u64()
        .is_some_and(|version| version != u64::from(certificate.version))
    {
        differ("version", &wanted["version"], certificate.version.to_string());
    }
    if let Some(sans) = wanted["sans"].as_array()
        && wanted["sans_uncertain"].is_null()
    {
        let mut expected: Vec<San> = sans
            .iter()
            .map(|pair| San {
                kind: pair[0].as_str().unwrap().parse().unwrap(),
                value: pair[1].as_str().unwrap().to_owned(),
            })
            .collect();
        let mut got = certificate.sans.clone();
        expected.sort();
        got.sort();
        if expected != got {
            differ("sans", &wanted["sans"], format!("{got:?}"));
        }
    }
    let key = &wanted["key"];
    if key["oid"].as_str().is_some_and(|oid| oid != certificate.key.oid) {
        differ("key oid", &key["oid"], certificate.key.oid.clone());
    }
    if key["bits"]
        .as_u64()
        .is_some_and(|bits| Some(bits) != certificate.key.bits.map(u64::from))
    {
        differ("key bits", &key["bits"], format!("{:?}", certificate.key.bits));
    }
    if key["curve"]
        .as_str()
        .is_some_and(|curve| Some(curve) != certificate.key.curve.as_deref())
    {
        differ("curve", &key["curve"], format!("{:?}", certificate.key.curve));
    }
    if let Some(kind @ ("RSA" | "EC" | "Ed25519" | "Ed448" | "DSA")) = key["type"].as_str()
        && kind != certificate.key.key_type
    {
        differ("key type", &key["type"], certificate.key.key_type.clone());
    }
    if wanted["sig_alg_oid"]
        .as_str()
        .is_some_and(|oid| oid != certificate.signature_algorithm_oid)
    {
        differ(
            "signature algorithm",
            &wanted["sig_alg_oid"],
            certificate.signature_algorithm_oid.clone(),
        );
    }
    let constrained = certificate.basic_constraints.is_some_and(|constraints| constraints.ca);
    if wanted["is_ca"].as_bool().is_some_and(|ca| ca != constrained) {
        differ("authority", &wanted["is_ca"], constrained.to_string());
    }
    if wanted["self_issued"]
        .as_bool()
        .is_some_and(|own| own != certificate.is_self_issued())
    {
        differ(
            "self-issued",
            &wanted["self_issued"],
            certificate.is_self_issued().to_string(),
        );
    }
    wrong
}
