//! The ledger of alerts: messages, what each told, and who was told of a certificate.

use crate::caller::Caller;
use crate::error::{Problem, Reply};
use crate::list::{self, List, turn};
use crate::page::{self, Page};
use crate::query::Query;
use crate::state::App;
use actix_web::{HttpResponse, get, post, web};
use certyard_domain::OrgTx;
use certyard_domain::alerts::{self, About, MessageFilter, SendState};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// State of a message.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MessageState {
    /// It waits for its first try.
    Due,
    /// A worker talks to the mail server.
    Sending,
    /// The mail server put it off, or could not be reached: it is tried again, for 48 hours.
    Deferred,
    /// The mail server said 250, or the receiver of a call 2xx.
    Accepted,
    /// The mail server refused it for good.
    Refused,
    /// It was tried for 48 hours in vain; the last try failed.
    Dead,
    /// Nothing of it was true any more when it was to be sent.
    Cancelled,
}

/// What a message tells of.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MessageAbout {
    /// Certificates that expire or have expired.
    Certificates,
    /// What keeps people from being told: a notice to recipients, owners and channels that can still be reached.
    Trouble,
}

/// What a message is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MessageKind {
    /// It tells of what has come due.
    Warning,
    /// It tells of all that is covered, once a week.
    Digest,
    /// It tells others of what nobody has acknowledged.
    Escalation,
}

/// One mail to one recipient, or one call of one channel.
#[derive(Serialize, ToSchema)]
pub(crate) struct Message {
    /// The message.
    pub id: Uuid,
    /// To whom: an address, or the name of the channel at the time.
    #[schema(example = "ops@example.org")]
    pub recipient: String,
    /// The channel; null for mail.
    #[schema(example = json!(null))]
    pub channel_id: Option<Uuid>,
    /// What it tells of.
    pub about: MessageAbout,
    /// State.
    pub state: MessageState,
    /// Message-ID of the mail, or id of the delivery of a call; it never changes.
    #[schema(example = "<0192f0c1-5a2b-7c3d-8e4f-a0b1c2d3e4f5.certyard@example.org>")]
    pub message_id: Option<String>,
    /// Subject, once it was accepted.
    #[schema(example = "Certyard: expired 1, expiring 4 (Example Corp)")]
    pub subject: Option<String>,
    /// Certificates that it tells of, as of the last try.
    #[schema(example = 5)]
    pub told_count: i64,
    /// Tries so far.
    #[schema(example = 1)]
    pub attempts: i32,
    /// When it is looked at next; null once it is over.
    pub next_try_at: Option<DateTime<Utc>>,
    /// First try, or when somebody had it sent again.
    pub first_tried_at: Option<DateTime<Utc>>,
    /// What the mail server said last, or why nothing was sent.
    #[schema(example = "250 2.0.0 Ok: queued as 4F1c2d")]
    pub reply: Option<String>,
    /// The mail server's own name for it.
    #[schema(example = "4F1c2d")]
    pub queue_id: Option<String>,
    /// When it came to its end.
    pub settled_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// What it is; null where it is about trouble.
    pub kind: Option<MessageKind>,
    /// The rule that made it; null: the organisation's default.
    pub rule_id: Option<Uuid>,
    /// Name of the rule at the time.
    #[schema(example = "Short-lived certificates at the edge")]
    pub rule_name: Option<String>,
}

/// A warning of one certificate.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageAlert {
    /// The warning.
    pub id: Uuid,
    /// The certificate.
    pub certificate_id: Uuid,
    /// Its common name.
    #[schema(example = "cucm1.example.org")]
    pub common_name: String,
    /// Its serial number.
    #[schema(example = "4E2B17A0")]
    pub serial_hex: String,
    /// SHA-256 of its bytes.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub sha256: String,
    /// Its end.
    pub not_after: DateTime<Utc>,
    /// What was said: `expiring`, `last_day`, `expired`, `still_expired`.
    #[schema(example = "expiring")]
    pub stage: String,
    /// The moment at which it was due.
    pub slot_at: DateTime<Utc>,
    /// Nodes that had it.
    #[schema(example = 3)]
    pub node_count: i64,
    /// Whether the message has told of it: the mail server has accepted the message, and it was still true then.
    #[schema(example = true)]
    pub told: bool,
}

/// A message with what it told.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageDetail {
    /// The message.
    pub message: Message,
    /// Its first 200 warnings, the soonest end first.
    pub alerts: Vec<MessageAlert>,
}

/// Who was told of a certificate.
#[derive(Serialize, ToSchema)]
pub(crate) struct CertificateMessage {
    /// What was said.
    pub alert: MessageAlert,
    /// In which message.
    pub message: Message,
}

/// Which messages.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListMessages {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Only in this state.
    pub state: Option<MessageState>,
    /// Only about this.
    pub about: Option<MessageAbout>,
    /// Only to this address, or to the channel that had this name.
    pub recipient: Option<String>,
    /// Only calls of this channel.
    pub channel_id: Option<Uuid>,
    /// Only of this kind.
    pub kind: Option<MessageKind>,
    /// Only of this rule, also of what it escalated.
    pub rule_id: Option<Uuid>,
    /// Only those that were made to warn of this certificate.
    pub certificate_id: Option<Uuid>,
    /// Not made before.
    pub from: Option<DateTime<Utc>>,
    /// Made before.
    pub to: Option<DateTime<Utc>>,
}

/// A page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListTold {
    /// Rows on the page, 1 to 200.
    pub limit: Option<u64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

impl List for ListMessages {
    type Of = ();
    type Row = Message;
    const NAME: &'static str = "messages";

    turn!();

    async fn read(&self, tx: &OrgTx, (): (), limit: u64) -> Result<Page<Message>, Problem> {
        let filter = MessageFilter {
            state: self.state.map(Into::into),
            about: self.about.map(Into::into),
            recipient: self.recipient.clone(),
            channel_id: self.channel_id,
            kind: self.kind.map(Into::into),
            rule_id: self.rule_id,
            certificate_id: self.certificate_id,
            from: self.from,
            to: self.to,
        };
        let rows = alerts::list_messages(tx, &filter, page::cursor(&self.cursor)?, limit).await?;
        Ok(page::convert(rows, message))
    }
}

/// Lists messages: who was told, when, and what the mail server said.
#[utoipa::path(operation_id = "list_messages", tag = "notifications", params(ListMessages), responses((status = 200, description = "Messages, latest first", body = Page<Message>)))]
#[get("/messages")]
pub(crate) async fn list_messages(app: App, caller: Caller, query: Query<ListMessages>) -> Reply<Page<Message>> {
    list::answer(&app, &caller, (), query.0).await
}

/// Exports messages as CSV: all rows, not a page.
#[utoipa::path(operation_id = "export_messages", tag = "notifications", params(ListMessages), responses((status = 200, description = "All rows, a line of names first", body = String, content_type = "text/csv")))]
#[get("/messages.csv")]
pub(crate) async fn export_messages(
    app: App,
    caller: Caller,
    query: Query<ListMessages>,
) -> Result<HttpResponse, Problem> {
    list::export(app, caller, (), query.0).await
}

/// Reads a message with what it told.
#[utoipa::path(operation_id = "get_message", tag = "notifications", params(("id" = Uuid, Path, description = "The message")), responses((status = 200, description = "The message", body = MessageDetail)))]
#[get("/messages/{id}")]
pub(crate) async fn get_message(app: App, caller: Caller, id: web::Path<Uuid>) -> Reply<MessageDetail> {
    let tx = app.db.read(caller.scope()).await?;
    let (found, alerts) = alerts::get_message(&tx, *id).await?;
    Ok(web::Json(MessageDetail {
        message: message(found),
        alerts: alerts.into_iter().map(alert).collect(),
    }))
}

/// Sends a message again that was given up or refused.
///
/// It keeps its Message-ID, tells of what is still true, and is tried for another 48 hours. A recipient who is suspended is
/// resumed first.
#[utoipa::path(operation_id = "retry_message", tag = "notifications", params(("id" = Uuid, Path, description = "The message")), responses((status = 200, description = "It is due", body = Message)))]
#[post("/messages/{id}/retry")]
pub(crate) async fn retry_message(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<web::Json<Message>, Problem> {
    let tx = app.db.write(caller.scope()).await?;
    let found = alerts::retry_message(&tx, *id).await?;
    tx.commit().await?;
    Ok(web::Json(message(found)))
}

/// Lists who was told of a certificate, and when.
#[utoipa::path(operation_id = "list_certificate_messages", tag = "notifications", params(("id" = Uuid, Path, description = "The certificate"), ListTold), responses((status = 200, description = "Messages, latest first", body = Page<CertificateMessage>)))]
#[get("/certificates/{id}/messages")]
pub(crate) async fn list_certificate_messages(
    app: App,
    caller: Caller,
    id: web::Path<Uuid>,
    query: web::Query<ListTold>,
) -> Reply<Page<CertificateMessage>> {
    let limit = page::limit(query.limit)?;
    let tx = app.db.read(caller.scope()).await?;
    let rows = alerts::told_of(&tx, *id, page::cursor(&query.cursor)?, limit).await?;
    Ok(web::Json(page::convert(rows, |row| CertificateMessage {
        alert: alert(row.alert),
        message: message(row.message),
    })))
}

fn message(row: alerts::MessageRow) -> Message {
    Message {
        id: row.id,
        recipient: row.recipient,
        channel_id: row.channel_id,
        about: match row.about {
            About::Certificates => MessageAbout::Certificates,
            About::Trouble => MessageAbout::Trouble,
        },
        state: row.state.into(),
        message_id: row.message_id,
        subject: row.subject,
        told_count: row.told_count,
        attempts: row.attempts,
        next_try_at: row.next_try_at,
        first_tried_at: row.first_tried_at,
        reply: row.reply,
        queue_id: row.queue_id,
        settled_at: row.settled_at,
        created_at: row.created_at,
        kind: row.kind.map(Into::into),
        rule_id: row.rule_id,
        rule_name: row.rule_name,
    }
}

impl From<alerts::MessageKind> for MessageKind {
    fn from(kind: alerts::MessageKind) -> Self {
        match kind {
            alerts::MessageKind::Warning => Self::Warning,
            alerts::MessageKind::Digest => Self::Digest,
            alerts::MessageKind::Escalation => Self::Escalation,
        }
    }
}

impl From<MessageKind> for alerts::MessageKind {
    fn from(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Warning => Self::Warning,
            MessageKind::Digest => Self::Digest,
            MessageKind::Escalation => Self::Escalation,
        }
    }
}

fn alert(row: alerts::AlertRow) -> MessageAlert {
    MessageAlert {
        id: row.id,
        certificate_id: row.certificate_id,
        common_name: row.common_name,
        serial_hex: row.serial_hex,
        sha256: row.sha256,
        not_after: row.not_after,
        stage: row.stage,
        slot_at: row.slot_at,
        node_count: row.node_count,
        told: row.told,
    }
}

impl From<MessageAbout> for About {
    fn from(about: MessageAbout) -> Self {
        match about {
            MessageAbout::Certificates => Self::Certificates,
            MessageAbout::Trouble => Self::Trouble,
        }
    }
}

impl From<SendState> for MessageState {
    fn from(state: SendState) -> Self {
        match state {
            SendState::Due => Self::Due,
            SendState::Sending => Self::Sending,
            SendState::Deferred => Self::Deferred,
            SendState::Accepted => Self::Accepted,
            SendState::Refused => Self::Refused,
            SendState::Dead => Self::Dead,
            SendState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<MessageState> for SendState {
    fn from(state: MessageState) -> Self {
        match state {
            MessageState::Due => Self::Due,
            MessageState::Sending => Self::Sending,
            MessageState::Deferred => Self::Deferred,
            MessageState::Accepted => Self::Accepted,
            MessageState::Refused => Self::Refused,
            MessageState::Dead => Self::Dead,
            MessageState::Cancelled => Self::Cancelled,
        }
    }
}
