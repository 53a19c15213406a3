//! What profiles may want of the purposes of a product in a version.

use super::Signing;
use crate::error::{Problem, Reply};
use crate::query::Query;
use actix_web::{get, web};
use certyard_domain::{catalogue, profiles};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Of which product and version.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct GetOptions {
    /// Product, as in the catalogue.
    pub product: String,
    /// Version; left out: the newest.
    pub version: Option<String>,
}

/// What may be chosen for the purposes of a product in a version.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileOptions {
    /// Product.
    #[schema(example = "cucm")]
    pub product: String,
    /// Version; empty: the newest.
    #[schema(example = "14")]
    pub version: String,
    /// Subject fields.
    #[schema(example = json!(["O", "OU", "L", "ST", "C"]))]
    pub subject_fields: Vec<String>,
    /// The purposes.
    pub purposes: Vec<PurposeOptions>,
}

/// What may be chosen for a purpose.
#[derive(Serialize, ToSchema)]
pub(crate) struct PurposeOptions {
    /// Purpose; `nginx:` is any name of a server.
    #[schema(example = "tomcat")]
    pub purpose: String,
    /// Who may sign it.
    pub signing: Vec<Signing>,
    /// The purpose whose certificate it may take, where it may: `use_tomcat`.
    #[schema(example = json!(null))]
    pub reuse: Option<String>,
    /// One certificate of a CA may cover all nodes.
    pub multi_server_ca_signed: bool,
    /// One self-signed certificate may cover all nodes.
    pub multi_server_self_signed: bool,
    /// Years for which a node signs its own; null where it does not.
    pub validity: Option<ValidityOptions>,
    /// Keys, the usual one first.
    pub keys: Vec<KeyOption>,
}

/// Years for which a node signs its own certificate.
#[derive(Serialize, ToSchema)]
pub(crate) struct ValidityOptions {
    /// Fewest that can be chosen.
    #[schema(example = 5)]
    pub least_years: u32,
    /// Most that can be chosen.
    #[schema(example = 20)]
    pub most_years: u32,
    /// What the node takes whatever is chosen.
    #[schema(example = json!(null))]
    pub always_years: Option<u32>,
}

/// A key that may be chosen.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyOption {
    /// `RSA` or `EC`.
    #[schema(example = "RSA")]
    pub key_type: String,
    /// Bits of the RSA modulus, or of the curve.
    #[schema(example = 2048)]
    pub bits: u32,
    /// Hashes that are as strong, the usual one first.
    #[schema(example = json!(["SHA256"]))]
    pub hashes: Vec<String>,
    /// What to know of it.
    #[schema(example = json!([]))]
    pub notes: Vec<String>,
    /// How sure this is: `certain`, `likely`, `guess`.
    #[schema(example = "certain")]
    pub evidence: String,
}

/// Reads what may be chosen for a product in a version.
#[utoipa::path(operation_id = "get_profile_options", tag = "profiles", params(GetOptions), responses((status = 200, description = "What may be chosen", body = ProfileOptions)))]
#[get("/profiles/options")]
pub(crate) async fn get_options(query: Query<GetOptions>) -> Reply<ProfileOptions> {
    let GetOptions { product, version } = query.0;
    let version = version.unwrap_or_default();
    if catalogue::product(&product).is_none() {
        return Err(Problem::field("product", "unknown", "is a product of the catalogue"));
    }
    Ok(web::Json(ProfileOptions {
        subject_fields: catalogue::SUBJECT_FIELDS.iter().map(ToString::to_string).collect(),
        purposes: profiles::options(&product, &version)
            .into_iter()
            .map(purpose_options)
            .collect(),
        product,
        version,
    }))
}

fn purpose_options(row: profiles::PurposeOptions) -> PurposeOptions {
    PurposeOptions {
        purpose: row.purpose.into(),
        signing: row.signing.into_iter().map(Into::into).collect(),
        reuse: row.reuse.map(Into::into),
        multi_server_ca_signed: row.multi_server_ca_signed,
        multi_server_self_signed: row.multi_server_self_signed,
        validity: row.self_signed.map(|years| ValidityOptions {
            least_years: years.least_years,
            most_years: years.most_years,
            always_years: years.always_years,
        }),
        keys: row
            .keys
            .into_iter()
            .map(|key| KeyOption {
                key_type: key.choice.key_type.into(),
                bits: key.choice.bits,
                hashes: key.choice.hashes.iter().map(ToString::to_string).collect(),
                notes: key.notes.into_iter().map(Into::into).collect(),
                evidence: key.choice.proof.evidence.as_str().into(),
            })
            .collect(),
    }
}
