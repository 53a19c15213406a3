//! Profiles: what is wanted of identity certificates, and which clusters it is for.

mod options;

pub(crate) use options::get_options;

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::etag::{IfMatch, created, versioned};
use crate::list::{self, List, turn};
use crate::page::{self, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, delete, get, patch, post, web};
use certyard_domain::{OrgTx, inventory, profiles};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Who signs a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Signing {
    /// A CA, by way of a CSR.
    CaSigned,
    /// The node itself.
    SelfSigned,
}

/// What is wanted for one purpose of one product. What is null or left out stays open: whatever is installed is right.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileSetting {
    /// Product, as in the catalogue.
    #[schema(example = "cucm")]
    pub product: String,
    /// Purpose; `nginx:` is any name of a server.
    #[schema(example = "tomcat")]
    pub purpose: String,
    /// Who signs it.
    #[serde(default)]
    pub signing: Option<Signing>,
    /// It takes the certificate of `tomcat`; nothing else can be wanted of it then.
    #[serde(default)]
    #[schema(example = false)]
    pub use_tomcat: bool,
    /// One certificate covers all nodes of a cluster.
    #[serde(default)]
    #[schema(example = true)]
    pub multi_server: Option<bool>,
    /// Years for which a node signs its own certificate; versions before 14 always take 5.
    #[serde(default)]
    #[schema(example = json!(null))]
    pub validity_years: Option<u32>,
    /// `RSA` or `EC`.
    #[serde(default)]
    #[schema(example = "RSA")]
    pub key_type: Option<String>,
    /// Bits of the RSA modulus, or of the curve.
    #[serde(default)]
    #[schema(example = 2048)]
    pub key_bits: Option<u32>,
    /// `SHA256`, `SHA384` or `SHA512`.
    #[serde(default)]
    #[schema(example = "SHA256")]
    pub hash: Option<String>,
    /// Subject fields by short name: `O`, `OU`, `L`, `ST`, `C`.
    #[serde(default)]
    #[schema(example = json!([["O", "Example"]]))]
    pub subject: Vec<(String, String)>,
}

/// What is wanted of identity certificates.
#[derive(Serialize, ToSchema)]
pub(crate) struct Profile {
    /// The profile; the built-in one is `00000000-0000-0000-0000-000000000000`.
    pub id: Uuid,
    /// Name.
    #[schema(example = "Campus, CA-signed")]
    pub name: String,
    /// For people.
    #[schema(example = "Web and phones by the company's CA")]
    pub description: String,
    /// It comes with the product: it can be looked at and copied, and made the default.
    #[schema(example = false)]
    pub built_in: bool,
    /// Clusters without a profile of their own follow it.
    pub is_default: bool,
    /// Clusters that have it, by themselves or as the default.
    #[schema(example = 3)]
    pub cluster_count: i64,
    /// What it wants; purposes that are not named stay open.
    pub settings: Vec<ProfileSetting>,
    /// What to know of the settings.
    pub warnings: Vec<ProfileWarning>,
    /// Rises with each change; also the ETag.
    #[schema(example = 1)]
    pub revision: i64,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// Last change.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What to know of a setting that can be chosen all the same.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileWarning {
    /// Product.
    #[schema(example = "cucm")]
    pub product: String,
    /// Purpose.
    #[schema(example = "CallManager")]
    pub purpose: String,
    /// Field of the setting.
    #[schema(example = "key_bits")]
    pub field: String,
    /// What happens.
    #[schema(example = "some phones do not register with a CallManager certificate of more than 2048 bits")]
    pub message: String,
}

/// Makes a profile.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateProfile {
    /// Name, unique in the organisation.
    #[schema(example = "Campus, CA-signed")]
    pub name: String,
    /// For people.
    #[serde(default)]
    #[schema(example = "Web and phones by the company's CA")]
    pub description: String,
    /// Clusters without a profile of their own follow it.
    #[serde(default)]
    pub is_default: bool,
    /// What it wants.
    #[serde(default)]
    pub settings: Vec<ProfileSetting>,
}

/// Changes a profile; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateProfile {
    /// New name.
    #[schema(example = "Campus, CA-signed")]
    pub name: Option<String>,
    /// New description.
    #[schema(example = "Web and phones by the company's CA")]
    pub description: Option<String>,
    /// Whether it is the default; false gives that role back to the built-in one.
    pub is_default: Option<bool>,
    /// All settings anew.
    pub settings: Option<Vec<ProfileSetting>>,
}

/// Copies a profile.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CopyProfile {
    /// Name of the copy; left out: "copy of …".
    #[serde(default)]
    #[schema(example = "copy of Campus, CA-signed")]
    pub name: Option<String>,
}

/// Gives clusters a profile.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignProfile {
    /// The clusters, 1 to 1000.
    pub cluster_ids: Vec<Uuid>,
}

/// What became of an assignment.
#[derive(Serialize, ToSchema)]
pub(crate) struct Assigned {
    /// Clusters that had another profile before.
    #[schema(example = 2)]
    pub changed: u64,
}

/// Which profiles.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListProfiles {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Part of the name.
    pub search: Option<String>,
}

/// How to delete.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RetireProfile {
    /// Delete it although it is in use; left out: such a profile is refused with the number of its clusters.
    pub confirm: Option<bool>,
}

impl List for ListProfiles {
    type Of = ();
    type Row = Profile;
    const NAME: &'static str = "profiles";

    turn!();

    async fn read(&self, tx: &OrgTx, (): (), limit: u64) -> Result<Page<Profile>, Problem> {
        let rows = profiles::list(tx, self.search.as_deref(), page::cursor(&self.cursor)?, limit).await?;
        Ok(page::convert(rows, profile))
    }
}

/// Lists profiles, the built-in one first.
#[utoipa::path(operation_id = "list_profiles", tag = "profiles", params(ListProfiles), responses((status = 200, description = "Profiles by name", body = Page<Profile>)))]
#[get("/profiles")]
pub(crate) async fn list_profiles(app: App, caller: Caller, query: Query<ListProfiles>) -> Reply<Page<Profile>> {
    list::answer(&app, &caller, (), query.0).await
}

/// Exports profiles as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_profiles", tag = "profiles", params(ListProfiles), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/profiles.csv")]
pub(crate) async fn export_profiles(
    app: App,
    caller: Caller,
    query: Query<ListProfiles>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, (), query.0).await
}

/// Makes a profile.
#[utoipa::path(operation_id = "create_profile", tag = "profiles", request_body = CreateProfile, responses((status = 201, description = "Made", body = Profile)))]
#[post("/profiles")]
pub(crate) async fn create_profile(
    app: App,
    caller: Caller,
    body: Json<CreateProfile>,
) -> Result<HttpResponse, Problem> {
    let new = profiles::NewProfile {
        name: body.0.name,
        description: body.0.description,
        is_default: body.0.is_default,
        settings: body.0.settings.into_iter().map(Into::into).collect(),
    };
    let tx = app.db.write(caller.scope()).await?;
    let row = profiles::create(&tx, new).await?;
    tx.commit().await?;
    inventory::settle_after_change(&app.db, caller.scope()).await;
    Ok(created(format!("/api/v1/profiles/{}", row.id), profile(row)))
}

/// Reads a profile.
#[utoipa::path(operation_id = "get_profile", tag = "profiles", params(("id" = Uuid, Path, description = "The profile")), responses((status = 200, description = "The profile", body = Profile, headers(("ETag" = String, description = "Version, for If-Match")))))]
#[get("/profiles/{id}")]
pub(crate) async fn get_profile(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let row = profiles::get(&tx, *id).await?;
    Ok(versioned(row.version, profile(row)))
}

/// Changes a profile.
///
/// The built-in one is refused with `profile_built_in`: copy it.
#[utoipa::path(operation_id = "update_profile", tag = "profiles", params(("id" = Uuid, Path, description = "The profile"), ("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), request_body = UpdateProfile, responses((status = 200, description = "Changed", body = Profile)))]
#[patch("/profiles/{id}")]
pub(crate) async fn update_profile(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    condition: IfMatch,
    body: Json<UpdateProfile>,
) -> Result<HttpResponse, Problem> {
    let change = profiles::ProfileChange {
        name: body.0.name,
        description: body.0.description,
        is_default: body.0.is_default,
        settings: body.0.settings.map(|all| all.into_iter().map(Into::into).collect()),
    };
    let tx = app.db.write(caller.scope()).await?;
    let row = profiles::update(&tx, *id, condition.version()?, change).await?;
    tx.commit().await?;
    inventory::settle_after_change(&app.db, caller.scope()).await;
    Ok(versioned(row.version, profile(row)))
}

/// Deletes a profile.
///
/// Its clusters follow the default from then on. While it has clusters, or is the default, this is refused with 409
/// `confirmation_required` and the number of clusters until `confirm=true` is said.
#[utoipa::path(operation_id = "retire_profile", tag = "profiles", params(("id" = Uuid, Path, description = "The profile"), RetireProfile, ("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), responses((status = 204, description = "Deleted")))]
#[delete("/profiles/{id}")]
pub(crate) async fn retire_profile(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: Query<RetireProfile>,
    condition: IfMatch,
) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    profiles::retire(&tx, *id, condition.version()?, query.confirm.unwrap_or(false)).await?;
    tx.commit().await?;
    inventory::settle_after_change(&app.db, caller.scope()).await;
    Ok(HttpResponse::NoContent().finish())
}

/// Copies a profile, the built-in one too.
#[utoipa::path(operation_id = "copy_profile", tag = "profiles", params(("id" = Uuid, Path, description = "The profile")), request_body = CopyProfile, responses((status = 201, description = "The copy", body = Profile)))]
#[post("/profiles/{id}/copy")]
pub(crate) async fn copy_profile(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Json<CopyProfile>,
) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    let row = profiles::copy(&tx, *id, body.0.name.as_deref()).await?;
    tx.commit().await?;
    Ok(created(format!("/api/v1/profiles/{}", row.id), profile(row)))
}

/// Makes a profile, or the built-in one, the default.
///
/// There is exactly one: clusters without a profile of their own follow it.
#[utoipa::path(operation_id = "set_default_profile", tag = "profiles", params(("id" = Uuid, Path, description = "The profile")), responses((status = 200, description = "The default", body = Profile)))]
#[post("/profiles/{id}/default")]
pub(crate) async fn set_default(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    let row = profiles::set_default(&tx, *id).await?;
    tx.commit().await?;
    inventory::settle_after_change(&app.db, caller.scope()).await;
    Ok(versioned(row.version, profile(row)))
}

/// Gives clusters a profile: all of them, or none.
///
/// A cluster whose version cannot have what the profile wants is refused with `not_in_version`.
#[utoipa::path(operation_id = "assign_profile", tag = "profiles", params(("id" = Uuid, Path, description = "The profile")), request_body = AssignProfile, responses((status = 200, description = "How many had another one", body = Assigned)))]
#[post("/profiles/{id}/clusters")]
pub(crate) async fn assign(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    body: Json<AssignProfile>,
) -> Reply<Assigned> {
    let tx = app.db.write(caller.scope()).await?;
    let changed = profiles::assign(&tx, &body.0.cluster_ids, profiles::Assignment::Own(*id)).await?;
    tx.commit().await?;
    inventory::settle_after_change(&app.db, caller.scope()).await;
    Ok(web::Json(Assigned { changed }))
}

fn profile(row: profiles::ProfileRow) -> Profile {
    Profile {
        id: row.id,
        built_in: row.is_built_in(),
        is_default: row.is_default,
        cluster_count: row.clusters,
        warnings: profiles::warnings(&row.settings)
            .into_iter()
            .map(|warning| ProfileWarning {
                product: warning.product,
                purpose: warning.purpose,
                field: warning.field.as_str().into(),
                message: warning.message.into(),
            })
            .collect(),
        settings: row.settings.into_iter().map(Into::into).collect(),
        name: row.name,
        description: row.description,
        revision: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

impl From<Signing> for profiles::Signing {
    fn from(signing: Signing) -> Self {
        match signing {
            Signing::CaSigned => Self::CaSigned,
            Signing::SelfSigned => Self::SelfSigned,
        }
    }
}

impl From<profiles::Signing> for Signing {
    fn from(signing: profiles::Signing) -> Self {
        match signing {
            profiles::Signing::CaSigned => Self::CaSigned,
            profiles::Signing::SelfSigned => Self::SelfSigned,
        }
    }
}

impl From<ProfileSetting> for profiles::Setting {
    fn from(setting: ProfileSetting) -> Self {
        Self {
            product: setting.product,
            purpose: setting.purpose,
            signing: setting.signing.map(Into::into),
            use_tomcat: setting.use_tomcat,
            multi_server: setting.multi_server,
            validity_years: setting.validity_years,
            key_type: setting.key_type,
            key_bits: setting.key_bits,
            hash: setting.hash,
            subject: setting.subject,
        }
    }
}

impl From<profiles::Setting> for ProfileSetting {
    fn from(setting: profiles::Setting) -> Self {
        Self {
            product: setting.product,
            purpose: setting.purpose,
            signing: setting.signing.map(Into::into),
            use_tomcat: setting.use_tomcat,
            multi_server: setting.multi_server,
            validity_years: setting.validity_years,
            key_type: setting.key_type,
            key_bits: setting.key_bits,
            hash: setting.hash,
            subject: setting.subject,
        }
    }
}
