//! Channels: receivers of calls beside the recipients of mail.

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::etag::{IfMatch, created, versioned};
use crate::settings::post_of;
use crate::state::App;
use actix_web::{HttpResponse, delete, get, patch, post, web};
use certyard_domain::alerts::{self, ChannelChange, NewChannel, TestCall, parse_origin};
use certyard_domain::orgs;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What a receiver expects.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChannelKind {
    /// JSON of Certyard's own, signed.
    Generic,
    /// An incoming webhook of Slack.
    Slack,
    /// A workflow of Microsoft Teams that takes an adaptive card.
    Teams,
    /// The events API of PagerDuty, version 2.
    PagerDuty,
}

/// A receiver of calls. Its URL and its secret are never answered.
#[derive(Serialize, ToSchema)]
pub(crate) struct Channel {
    /// The channel.
    pub id: Uuid,
    /// Name.
    #[schema(example = "Operations")]
    pub name: String,
    /// What the receiver expects.
    pub kind: ChannelKind,
    /// Scheme, host and port of its URL.
    #[schema(example = "https://hooks.example.org")]
    pub origin: String,
    /// Whether a secret is stored.
    #[schema(example = true)]
    pub has_secret: bool,
    /// CAs of the receiver's certificate in PEM; null: those that the system trusts.
    #[schema(example = json!(null))]
    pub ca_pem: Option<String>,
    /// It gets messages.
    #[schema(example = true)]
    pub enabled: bool,
    /// It gets what rules and escalations tell that name it, and nothing of the organisation's default.
    #[schema(example = false)]
    pub rules_only: bool,
    /// Rises with each change.
    #[schema(example = 1)]
    pub revision: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// All channels.
#[derive(Serialize, ToSchema)]
pub(crate) struct Channels {
    /// By name; there are at most 20.
    pub items: Vec<Channel>,
}

/// Makes a channel.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateChannel {
    /// Name, unique in the organisation, without `@`.
    #[schema(example = "Operations")]
    pub name: String,
    /// `generic`, `slack`, `teams` or `pagerduty`.
    #[schema(example = "generic")]
    pub kind: String,
    /// Where it is called; left out: that of PagerDuty, with `pagerduty`.
    #[schema(example = "https://hooks.example.org/certyard")]
    pub url: Option<String>,
    /// Has to be true with `http://`: everybody on the way can read and change calls then.
    #[serde(default)]
    #[schema(example = false)]
    pub allow_plaintext: bool,
    /// 16 to 500 bytes: calls are signed with it. With `pagerduty` the routing key, which is required.
    #[schema(example = "a long and random secret")]
    pub secret: Option<String>,
    /// CAs of the receiver's certificate in PEM; left out: those that the system trusts.
    #[schema(example = json!(null))]
    pub ca_pem: Option<String>,
    /// Left out: true.
    pub enabled: Option<bool>,
    /// It gets what rules and escalations tell that name it, and nothing of the organisation's default. Left out: false.
    #[schema(example = false)]
    pub rules_only: Option<bool>,
}

/// Changes a channel; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateChannel {
    /// Name.
    #[schema(example = "Operations")]
    pub name: Option<String>,
    /// Where it is called; another host needs the secret again.
    #[schema(example = "https://hooks.example.org/certyard")]
    pub url: Option<String>,
    /// Has to be true where `url` begins with `http://`.
    #[serde(default)]
    #[schema(example = false)]
    pub allow_plaintext: bool,
    /// Secret; null: there is none any more.
    #[serde(default, deserialize_with = "crate::body::present")]
    #[schema(example = "a long and random secret")]
    pub secret: Option<Option<String>>,
    /// CAs of the receiver's certificate in PEM; null: those that the system trusts.
    #[serde(default, deserialize_with = "crate::body::present")]
    #[schema(example = json!(null))]
    pub ca_pem: Option<Option<String>>,
    /// It gets messages.
    #[schema(example = true)]
    pub enabled: Option<bool>,
    /// It gets nothing of the organisation's default.
    #[schema(example = false)]
    pub rules_only: Option<bool>,
}

/// What the receiver said to a test call.
#[derive(Serialize, ToSchema)]
pub(crate) struct TestCallResult {
    /// It said 2xx.
    #[schema(example = true)]
    pub accepted: bool,
    /// Its status and the begin of its words, or what went wrong.
    #[schema(example = "200 ok")]
    pub reply: String,
}

/// Where PagerDuty takes events.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// Lists channels.
#[utoipa::path(operation_id = "list_channels", tag = "notifications", responses((status = 200, description = "Channels, by name", body = Channels)))]
#[get("/channels")]
pub(crate) async fn list_channels(app: App, caller: Caller) -> Reply<Channels> {
    let tx = app.db.read(caller.scope()).await?;
    let items = alerts::list_channels(&tx).await?.into_iter().map(channel).collect();
    Ok(web::Json(Channels { items }))
}

/// Makes a channel.
///
/// It gets what the recipients of mail get, one call for each sweep that found something. What nobody has been told of is told by it.
#[utoipa::path(operation_id = "create_channel", tag = "notifications", request_body = CreateChannel, responses((status = 201, description = "Made", body = Channel)))]
#[post("/channels")]
pub(crate) async fn create_channel(
    app: App,
    caller: Caller,
    body: Json<CreateChannel>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let url = body.url.unwrap_or_else(|| match body.kind.as_str() {
        "pagerduty" => PAGERDUTY.into(),
        _ => String::new(),
    });
    check_url(&app, &url).await?;
    let new = NewChannel {
        name: body.name,
        kind: body.kind,
        url: Zeroizing::new(url),
        allow_plaintext: body.allow_plaintext,
        secret: body.secret.map(Zeroizing::new),
        ca_pem: body.ca_pem,
        enabled: body.enabled.unwrap_or(true),
        rules_only: body.rules_only.unwrap_or(false),
    };
    let tx = app.db.write(caller.scope()).await?;
    let made = alerts::create_channel(&tx, &app.keys, new).await?;
    tx.commit().await?;
    Ok(created(format!("/api/v1/channels/{}", made.id), channel(made)))
}

/// Reads a channel.
#[utoipa::path(operation_id = "get_channel", tag = "notifications", params(("id" = Uuid, Path, description = "The channel")), responses((status = 200, description = "The channel", body = Channel, headers(("ETag" = String, description = "Version, for If-Match")))))]
#[get("/channels/{id}")]
pub(crate) async fn get_channel(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let found = alerts::get_channel(&tx, *id).await?;
    Ok(versioned(found.version, channel(found)))
}

/// Changes a channel.
///
/// One that is switched off gets nothing; what waits for it is withdrawn.
#[utoipa::path(operation_id = "update_channel", tag = "notifications", params(("id" = Uuid, Path, description = "The channel"), ("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), request_body = UpdateChannel, responses((status = 200, description = "Changed", body = Channel)))]
#[patch("/channels/{id}")]
pub(crate) async fn update_channel(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    condition: IfMatch,
    body: Json<UpdateChannel>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    if let Some(url) = &body.url {
        check_url(&app, url).await?;
    }
    let change = ChannelChange {
        name: body.name,
        url: body.url.map(Zeroizing::new),
        allow_plaintext: body.allow_plaintext,
        secret: body.secret.map(|secret| secret.map(Zeroizing::new)),
        ca_pem: body.ca_pem,
        enabled: body.enabled,
        rules_only: body.rules_only,
    };
    let tx = app.db.write(caller.scope()).await?;
    let after = alerts::update_channel(&tx, &app.keys, *id, condition.version()?, change).await?;
    tx.commit().await?;
    Ok(versioned(after.version, channel(after)))
}

/// Deletes a channel. Its messages stay in the ledger.
#[utoipa::path(operation_id = "delete_channel", tag = "notifications", params(("id" = Uuid, Path, description = "The channel"), ("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), responses((status = 204, description = "Deleted")))]
#[delete("/channels/{id}")]
pub(crate) async fn delete_channel(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    condition: IfMatch,
) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    alerts::delete_channel(&tx, *id, condition.version()?).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Calls a channel to try it out, and answers what the receiver said.
///
/// A refusal of the receiver is an answer like its consent: look at `accepted`.
#[utoipa::path(operation_id = "test_channel", tag = "notifications", params(("id" = Uuid, Path, description = "The channel")), responses((status = 200, description = "What the receiver said", body = TestCallResult)))]
#[post("/channels/{id}/test")]
pub(crate) async fn test_channel(app: App, caller: Caller, id: web::Path<Uuid>) -> Reply<TestCallResult> {
    let tx = app.db.read(caller.scope()).await?;
    let target = alerts::channel_target(&tx, &app.keys, *id).await?;
    let test = TestCall {
        language: alerts::notifications(&tx).await?.language,
        organisation: orgs::get(&tx).await?.name,
        public_url: app.public_url.clone(),
    };
    // No transaction is held open while a receiver is talked to.
    drop(tx);
    check_url(&app, &target.url).await?;
    Ok(web::Json(match post_of(&app)?.call_test(&target, &test).await {
        Ok(reply) => TestCallResult { accepted: true, reply },
        Err(reply) => TestCallResult { accepted: false, reply },
    }))
}

/// Refuses a receiver that the server does not connect to; what is no URL is told with the other fields.
async fn check_url(app: &App, url: &str) -> Result<(), Problem> {
    let (Some(post), Ok(origin)) = (&app.config.post, parse_origin(url)) else {
        return Ok(());
    };
    post.check_host(&origin.host, origin.port)
        .await
        .map_err(|why| Problem::field("url", "address_not_allowed", why))
}

fn channel(found: alerts::Channel) -> Channel {
    Channel {
        id: found.id,
        name: found.name,
        kind: match found.kind {
            alerts::ChannelKind::Generic => ChannelKind::Generic,
            alerts::ChannelKind::Slack => ChannelKind::Slack,
            alerts::ChannelKind::Teams => ChannelKind::Teams,
            alerts::ChannelKind::PagerDuty => ChannelKind::PagerDuty,
        },
        origin: found.origin,
        has_secret: found.has_secret,
        ca_pem: found.ca_pem,
        enabled: found.enabled,
        rules_only: found.rules_only,
        revision: found.version,
        created_at: found.created_at,
        updated_at: found.updated_at,
    }
}
