//! The catalogue: what is known of products, as data.

use crate::error::{Problem, Reply};
use actix_web::get;
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
pub(crate) async fn get_catalogue() -> Reply<Catalogue> {
    Err(Problem::not_yet())
}
