//! The OpenAPI document: what the handlers declare, and what holds for all of them: who may, problems, examples.

use crate::csv;
use crate::error::{FieldProblem, Problem};
use crate::operations::{Access, OPERATIONS, Operation};
use crate::routes;
use actix_web::App;
use certyard_domain::Role;
use serde_json::{Map, Value, json};
use utoipa_actix_web::AppExt;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Certyard",
        description = "See and manage every certificate of a fleet of clusters. Lists are pages `{items, next}` by `limit` and `cursor`, and whole as CSV under the same address with `.csv`; \
            refusals are `application/problem+json` with a stable `code`; times are RFC 3339 in UTC. Each POST takes an `Idempotency-Key`. \
            Requests with a session cookie that change something carry the header `X-Certyard-CSRF: 1`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Problem, FieldProblem)),
    tags(
        (name = "people", description = "Set-up, sign-in, sessions"),
        (name = "organisation", description = "The organisation, its members, tokens and audit log"),
        (name = "fleet", description = "Groups, clusters, nodes and what is known of products"),
        (name = "profiles", description = "What is wanted of identity certificates, and how far clusters are from it"),
        (name = "agents", description = "Agents and how they join"),
        (name = "certificates", description = "Certificates, where they are installed, and CSRs"),
        (name = "root changes", description = "One CA certificate makes way for another, phase by phase"),
        (name = "jobs", description = "Plans, jobs, tasks and their progress"),
        (name = "notifications", description = "Who is told of certificates that expire, and what became of each message"),
        (name = "health", description = "Whether the program lives")
    )
)]
struct Document;

/// The OpenAPI document of the API. Plain JSON, as utoipa's types cannot read all that they write.
pub fn openapi() -> Value {
    let (_, document) = App::new()
        .into_utoipa_app()
        .openapi(<Document as utoipa::OpenApi>::openapi())
        .configure(routes::register)
        .split_for_parts();
    complete(serde_json::to_value(&document).unwrap_or_default())
}

/// The document as it is published: sorted by key, indented, with a line end.
pub fn openapi_json() -> String {
    let mut text = serde_json::to_string_pretty(&openapi()).unwrap_or_default();
    text.push('\n');
    text
}

fn complete(mut document: Value) -> Value {
    let schemas = document["components"]["schemas"].clone();
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths.iter_mut() {
            let Some(item) = item.as_object_mut() else { continue };
            for (method, operation) in item.iter_mut() {
                let row = OPERATIONS
                    .iter()
                    .find(|row| row.path == path && row.method.eq_ignore_ascii_case(method));
                if let Some(row) = row {
                    complete_operation(operation, row, &schemas);
                }
            }
        }
    }
    document["components"]["securitySchemes"] = json!({
        "session": {"type": "apiKey", "in": "cookie", "name": "certyard_session",
            "description": "Set by sign-in. Requests that change something carry `X-Certyard-CSRF: 1`. With https the name is `__Host-certyard_session`."},
        "token": {"type": "http", "scheme": "bearer", "description": "An API token, `cyd_…`."}
    });
    document
}

/// Begins the paths of lists whose cluster, and kind of store, the path says.
const OF_CLUSTER: &str = "/api/v1/clusters/{id}/";

fn complete_operation(operation: &mut Value, row: &Operation, schemas: &Value) {
    operation["security"] = match row.access {
        Access::Public => json!([]),
        Access::SignedIn | Access::Needs(_) => json!([{"session": []}, {"token": []}]),
    };
    let summary = operation["summary"].as_str().unwrap_or_default().to_string();
    let mut description = operation["description"].as_str().unwrap_or(&summary).to_string();
    description.push_str(&format!("\n\n{}", needed(row.access)));
    operation["description"] = description.into();
    if row.method == "POST" {
        parameters(operation).push(json!({"name": "Idempotency-Key", "in": "header", "required": false,
            "description": "The same key with the same request gets the first answer again", "schema": {"type": "string"}}));
    }
    if row.path.starts_with(OF_CLUSTER) {
        parameters(operation).retain(|one| one["name"] != "cluster_id" && one["name"] != "kind");
    }
    if row.path.ends_with(".csv") {
        // An export reads all pages by itself.
        parameters(operation).retain(|one| one["name"] != "limit" && one["name"] != "cursor");
        operation["responses"]["200"]["content"]["text/csv"]["example"] = csv::header_of(row.id).into();
    }
    if let Some(content) = operation["requestBody"]["content"].as_object_mut() {
        examples(content, schemas);
    }
    if let Some(responses) = operation["responses"].as_object_mut() {
        for response in responses.values_mut() {
            if let Some(content) = response["content"].as_object_mut() {
                examples(content, schemas);
            }
        }
        responses.insert(
            "default".into(),
            json!({"description": "Refused or failed", "content": {"application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": sample(&json!({"$ref": "#/components/schemas/Problem"}), schemas, 0)}}}),
        );
    }
}

fn parameters(operation: &mut Value) -> &mut Vec<Value> {
    if !operation["parameters"].is_array() {
        operation["parameters"] = json!([]);
    }
    match &mut operation["parameters"] {
        Value::Array(list) => list,
        _ => unreachable!("it was made an array just now"),
    }
}

fn needed(access: Access) -> String {
    match access {
        Access::Public => "Needs no credential.".into(),
        Access::SignedIn => "Needs a credential of any role.".into(),
        Access::Needs(permission) => {
            let roles: Vec<&str> = Role::ALL
                .into_iter()
                .filter(|role| role.allows(permission))
                .map(Role::as_str)
                .collect();
            let bound = if permission.is_organisation_wide() {
                ", for all groups"
            } else {
                ""
            };
            format!("Needs one of the roles {}{bound}.", roles.join(", "))
        }
    }
}

fn examples(content: &mut Map<String, Value>, schemas: &Value) {
    for (kind, media) in content.iter_mut() {
        if media.get("example").is_none() {
            media["example"] = match kind.as_str() {
                "application/x-pem-file" => json!("-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"),
                "application/pkix-cert" => json!("the bytes"),
                _ => sample(&media["schema"], schemas, 0),
            };
        }
    }
}

const SAMPLE_ID: &str = "0199f0a2-7c10-7e53-9d3c-3f7f0c0f3b1a";
const SAMPLE_TIME: &str = "2027-01-31T09:30:00Z";

/// An example that a schema allows: its own, or one made of its members'.
fn sample(schema: &Value, schemas: &Value, depth: u8) -> Value {
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return if depth > 8 {
            Value::Null
        } else {
            sample(&schemas[name], schemas, depth + 1)
        };
    }
    if let Some(all) = schema["allOf"].as_array() {
        let mut merged = Map::new();
        for part in all {
            if let Value::Object(members) = sample(part, schemas, depth + 1) {
                merged.extend(members);
            }
        }
        return merged.into();
    }
    if let Some(one) = schema["oneOf"].as_array() {
        let real = one.iter().find(|part| part["type"] != "null");
        return real.map_or(Value::Null, |part| sample(part, schemas, depth + 1));
    }
    if let Some(first) = schema["enum"].as_array().and_then(|names| names.first()) {
        return first.clone();
    }
    if schema.get("const").is_some() {
        return schema["const"].clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind {
        Some("object") => {
            let members = schema["properties"].as_object().cloned().unwrap_or_default();
            members
                .iter()
                .map(|(name, member)| (name.clone(), sample(member, schemas, depth + 1)))
                .collect::<Map<_, _>>()
                .into()
        }
        Some("array") if schema["items"].is_object() => json!([sample(&schema["items"], schemas, depth + 1)]),
        Some("array") => json!([]),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("string") => match schema["format"].as_str() {
            Some("uuid") => json!(SAMPLE_ID),
            Some("date-time") => json!(SAMPLE_TIME),
            _ => json!("text"),
        },
        _ => Value::Null,
    }
}
