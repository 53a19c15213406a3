//! The OpenAPI document: committed, complete, and the same as the table of operations.

use certyard_api::operations::OPERATIONS;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

fn document() -> Value {
    serde_json::from_str(&certyard_api::openapi_json()).expect("the document is JSON")
}

fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            all.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    all
}

/// `CERTYARD_WRITE_OPENAPI=1` writes the file instead.
#[test]
fn the_committed_document_is_the_one_that_the_program_makes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/openapi.json");
    let made = certyard_api::openapi_json();
    if std::env::var_os("CERTYARD_WRITE_OPENAPI").is_some() {
        std::fs::write(&file, &made).expect("the file is written");
    }
    let committed = std::fs::read_to_string(&file).expect("openapi/openapi.json is committed");
    assert!(
        committed == made,
        "openapi/openapi.json is out of date: run `./dev openapi`"
    );
}

#[test]
fn every_operation_has_one_row_in_the_table_and_the_other_way_round() {
    let document = document();
    let documented: BTreeSet<_> = operations(&document)
        .into_iter()
        .map(|(method, path, operation)| {
            (
                method,
                path,
                operation["operationId"].as_str().unwrap_or_default().to_string(),
            )
        })
        .collect();
    let listed: BTreeSet<_> = OPERATIONS
        .iter()
        .map(|row| (row.method.to_string(), row.path.to_string(), row.id.to_string()))
        .collect();
    assert_eq!(documented, listed);
    assert_eq!(listed.len(), OPERATIONS.len(), "a row stands twice");
    let ids: BTreeSet<_> = OPERATIONS.iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), OPERATIONS.len(), "an operation id stands twice");
}

#[test]
fn every_operation_says_what_it_is_and_shows_an_example() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        let name = format!("{method} {path}");
        assert!(operation["operationId"].is_string(), "{name} has no id");
        assert!(
            operation["summary"].as_str().is_some_and(|text| !text.is_empty()),
            "{name} has no summary"
        );
        assert!(
            operation["description"].as_str().is_some_and(|text| !text.is_empty()),
            "{name} has no description"
        );
        for (status, response) in operation["responses"].as_object().expect("responses") {
            assert!(
                response["description"].is_string(),
                "{name} {status} has no description"
            );
            for (kind, media) in response["content"].as_object().into_iter().flatten() {
                assert!(!media["example"].is_null(), "{name} {status} {kind} has no example");
            }
        }
        for (kind, media) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            assert!(!media["example"].is_null(), "{name} {kind} has no example");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(
                parameter["description"].as_str().is_some_and(|text| !text.is_empty()),
                "{name}: {} has no description",
                parameter["name"]
            );
        }
    }
}

#[test]
fn no_reference_dangles() {
    let document = document();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(
        references.len() > 100,
        "too few references were found: {}",
        references.len()
    );
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(document.pointer(pointer).is_some(), "{reference} dangles");
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                references.push(reference.clone());
            }
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
