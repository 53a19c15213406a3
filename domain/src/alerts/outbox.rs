//! Messages on their way out: claimed with a lease, settled by whoever holds it.

use super::entity::{alert, message, skip};
use super::letter::{self, Letter};
use super::mail::{self, MailServer};
use super::settings::{self, suspend};
use crate::Scope;
use crate::Timestamp;
use crate::db::{Db, OrgTx, dialect};
use crate::error::Result;
use crate::failpoint::{self, Operation};
use crate::keys::Keys;
use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use uuid::Uuid;

/// State of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SendState {
    /// It waits for its first try.
    Due,
    /// A worker talks to the mail server.
    Sending,
    /// The mail server put it off, or could not be reached: it is tried again.
    Deferred,
    /// The mail server said 250: it has taken it over.
    Accepted,
    /// The mail server said that it will never take it.
    Refused,
    /// It was tried for 48 hours in vain.
    Dead,
    /// Nothing of it was true any more, or its recipient was taken from the list.
    Cancelled,
}

impl SendState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Due,
        Self::Sending,
        Self::Deferred,
        Self::Accepted,
        Self::Refused,
        Self::Dead,
        Self::Cancelled,
    ];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Sending => "sending",
            Self::Deferred => "deferred",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// States that a claim may leave.
const WAITING: [&str; 3] = ["due", "deferred", "sending"];
/// How long a message is left to the worker that claimed it: longer than a worker talks to a server about one message.
const LEASE: TimeDelta = TimeDelta::minutes(6);
/// How long a message is tried.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(48);
/// Wait after a try that failed, the last one over and over: short enough at first for greylisting.
const BACK_OFF_MINUTES: [i64; 7] = [1, 2, 5, 10, 15, 30, 60];
/// Wait after a server could not be reached at all: it may be back at any moment.
const POSTPONE: TimeDelta = TimeDelta::seconds(60);

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Its row.
    pub id: Uuid,
    /// The try that this claim is.
    pub attempt: i32,
    /// Message-ID, with its angle brackets.
    pub message_id: String,
    /// To whom.
    pub recipient: String,
    /// What it tells.
    pub letter: Letter,
    /// Through which server.
    pub server: MailServer,
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server said 250.
    Accepted {
        /// Its words.
        reply: String,
        /// The queue id among them, where there is one.
        queue_id: Option<String>,
        /// Subject that was sent.
        subject: String,
    },
    /// The server refused the recipient or the content for good.
    Refused {
        /// Its words.
        reply: String,
    },
    /// The server put it off, or the connection broke.
    Deferred {
        /// Its words, or what went wrong.
        reply: String,
    },
}

/// Organisations with messages that are due and a mail server to send them by.
///
/// # Errors
/// The database is busy or away.
pub async fn orgs_with_due(db: &Db) -> Result<Vec<Uuid>> {
    let survey = db.survey();
    let due: Vec<Uuid> = survey
        .find::<message::Entity>()
        .select_only()
        .column(message::Column::OrgId)
        .filter(message::Column::DueAt.lte(db.now().await?))
        .group_by(message::Column::OrgId)
        .order_by_asc(message::Column::OrgId)
        .into_tuple()
        .all(survey.connection())
        .await?;
    if due.is_empty() {
        return Ok(due);
    }
    Ok(survey
        .find::<super::entity::mail::Entity>()
        .select_only()
        .column(super::entity::mail::Column::OrgId)
        .filter(super::entity::mail::Column::OrgId.is_in(due))
        .into_tuple()
        .all(survey.connection())
        .await?)
}

/// Claims the message that waits longest; `None` where none is due, or there is no mail server. What holds no more is
/// cancelled on the way, what was tried for 48 hours is given up.
///
/// # Errors
/// The database is busy or away, or the password of the mail server does not open.
pub async fn claim(db: &Db, scope: &Scope, keys: &Keys) -> Result<Option<Claimed>> {
    loop {
        let tx = db.write(scope).await?;
        let Some(server) = mail::mail_server(&tx, keys).await? else {
            return Ok(None);
        };
        let mut next = tx
            .find::<message::Entity>()
            .filter(message::Column::DueAt.lte(tx.now()))
            .order_by_asc(message::Column::DueAt)
            .order_by_asc(message::Column::Id)
            .limit(1);
        dialect::lock_free_rows(QuerySelect::query(&mut next));
        let Some(found) = next.one(&tx).await? else {
            return Ok(None);
        };
        let settings = settings::notifications(&tx).await?;
        let tried = found.first_tried_at.unwrap_or(tx.now());
        if tx.now() - tried >= GIVE_UP_AFTER {
            let last = found.reply.clone().unwrap_or_default();
            end(
                &tx,
                &found,
                SendState::Dead,
                &format!("given up after 48 hours: {last}"),
            )
            .await?;
            tx.commit().await?;
            continue;
        }
        if !settings.recipients.contains(&found.recipient) {
            end(
                &tx,
                &found,
                SendState::Cancelled,
                "not sent: the recipient was taken from the list",
            )
            .await?;
            tx.commit().await?;
            continue;
        }
        let Some(letter) = letter::compose(&tx, &settings, found.run_id).await? else {
            let why = "not sent: all of it was renewed, removed, or told of in a later message";
            end(&tx, &found, SendState::Cancelled, why).await?;
            tx.commit().await?;
            continue;
        };
        let told = note_skipped(&tx, &settings, &found).await?;
        let message_id = found.message_id.clone().unwrap_or_else(|| {
            let domain = server.settings.from_address.rsplit('@').next().unwrap_or("localhost");
            format!("<{}.certyard@{domain}>", found.id)
        });
        let attempt = found.attempt + 1;
        let claimed = tx
            .update_many::<message::Entity>()
            .col_expr(message::Column::State, Expr::value(SendState::Sending.as_str()))
            .col_expr(message::Column::Attempt, Expr::value(attempt))
            .col_expr(message::Column::DueAt, Expr::value(tx.now() + LEASE))
            .col_expr(message::Column::FirstTriedAt, Expr::value(tried))
            .col_expr(message::Column::MessageId, Expr::value(message_id.as_str()))
            .col_expr(message::Column::ToldCount, Expr::value(told))
            .filter(message::Column::Id.eq(found.id))
            .filter(message::Column::Attempt.eq(found.attempt))
            .filter(message::Column::State.is_in(WAITING))
            .exec(&tx)
            .await?;
        if claimed.rows_affected == 0 {
            continue;
        }
        failpoint::commit(tx, Operation::ClaimMessage).await?;
        return Ok(Some(Claimed {
            id: found.id,
            attempt,
            message_id,
            recipient: found.recipient,
            letter,
            server,
        }));
    }
}

/// Writes down which alerts of its run the message leaves out; how many it tells.
async fn note_skipped(tx: &OrgTx, settings: &settings::Notifications, found: &message::Model) -> Result<i64> {
    tx.delete_many::<skip::Entity>()
        .filter(skip::Column::MessageId.eq(found.id))
        .exec(tx)
        .await?;
    let skipped = letter::skipped(tx, settings, found).await?;
    let all = tx
        .find::<alert::Entity>()
        .filter(alert::Column::RunId.eq(found.run_id))
        .count(tx)
        .await?;
    for chunk in skipped.chunks(dialect::rows_per_insert(3)) {
        let rows = chunk.iter().map(|alert| skip::ActiveModel {
            org_id: Set(tx.org_id()),
            message_id: Set(found.id),
            alert_id: Set(*alert),
        });
        skip::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(i64::try_from(all).unwrap_or(i64::MAX) - i64::try_from(skipped.len()).unwrap_or(i64::MAX))
}

/// Ends a message that nobody sends.
async fn end(tx: &OrgTx, found: &message::Model, state: SendState, why: &str) -> Result<()> {
    tx.update_many::<message::Entity>()
        .col_expr(message::Column::State, Expr::value(state.as_str()))
        .col_expr(message::Column::DueAt, Expr::value(Option::<Timestamp>::None))
        .col_expr(message::Column::SettledAt, Expr::value(tx.now()))
        .col_expr(message::Column::Reply, Expr::value(why))
        .filter(message::Column::Id.eq(found.id))
        .filter(message::Column::State.is_in(WAITING))
        .exec(tx)
        .await?;
    Ok(())
}

/// Writes down what became of a try. False where another worker has taken the message over meanwhile: what that one finds
/// out counts.
///
/// # Errors
/// The database is busy or away: the message is tried again once its lease is over, with the same Message-ID.
pub async fn settle(db: &Db, scope: &Scope, id: Uuid, attempt: i32, outcome: &Outcome) -> Result<bool> {
    let tx = db.write(scope).await?;
    let mut update = tx
        .update_many::<message::Entity>()
        .filter(message::Column::Id.eq(id))
        .filter(message::Column::Attempt.eq(attempt))
        .filter(message::Column::State.eq(SendState::Sending.as_str()));
    let (state, reply, due_at, settled_at) = match outcome {
        Outcome::Accepted { reply, .. } => (SendState::Accepted, reply, None, Some(tx.now())),
        Outcome::Refused { reply } => (SendState::Refused, reply, None, Some(tx.now())),
        Outcome::Deferred { reply } => {
            let step = usize::try_from(attempt - 1)
                .unwrap_or_default()
                .min(BACK_OFF_MINUTES.len() - 1);
            let wait = TimeDelta::minutes(BACK_OFF_MINUTES[step]);
            (SendState::Deferred, reply, Some(tx.now() + wait), None)
        }
    };
    if let Outcome::Accepted { queue_id, subject, .. } = outcome {
        update = update
            .col_expr(message::Column::QueueId, Expr::value(queue_id.clone()))
            .col_expr(message::Column::Subject, Expr::value(subject.as_str()));
    }
    let settled = update
        .col_expr(message::Column::State, Expr::value(state.as_str()))
        .col_expr(message::Column::Reply, Expr::value(cut(reply)))
        .col_expr(message::Column::DueAt, Expr::value(due_at))
        .col_expr(message::Column::SettledAt, Expr::value(settled_at))
        .exec(&tx)
        .await?;
    if settled.rows_affected == 0 {
        return Ok(false);
    }
    if let Outcome::Refused { reply } = outcome
        && let Some(row) = tx
            .find::<message::Entity>()
            .filter(message::Column::Id.eq(id))
            .one(&tx)
            .await?
    {
        suspend(&tx, &row.recipient, &cut(reply), id).await?;
    }
    failpoint::commit(tx, Operation::SettleMessage).await?;
    Ok(true)
}

/// Puts off all messages of an organisation whose mail server cannot be reached, so that each is not tried in vain.
///
/// # Errors
/// The database is busy or away.
pub async fn postpone(db: &Db, scope: &Scope, reply: &str) -> Result<()> {
    let tx = db.write(scope).await?;
    tx.update_many::<message::Entity>()
        .col_expr(message::Column::State, Expr::value(SendState::Deferred.as_str()))
        .col_expr(message::Column::DueAt, Expr::value(tx.now() + POSTPONE))
        .col_expr(message::Column::Reply, Expr::value(cut(reply)))
        .col_expr(
            message::Column::FirstTriedAt,
            Expr::col(message::Column::FirstTriedAt).if_null(Expr::value(tx.now())),
        )
        .filter(message::Column::State.is_in(["due", "deferred"]))
        .filter(message::Column::DueAt.lte(tx.now()))
        .exec(&tx)
        .await?;
    tx.commit().await
}

/// Longest reply that is kept.
const MAX_REPLY: usize = 1000;

/// What a server said, on one line and not too long: it is shown.
fn cut(reply: &str) -> String {
    reply
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(MAX_REPLY)
        .collect()
}

/// Gives a message that was given up or refused another 48 hours.
pub(super) async fn requeue(tx: &OrgTx, found: message::Model) -> Result<()> {
    let row = message::ActiveModel {
        state: Set(SendState::Due.as_str().into()),
        due_at: Set(Some(tx.now())),
        first_tried_at: Set(None),
        settled_at: Set(None),
        ..found.into()
    };
    row.update(tx).await?;
    Ok(())
}
