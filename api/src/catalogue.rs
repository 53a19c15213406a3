//! The catalogue: what is known of products, as data.

use actix_web::{get, web};
use certyard_domain::catalogue;
use certyard_protocol::ConnectorKind;
use serde::Serialize;
use utoipa::ToSchema;

/// All products.
#[derive(Serialize, ToSchema)]
pub(crate) struct Catalogue {
    /// Products.
    pub products: Vec<Product>,
}

/// What is known of a product.
#[derive(Serialize, ToSchema)]
pub(crate) struct Product {
    /// Its name in the API.
    #[schema(example = "cucm")]
    pub id: String,
    /// Its name for people.
    #[schema(example = "Cisco Unified Communications Manager")]
    pub name: String,
    /// Versions; empty where it has none.
    #[schema(example = json!(["14", "15"]))]
    pub versions: Vec<String>,
    /// Driver of its nodes.
    #[schema(example = json!(["cisco_uc"]))]
    pub connectors: Vec<String>,
    /// Roles that its nodes have.
    #[schema(example = json!(["publisher", "subscriber"]))]
    pub roles: Vec<String>,
    /// Purposes of identity certificates.
    pub purposes: Vec<Purpose>,
    /// Trust stores.
    #[schema(example = json!(["tomcat-trust"]))]
    pub trust_stores: Vec<String>,
}

/// What an identity certificate is for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Purpose {
    /// Name.
    #[schema(example = "tomcat")]
    pub name: String,
    /// Key types that it takes.
    #[schema(example = json!(["RSA"]))]
    pub key_types: Vec<String>,
    /// Trust store for its issuers.
    #[schema(example = "tomcat-trust")]
    pub trust_store: Option<String>,
    /// One certificate may be for several nodes.
    pub multi_server: bool,
    /// What has to be restarted after a change.
    #[schema(example = json!(["Cisco Tomcat"]))]
    pub restarts: Vec<String>,
    /// How sure this is: `certain`, `likely`, `guess`.
    #[schema(example = "certain")]
    pub evidence: String,
}

/// Reads the catalogue of products.
#[utoipa::path(operation_id = "get_catalogue", tag = "fleet", responses((status = 200, description = "The catalogue", body = Catalogue)))]
#[get("/catalogue")]
pub(crate) async fn get_catalogue() -> web::Json<Catalogue> {
    web::Json(Catalogue {
        products: catalogue::PRODUCTS.iter().map(product).collect(),
    })
}

fn product(product: &'static catalogue::Product) -> Product {
    let newest = product.versions.last().copied().unwrap_or_default();
    Product {
        id: product.code.into(),
        name: product.name.into(),
        versions: product.versions.iter().map(ToString::to_string).collect(),
        connectors: ConnectorKind::ALL
            .into_iter()
            .filter(|connector| product.reached_by(*connector, ""))
            .map(|connector| connector.as_str().into())
            .collect(),
        roles: product.roles.iter().map(ToString::to_string).collect(),
        purposes: catalogue::purposes_of(product.code, newest)
            .map(|row| purpose(row, newest))
            .collect(),
        trust_stores: catalogue::trust_stores_of(product.code)
            .map(|store| store.name.into())
            .collect(),
    }
}

fn purpose(row: &catalogue::Purpose, version: &str) -> Purpose {
    Purpose {
        name: row.code.into(),
        key_types: match row.key {
            catalogue::KeyFamily::Rsa => vec!["RSA".into()],
            catalogue::KeyFamily::Ec => vec!["EC".into()],
            catalogue::KeyFamily::Any => vec!["RSA".into(), "EC".into()],
        },
        trust_store: row.trust_store.map(Into::into),
        multi_server: row.multi_server.ca_signed.is_some(),
        restarts: catalogue::restarts(row.product, version, row.code)
            .into_iter()
            .flat_map(|restart| restart.services.iter().map(ToString::to_string))
            .collect(),
        evidence: row.proof.evidence.as_str().into(),
    }
}
