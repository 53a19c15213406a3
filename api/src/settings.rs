//! Settings of notifications and of the mail server.

use crate::body::Json;
use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::etag::{IfMatch, time_version, versioned};
use crate::rules::Escalation;
use crate::state::App;
use actix_web::{HttpResponse, get, post, put, web};
use certyard_domain::alerts::{self, Language, MailChange, NotificationChange, PasswordChange, Post, TestMail};
use certyard_domain::{Error, orgs};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use zeroize::Zeroizing;

/// A recipient to whom nothing is sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct SuspendedRecipient {
    /// Address.
    #[schema(example = "gone@example.org")]
    pub recipient: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What the mail server said.
    #[schema(example = "550 5.1.1 no such user")]
    pub reply: String,
}

/// When certificates are warned of, and whom.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotificationSettings {
    /// Days before its end at which the first mail about a certificate comes. From there on it counts as expiring; it is the
    /// `start_days` of the organisation.
    #[schema(example = 90)]
    pub start_days: i32,
    /// Days from one mail about a certificate to the next.
    #[schema(example = 7)]
    pub frequency_days: i32,
    /// Addresses; none: nobody is told.
    #[schema(example = json!(["ops@example.org"]))]
    pub recipients: Vec<String>,
    /// Time zone of `hour` and of the times in mails.
    #[schema(example = "Europe/Stockholm")]
    pub time_zone: String,
    /// Hour of the day at which mails leave.
    #[schema(example = 8)]
    pub hour: i32,
    /// Language of the mail: `en`, `sv`, `de`, `cs`, `uk`, `ru`.
    #[schema(example = "en")]
    pub language: String,
    /// Certificates in trust stores are told of as well.
    #[schema(example = true)]
    pub include_trust: bool,
    /// Days from one mail about an expired certificate to the next; 0: it is told once.
    #[schema(example = 7)]
    pub repeat_expired_days: i32,
    /// Days after its end until which an expired certificate is repeated.
    #[schema(example = 30)]
    pub repeat_expired_until_days: i32,
    /// Mails carry a calendar file with the ends of the certificates.
    #[schema(example = false)]
    pub attach_calendar: bool,
    /// Days for which messages that are over, and what they told, are kept.
    #[schema(example = 400)]
    pub keep_days: i32,
    /// Day of the week, 1 (Monday) to 7, on which all comes in one message, but for the last day and the end of a certificate; null: each sweep that
    /// finds something tells at once.
    #[schema(example = json!(null))]
    pub digest_weekday: Option<i32>,
    /// A digest without a certificate is sent as well.
    #[schema(example = false)]
    pub digest_empty: bool,
    /// Who is told of what nobody has acknowledged; null: nobody.
    pub escalation: Option<Escalation>,
    /// Recipients, also of rules, to whom nothing is sent, as their mail server refused.
    #[schema(example = json!([]))]
    pub suspended: Vec<SuspendedRecipient>,
    /// When a sweep for due alerts came to its end last.
    pub swept_at: Option<DateTime<Utc>>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// Changes the settings; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetNotifications {
    /// 30 to 365 days.
    #[schema(example = 90)]
    pub start_days: Option<i32>,
    /// 1 to 30 days.
    #[schema(example = 7)]
    pub frequency_days: Option<i32>,
    /// At most 25 addresses.
    #[schema(example = json!(["ops@example.org"]))]
    pub recipients: Option<Vec<String>>,
    /// A name of the IANA time zone database.
    #[schema(example = "Europe/Stockholm")]
    pub time_zone: Option<String>,
    /// 0 to 23.
    #[schema(example = 8)]
    pub hour: Option<i32>,
    /// `en`, `sv`, `de`, `cs`, `uk` or `ru`.
    #[schema(example = "en")]
    pub language: Option<String>,
    /// Tell of certificates in trust stores as well.
    pub include_trust: Option<bool>,
    /// 0 to 30 days.
    #[schema(example = 7)]
    pub repeat_expired_days: Option<i32>,
    /// 0 to 365 days.
    #[schema(example = 30)]
    pub repeat_expired_until_days: Option<i32>,
    /// Attach a calendar file to mails.
    #[schema(example = false)]
    pub attach_calendar: Option<bool>,
    /// 30 to 3650 days.
    #[schema(example = 400)]
    pub keep_days: Option<i32>,
    /// 1 (Monday) to 7: one message a week; null: none.
    #[serde(default, deserialize_with = "crate::body::present")]
    #[schema(example = 1)]
    pub digest_weekday: Option<Option<i32>>,
    /// Send a digest without a certificate as well.
    #[schema(example = false)]
    pub digest_empty: Option<bool>,
    /// Who is told of what nobody has acknowledged; null: nobody.
    #[serde(default, deserialize_with = "crate::body::present")]
    pub escalation: Option<Option<Escalation>>,
}

/// Whom to send to again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeRecipient {
    /// Address, as in the list of those that are suspended.
    #[schema(example = "back@example.org")]
    pub recipient: String,
}

/// In which language.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PreviewMail {
    /// `en`, `sv`, `de`, `cs`, `uk`, `ru`; left out: that of the settings.
    pub language: Option<String>,
}

/// A mail as it would be sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct MailPreview {
    /// Subject.
    #[schema(example = "Certyard: expired 1, expiring 4 (Example Corp)")]
    pub subject: String,
    /// Plain text.
    #[schema(example = "Certificates of Example Corp")]
    pub text: String,
    /// HTML.
    #[schema(example = "<!doctype html>")]
    pub html: String,
    /// The calendar file that goes along; null where the settings want none.
    #[schema(example = json!(null))]
    pub calendar: Option<String>,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MailSecurity {
    /// STARTTLS, without which nothing is sent.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None.
    None,
}

/// The mail server. The password is never answered.
#[derive(Serialize, ToSchema)]
pub(crate) struct MailServerSettings {
    /// Whether there is one; all else is empty where there is none.
    #[schema(example = true)]
    pub configured: bool,
    /// Host name or address.
    #[schema(example = "mail.example.org")]
    pub host: String,
    /// Port.
    #[schema(example = 587)]
    pub port: u16,
    /// How the connection is protected.
    pub security: MailSecurity,
    /// Name to sign in with.
    #[schema(example = "certyard")]
    pub username: Option<String>,
    /// Whether a password is stored.
    #[schema(example = true)]
    pub has_password: bool,
    /// Address that mail comes from.
    #[schema(example = "certyard@example.org")]
    pub from_address: String,
    /// Name that mail comes from.
    #[schema(example = "Certyard")]
    pub from_name: String,
    /// CAs of the server's certificate in PEM; null: those that the system trusts.
    #[schema(example = json!(null))]
    pub ca_pem: Option<String>,
    /// Last change.
    pub updated_at: Option<DateTime<Utc>>,
}

/// Sets the mail server.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetMailServer {
    /// Host name or address.
    #[schema(example = "mail.example.org")]
    pub host: String,
    /// Port; left out: 587, or 465 with `tls`.
    #[schema(example = 587)]
    pub port: Option<i64>,
    /// `starttls`, `tls` or `none`; left out: `starttls`.
    #[schema(example = "starttls")]
    pub security: Option<String>,
    /// Has to be true with `none`: everybody on the way can read and change the mail then.
    #[serde(default)]
    #[schema(example = false)]
    pub allow_plaintext: bool,
    /// Name to sign in with; left out: nobody signs in.
    #[schema(example = "certyard")]
    pub username: Option<String>,
    /// Password; left out: the stored one stays, null: there is none any more.
    #[serde(default, deserialize_with = "crate::body::present")]
    #[schema(example = "a password")]
    pub password: Option<Option<String>>,
    /// Address that mail comes from.
    #[schema(example = "certyard@example.org")]
    pub from_address: String,
    /// Name that mail comes from; left out: `Certyard`.
    #[schema(example = "Certyard")]
    pub from_name: Option<String>,
    /// CAs of the server's certificate in PEM, also PKCS#7 in PEM; left out: those that the system trusts.
    #[schema(example = json!(null))]
    pub ca_pem: Option<String>,
}

/// To whom to send a test mail.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendTestMail {
    /// Address.
    #[schema(example = "ops@example.org")]
    pub to: String,
}

/// What the mail server said to a test mail.
#[derive(Serialize, ToSchema)]
pub(crate) struct TestMailResult {
    /// It said 250.
    #[schema(example = true)]
    pub accepted: bool,
    /// Where it failed: `connect`, `tls`, `starttls`, `auth`, `sender`, `recipient`, `data`, `compose`; null where it did not.
    #[schema(example = json!(null))]
    pub step: Option<String>,
    /// The server's words, or what went wrong.
    #[schema(example = "250 2.0.0 Ok: queued as 4F1c2d")]
    pub reply: String,
}

/// Reads when certificates are warned of, and whom.
#[utoipa::path(operation_id = "get_notification_settings", tag = "notifications", responses((status = 200, description = "The settings", body = NotificationSettings, headers(("ETag" = String, description = "Version, for If-Match")))))]
#[get("/settings/notifications")]
pub(crate) async fn get_notifications(app: App, caller: Caller) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let found = alerts::notifications(&tx).await?;
    Ok(versioned(time_version(found.updated_at), notifications(found)))
}

/// Changes when certificates are warned of, and whom.
///
/// Each value that is out of bounds is named. Another number of start days is that of the organisation as well: counts of
/// expiring certificates follow in the background. What the last mail told is not told again because of other settings.
#[utoipa::path(operation_id = "set_notification_settings", tag = "notifications", request_body = SetNotifications, params(("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), responses((status = 200, description = "Changed", body = NotificationSettings)))]
#[put("/settings/notifications")]
pub(crate) async fn set_notifications(
    app: App,
    caller: Caller,
    condition: IfMatch,
    body: Json<SetNotifications>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let change = NotificationChange {
        start_days: body.start_days,
        frequency_days: body.frequency_days,
        recipients: body.recipients,
        time_zone: body.time_zone,
        hour: body.hour,
        language: body.language,
        include_trust: body.include_trust,
        repeat_expired_days: body.repeat_expired_days,
        repeat_expired_until_days: body.repeat_expired_until_days,
        attach_calendar: body.attach_calendar,
        keep_days: body.keep_days,
        digest_weekday: body.digest_weekday,
        digest_empty: body.digest_empty,
        escalation: body.escalation.map(|wanted| wanted.map(Into::into)),
    };
    let tx = app.db.write(caller.scope()).await?;
    condition.require(time_version(alerts::notifications(&tx).await?.updated_at))?;
    let after = alerts::set_notifications(&tx, change).await?;
    tx.commit().await?;
    Ok(versioned(time_version(after.updated_at), notifications(after)))
}

/// Sends to a recipient again whose mail server had refused.
#[utoipa::path(operation_id = "resume_recipient", tag = "notifications", request_body = ResumeRecipient, responses((status = 204, description = "The next message goes to them as well")))]
#[post("/settings/notifications/resume")]
pub(crate) async fn resume_recipient(
    app: App,
    caller: Caller,
    body: Json<ResumeRecipient>,
) -> Result<HttpResponse, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    alerts::resume_recipient(&tx, &body.0.recipient).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Shows the mail that would be sent.
///
/// It tells of all that is expiring or has expired; where nothing is, of examples.
#[utoipa::path(operation_id = "preview_notification", tag = "notifications", params(PreviewMail), responses((status = 200, description = "The mail", body = MailPreview)))]
#[get("/settings/notifications/preview")]
pub(crate) async fn preview(app: App, caller: Caller, query: web::Query<PreviewMail>) -> Reply<MailPreview> {
    let language = match query.language.as_deref() {
        Some(code) => Some(
            Language::parse(code)
                .ok_or_else(|| Problem::field("language", "unknown", "is one of en, sv, de, cs, uk, ru"))?,
        ),
        None => None,
    };
    let tx = app.db.read(caller.scope()).await?;
    let letter = alerts::preview_letter(&tx, language).await?;
    drop(tx);
    let mail = post_of(&app)?
        .render(&letter, &app.public_url)
        .map_err(|why| Problem::from(Error::internal(why)))?;
    Ok(web::Json(MailPreview {
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        calendar: mail.calendar,
    }))
}

/// Reads the mail server, without its password.
#[utoipa::path(operation_id = "get_mail_settings", tag = "notifications", responses((status = 200, description = "The mail server", body = MailServerSettings, headers(("ETag" = String, description = "Version, for If-Match")))))]
#[get("/settings/mail")]
pub(crate) async fn get_mail(app: App, caller: Caller) -> Result<HttpResponse, Problem> {
    let tx = app.db.read(caller.scope()).await?;
    let found = alerts::mail_settings(&tx).await?;
    Ok(versioned(mail_version(found.as_ref()), mail(found)))
}

/// Sets the mail server.
///
/// STARTTLS is required unless said otherwise. The password is sealed where it is stored and never answered; it is given
/// again with another host, port or user.
#[utoipa::path(operation_id = "set_mail_settings", tag = "notifications", request_body = SetMailServer, params(("If-Match" = Option<String>, Header, description = "ETag of what was read; another version is refused with 412")), responses((status = 200, description = "Set", body = MailServerSettings)))]
#[put("/settings/mail")]
pub(crate) async fn set_mail(
    app: App,
    caller: Caller,
    condition: IfMatch,
    body: Json<SetMailServer>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let security = body.security.unwrap_or_else(|| "starttls".into());
    let change = MailChange {
        host: body.host,
        port: body.port.unwrap_or(if security == "tls" { 465 } else { 587 }),
        security,
        allow_plaintext: body.allow_plaintext,
        username: body.username,
        password: match body.password {
            None => PasswordChange::Keep,
            Some(None) => PasswordChange::Clear,
            Some(Some(text)) => PasswordChange::Set(Zeroizing::new(text)),
        },
        from_address: body.from_address,
        from_name: body.from_name.unwrap_or_else(|| "Certyard".into()),
        ca_pem: body.ca_pem,
    };
    check_host(&app, &change.host, u16::try_from(change.port).unwrap_or_default()).await?;
    let tx = app.db.write(caller.scope()).await?;
    condition.require(mail_version(alerts::mail_settings(&tx).await?.as_ref()))?;
    let after = alerts::set_mail(&tx, &app.keys, change).await?;
    tx.commit().await?;
    Ok(versioned(mail_version(Some(&after)), mail(Some(after))))
}

/// Refuses a host that the server does not connect to.
async fn check_host(app: &App, host: &str, port: u16) -> Result<(), Problem> {
    let Some(post) = &app.config.post else { return Ok(()) };
    let host = host.trim().trim_start_matches('[').trim_end_matches(']');
    post.check_host(host, port)
        .await
        .map_err(|why| Problem::field("host", "address_not_allowed", why))
}

/// Sends a test mail by the stored settings and answers what the mail server said.
///
/// A refusal of the mail server is an answer like its consent: look at `accepted`.
#[utoipa::path(operation_id = "send_test_mail", tag = "notifications", request_body = SendTestMail, responses((status = 200, description = "What the mail server said", body = TestMailResult)))]
#[post("/settings/mail/test")]
pub(crate) async fn send_test(app: App, caller: Caller, body: Json<SendTestMail>) -> Reply<TestMailResult> {
    let to = alerts::parse_address(&body.0.to).map_err(|why| Problem::field("to", "bad_address", why))?;
    let tx = app.db.read(caller.scope()).await?;
    let server = alerts::mail_server(&tx, &app.keys)
        .await?
        .ok_or_else(|| Error::refused("mail_not_configured", "there is no mail server: set it first"))?;
    let mail = TestMail {
        to: to.to_string(),
        language: alerts::notifications(&tx).await?.language,
        organisation: orgs::get(&tx).await?.name,
        public_url: app.public_url.clone(),
    };
    // No transaction is held open while a server is talked to.
    drop(tx);
    check_host(&app, &server.settings.host, server.settings.port).await?;
    Ok(web::Json(match post_of(&app)?.send_test(&server, &mail).await {
        Ok(reply) => TestMailResult {
            accepted: true,
            step: None,
            reply,
        },
        Err(failure) => TestMailResult {
            accepted: false,
            step: Some(failure.step.into()),
            reply: failure.reply,
        },
    }))
}

pub(crate) fn post_of(app: &App) -> Result<&Arc<dyn Post>, Problem> {
    app.config.post.as_ref().ok_or_else(|| {
        Problem::from(Error::refused(
            "mail_unavailable",
            "this server was started without the part that composes and sends mail",
        ))
    })
}

fn notifications(found: alerts::Notifications) -> NotificationSettings {
    NotificationSettings {
        start_days: found.start_days,
        frequency_days: found.frequency_days,
        recipients: found.recipients,
        time_zone: found.time_zone.name().into(),
        hour: found.hour,
        language: found.language.as_str().into(),
        include_trust: found.include_trust,
        repeat_expired_days: found.repeat_expired_days,
        repeat_expired_until_days: found.repeat_expired_until_days,
        attach_calendar: found.attach_calendar,
        keep_days: found.keep_days,
        digest_weekday: found.digest_weekday,
        digest_empty: found.digest_empty,
        escalation: found.escalation.map(Into::into),
        suspended: found
            .suspended
            .into_iter()
            .map(|row| SuspendedRecipient {
                recipient: row.recipient,
                since: row.since,
                reply: row.reply,
            })
            .collect(),
        swept_at: found.swept_at,
        updated_at: found.updated_at,
    }
}

fn mail_version(found: Option<&alerts::MailSettings>) -> i64 {
    found.map_or(0, |found| time_version(found.updated_at))
}

fn mail(found: Option<alerts::MailSettings>) -> MailServerSettings {
    let Some(found) = found else {
        return MailServerSettings {
            configured: false,
            host: String::new(),
            port: 587,
            security: MailSecurity::Starttls,
            username: None,
            has_password: false,
            from_address: String::new(),
            from_name: String::new(),
            ca_pem: None,
            updated_at: None,
        };
    };
    MailServerSettings {
        configured: true,
        host: found.host,
        port: found.port,
        security: match found.security {
            alerts::Security::Starttls => MailSecurity::Starttls,
            alerts::Security::Tls => MailSecurity::Tls,
            alerts::Security::None => MailSecurity::None,
        },
        username: found.username,
        has_password: found.has_password,
        from_address: found.from_address,
        from_name: found.from_name,
        ca_pem: found.ca_pem,
        updated_at: Some(found.updated_at),
    }
}
