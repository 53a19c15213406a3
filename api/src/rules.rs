//! Rules of notifications beside the organisation's default.

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::etag::{IfMatch, created, versioned};
use crate::state::App;
use actix_web::{HttpResponse, delete, get, post, put, web};
use certyard_domain::alerts::{self, NewRule};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// How a rule tells.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RuleMode {
    /// In a message for each sweep that found something.
    Immediate,
    /// In one message a week; the last day and the end are told at once.
    WeeklyDigest,
}

/// What a rule covers. Each list that is not empty has to name the place of a certificate; an empty scope covers all.
#[derive(Serialize, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RuleScope {
    /// Clusters.
    #[schema(example = json!([]))]
    pub clusters: Vec<Uuid>,
    /// Groups of clusters.
    #[schema(example = json!([]))]
    pub groups: Vec<Uuid>,
    /// Codes of products, as in the catalogue.
    #[schema(example = json!(["server"]))]
    pub products: Vec<String>,
    /// Purposes of identity certificates, and names of trust stores.
    #[schema(example = json!(["nginx:www.example.org"]))]
    pub purposes: Vec<String>,
    /// `identity` or `trust`; null: both.
    #[schema(example = "identity")]
    pub kind: Option<String>,
    /// Texts of which one is a part of the issuer's name, whatever the case.
    #[schema(example = json!(["Let's Encrypt"]))]
    pub issuers: Vec<String>,
    /// Certificates of issuers: one of them, or one of `issuers`, has to have issued the certificate.
    #[schema(example = json!([]))]
    pub issuer_certificates: Vec<Uuid>,
}

/// Who is told of what nobody has acknowledged.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Escalation {
    /// Days from the first alert of a certificate until others are told, unless somebody has acknowledged it: 1 to 90.
    #[schema(example = 3)]
    pub after_days: i32,
    /// At most 25 addresses.
    #[serde(default)]
    #[schema(example = json!(["head.of.operations@example.org"]))]
    pub recipients: Vec<String>,
    /// Channels.
    #[serde(default)]
    #[schema(example = json!([]))]
    pub channels: Vec<Uuid>,
}

/// A rule.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotificationRule {
    /// The rule.
    pub id: Uuid,
    /// Name.
    #[schema(example = "Short-lived certificates at the edge")]
    pub name: String,
    /// It tells.
    #[schema(example = true)]
    pub enabled: bool,
    /// What it covers.
    pub scope: RuleScope,
    /// Days before the end at which it begins; null where `start_percent` says so.
    #[schema(example = json!(null))]
    pub start_days: Option<i32>,
    /// Percent of the lifetime that are left when it begins, at most 365 days before the end; null where `start_days` says so.
    #[schema(example = 20)]
    pub start_percent: Option<i32>,
    /// Days from one message about a certificate to the next; null with `start_percent` and in a digest.
    #[schema(example = json!(null))]
    pub frequency_days: Option<i32>,
    /// Percent of the lifetime from one message about a certificate to the next; null with `start_days` and in a digest.
    #[schema(example = 5)]
    pub frequency_percent: Option<i32>,
    /// How it tells.
    pub mode: RuleMode,
    /// Day of the week of the digest, 1 (Monday) to 7.
    #[schema(example = json!(null))]
    pub digest_weekday: Option<i32>,
    /// A digest without a certificate is sent as well.
    #[schema(example = false)]
    pub digest_empty: bool,
    /// The last digest that was made.
    #[schema(example = json!(null))]
    pub digested_at: Option<DateTime<Utc>>,
    /// Addresses.
    #[schema(example = json!(["edge@example.org"]))]
    pub recipients: Vec<String>,
    /// Channels.
    #[schema(example = json!([]))]
    pub channels: Vec<Uuid>,
    /// What it covers is not told by the default.
    #[schema(example = true)]
    pub instead_of_default: bool,
    /// Who is told of what nobody has acknowledged; null: nobody.
    pub escalation: Option<Escalation>,
    /// Rises with each change.
    #[schema(example = 1)]
    pub revision: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// All rules.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotificationRules {
    /// By name; there are at most 50.
    pub items: Vec<NotificationRule>,
}

/// A rule as it is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetNotificationRule {
    /// Name, unique in the organisation.
    #[schema(example = "Short-lived certificates at the edge")]
    pub name: String,
    /// Left out: true.
    #[schema(example = true)]
    pub enabled: Option<bool>,
    /// What it covers; left out: all.
    #[serde(default)]
    pub scope: RuleScope,
    /// 30 to 365 days before the end. Either this or `start_percent`.
    #[schema(example = json!(null))]
    pub start_days: Option<i32>,
    /// 1 to 99 percent of the lifetime that are left.
    #[schema(example = 20)]
    pub start_percent: Option<i32>,
    /// 1 to 30 days, with `start_days`; left out: 7.
    #[schema(example = json!(null))]
    pub frequency_days: Option<i32>,
    /// 1 to 99 percent of the lifetime, with `start_percent`; left out: a quarter of that.
    #[schema(example = 5)]
    pub frequency_percent: Option<i32>,
    /// `immediate` or `weekly_digest`; left out: `immediate`.
    #[schema(example = "immediate")]
    pub mode: Option<String>,
    /// 1 (Monday) to 7, with `weekly_digest`; left out: Monday.
    #[schema(example = json!(null))]
    pub digest_weekday: Option<i32>,
    /// Send a digest without a certificate as well; left out: false.
    #[schema(example = false)]
    pub digest_empty: Option<bool>,
    /// At most 25 addresses. An address or a channel is needed.
    #[serde(default)]
    #[schema(example = json!(["edge@example.org"]))]
    pub recipients: Vec<String>,
    /// Channels.
    #[serde(default)]
    #[schema(example = json!([]))]
    pub channels: Vec<Uuid>,
    /// Whether the default is to be silent about what it covers; left out: false.
    #[schema(example = true)]
    pub instead_of_default: Option<bool>,
    /// Who is told of what nobody has acknowledged; left out: nobody.
    pub escalation: Option<Escalation>,
}

/// A moment at which a rule would tell.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleMoment {
    /// The moment.
    pub at: DateTime<Utc>,
    /// Certificates of which it would tell then.
    #[schema(example = 12)]
    pub certificates: i64,
}

/// What a rule would tell.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotificationRulePreview {
    /// Certificates that it covers and that end within the days that it looks ahead: `start_days`, with `start_percent` 365.
    #[schema(example = 412)]
    pub certificates: i64,
    /// Those that have come so far that it would tell of them at once; with a digest, in the next one.
    #[schema(example = 31)]
    pub due: i64,
    /// The next ten moments at which something of the others, or something more of these, comes due.
    pub next: Vec<RuleMoment>,
    /// False where there are more than 10,000: the first of them to end were looked at.
    #[schema(example = true)]
    pub complete: bool,
}

/// Lists the rules of notifications beside the organisation's default.
#[utoipa::path(operation_id = "list_notification_rules", tag = "notifications", responses((status = 200, description = "Rules, by name", body = NotificationRules)))]
#[get("/settings/notifications/rules")]
pub(crate) async fn list_rules(app: App, caller: Caller) -> Reply<NotificationRules> {
    let tx = app.db.read(caller.scope()).await?;
    let items = alerts::list_rules(&tx).await?.into_iter().map(rule).collect();
    Ok(web::Json(NotificationRules { items }))
}

/// Makes a rule beside the organisation's default.
///
/// It tells its own recipients and channels of what it covers, by its own start and frequency. The default tells of the same beside it, unless
/// `instead_of_default` says otherwise. Time zone, hour, language and what is said of expired certificates are those of the settings.
#[utoipa::path(operation_id = "create_notification_rule", tag = "notifications", request_body = SetNotificationRule, responses((status = 201, description = "Made", body = NotificationRule)))]
#[post("/settings/notifications/rules")]
pub(crate) async fn create_rule(
    app: App,
    caller: Caller,
    body: Json<SetNotificationRule>,
) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    let made = alerts::create_rule(&tx, wanted(body.0)).await?;
    tx.commit().await?;
    let location = format!("/api/v1/settings/notifications/rules/{}", made.id);
    Ok(created(location, rule(made)))
}

/// Says what a rule would tell, without storing it.
///
/// Acknowledgements are not looked at.
#[utoipa::path(operation_id = "preview_notification_rule", tag = "notifications", request_body = SetNotificationRule, responses((status = 200, description = "What it would tell", body = NotificationRulePreview)))]
#[post("/settings/notifications/rules/preview")]
pub(crate) async fn preview_rule(
    app: App,
    caller: Caller,
    body: Json<SetNotificationRule>,
) -> Reply<NotificationRulePreview> {
    let tx = app.db.read(caller.scope()).await?;
    let found = alerts::preview_rule(&tx, wanted(body.0)).await?;
    let next = found.next.into_iter();
    Ok(web::Json(NotificationRulePreview {
        certificates: found.certificates,
        due: found.due,
        next: next.map(|(at, certificates)| RuleMoment { at, certificates }).collect(),
        complete: found.complete,
    }))
}

/// Reads a rule.
#[utoipa::path(operation_id = "get_notification_rule", tag = "notifications", params(("id" = Uuid, Path, description = "The rule")), responses((status = 200, description = "The rule", body = NotificationRule, headers(("ETag" = String, description = "Version, for If-Match")))))]
#[get("/settings/notifications/rules/{id}")]
pub(crate) async fn get_rule(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let found = alerts::get_rule(&tx, *id).await?;
    Ok(versioned(found.version, rule(found)))
}

/// Puts a rule in the place of what it was.
///
/// It holds from the next sweep on. What it told is not told again; what waits for somebody who is not on its lists any more is not sent.
#[utoipa::path(operation_id = "replace_notification_rule", tag = "notifications", params(("id" = Uuid, Path, description = "The rule"), ("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), request_body = SetNotificationRule, responses((status = 200, description = "Changed", body = NotificationRule)))]
#[put("/settings/notifications/rules/{id}")]
pub(crate) async fn replace_rule(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    condition: IfMatch,
    body: Json<SetNotificationRule>,
) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    let after = alerts::replace_rule(&tx, *id, condition.version()?, wanted(body.0)).await?;
    tx.commit().await?;
    Ok(versioned(after.version, rule(after)))
}

/// Deletes a rule. Its messages stay in the ledger; what waits is not sent.
#[utoipa::path(operation_id = "delete_notification_rule", tag = "notifications", params(("id" = Uuid, Path, description = "The rule"), ("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), responses((status = 204, description = "Deleted")))]
#[delete("/settings/notifications/rules/{id}")]
pub(crate) async fn delete_rule(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    condition: IfMatch,
) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    alerts::delete_rule(&tx, *id, condition.version()?).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

fn wanted(body: SetNotificationRule) -> NewRule {
    NewRule {
        name: body.name,
        enabled: body.enabled.unwrap_or(true),
        scope: alerts::RuleScope {
            clusters: body.scope.clusters,
            groups: body.scope.groups,
            products: body.scope.products,
            purposes: body.scope.purposes,
            kind: body.scope.kind,
            issuers: body.scope.issuers,
            issuer_certificates: body.scope.issuer_certificates,
        },
        start_days: body.start_days,
        start_percent: body.start_percent,
        frequency_days: body.frequency_days,
        frequency_percent: body.frequency_percent,
        mode: body.mode.unwrap_or_else(|| alerts::RuleMode::default().as_str().into()),
        digest_weekday: body.digest_weekday,
        digest_empty: body.digest_empty.unwrap_or(false),
        recipients: body.recipients,
        channels: body.channels,
        instead_of_default: body.instead_of_default.unwrap_or(false),
        escalation: body.escalation.map(Into::into),
    }
}

impl From<Escalation> for alerts::Escalation {
    fn from(wanted: Escalation) -> Self {
        Self {
            after_days: wanted.after_days,
            recipients: wanted.recipients,
            channels: wanted.channels,
        }
    }
}

impl From<alerts::Escalation> for Escalation {
    fn from(found: alerts::Escalation) -> Self {
        Self {
            after_days: found.after_days,
            recipients: found.recipients,
            channels: found.channels,
        }
    }
}

fn rule(found: alerts::Rule) -> NotificationRule {
    NotificationRule {
        id: found.id,
        name: found.name,
        enabled: found.enabled,
        scope: RuleScope {
            clusters: found.scope.clusters,
            groups: found.scope.groups,
            products: found.scope.products,
            purposes: found.scope.purposes,
            kind: found.scope.kind,
            issuers: found.scope.issuers,
            issuer_certificates: found.scope.issuer_certificates,
        },
        start_days: found.start_days,
        start_percent: found.start_percent,
        frequency_days: found.frequency_days,
        frequency_percent: found.frequency_percent,
        mode: match found.mode {
            alerts::RuleMode::Immediate => RuleMode::Immediate,
            alerts::RuleMode::WeeklyDigest => RuleMode::WeeklyDigest,
        },
        digest_weekday: found.digest_weekday,
        digest_empty: found.digest_empty,
        digested_at: found.digested_at,
        recipients: found.recipients,
        channels: found.channels,
        instead_of_default: found.instead_of_default,
        escalation: found.escalation.map(Into::into),
        revision: found.version,
        created_at: found.created_at,
        updated_at: found.updated_at,
    }
}
