//! Messages on their way out: claimed with a lease, settled by whoever holds it.

use super::channels::{ChannelTarget, channel_target};
use super::entity::{channel, message, run, skip};
use super::letter::{self, Letter, Tells};
use super::mail::{self, MailServer};
use super::notices::{self, About, Notice};
use super::send_state::SendState;
use super::settings::{self, suspend};
use super::streams::{MessageKind, Stream};
use super::untold;
use crate::Scope;
use crate::Timestamp;
use crate::db::{Db, OrgTx, dialect};
use crate::error::{Error, Result};
use crate::failpoint::{self, Operation};
use crate::keys::Keys;
use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use std::collections::BTreeSet;
use std::time::Instant;
use uuid::Uuid;

/// States that a claim may leave.
const WAITING: [&str; 3] = ["due", "deferred", "sending"];
/// How long a message is left to the worker that claimed it: longer than a worker spends on one message, whatever the mail
/// server does.
pub const SENDING_LEASE: TimeDelta = TimeDelta::minutes(10);
/// How long a message is tried.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(48);
/// Wait after a try that failed, the last one over and over: short enough at first for greylisting.
const BACK_OFF_MINUTES: [i64; 7] = [1, 2, 5, 10, 15, 30, 60];
/// Wait after a server could not be reached at all: it may be back at any moment.
const POSTPONE: TimeDelta = TimeDelta::seconds(60);
/// No wait is longer: what is due later was put there by a clock that was ahead.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(2);

/// A message to be sent by a mail server, or by what a channel is called with.
#[derive(Clone, Debug)]
pub struct Claimed<S = MailServer> {
    /// Its row.
    pub id: Uuid,
    /// The try that this claim is.
    pub attempt: i32,
    /// Message-ID of a mail, with its angle brackets; id of the delivery of a call.
    pub message_id: String,
    /// To whom.
    pub recipient: String,
    /// What it tells.
    pub contents: Contents,
    /// Through which server.
    pub server: S,
    /// Since before when this worker has it: composing counts against [`SENDING_LEASE`], too.
    pub leased: Instant,
    /// Of which alerts it tells, for the ledger.
    told: Tells,
}

/// What a message tells.
#[derive(Clone, Debug)]
pub enum Contents {
    /// Of certificates.
    Letter(Box<Letter>),
    /// Of what keeps people from being told.
    Notice(Notice),
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
        /// It knows no such recipient: nothing goes there any more until somebody says so.
        unknown: bool,
    },
    /// The server put it off, or the connection broke.
    Deferred {
        /// Its words, or what went wrong.
        reply: String,
    },
}

/// Organisations with messages that are due and a mail server or a channel to send them by.
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
    let with_mail = survey
        .find::<super::entity::mail::Entity>()
        .select_only()
        .column(super::entity::mail::Column::OrgId)
        .filter(super::entity::mail::Column::OrgId.is_in(due.iter().copied()))
        .into_tuple()
        .all(survey.connection())
        .await?;
    let with_channels = survey
        .find::<channel::Entity>()
        .select_only()
        .column(channel::Column::OrgId)
        .filter(channel::Column::OrgId.is_in(due))
        .group_by(channel::Column::OrgId)
        .into_tuple()
        .all(survey.connection())
        .await?;
    let all: BTreeSet<Uuid> = with_mail.into_iter().chain(with_channels).collect();
    Ok(all.into_iter().collect())
}

/// Channels of an organisation with calls that are due.
///
/// # Errors
/// The database is busy or away.
pub async fn channels_with_due(db: &Db, scope: &Scope) -> Result<Vec<Uuid>> {
    let now = db.now().await?;
    let tx = db.read(scope).await?;
    let found: Vec<Option<Uuid>> = tx
        .find::<message::Entity>()
        .select_only()
        .column(message::Column::ChannelId)
        .filter(message::Column::DueAt.lte(now))
        .filter(message::Column::ChannelId.is_not_null())
        .group_by(message::Column::ChannelId)
        .into_tuple()
        .all(&tx)
        .await?;
    Ok(found.into_iter().flatten().collect())
}

/// Claims the mail that waits longest; `None` where none is due, or there is no mail server. What has nobody to go to, or
/// nothing to tell any more, is ended on the way.
///
/// The letter is composed between two transactions: whoever writes meanwhile does not wait for it.
///
/// # Errors
/// The database is busy or away, or the password of the mail server does not open.
pub async fn claim(db: &Db, scope: &Scope, keys: &Keys) -> Result<Option<Claimed>> {
    let claimed = claim_by(db, scope, keys, None).await?;
    Ok(claimed.and_then(|claimed| {
        claimed.by(|server| match server {
            Server::Mail(server) => Some(server),
            Server::Channel(_) => None,
        })
    }))
}

/// Claims the call of a channel that waits longest, as [`claim`] does a mail.
///
/// # Errors
/// The database is busy or away, or a secret of the channel does not open.
pub async fn claim_call(db: &Db, scope: &Scope, keys: &Keys, channel: Uuid) -> Result<Option<Claimed<ChannelTarget>>> {
    let claimed = claim_by(db, scope, keys, Some(channel)).await?;
    Ok(claimed.and_then(|claimed| {
        claimed.by(|server| match server {
            Server::Channel(target) => Some(target),
            Server::Mail(_) => None,
        })
    }))
}

/// What a message goes through.
enum Server {
    Mail(MailServer),
    Channel(ChannelTarget),
}

impl Claimed<Server> {
    fn by<S>(self, pick: impl FnOnce(Server) -> Option<S>) -> Option<Claimed<S>> {
        Some(Claimed {
            id: self.id,
            attempt: self.attempt,
            message_id: self.message_id,
            recipient: self.recipient,
            contents: self.contents,
            server: pick(self.server)?,
            leased: self.leased,
            told: self.told,
        })
    }
}

async fn find_server(tx: &OrgTx, keys: &Keys, channel: Option<Uuid>) -> Result<Option<Server>> {
    let Some(channel) = channel else {
        return Ok(mail::mail_server(tx, keys).await?.map(Server::Mail));
    };
    match channel_target(tx, keys, channel).await {
        Err(Error::NotFound { .. }) => Ok(None),
        found => Ok(Some(Server::Channel(found?))),
    }
}

async fn claim_by(db: &Db, scope: &Scope, keys: &Keys, channel: Option<Uuid>) -> Result<Option<Claimed<Server>>> {
    loop {
        let leased = Instant::now();
        let taken = match take(db, scope, keys, channel).await? {
            Take::None => return Ok(None),
            Take::Ended => continue,
            Take::One(taken) => taken,
        };
        let found = &taken.message;
        let tx = db.read(scope).await?;
        let settings = settings::notifications(&tx).await?;
        let about = about(found);
        let composed = match about {
            About::Certificates => compose(&tx, &settings, found.run_id, taken.now)
                .await?
                .map(|(letter, told)| (Contents::Letter(Box::new(letter)), told)),
            About::Trouble => notices::compose(&tx, &settings, taken.now)
                .await?
                .map(|notice| (Contents::Notice(notice), Tells::default())),
        };
        drop(tx);
        let Some((contents, told)) = composed else {
            let why = match about {
                About::Certificates => {
                    "not sent: all of it was renewed, removed, acknowledged, or told of in a later message"
                }
                About::Trouble => "not sent: all is well again",
            };
            let claimed = message::Model {
                attempt: taken.attempt,
                ..taken.message
            };
            withdraw(db, scope, &claimed, SendState::Cancelled, why).await?;
            continue;
        };
        return Ok(Some(Claimed {
            id: found.id,
            attempt: taken.attempt,
            message_id: taken.message_id,
            recipient: found.recipient.clone(),
            contents,
            server: taken.server,
            leased,
            told,
        }));
    }
}

fn about(message: &message::Model) -> About {
    About::parse(&message.about).unwrap_or(About::Certificates)
}

async fn compose(
    tx: &OrgTx,
    settings: &settings::Notifications,
    run: Uuid,
    now: Timestamp,
) -> Result<Option<(Letter, Tells)>> {
    let Some((run, Some(stream))) = run_of(tx, settings, run).await? else {
        return Ok(None);
    };
    if run.alert_count == 0 && run.kind == MessageKind::Digest.as_str() {
        let letter = letter::compose_empty(tx, settings, &stream, now).await?;
        return Ok(Some((letter, Tells::default())));
    }
    letter::compose(tx, settings, &stream, &run, now).await
}

/// The run of a message, and its stream while that tells anybody.
async fn run_of(
    tx: &OrgTx,
    settings: &settings::Notifications,
    id: Uuid,
) -> Result<Option<(run::Model, Option<Stream>)>> {
    let found = tx.find::<run::Entity>().filter(run::Column::Id.eq(id)).one(tx).await?;
    Ok(found.map(|run| {
        let stream = settings.streams().into_iter().find(|stream| stream.id == run.rule_id);
        (run, stream)
    }))
}

/// A message that is leased to this worker.
struct Taken {
    message: message::Model,
    attempt: i32,
    message_id: String,
    server: Server,
    now: Timestamp,
}

enum Take {
    /// None is due, or there is no server.
    None,
    /// The next one has nobody to go to: it was ended.
    Ended,
    One(Box<Taken>),
}

async fn take(db: &Db, scope: &Scope, keys: &Keys, channel: Option<Uuid>) -> Result<Take> {
    let tx = db.write(scope).await?;
    let server = find_server(&tx, keys, channel).await?;
    // Mail waits for a server; a channel that was deleted comes back never.
    if server.is_none() && channel.is_none() {
        return Ok(Take::None);
    }
    let of_channel = match channel {
        Some(channel) => message::Column::ChannelId.eq(channel),
        None => message::Column::ChannelId.is_null(),
    };
    let mut next = tx
        .find::<message::Entity>()
        .filter(message::Column::DueAt.lte(tx.now()))
        .filter(of_channel)
        .order_by_asc(message::Column::DueAt)
        .order_by_asc(message::Column::Id)
        .limit(1);
    dialect::lock_free_rows(QuerySelect::query(&mut next));
    let Some(found) = next.one(&tx).await? else {
        return Ok(Take::None);
    };
    let settings = settings::notifications(&tx).await?;
    let ends = match (about(&found), found.channel_id) {
        (About::Trouble, Some(channel)) => no_channel(&settings.rule_channels, channel),
        // Owners are told of trouble as well, whoever is on the list.
        (About::Trouble, None) => None,
        (About::Certificates, channel) => {
            let run = run_of(&tx, &settings, found.run_id).await?;
            match (run.and_then(|(_, stream)| stream), channel) {
                (None, _) => Some(no_stream(&settings)),
                (Some(stream), Some(channel)) => no_channel(&stream.channels, channel),
                (Some(stream), None) => nobody(&tx, &stream, &found.recipient).await?,
            }
        }
    };
    if let Some((state, why)) = ends {
        drop(tx);
        withdraw(db, scope, &found, state, &why).await?;
        return Ok(Take::Ended);
    }
    let Some(server) = server else {
        return Ok(Take::None);
    };
    let message_id = match (&found.message_id, &server) {
        (Some(known), _) => known.clone(),
        (None, Server::Channel(_)) => found.id.to_string(),
        (None, Server::Mail(server)) => {
            let domain = server.settings.from_address.rsplit('@').next().unwrap_or("localhost");
            format!("<{}.certyard@{domain}>", found.id)
        }
    };
    let (attempt, now) = (found.attempt + 1, tx.now());
    let claimed = tx
        .update_many::<message::Entity>()
        .col_expr(message::Column::State, Expr::value(SendState::Sending.as_str()))
        .col_expr(message::Column::Attempt, Expr::value(attempt))
        .col_expr(message::Column::DueAt, Expr::value(now + SENDING_LEASE))
        .col_expr(
            message::Column::FirstTriedAt,
            Expr::value(found.first_tried_at.unwrap_or(now)),
        )
        .col_expr(message::Column::MessageId, Expr::value(message_id.as_str()))
        .filter(message::Column::Id.eq(found.id))
        .filter(message::Column::Attempt.eq(found.attempt))
        .filter(message::Column::State.is_in(WAITING))
        .exec(&tx)
        .await?;
    if claimed.rows_affected == 0 {
        return Ok(Take::Ended);
    }
    failpoint::commit(tx, Operation::ClaimMessage).await?;
    Ok(Take::One(Box::new(Taken {
        message: found,
        attempt,
        message_id,
        server,
        now,
    })))
}

/// Why nothing is sent any more of a whole stream.
fn no_stream(settings: &settings::Notifications) -> (SendState, String) {
    let why = match settings.tells_nobody() {
        true => "not sent: the recipient was taken from the list",
        false => "not sent: the rule was deleted or switched off, or it tells nobody any more",
    };
    (SendState::Cancelled, why.into())
}

/// Why nothing goes to a recipient: they were taken from the list, or suspended, since the message was made.
async fn nobody(tx: &OrgTx, stream: &Stream, recipient: &str) -> Result<Option<(SendState, String)>> {
    if !stream.recipients.iter().any(|known| known == recipient) {
        let why = "not sent: the recipient was taken from the list";
        return Ok(Some((SendState::Cancelled, why.into())));
    }
    let suspended = settings::all_suspended(tx).await?;
    let suspended = suspended.into_iter().find(|found| found.recipient == recipient);
    Ok(suspended.map(|found| {
        let why = settings::suspended_since(found.since, &found.reply);
        (SendState::Refused, why)
    }))
}

/// Why a channel is not called: it was deleted, switched off or taken from the rule since the message was made.
fn no_channel(channels: &[(Uuid, String)], channel: Uuid) -> Option<(SendState, String)> {
    let gone = !channels.iter().any(|(id, _)| *id == channel);
    gone.then(|| {
        let why = "not sent: the channel was deleted, switched off or taken from the list";
        (SendState::Cancelled, why.into())
    })
}

/// Ends a message that nobody sends, unless somebody else has taken it over. Of what it would have told, others may be told.
async fn withdraw(db: &Db, scope: &Scope, seen: &message::Model, state: SendState, why: &str) -> Result<()> {
    let tx = db.write(scope).await?;
    settings::lock(&tx).await?;
    if let Some(found) = find_locked(&tx, seen.id).await?
        && found.attempt == seen.attempt
        && WAITING.contains(&found.state.as_str())
    {
        let row = message::ActiveModel {
            state: Set(state.as_str().into()),
            due_at: Set(None),
            settled_at: Set(Some(tx.now())),
            reply: Set(Some(why.into())),
            ..found.into()
        };
        row.update(&tx).await?;
        if state == SendState::Cancelled {
            untold::free(&tx, Some(seen.run_id)).await?;
        }
    }
    tx.commit().await
}

async fn find_locked(tx: &OrgTx, id: Uuid) -> Result<Option<message::Model>> {
    let mut select = tx.find::<message::Entity>().filter(message::Column::Id.eq(id));
    dialect::lock_rows(QuerySelect::query(&mut select));
    Ok(select.one(tx).await?)
}

/// Writes down what became of a try; safe to repeat where its answer was lost. False where another worker has taken the
/// message over meanwhile: what that one finds out counts. A try that fails 48 hours after the first is the last.
///
/// # Errors
/// The database is busy or away: try again while the lease lasts; after that the message is sent once more, with the same
/// Message-ID.
pub async fn settle<S>(db: &Db, scope: &Scope, claimed: &Claimed<S>, outcome: &Outcome) -> Result<bool> {
    let tx = db.write(scope).await?;
    let leaves_out = matches!(outcome, Outcome::Accepted { .. }) && !claimed.told.skipped.is_empty();
    if leaves_out {
        settings::lock(&tx).await?;
    }
    let Some(found) = find_locked(&tx, claimed.id).await? else {
        return Ok(false);
    };
    if found.attempt != claimed.attempt {
        return Ok(false);
    }
    let (state, reply, due_at) = match outcome {
        Outcome::Accepted { reply, .. } => (SendState::Accepted, cut(reply), None),
        Outcome::Refused { reply, .. } => (SendState::Refused, cut(reply), None),
        Outcome::Deferred { reply } if is_last(&found, tx.now()) => (SendState::Dead, given_up(reply), None),
        Outcome::Deferred { reply } => (
            SendState::Deferred,
            cut(reply),
            Some(tx.now() + back_off(claimed.attempt)),
        ),
    };
    if found.state != SendState::Sending.as_str() {
        return Ok(found.state == state.as_str());
    }
    let mut row = message::ActiveModel {
        state: Set(state.as_str().into()),
        reply: Set(Some(reply.clone())),
        due_at: Set(due_at),
        settled_at: Set(due_at.is_none().then_some(tx.now())),
        told_count: Set(claimed.told.count),
        ..found.clone().into()
    };
    match outcome {
        Outcome::Accepted { queue_id, subject, .. } => {
            row.queue_id = Set(queue_id.clone());
            row.subject = Set(Some(subject.clone()));
            note_skipped(&tx, claimed.id, &claimed.told).await?;
        }
        Outcome::Refused { unknown: true, .. } => suspend(&tx, &found.recipient, &reply, claimed.id).await?,
        Outcome::Refused { unknown: false, .. } | Outcome::Deferred { .. } => {}
    }
    row.update(&tx).await?;
    if leaves_out {
        untold::free(&tx, Some(found.run_id)).await?;
    }
    failpoint::commit(tx, Operation::SettleMessage).await?;
    Ok(true)
}

fn back_off(attempt: i32) -> TimeDelta {
    let step = usize::try_from(attempt - 1).unwrap_or_default();
    TimeDelta::minutes(BACK_OFF_MINUTES[step.min(BACK_OFF_MINUTES.len() - 1)])
}

/// Whether a try that fails now is the last. A message that waited because no worker ran is tried first, however old it is.
fn is_last(found: &message::Model, now: Timestamp) -> bool {
    found.first_tried_at.is_some_and(|first| now - first >= GIVE_UP_AFTER)
}

fn given_up(reply: &str) -> String {
    cut(&format!("given up after 48 hours: {reply}"))
}

/// Writes down which alerts of its run the message has left out.
async fn note_skipped(tx: &OrgTx, message: Uuid, told: &Tells) -> Result<()> {
    tx.delete_many::<skip::Entity>()
        .filter(skip::Column::MessageId.eq(message))
        .exec(tx)
        .await?;
    for chunk in told.skipped.chunks(dialect::rows_per_insert(3)) {
        let rows = chunk.iter().map(|alert| skip::ActiveModel {
            org_id: Set(tx.org_id()),
            message_id: Set(message),
            alert_id: Set(*alert),
        });
        skip::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Puts off all mail of an organisation whose mail server cannot be reached, so that each is not tried in vain. For those
/// that were first tried 48 hours ago this was the last try.
///
/// # Errors
/// The database is busy or away.
pub async fn postpone(db: &Db, scope: &Scope, reply: &str) -> Result<()> {
    let tx = db.write(scope).await?;
    let due = || {
        tx.update_many::<message::Entity>()
            .filter(message::Column::State.is_in(["due", "deferred"]))
            .filter(message::Column::DueAt.lte(tx.now()))
            .filter(message::Column::ChannelId.is_null())
    };
    due()
        .col_expr(message::Column::State, Expr::value(SendState::Dead.as_str()))
        .col_expr(message::Column::DueAt, Expr::value(Option::<Timestamp>::None))
        .col_expr(message::Column::SettledAt, Expr::value(tx.now()))
        .col_expr(message::Column::Reply, Expr::value(given_up(reply)))
        .filter(message::Column::FirstTriedAt.lte(tx.now() - GIVE_UP_AFTER))
        .exec(&tx)
        .await?;
    due()
        .col_expr(message::Column::State, Expr::value(SendState::Deferred.as_str()))
        .col_expr(message::Column::DueAt, Expr::value(tx.now() + POSTPONE))
        .col_expr(message::Column::Reply, Expr::value(cut(reply)))
        .col_expr(
            message::Column::FirstTriedAt,
            Expr::col(message::Column::FirstTriedAt).if_null(Expr::value(tx.now())),
        )
        .exec(&tx)
        .await?;
    tx.commit().await
}

/// Brings back what a clock that was ahead has put off further than anything is.
pub(super) async fn mend_waits(tx: &OrgTx) -> Result<()> {
    tx.update_many::<message::Entity>()
        .col_expr(message::Column::DueAt, Expr::value(tx.now()))
        .filter(message::Column::DueAt.gt(tx.now() + LONGEST_WAIT))
        .exec(tx)
        .await?;
    Ok(())
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
        first_tried_at: Set(Some(tx.now())),
        settled_at: Set(None),
        ..found.into()
    };
    row.update(tx).await?;
    Ok(())
}
