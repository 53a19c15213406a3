//! The ledger as people read it: messages, what each told, and who was told of a certificate.

use super::entity::{alert, message, run, skip};
use super::notices::About;
use super::outbox;
use super::send_state::SendState;
use super::settings;
use super::streams::MessageKind;
use crate::audit::{self, Entry};
use crate::certificates;
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result};
use crate::lists::{Page, fetch, page};
use crate::{Permission, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Order, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

/// Alerts that are shown with one message.
const MAX_ALERTS: u64 = 200;

/// A message in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// The message.
    pub id: Uuid,
    /// To whom: an address, or the name of the channel at the time.
    pub recipient: String,
    /// The channel; none for mail.
    pub channel_id: Option<Uuid>,
    /// What it tells of.
    pub about: About,
    /// State.
    pub state: SendState,
    /// Message-ID, from the first try on.
    pub message_id: Option<String>,
    /// Subject, once it was accepted.
    pub subject: Option<String>,
    /// Certificates that it tells of, as of the last try.
    pub told_count: i64,
    /// Tries so far.
    pub attempts: i32,
    /// When it is looked at next; none once it is over.
    pub next_try_at: Option<Timestamp>,
    /// First try, or when somebody had it sent again.
    pub first_tried_at: Option<Timestamp>,
    /// What the mail server said last, or why nothing was sent.
    pub reply: Option<String>,
    /// The mail server's name for it.
    pub queue_id: Option<String>,
    /// When it came to its end.
    pub settled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it is; none where it is about trouble.
    pub kind: Option<MessageKind>,
    /// The rule that made it; none: the default.
    pub rule_id: Option<Uuid>,
    /// Name of the rule at the time.
    pub rule_name: Option<String>,
}

/// An alert of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRow {
    /// The alert.
    pub id: Uuid,
    /// The certificate.
    pub certificate_id: Uuid,
    /// Its common name.
    pub common_name: String,
    /// Its serial number.
    pub serial_hex: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Its end.
    pub not_after: Timestamp,
    /// What was said: a [`super::Stage`].
    pub stage: String,
    /// The slot.
    pub slot_at: Timestamp,
    /// Nodes that had it.
    pub node_count: i64,
    /// Whether the message has told of it: the mail server has accepted it, and it was still true then.
    pub told: bool,
}

/// Who was told of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldRow {
    /// What was said.
    pub alert: AlertRow,
    /// In which message.
    pub message: MessageRow,
}

/// Which messages.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    /// Only in this state.
    pub state: Option<SendState>,
    /// Only about this.
    pub about: Option<About>,
    /// Only to this recipient.
    pub recipient: Option<String>,
    /// Only of this channel.
    pub channel_id: Option<Uuid>,
    /// Only of this kind.
    pub kind: Option<MessageKind>,
    /// Only of this rule.
    pub rule_id: Option<Uuid>,
    /// Only those whose run warned of this certificate.
    pub certificate_id: Option<Uuid>,
    /// Not made before.
    pub from: Option<Timestamp>,
    /// Made before.
    pub to: Option<Timestamp>,
}

/// Time and id of the last message of a page.
pub type MessageCursor = (Timestamp, Uuid);

fn row(found: message::Model, run: Option<&run::Model>) -> Result<MessageRow> {
    Ok(MessageRow {
        id: found.id,
        recipient: found.recipient,
        channel_id: found.channel_id,
        about: About::parse(&found.about)
            .ok_or_else(|| Error::internal(format!("a message is about `{}`", found.about)))?,
        state: SendState::parse(&found.state)
            .ok_or_else(|| Error::internal(format!("a message has the state `{}`", found.state)))?,
        message_id: found.message_id,
        subject: found.subject,
        told_count: found.told_count,
        attempts: found.attempt,
        next_try_at: found.due_at,
        first_tried_at: found.first_tried_at,
        reply: found.reply,
        queue_id: found.queue_id,
        settled_at: found.settled_at,
        created_at: found.created_at,
        kind: run.and_then(|run| MessageKind::parse(&run.kind)),
        rule_id: run.and_then(|run| run.of_rule_id),
        rule_name: run.and_then(|run| run.rule_name.clone()),
    })
}

/// Rows of messages, with the runs that they were made of.
async fn with_runs(tx: &OrgTx, found: Vec<message::Model>) -> Result<Vec<MessageRow>> {
    let runs: HashMap<Uuid, run::Model> = tx
        .by_ids::<run::Entity>(found.iter().map(|message| message.run_id))
        .await?
        .into_iter()
        .map(|run| (run.id, run))
        .collect();
    found
        .into_iter()
        .map(|message| {
            let run = runs.get(&message.run_id);
            row(message, run)
        })
        .collect()
}

async fn with_run(tx: &OrgTx, found: message::Model) -> Result<MessageRow> {
    let run = tx
        .find::<run::Entity>()
        .filter(run::Column::Id.eq(found.run_id))
        .one(tx)
        .await?;
    row(found, run.as_ref())
}

/// One page of messages, the latest first.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadAlerts`].
pub async fn list_messages(
    tx: &OrgTx,
    filter: &MessageFilter,
    after: Option<MessageCursor>,
    limit: u64,
) -> Result<Page<MessageRow, MessageCursor>> {
    tx.scope().require(Permission::ReadAlerts)?;
    use message::{Column, Entity};
    let mut rows = tx.find::<Entity>();
    if let Some(state) = filter.state {
        rows = rows.filter(Column::State.eq(state.as_str()));
    }
    if let Some(about) = filter.about {
        rows = rows.filter(Column::About.eq(about.as_str()));
    }
    if let Some(recipient) = &filter.recipient {
        rows = rows.filter(Column::Recipient.eq(recipient.as_str()));
    }
    if let Some(channel) = filter.channel_id {
        rows = rows.filter(Column::ChannelId.eq(channel));
    }
    let of_runs = [
        filter
            .kind
            .map(|kind| Expr::col(("alert_run", "kind")).eq(kind.as_str())),
        filter
            .rule_id
            .map(|rule| Expr::col(("alert_run", "of_rule_id")).eq(rule)),
    ];
    for condition in of_runs.into_iter().flatten() {
        let runs = Query::select()
            .column(("alert_run", "id"))
            .from("alert_run")
            .and_where(Expr::col(("alert_run", "org_id")).eq(tx.org_id()))
            .and_where(condition)
            .take();
        rows = rows.filter(Column::RunId.in_subquery(runs));
    }
    if let Some(certificate) = filter.certificate_id {
        let runs = Query::select()
            .column(("alert", "run_id"))
            .from("alert")
            .and_where(Expr::col(("alert", "org_id")).eq(tx.org_id()))
            .and_where(Expr::col(("alert", "certificate_id")).eq(certificate))
            .take();
        rows = rows.filter(Column::RunId.in_subquery(runs));
    }
    if let Some(from) = filter.from {
        rows = rows.filter(Column::CreatedAt.gte(from));
    }
    if let Some(to) = filter.to {
        rows = rows.filter(Column::CreatedAt.lt(to));
    }
    if let Some((at, id)) = after {
        let key = Expr::tuple([Expr::col((Entity, Column::CreatedAt)), Expr::col((Entity, Column::Id))]);
        rows = rows.filter(key.lt(Expr::tuple([Expr::value(at), Expr::value(id)])));
    }
    let found = rows
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(fetch(limit))
        .all(tx)
        .await?;
    let found = with_runs(tx, found).await?;
    Ok(page(found, limit, |row| (row.created_at, row.id)))
}

async fn find(tx: &OrgTx, id: Uuid, lock: bool) -> Result<message::Model> {
    let mut select = tx.find::<message::Entity>().filter(message::Column::Id.eq(id));
    if lock {
        dialect::lock_rows(QuerySelect::query(&mut select));
    }
    select.one(tx).await?.ok_or(Error::NotFound { what: "message" })
}

/// One message with the first 200 of its alerts, the soonest end first.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] without [`Permission::ReadAlerts`].
pub async fn get_message(tx: &OrgTx, id: Uuid) -> Result<(MessageRow, Vec<AlertRow>)> {
    tx.scope().require(Permission::ReadAlerts)?;
    let found = find(tx, id, false).await?;
    let alerts = tx
        .find::<alert::Entity>()
        .filter(alert::Column::RunId.eq(found.run_id))
        .order_by_asc(alert::Column::NotAfter)
        .order_by_asc(alert::Column::Id)
        .limit(MAX_ALERTS)
        .all(tx)
        .await?;
    let skipped: Vec<Uuid> = tx
        .find::<skip::Entity>()
        .select_only()
        .column(skip::Column::AlertId)
        .filter(skip::Column::MessageId.eq(id))
        .filter(skip::Column::AlertId.is_in(alerts.iter().map(|alert| alert.id)))
        .into_tuple()
        .all(tx)
        .await?;
    let message = with_run(tx, found).await?;
    let alerts = alerts
        .into_iter()
        .map(|alert| {
            let told = tells(message.state) && !skipped.contains(&alert.id);
            alert_row(alert, told)
        })
        .collect();
    Ok((message, alerts))
}

/// Whether a message in this state has told anybody anything: nothing counts but the mail server's 250.
fn tells(state: SendState) -> bool {
    match state {
        SendState::Accepted => true,
        SendState::Due
        | SendState::Sending
        | SendState::Deferred
        | SendState::Refused
        | SendState::Dead
        | SendState::Cancelled => false,
    }
}

fn alert_row(alert: alert::Model, told: bool) -> AlertRow {
    AlertRow {
        id: alert.id,
        certificate_id: alert.certificate_id,
        common_name: alert.common_name,
        serial_hex: alert.serial_hex,
        sha256: alert.sha256,
        not_after: alert.not_after,
        stage: alert.stage,
        slot_at: alert.slot_at,
        node_count: alert.node_count,
        told,
    }
}

/// One page of who was told of a certificate, the latest first.
///
/// # Errors
/// [`Error::NotFound`] where the scope sees no such certificate; [`Error::Forbidden`] without [`Permission::ReadAlerts`].
pub async fn told_of(
    tx: &OrgTx,
    certificate_id: Uuid,
    after: Option<MessageCursor>,
    limit: u64,
) -> Result<Page<ToldRow, MessageCursor>> {
    tx.scope().require(Permission::ReadAlerts)?;
    certificates::get(tx, certificate_id).await?;
    let filter = MessageFilter {
        certificate_id: Some(certificate_id),
        ..MessageFilter::default()
    };
    let found = list_messages(tx, &filter, after, limit).await?;
    let ids = found.items.iter().map(|message| message.id);
    // A run may hold two alerts of one certificate where the schedule was changed while it was gathered: the later counts.
    let select = Query::select()
        .expr_as(Expr::col(("message", "id")), "told_in")
        .expr_as(Expr::col(("alert", "id")), "alert_id")
        .expr_as(Expr::col(("message_skip", "alert_id")), "skipped_id")
        .from("message")
        .join(
            JoinType::InnerJoin,
            "alert",
            Expr::col(("alert", "org_id"))
                .eq(Expr::col(("message", "org_id")))
                .and(Expr::col(("alert", "run_id")).eq(Expr::col(("message", "run_id")))),
        )
        .join(
            JoinType::LeftJoin,
            "message_skip",
            Expr::col(("message_skip", "org_id"))
                .eq(Expr::col(("message", "org_id")))
                .and(Expr::col(("message_skip", "message_id")).eq(Expr::col(("message", "id"))))
                .and(Expr::col(("message_skip", "alert_id")).eq(Expr::col(("alert", "id")))),
        )
        .and_where(Expr::col(("message", "org_id")).eq(tx.org_id()))
        .and_where(Expr::col(("message", "id")).is_in(ids))
        .and_where(Expr::col(("alert", "certificate_id")).eq(certificate_id))
        .order_by(("alert", "slot_at"), Order::Asc)
        .take();
    let mut joined = HashMap::new();
    for row in tx.query_all(&select).await? {
        let told_in: Uuid = row.try_get("", "told_in")?;
        let alert_id: Uuid = row.try_get("", "alert_id")?;
        let skipped: Option<Uuid> = row.try_get("", "skipped_id")?;
        joined.insert(told_in, (alert_id, skipped.is_some()));
    }
    let alerts: HashMap<Uuid, alert::Model> = tx
        .find::<alert::Entity>()
        .filter(alert::Column::Id.is_in(joined.values().map(|(alert, _)| *alert)))
        .all(tx)
        .await?
        .into_iter()
        .map(|alert| (alert.id, alert))
        .collect();
    Ok(Page {
        next: found.next,
        items: found
            .items
            .into_iter()
            .filter_map(|message| {
                let (alert, skipped) = joined.get(&message.id)?;
                let told = tells(message.state) && !skipped;
                Some(ToldRow {
                    alert: alert_row(alerts.get(alert)?.clone(), told),
                    message,
                })
            })
            .collect(),
    })
}

/// Sends a message again that was given up or refused; what is no more true of it is left out.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `message_not_over` for one that is on its way or has arrived, and with
/// `recipient_suspended` where nothing is sent to its recipient; [`Error::Forbidden`] without [`Permission::ManageAlerts`].
pub async fn retry_message(tx: &OrgTx, id: Uuid) -> Result<MessageRow> {
    tx.scope().require(Permission::ManageAlerts)?;
    let found = find(tx, id, true).await?;
    let before = with_run(tx, found.clone()).await?;
    if !matches!(before.state, SendState::Dead | SendState::Refused) {
        return Err(Error::refused(
            "message_not_over",
            format!(
                "the message is {}: only one that is dead or refused is sent again",
                before.state.as_str()
            ),
        ));
    }
    if settings::is_suspended(tx, &found.recipient).await? {
        return Err(Error::refused(
            "recipient_suspended",
            format!(
                "nothing is sent to `{}`, as their server refused: resume the recipient under Settings, Notifications first",
                found.recipient
            ),
        ));
    }
    outbox::requeue(tx, found).await?;
    audit::record(
        tx,
        Entry {
            action: "message.retry",
            object_kind: "message",
            object_id: Some(id),
            object_name: &before.recipient,
            before: Some(serde_json::json!({ "state": before.state.as_str(), "reply": before.reply })),
            after: Some(serde_json::json!({ "state": SendState::Due.as_str() })),
        },
    )
    .await?;
    with_run(tx, find(tx, id, false).await?).await
}
