//! Rules beside the default of the organisation: what they cover, when they tell of it, whom and how.

use super::entity::rule;
use super::rule_check::{Checked, check};
use super::rule_scope::RuleScope;
use super::{settings, untold};
use crate::Timestamp;
use crate::audit::{self, Entry};
use crate::clusters::version_conflict;
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result, name_taken};
use crate::ids::new_id;
use crate::{Permission, clock};
use chrono::{TimeDelta, Weekday};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// Most rules of an organisation: each has its own look in every sweep.
pub(super) const MAX_RULES: u64 = 50;
/// No digest comes sooner after another one, whatever was changed meanwhile.
pub(super) const DIGEST_GAP: TimeDelta = TimeDelta::days(3);

/// How a rule tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleMode {
    /// In a message for each sweep that found something.
    #[default]
    Immediate,
    /// In one message a week; the last day and the end are told at once.
    WeeklyDigest,
}

impl RuleMode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Immediate, Self::WeeklyDigest];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Immediate => "immediate",
            Self::WeeklyDigest => "weekly_digest",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

/// Who is told of a certificate that was told of and that nobody has acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    /// Days from the first alert of the certificate by the rule, 1 to 90.
    pub after_days: i32,
    /// Addresses, at most 25.
    pub recipients: Vec<String>,
    /// Channels.
    pub channels: Vec<Uuid>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The rule.
    pub id: Uuid,
    /// Name, unique in the organisation.
    pub name: String,
    /// It tells.
    pub enabled: bool,
    /// What it covers.
    pub scope: RuleScope,
    /// Days before the end at which it begins, 30 to 365.
    pub start_days: Option<i32>,
    /// In the place of days: percent of the lifetime that are left when it begins, 1 to 99; at most 365 days before the end.
    pub start_percent: Option<i32>,
    /// Days between two alerts, 1 to 30; with `start_days`, and not in a digest.
    pub frequency_days: Option<i32>,
    /// Percent of the lifetime between two alerts, 1 to 99; with `start_percent`, and not in a digest.
    pub frequency_percent: Option<i32>,
    /// How it tells.
    pub mode: RuleMode,
    /// Day of the week of the digest, 1 (Monday) to 7.
    pub digest_weekday: Option<i32>,
    /// A digest without a certificate is sent as well.
    pub digest_empty: bool,
    /// The last digest that was made.
    pub digested_at: Option<Timestamp>,
    /// Addresses, in the order in which they were given.
    pub recipients: Vec<String>,
    /// Channels.
    pub channels: Vec<Uuid>,
    /// What it covers is not told by the default.
    pub instead_of_default: bool,
    /// Who is told of what nobody has acknowledged.
    pub escalation: Option<Escalation>,
    /// Under what the ledger keeps what it escalates.
    pub(super) escalation_id: Uuid,
    /// Rises with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
}

/// A rule as somebody wants it.
#[derive(Clone, Debug, Default)]
pub struct NewRule {
    /// See [`Rule`].
    pub name: String,
    /// See [`Rule`].
    pub enabled: bool,
    /// See [`Rule`].
    pub scope: RuleScope,
    /// See [`Rule`]; either this or `start_percent`.
    pub start_days: Option<i32>,
    /// See [`Rule`].
    pub start_percent: Option<i32>,
    /// See [`Rule`]; 7 where it is left out.
    pub frequency_days: Option<i32>,
    /// See [`Rule`]; a quarter of `start_percent` where it is left out.
    pub frequency_percent: Option<i32>,
    /// Name of a [`RuleMode`].
    pub mode: String,
    /// See [`Rule`]; Monday where it is left out.
    pub digest_weekday: Option<i32>,
    /// See [`Rule`].
    pub digest_empty: bool,
    /// See [`Rule`].
    pub recipients: Vec<String>,
    /// See [`Rule`].
    pub channels: Vec<Uuid>,
    /// See [`Rule`].
    pub instead_of_default: bool,
    /// See [`Rule`].
    pub escalation: Option<Escalation>,
}

/// The day of the week of a number from 1, Monday, to 7.
pub(super) fn weekday(number: i32) -> Option<Weekday> {
    Weekday::try_from(u8::try_from(number.checked_sub(1)?).ok()?).ok()
}

pub(super) fn read(row: rule::Model) -> Result<Rule> {
    Ok(Rule {
        id: row.id,
        name: row.name,
        enabled: row.enabled,
        scope: serde_json::from_value(row.scope).map_err(Error::internal)?,
        start_days: row.start_days,
        start_percent: row.start_percent,
        frequency_days: row.frequency_days,
        frequency_percent: row.frequency_percent,
        mode: RuleMode::parse(&row.mode)
            .ok_or_else(|| Error::internal(format!("a rule has the mode `{}`", row.mode)))?,
        digest_weekday: row.digest_weekday,
        digest_empty: row.digest_empty,
        digested_at: row.digested_at,
        recipients: serde_json::from_value(row.recipients).map_err(Error::internal)?,
        channels: serde_json::from_value(row.channels).map_err(Error::internal)?,
        instead_of_default: row.instead_of_default,
        escalation: row
            .escalation
            .map(serde_json::from_value)
            .transpose()
            .map_err(Error::internal)?,
        escalation_id: row.escalation_id,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

fn told(found: &Rule) -> Value {
    json!({
        "name": found.name,
        "enabled": found.enabled,
        "scope": found.scope,
        "start_days": found.start_days,
        "start_percent": found.start_percent,
        "frequency_days": found.frequency_days,
        "frequency_percent": found.frequency_percent,
        "mode": found.mode,
        "digest_weekday": found.digest_weekday,
        "digest_empty": found.digest_empty,
        "recipients": found.recipients,
        "channels": found.channels,
        "instead_of_default": found.instead_of_default,
        "escalation": found.escalation,
    })
}

/// All rules, by name: there are at most 50.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadAlerts`].
pub async fn list_rules(tx: &OrgTx) -> Result<Vec<Rule>> {
    tx.scope().require(Permission::ReadAlerts)?;
    all(tx).await
}

pub(super) async fn all(tx: &OrgTx) -> Result<Vec<Rule>> {
    let rows = tx
        .find::<rule::Entity>()
        .order_by_asc(rule::Column::Name)
        .all(tx)
        .await?;
    rows.into_iter().map(read).collect()
}

/// One rule.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] without [`Permission::ReadAlerts`].
pub async fn get_rule(tx: &OrgTx, id: Uuid) -> Result<Rule> {
    tx.scope().require(Permission::ReadAlerts)?;
    read(find(tx, id, false).await?)
}

async fn find(tx: &OrgTx, id: Uuid, lock: bool) -> Result<rule::Model> {
    let mut select = tx.find::<rule::Entity>().filter(rule::Column::Id.eq(id));
    if lock {
        dialect::lock_rows(QuerySelect::query(&mut select));
    }
    select.one(tx).await?.ok_or(Error::NotFound {
        what: "notification rule",
    })
}

/// The row of a rule, all but what never changes.
fn model(checked: &Checked, now: Timestamp, before: Option<&Rule>) -> rule::ActiveModel {
    let digested_at = checked.digest_weekday.map(|_| {
        let before = before.filter(|before| before.mode == RuleMode::WeeklyDigest);
        // The next moment of the week is the first.
        before.and_then(|before| before.digested_at).unwrap_or(now - DIGEST_GAP)
    });
    rule::ActiveModel {
        name: Set(checked.name.clone()),
        enabled: Set(checked.enabled),
        scope: Set(json!(checked.scope)),
        start_days: Set(checked.start_days),
        start_percent: Set(checked.start_percent),
        frequency_days: Set(checked.frequency_days),
        frequency_percent: Set(checked.frequency_percent),
        mode: Set(checked.mode.as_str().into()),
        digest_weekday: Set(checked.digest_weekday),
        digest_empty: Set(checked.digest_empty),
        digested_at: Set(digested_at.map(clock::cut)),
        recipients: Set(json!(checked.recipients)),
        channels: Set(json!(checked.channels)),
        instead_of_default: Set(checked.instead_of_default),
        escalation: Set(checked.escalation.as_ref().map(|found| json!(found))),
        updated_at: Set(now),
        ..Default::default()
    }
}

/// Makes a rule. It holds from the next sweep on.
///
/// # Errors
/// [`Error::Invalid`] that names every wrong field; [`Error::Refused`] `too_many_rules`; [`Error::Forbidden`] without
/// [`Permission::ManageAlerts`].
pub async fn create_rule(tx: &OrgTx, new: NewRule) -> Result<Rule> {
    tx.scope().require(Permission::ManageAlerts)?;
    settings::lock_or_make(tx).await?;
    if tx.find::<rule::Entity>().count(tx).await? >= MAX_RULES {
        return Err(Error::refused(
            "too_many_rules",
            format!("there are {MAX_RULES} rules already: delete one that is not needed"),
        ));
    }
    let checked = check(tx, None, new).await?;
    let row = rule::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(new_id()),
        escalation_id: Set(new_id()),
        version: Set(1),
        created_at: Set(tx.now()),
        ..model(&checked, tx.now(), None)
    }
    .insert(tx)
    .await
    .map_err(|error| name_taken(error, || format!("there is a rule `{}` already", checked.name)))?;
    settings::note_ways(tx).await?;
    let made = read(row)?;
    record(tx, "notification_rule.create", &made, None, Some(told(&made))).await?;
    Ok(made)
}

/// Puts a rule in the place of what it was. What it told is not told again; what waits for somebody who is not on its lists any more is not sent.
///
/// # Errors
/// [`Error::Invalid`] that names every wrong field; [`Error::NotFound`]; [`Error::Conflict`] where it has another version;
/// [`Error::Forbidden`] without [`Permission::ManageAlerts`].
pub async fn replace_rule(tx: &OrgTx, id: Uuid, expected: Option<i64>, new: NewRule) -> Result<Rule> {
    tx.scope().require(Permission::ManageAlerts)?;
    settings::lock_or_make(tx).await?;
    let before = read(find(tx, id, true).await?)?;
    require_version(expected, &before)?;
    let checked = check(tx, Some(&before), new).await?;
    let row = rule::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(id),
        version: Set(before.version + 1),
        ..model(&checked, tx.now(), Some(&before))
    }
    .update(tx)
    .await
    .map_err(|error| name_taken(error, || format!("there is a rule `{}` already", checked.name)))?;
    let after = read(row)?;
    settings::note_ways(tx).await?;
    untold::free(tx, None).await?;
    record(
        tx,
        "notification_rule.update",
        &after,
        Some(told(&before)),
        Some(told(&after)),
    )
    .await?;
    Ok(after)
}

/// Deletes a rule; its messages stay in the ledger, and what waits is not sent.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] where it has another version; [`Error::Forbidden`] without
/// [`Permission::ManageAlerts`].
pub async fn delete_rule(tx: &OrgTx, id: Uuid, expected: Option<i64>) -> Result<()> {
    tx.scope().require(Permission::ManageAlerts)?;
    settings::lock_or_make(tx).await?;
    let before = read(find(tx, id, true).await?)?;
    require_version(expected, &before)?;
    tx.delete_many::<rule::Entity>()
        .filter(rule::Column::Id.eq(id))
        .exec(tx)
        .await?;
    settings::note_ways(tx).await?;
    record(tx, "notification_rule.delete", &before, Some(told(&before)), None).await
}

/// Notes that digests up to a moment have been made.
pub(super) async fn note_digest(tx: &OrgTx, id: Uuid, at: Timestamp) -> Result<()> {
    tx.update_many::<rule::Entity>()
        .col_expr(rule::Column::DigestedAt, Expr::value(at))
        .filter(rule::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

fn require_version(expected: Option<i64>, present: &Rule) -> Result<()> {
    match expected {
        Some(expected) if expected != present.version => Err(version_conflict("notification rule", present.version)),
        _ => Ok(()),
    }
}

async fn record(tx: &OrgTx, action: &str, found: &Rule, before: Option<Value>, after: Option<Value>) -> Result<()> {
    let entry = Entry {
        action,
        object_kind: "notification_rule",
        object_id: Some(found.id),
        object_name: &found.name,
        before,
        after,
    };
    audit::record(tx, entry).await
}
