//! Feeds: calendars of what ends, for the calendar programs of people.

use crate::body::Json;
use crate::caller::{Caller, From};
use crate::error::{Problem, Reply};
use crate::query::Query;
use crate::state::App;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, delete, get, post, web};
use certyard_domain::alerts::{self, CALENDAR_TYPE, Language};
use certyard_domain::people;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A feed, without its token.
#[derive(Serialize, ToSchema)]
pub(crate) struct Feed {
    /// The feed.
    pub id: Uuid,
    /// Name.
    #[schema(example = "my calendar")]
    pub name: String,
    /// Last characters of its token, to tell feeds apart.
    #[schema(example = "x4Qz")]
    pub hint: String,
    /// Language of its entries.
    #[schema(example = "en")]
    pub language: String,
    /// Certificates in trust stores are in it as well.
    #[schema(example = false)]
    pub include_trust: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was read last, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A new feed with its address, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewFeed {
    /// Address to subscribe to. Whoever knows it reads the calendar.
    #[schema(example = "https://certyard.example.org/api/v1/feeds/expiries.ics?token=cyf_…")]
    pub url: String,
    /// The feed.
    pub feed: Feed,
}

/// Feeds of the caller.
#[derive(Serialize, ToSchema)]
pub(crate) struct Feeds {
    /// The newest first; at most 20.
    pub items: Vec<Feed>,
}

/// Makes a feed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateFeed {
    /// What it is for.
    #[schema(example = "my calendar")]
    pub name: String,
    /// Language of its entries: `en`, `sv`, `de`, `cs`, `uk`, `ru`. Left out: `en`.
    #[schema(example = "en")]
    pub language: Option<String>,
    /// Certificates in trust stores are in it as well. Left out: false.
    #[schema(example = false)]
    pub include_trust: Option<bool>,
}

/// Whose calendar.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadFeed {
    /// Token of the feed.
    #[param(example = "cyf_…")]
    pub token: String,
}

/// Lists the caller's own feeds.
#[utoipa::path(operation_id = "list_feeds", tag = "notifications", responses((status = 200, description = "Feeds", body = Feeds)))]
#[get("/feeds")]
pub(crate) async fn list_feeds(app: App, caller: Caller) -> Reply<Feeds> {
    let tx = app.db.read(caller.scope()).await?;
    let items = people::list_feeds(&tx).await?;
    Ok(web::Json(Feeds {
        items: items.into_iter().map(feed).collect(),
    }))
}

/// Makes a feed: the expiries that the caller sees, as a calendar to subscribe to.
///
/// The address is in this answer and never again. It sees what its person sees at the time, and ends with them.
#[utoipa::path(operation_id = "create_feed", tag = "notifications", request_body = CreateFeed, responses((status = 201, description = "Made", body = NewFeed)))]
#[post("/feeds")]
pub(crate) async fn create_feed(app: App, caller: Caller, body: Json<CreateFeed>) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let language = match body.language.as_deref() {
        None => Language::default(),
        Some(code) => Language::parse(code)
            .ok_or_else(|| Problem::field("language", "unknown", "one of en, sv, de, cs, uk, ru".to_string()))?,
    };
    let new = people::NewFeed {
        name: body.name,
        language: language.as_str().into(),
        include_trust: body.include_trust.unwrap_or_default(),
    };
    let tx = app.db.write(caller.scope()).await?;
    let (row, token) = people::create_feed(&tx, &new).await?;
    tx.commit().await?;
    let made = NewFeed {
        url: format!("{}/api/v1/feeds/expiries.ics?token={}", app.public_url, token.as_str()),
        feed: feed(row),
    };
    Ok(HttpResponse::Created().json(made))
}

/// Revokes one of the caller's own feeds.
#[utoipa::path(operation_id = "revoke_feed", tag = "notifications", params(("id" = Uuid, Path, description = "The feed")), responses((status = 204, description = "Revoked")))]
#[delete("/feeds/{id}")]
pub(crate) async fn revoke_feed(app: App, caller: Caller, id: web::Path<Uuid>) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    people::revoke_feed(&tx, *id).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Reads a feed: what has ended within 31 days and what ends within two years, as iCalendar (RFC 5545).
///
/// Each certificate is an entry for each cluster that holds it, the soonest 2,000 of them. Read it every few hours: calendar programs do.
#[utoipa::path(operation_id = "read_feed", tag = "notifications", params(ReadFeed), responses((status = 200, description = "The calendar", body = String, content_type = "text/calendar")))]
#[get("/feeds/expiries.ics")]
pub(crate) async fn read_feed(app: App, from: From, query: Query<ReadFeed>) -> Result<HttpResponse, Problem> {
    let (principal, feed) = people::authenticate_feed(&app.db, &query.0.token, &from.0).await?;
    let tx = app.db.read(&principal.scope).await?;
    let calendar = alerts::feed_calendar(&tx, &feed, &app.public_url).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, CALENDAR_TYPE))
        .insert_header((CONTENT_DISPOSITION, "inline; filename=\"certyard.ics\""))
        .body(calendar))
}

fn feed(row: people::Feed) -> Feed {
    Feed {
        id: row.id,
        name: row.name,
        hint: row.hint,
        language: row.language,
        include_trust: row.include_trust,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
    }
}
