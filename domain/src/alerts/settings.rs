//! Settings of notifications: when certificates are warned of, whom, in which language.

use super::address::check_recipients;
use super::entity::{channel, rule, setting, suspended};
use super::language::Language;
use super::rule_check::{WEEKDAY, check_escalation};
use super::rules::{self, DIGEST_GAP, Escalation, Rule, weekday};
use super::slots::Schedule;
use super::untold;
use crate::audit::{self, Entry};
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::{Permission, Timestamp, clock, inventory, orgs};
use chrono_tz::Tz;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::{Value, json};
use std::ops::RangeInclusive;

/// Days between two mails about a certificate, inclusive (R40).
pub(super) const FREQUENCY_DAYS: RangeInclusive<i32> = 1..=30;
pub(super) const DEFAULT_FREQUENCY_DAYS: i32 = 7;
/// Hour of the day at which mails leave.
const HOUR: RangeInclusive<i32> = 0..=23;
const DEFAULT_HOUR: i32 = 8;
/// Days between two mails about an expired certificate; 0: it is told once.
const REPEAT_DAYS: RangeInclusive<i32> = 0..=30;
const DEFAULT_REPEAT_DAYS: i32 = 7;
/// Days after the end until which an expired certificate is repeated.
const REPEAT_UNTIL_DAYS: RangeInclusive<i32> = 0..=365;
const DEFAULT_REPEAT_UNTIL_DAYS: i32 = 30;
/// Days for which messages and alerts that are over are kept: at least as long as anybody asks who was told.
const KEEP_DAYS: RangeInclusive<i32> = 30..=3650;
const DEFAULT_KEEP_DAYS: i32 = 400;

/// A recipient whose mail server takes no mail for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspended {
    /// Address.
    pub recipient: String,
    /// Since when nothing is sent.
    pub since: Timestamp,
    /// What the mail server said.
    pub reply: String,
}

/// Settings of notifications, as they hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Notifications {
    /// Days before its end from which a certificate counts as expiring and is warned of. It is that of the organisation.
    pub start_days: i32,
    /// Days between two mails about a certificate.
    pub frequency_days: i32,
    /// Addresses, in the order in which they were given.
    pub recipients: Vec<String>,
    /// Time zone (IANA name) of `hour` and of the times in mails.
    pub time_zone: Tz,
    /// Hour of the day at which mails leave, 0 to 23.
    pub hour: i32,
    /// Language of the mail.
    pub language: Language,
    /// Certificates in trust stores are warned of as well.
    pub include_trust: bool,
    /// Days between two mails about an expired certificate; 0: it is told once.
    pub repeat_expired_days: i32,
    /// Days after its end until which an expired certificate is repeated.
    pub repeat_expired_until_days: i32,
    /// Mails carry a calendar file with the ends of the certificates.
    pub attach_calendar: bool,
    /// Days for which messages that are over, and their alerts, are kept.
    pub keep_days: i32,
    /// Day of the week of the digest, 1 (Monday) to 7; none: each sweep that finds something tells at once.
    pub digest_weekday: Option<i32>,
    /// A digest without a certificate is sent as well.
    pub digest_empty: bool,
    /// The last digest that was made.
    pub digested_at: Option<Timestamp>,
    /// Who is told of what nobody has acknowledged.
    pub escalation: Option<Escalation>,
    /// Recipients, also of rules and escalations, to whom nothing is sent.
    pub suspended: Vec<Suspended>,
    /// Channels that are switched on and not of rules alone: id and name.
    pub channels: Vec<(uuid::Uuid, String)>,
    /// All channels that are switched on.
    pub(super) rule_channels: Vec<(uuid::Uuid, String)>,
    /// All rules.
    pub(super) rules: Vec<Rule>,
    /// The last sweep that came to its end.
    pub swept_at: Option<Timestamp>,
    /// Since when there are settings; `None`: nobody has said anything yet.
    pub created_at: Option<Timestamp>,
    /// Last change, of these settings or of the organisation.
    pub updated_at: Timestamp,
}

impl Notifications {
    /// When a certificate is warned of.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            start_days: self.start_days,
            frequency_days: self.frequency_days,
            relative: None,
            weekly: self.digest_weekday.and_then(weekday),
            repeat_expired_days: self.repeat_expired_days,
            repeat_expired_until_days: self.repeat_expired_until_days,
            zone: self.time_zone,
            hour: u32::try_from(self.hour).unwrap_or_default(),
        }
    }

    /// Channels that are told of trouble: those of the default; where there are none, all.
    pub(super) fn notice_channels(&self) -> &[(uuid::Uuid, String)] {
        match self.channels.is_empty() {
            true => &self.rule_channels,
            false => &self.channels,
        }
    }

    fn told(&self) -> Value {
        json!({
            "start_days": self.start_days,
            "frequency_days": self.frequency_days,
            "recipients": self.recipients,
            "time_zone": self.time_zone.name(),
            "hour": self.hour,
            "language": self.language,
            "include_trust": self.include_trust,
            "repeat_expired_days": self.repeat_expired_days,
            "repeat_expired_until_days": self.repeat_expired_until_days,
            "attach_calendar": self.attach_calendar,
            "keep_days": self.keep_days,
            "digest_weekday": self.digest_weekday,
            "digest_empty": self.digest_empty,
            "escalation": self.escalation,
        })
    }
}

/// A change; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct NotificationChange {
    /// See [`Notifications`].
    pub start_days: Option<i32>,
    /// See [`Notifications`].
    pub frequency_days: Option<i32>,
    /// See [`Notifications`].
    pub recipients: Option<Vec<String>>,
    /// See [`Notifications`].
    pub time_zone: Option<String>,
    /// See [`Notifications`].
    pub hour: Option<i32>,
    /// Code of the language.
    pub language: Option<String>,
    /// See [`Notifications`].
    pub include_trust: Option<bool>,
    /// See [`Notifications`].
    pub repeat_expired_days: Option<i32>,
    /// See [`Notifications`].
    pub repeat_expired_until_days: Option<i32>,
    /// See [`Notifications`].
    pub attach_calendar: Option<bool>,
    /// See [`Notifications`].
    pub keep_days: Option<i32>,
    /// See [`Notifications`]; `Some(None)`: no digest.
    pub digest_weekday: Option<Option<i32>>,
    /// See [`Notifications`].
    pub digest_empty: Option<bool>,
    /// See [`Notifications`]; `Some(None)`: none.
    pub escalation: Option<Option<Escalation>>,
}

/// Reads the settings.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadAlerts`].
pub async fn notifications(tx: &OrgTx) -> Result<Notifications> {
    tx.scope().require(Permission::ReadAlerts)?;
    read(tx, tx.find::<setting::Entity>().one(tx).await?).await
}

/// The settings, with their row locked until the end of the transaction: whoever changes them, gathers alerts or makes
/// messages of them comes one after the other. `None` where nobody has said anything.
pub(super) async fn lock(tx: &OrgTx) -> Result<Option<(setting::Model, Notifications)>> {
    let mut row = tx.find::<setting::Entity>();
    dialect::lock_rows(QuerySelect::query(&mut row));
    let Some(row) = row.one(tx).await? else {
        return Ok(None);
    };
    Ok(Some((row.clone(), read(tx, Some(row)).await?)))
}

/// As [`lock`], with a row of what holds by default where nobody has said anything.
pub(super) async fn lock_or_make(tx: &OrgTx) -> Result<()> {
    if lock(tx).await?.is_none() {
        let defaults = read(tx, None).await?;
        model(tx, &defaults, None).insert(tx).await?;
    }
    Ok(())
}

/// Notes whether there is somebody to tell, after channels were changed.
pub(super) async fn note_ways(tx: &OrgTx) -> Result<()> {
    let tells_nobody = notifications(tx).await?.tells_nobody();
    tx.update_many::<setting::Entity>()
        .col_expr(setting::Column::HasRecipients, Expr::value(!tells_nobody))
        .exec(tx)
        .await?;
    Ok(())
}

async fn read(tx: &OrgTx, row: Option<setting::Model>) -> Result<Notifications> {
    let org = orgs::get(tx).await?;
    let suspended = all_suspended(tx).await?;
    let channels: Vec<(uuid::Uuid, String, bool)> = tx
        .find::<channel::Entity>()
        .select_only()
        .column(channel::Column::Id)
        .column(channel::Column::Name)
        .column(channel::Column::RulesOnly)
        .filter(channel::Column::Enabled.eq(true))
        .order_by_asc(channel::Column::Name)
        .into_tuple()
        .all(tx)
        .await?;
    let named = |(id, name, _): &(uuid::Uuid, String, bool)| (*id, name.clone());
    let defaults = Notifications {
        start_days: org.start_days,
        frequency_days: DEFAULT_FREQUENCY_DAYS,
        recipients: Vec::new(),
        time_zone: Tz::UTC,
        hour: DEFAULT_HOUR,
        language: Language::default(),
        include_trust: true,
        repeat_expired_days: DEFAULT_REPEAT_DAYS,
        repeat_expired_until_days: DEFAULT_REPEAT_UNTIL_DAYS,
        attach_calendar: false,
        keep_days: DEFAULT_KEEP_DAYS,
        digest_weekday: None,
        digest_empty: false,
        digested_at: None,
        escalation: None,
        suspended: Vec::new(),
        channels: channels
            .iter()
            .filter(|(_, _, of_rules)| !of_rules)
            .map(named)
            .collect(),
        rule_channels: channels.iter().map(named).collect(),
        rules: rules::all(tx).await?,
        swept_at: None,
        created_at: None,
        updated_at: org.updated_at,
    };
    let Some(row) = row else { return Ok(defaults) };
    let recipients: Vec<String> = serde_json::from_value(row.recipients).map_err(Error::internal)?;
    let escalation: Option<Escalation> = row
        .escalation
        .map(serde_json::from_value)
        .transpose()
        .map_err(Error::internal)?;
    let known = addresses(&recipients, escalation.as_ref(), &defaults.rules);
    Ok(Notifications {
        frequency_days: row.frequency_days,
        suspended: suspended
            .into_iter()
            .filter(|found| known.contains(&found.recipient))
            .collect(),
        recipients,
        time_zone: row.time_zone.parse().unwrap_or(Tz::UTC),
        hour: row.hour,
        language: Language::parse(&row.language).unwrap_or_default(),
        include_trust: row.include_trust,
        repeat_expired_days: row.repeat_expired_days,
        repeat_expired_until_days: row.repeat_expired_until_days,
        attach_calendar: row.attach_calendar,
        keep_days: row.keep_days,
        digest_weekday: row.digest_weekday,
        digest_empty: row.digest_empty,
        digested_at: row.digested_at,
        escalation,
        swept_at: row.swept_at,
        created_at: Some(row.created_at),
        updated_at: row.updated_at.max(org.updated_at),
        ..defaults
    })
}

/// All to whom nothing is sent, also those who are on no list any more.
pub(super) async fn all_suspended(tx: &OrgTx) -> Result<Vec<Suspended>> {
    let rows = tx
        .find::<suspended::Entity>()
        .order_by_asc(suspended::Column::Recipient)
        .all(tx)
        .await?;
    let rows = rows.into_iter().map(|found| Suspended {
        recipient: found.recipient,
        since: found.suspended_at,
        reply: found.reply,
    });
    Ok(rows.collect())
}

/// Notes that digests of the default up to a moment have been made.
pub(super) async fn note_digest(tx: &OrgTx, at: Timestamp) -> Result<()> {
    tx.update_many::<setting::Entity>()
        .col_expr(setting::Column::DigestedAt, Expr::value(at))
        .exec(tx)
        .await?;
    Ok(())
}

/// All addresses to which anything may be sent.
fn addresses(recipients: &[String], escalation: Option<&Escalation>, rules: &[Rule]) -> Vec<String> {
    let of_rules = rules.iter().flat_map(|rule| {
        let escalated = rule.escalation.iter().flat_map(|found| &found.recipients);
        rule.recipients.iter().chain(escalated)
    });
    let escalated = escalation.into_iter().flat_map(|found| &found.recipients);
    recipients.iter().chain(escalated).chain(of_rules).cloned().collect()
}

/// Changes the settings. Another number of start days is that of the organisation as well: its counts follow in the
/// background.
///
/// # Errors
/// [`Error::Invalid`] that names every wrong field; [`Error::Forbidden`] without [`Permission::ManageAlerts`].
pub async fn set_notifications(tx: &OrgTx, change: NotificationChange) -> Result<Notifications> {
    tx.scope().require(Permission::ManageAlerts)?;
    if let Some(days) = change.start_days
        && days != orgs::get(tx).await?.start_days
    {
        // Clusters are locked before all else.
        inventory::outdate_all(tx).await?;
    }
    let (row, before) = match lock(tx).await? {
        Some((row, before)) => (Some(row), before),
        None => (None, read(tx, None).await?),
    };
    let after = apply(tx, &before, change).await?;
    if after.start_days != before.start_days {
        orgs::set_start_days(tx, after.start_days).await?;
    }
    let model = model(tx, &after, row.as_ref());
    match row {
        Some(_) => model.update(tx).await?,
        None => model.insert(tx).await?,
    };
    if after.recipients != before.recipients || after.escalation != before.escalation {
        untold::free(tx, None).await?;
    }
    audit::record(
        tx,
        Entry {
            action: "notifications.update",
            object_kind: "notifications",
            object_id: None,
            object_name: "notifications",
            before: Some(before.told()),
            after: Some(after.told()),
        },
    )
    .await?;
    notifications(tx).await
}

/// The row of settings, in the place of one.
fn model(tx: &OrgTx, after: &Notifications, row: Option<&setting::Model>) -> setting::ActiveModel {
    setting::ActiveModel {
        org_id: Set(tx.org_id()),
        frequency_days: Set(after.frequency_days),
        recipients: Set(json!(after.recipients)),
        has_recipients: Set(!after.tells_nobody()),
        time_zone: Set(after.time_zone.name().into()),
        hour: Set(after.hour),
        language: Set(after.language.as_str().into()),
        include_trust: Set(after.include_trust),
        repeat_expired_days: Set(after.repeat_expired_days),
        repeat_expired_until_days: Set(after.repeat_expired_until_days),
        created_at: Set(row.map_or(tx.now(), |row| row.created_at)),
        updated_at: Set(tx.now()),
        swept_at: Set(row.and_then(|row| row.swept_at)),
        sweeping_until: Set(row.and_then(|row| row.sweeping_until)),
        swept_as: Set(row.and_then(|row| row.swept_as.clone())),
        looked_at: Set(row.and_then(|row| row.looked_at)),
        keep_days: Set(after.keep_days),
        attach_calendar: Set(after.attach_calendar),
        sweep_token: Set(row.and_then(|row| row.sweep_token)),
        sweep_failures: Set(row.and_then(|row| row.sweep_failures.clone())),
        escalation: Set(after.escalation.as_ref().map(|found| json!(found))),
        digest_weekday: Set(after.digest_weekday),
        digest_empty: Set(after.digest_empty),
        digested_at: Set(after.digested_at.map(clock::cut)),
    }
}

async fn apply(tx: &OrgTx, before: &Notifications, change: NotificationChange) -> Result<Notifications> {
    let mut errors = Fields::default();
    let mut after = before.clone();
    let mut number = |field: &str, wanted: Option<i32>, bounds: RangeInclusive<i32>, unit: &str, into: &mut i32| {
        if let Some(wanted) = wanted {
            *into = wanted;
            if !bounds.contains(&wanted) {
                errors.refuse(
                    field,
                    "out_of_range",
                    format!("from {} to {}{unit}", bounds.start(), bounds.end()),
                );
            }
        }
    };
    number(
        "start_days",
        change.start_days,
        orgs::START_DAYS,
        " days",
        &mut after.start_days,
    );
    number(
        "frequency_days",
        change.frequency_days,
        FREQUENCY_DAYS,
        " days",
        &mut after.frequency_days,
    );
    number("hour", change.hour, HOUR, "", &mut after.hour);
    number(
        "repeat_expired_days",
        change.repeat_expired_days,
        REPEAT_DAYS,
        " days",
        &mut after.repeat_expired_days,
    );
    number(
        "repeat_expired_until_days",
        change.repeat_expired_until_days,
        REPEAT_UNTIL_DAYS,
        " days",
        &mut after.repeat_expired_until_days,
    );
    number("keep_days", change.keep_days, KEEP_DAYS, " days", &mut after.keep_days);
    if let Some(typed) = change.recipients {
        after.recipients = check_recipients("recipients", &typed, &mut errors)
            .iter()
            .map(ToString::to_string)
            .collect();
    }
    if let Some(name) = change.time_zone {
        match name.parse() {
            Ok(zone) => after.time_zone = zone,
            Err(_) => errors.refuse(
                "time_zone",
                "unknown",
                "is a name of the IANA time zone database, like Europe/Stockholm",
            ),
        }
    }
    if let Some(code) = change.language {
        match Language::parse(&code) {
            Some(language) => after.language = language,
            None => errors.refuse("language", "unknown", "is one of en, sv, de, cs, uk, ru"),
        }
    }
    if let Some(include) = change.include_trust {
        after.include_trust = include;
    }
    if let Some(attach) = change.attach_calendar {
        after.attach_calendar = attach;
    }
    if let Some(weekday) = change.digest_weekday {
        if weekday.is_some_and(|weekday| !WEEKDAY.contains(&weekday)) {
            errors.refuse("digest_weekday", "out_of_range", "from 1, Monday, to 7, Sunday");
        }
        after.digest_weekday = weekday;
        after.digested_at = match weekday {
            // The next moment of the week is the first.
            Some(_) => before.digested_at.or(Some(tx.now() - DIGEST_GAP)),
            None => None,
        };
    }
    if let Some(empty) = change.digest_empty {
        after.digest_empty = empty;
    }
    match change.escalation {
        Some(Some(wanted)) => {
            let known = before.escalation.as_ref();
            after.escalation = Some(check_escalation(tx, &mut errors, wanted, known).await?);
        }
        Some(None) => after.escalation = None,
        None => {}
    }
    errors.finish()?;
    Ok(after)
}

/// Sends to a recipient again to whom nothing was sent, as their server had refused.
///
/// # Errors
/// [`Error::NotFound`] where the recipient is not suspended; [`Error::Forbidden`] without [`Permission::ManageAlerts`].
pub async fn resume_recipient(tx: &OrgTx, recipient: &str) -> Result<()> {
    tx.scope().require(Permission::ManageAlerts)?;
    lock(tx).await?;
    let gone = tx
        .delete_many::<suspended::Entity>()
        .filter(suspended::Column::Recipient.eq(recipient))
        .exec(tx)
        .await?;
    if gone.rows_affected == 0 {
        return Err(Error::NotFound {
            what: "suspended recipient",
        });
    }
    untold::free(tx, None).await?;
    audit::record(
        tx,
        Entry {
            action: "notifications.resume",
            object_kind: "notifications",
            object_id: None,
            object_name: recipient,
            before: None,
            after: None,
        },
    )
    .await
}

pub(super) async fn suspend(tx: &OrgTx, recipient: &str, reply: &str, message: uuid::Uuid) -> Result<()> {
    suspended::Entity::insert(suspended::ActiveModel {
        org_id: Set(tx.org_id()),
        recipient: Set(recipient.into()),
        suspended_at: Set(tx.now()),
        reply: Set(reply.into()),
        message_id: Set(Some(message)),
    })
    .on_conflict_do_nothing_on([suspended::Column::OrgId, suspended::Column::Recipient])
    .exec(tx)
    .await?;
    audit::record(
        tx,
        Entry {
            action: "notifications.suspend",
            object_kind: "notifications",
            object_id: None,
            object_name: recipient,
            before: None,
            after: Some(json!({ "reply": reply, "message": message })),
        },
    )
    .await
}

/// What a message says that was not sent to a recipient who is suspended.
pub(super) fn suspended_since(since: Timestamp, reply: &str) -> String {
    let since = since.format("%Y-%m-%d %H:%M UTC");
    format!("not sent: the recipient is suspended since {since}: {reply}")
}

/// Whether nothing is sent to an address.
pub(super) async fn is_suspended(tx: &OrgTx, recipient: &str) -> Result<bool> {
    let found = tx.find::<suspended::Entity>();
    let found = found.filter(suspended::Column::Recipient.eq(recipient));
    Ok(found.count(tx).await? > 0)
}

/// Addresses to which anything may be sent, of settings, rules and escalations. Rules are out of sight for whoever is bound to groups;
/// that they tell somebody is not.
async fn all_addresses(tx: &OrgTx, row: &setting::Model) -> Result<Vec<String>> {
    let recipients: Vec<String> = serde_json::from_value(row.recipients.clone()).map_err(Error::internal)?;
    let escalation: Option<Escalation> = row
        .escalation
        .clone()
        .map(serde_json::from_value)
        .transpose()
        .map_err(Error::internal)?;
    let rules = rule::Entity::find()
        .filter(rule::Column::OrgId.eq(tx.org_id()))
        .filter(rule::Column::Enabled.eq(true))
        .all(tx)
        .await?;
    let rules = rules.into_iter().map(rules::read).collect::<Result<Vec<_>>>()?;
    Ok(addresses(&recipients, escalation.as_ref(), &rules))
}

/// Whether mail is to go to anybody.
pub(super) async fn has_addresses(tx: &OrgTx, row: &setting::Model) -> Result<bool> {
    Ok(!all_addresses(tx, row).await?.is_empty())
}

/// How many of the recipients are suspended.
pub(super) async fn suspended_count(tx: &OrgTx, row: &setting::Model) -> Result<u64> {
    Ok(suspended::Entity::find()
        .filter(suspended::Column::OrgId.eq(tx.org_id()))
        .filter(suspended::Column::Recipient.is_in(all_addresses(tx, row).await?))
        .count(tx)
        .await?)
}
