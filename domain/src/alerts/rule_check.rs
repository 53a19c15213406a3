//! What somebody wants of a rule, checked field by field.

use super::address::check_recipients;
use super::entity::channel;
use super::rule_scope::{MOST_VALUES, RuleScope};
use super::rules::{Escalation, NewRule, Rule, RuleMode};
use super::settings::{DEFAULT_FREQUENCY_DAYS, FREQUENCY_DAYS};
use crate::catalogue;
use crate::certificates;
use crate::clusters::entity::{cluster, group};
use crate::db::OrgTx;
use crate::error::Result;
use crate::fields::{Fields, MAX_NAME};
use crate::orgs;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use std::collections::HashSet;
use std::ops::RangeInclusive;
use uuid::Uuid;

/// Percent of a lifetime: nothing and all of it are no threshold.
const PERCENT: RangeInclusive<i32> = 1..=99;
/// Days until an escalation.
pub(super) const AFTER_DAYS: RangeInclusive<i32> = 1..=90;
/// Days of the week.
pub(super) const WEEKDAY: RangeInclusive<i32> = 1..=7;

/// A rule that may be stored.
pub(super) struct Checked {
    pub name: String,
    pub enabled: bool,
    pub scope: RuleScope,
    pub start_days: Option<i32>,
    pub start_percent: Option<i32>,
    pub frequency_days: Option<i32>,
    pub frequency_percent: Option<i32>,
    pub mode: RuleMode,
    pub digest_weekday: Option<i32>,
    pub digest_empty: bool,
    pub recipients: Vec<String>,
    pub channels: Vec<Uuid>,
    pub instead_of_default: bool,
    pub escalation: Option<Escalation>,
}

/// Checks a rule that is to take the place of `before`. What that one named may have been retired since.
pub(super) async fn check(tx: &OrgTx, before: Option<&Rule>, new: NewRule) -> Result<Checked> {
    let mut errors = Fields::default();
    let name = errors.name("name", &new.name);
    let mode = RuleMode::parse(&new.mode).unwrap_or_else(|| {
        errors.refuse("mode", "unknown", "is one of immediate, weekly_digest");
        RuleMode::Immediate
    });
    let (frequency_days, frequency_percent) = check_pace(&mut errors, &new, mode);
    let digest_weekday = match (mode, new.digest_weekday) {
        (RuleMode::WeeklyDigest, wanted) => {
            in_range(&mut errors, "digest_weekday", wanted, &WEEKDAY, ", Monday to Sunday");
            Some(wanted.unwrap_or(1))
        }
        (RuleMode::Immediate, None) => None,
        (RuleMode::Immediate, Some(_)) => {
            errors.refuse("digest_weekday", "not_used", "goes with the mode weekly_digest");
            None
        }
    };
    if mode == RuleMode::Immediate && new.digest_empty {
        errors.refuse("digest_empty", "not_used", "goes with the mode weekly_digest");
    }
    let recipients = addresses(&mut errors, "recipients", &new.recipients);
    let known = before.map(|before| before.channels.as_slice()).unwrap_or_default();
    let channels = check_channels(tx, &mut errors, "channels", new.channels, known).await?;
    if new.recipients.is_empty() && channels.is_empty() {
        errors.refuse(
            "recipients",
            "required",
            "has an address, unless there is a channel: somebody has to be told",
        );
    }
    let escalation = match new.escalation {
        Some(wanted) => {
            let known = before.and_then(|before| before.escalation.as_ref());
            Some(check_escalation(tx, &mut errors, wanted, known).await?)
        }
        None => None,
    };
    let scope = check_scope(tx, &mut errors, new.scope, before.map(|before| &before.scope)).await?;
    errors.finish()?;
    Ok(Checked {
        name,
        enabled: new.enabled,
        scope,
        start_days: new.start_days,
        start_percent: new.start_percent,
        frequency_days,
        frequency_percent,
        mode,
        digest_weekday,
        digest_empty: new.digest_empty,
        recipients,
        channels,
        instead_of_default: new.instead_of_default,
        escalation,
    })
}

fn in_range(errors: &mut Fields, field: &str, value: Option<i32>, bounds: &RangeInclusive<i32>, unit: &str) {
    if value.is_some_and(|value| !bounds.contains(&value)) {
        let message = format!("from {} to {}{unit}", bounds.start(), bounds.end());
        errors.refuse(field, "out_of_range", message);
    }
}

/// Start and frequency: both in days, or both in percent of the lifetime. A digest has its own frequency.
fn check_pace(errors: &mut Fields, new: &NewRule, mode: RuleMode) -> (Option<i32>, Option<i32>) {
    match (new.start_days, new.start_percent) {
        (None, None) => errors.refuse(
            "start_days",
            "required",
            "says when the rule begins, or start_percent does",
        ),
        (Some(_), Some(_)) => errors.refuse(
            "start_percent",
            "exclusive",
            "takes the place of start_days: give one of them",
        ),
        (Some(_), None) | (None, Some(_)) => {}
    }
    in_range(errors, "start_days", new.start_days, &orgs::START_DAYS, " days");
    in_range(
        errors,
        "start_percent",
        new.start_percent,
        &PERCENT,
        " percent of the lifetime",
    );
    in_range(errors, "frequency_days", new.frequency_days, &FREQUENCY_DAYS, " days");
    in_range(
        errors,
        "frequency_percent",
        new.frequency_percent,
        &PERCENT,
        " percent of the lifetime",
    );
    let digest = mode == RuleMode::WeeklyDigest;
    let mut unused = |field: &str, given: bool, used: bool, way_out: &str| {
        if given && (digest || !used) {
            let why = if digest { "a digest comes once a week" } else { way_out };
            errors.refuse(field, "not_used", why);
        }
    };
    let relative = new.start_percent.is_some();
    unused(
        "frequency_days",
        new.frequency_days.is_some(),
        !relative,
        "goes with start_days: with start_percent it is frequency_percent",
    );
    unused(
        "frequency_percent",
        new.frequency_percent.is_some(),
        relative,
        "goes with start_percent: with start_days it is frequency_days",
    );
    match new.start_percent {
        _ if digest => (None, None),
        Some(start) => (None, new.frequency_percent.or(Some((start.max(1) + 3) / 4))),
        None => (new.frequency_days.or(Some(DEFAULT_FREQUENCY_DAYS)), None),
    }
}

fn addresses(errors: &mut Fields, field: &str, typed: &[String]) -> Vec<String> {
    let found = check_recipients(field, typed, errors);
    found.iter().map(ToString::to_string).collect()
}

async fn check_channels(
    tx: &OrgTx,
    errors: &mut Fields,
    field: &str,
    wanted: Vec<Uuid>,
    known: &[Uuid],
) -> Result<Vec<Uuid>> {
    let there: HashSet<Uuid> = tx
        .find::<channel::Entity>()
        .select_only()
        .column(channel::Column::Id)
        .into_tuple()
        .all(tx)
        .await?
        .into_iter()
        .collect();
    for (index, id) in wanted.iter().enumerate().take(MOST_VALUES) {
        if !there.contains(id) && !known.contains(id) {
            errors.refuse(&format!("{field}[{index}]"), "unknown", "there is no such channel");
        }
    }
    // One that was deleted since tells nobody.
    Ok(distinct(wanted).into_iter().filter(|id| there.contains(id)).collect())
}

/// Checks who is told of what nobody has acknowledged.
pub(super) async fn check_escalation(
    tx: &OrgTx,
    errors: &mut Fields,
    wanted: Escalation,
    known: Option<&Escalation>,
) -> Result<Escalation> {
    in_range(
        errors,
        "escalation.after_days",
        Some(wanted.after_days),
        &AFTER_DAYS,
        " days",
    );
    let recipients = addresses(errors, "escalation.recipients", &wanted.recipients);
    let known = known.map(|known| known.channels.as_slice()).unwrap_or_default();
    let channels = check_channels(tx, errors, "escalation.channels", wanted.channels, known).await?;
    if wanted.recipients.is_empty() && channels.is_empty() {
        errors.refuse(
            "escalation.recipients",
            "required",
            "has an address, unless there is a channel: somebody has to be told",
        );
    }
    Ok(Escalation {
        after_days: wanted.after_days,
        recipients,
        channels,
    })
}

fn distinct<T: Clone + Eq + std::hash::Hash>(values: Vec<T>) -> Vec<T> {
    let mut seen = HashSet::new();
    values.into_iter().filter(|value| seen.insert(value.clone())).collect()
}

async fn check_scope(
    tx: &OrgTx,
    errors: &mut Fields,
    wanted: RuleScope,
    before: Option<&RuleScope>,
) -> Result<RuleScope> {
    let nothing = RuleScope::default();
    let before = before.unwrap_or(&nothing);
    for (field, count) in [
        ("scope.clusters", wanted.clusters.len()),
        ("scope.groups", wanted.groups.len()),
        ("scope.products", wanted.products.len()),
        ("scope.purposes", wanted.purposes.len()),
        ("scope.issuers", wanted.issuers.len()),
        ("scope.issuer_certificates", wanted.issuer_certificates.len()),
    ] {
        if count > MOST_VALUES {
            errors.refuse(field, "too_many", format!("has {count} values: at most {MOST_VALUES}"));
        }
    }
    let clusters = some(&wanted.clusters);
    let there = tx.find::<cluster::Entity>().select_only().column(cluster::Column::Id);
    let there: Vec<Uuid> = there
        .filter(cluster::Column::Id.is_in(clusters.iter().copied()))
        .filter(cluster::Column::RetiredAt.is_null())
        .into_tuple()
        .all(tx)
        .await?;
    unknown(
        errors,
        "scope.clusters",
        clusters,
        &[&there, &before.clusters],
        "cluster",
    );
    let groups = some(&wanted.groups);
    let there = tx.find::<group::Entity>().select_only().column(group::Column::Id);
    let there: Vec<Uuid> = there
        .filter(group::Column::Id.is_in(groups.iter().copied()))
        .filter(group::Column::RetiredAt.is_null())
        .into_tuple()
        .all(tx)
        .await?;
    unknown(errors, "scope.groups", groups, &[&there, &before.groups], "group");
    let issuers = some(&wanted.issuer_certificates);
    let there: Vec<Uuid> = certificates::by_ids(tx, issuers.iter().copied())
        .await?
        .into_keys()
        .collect();
    let known: [&[Uuid]; 2] = [&there, &before.issuer_certificates];
    unknown(errors, "scope.issuer_certificates", issuers, &known, "certificate");
    for (index, code) in some(&wanted.products).iter().enumerate() {
        if catalogue::product(code).is_none() {
            errors.refuse(
                &format!("scope.products[{index}]"),
                "unknown",
                "there is no such product in the catalogue",
            );
        }
    }
    let purposes = texts(errors, "scope.purposes", &wanted.purposes);
    let issuer_texts = texts(errors, "scope.issuers", &wanted.issuers);
    if wanted
        .kind
        .as_deref()
        .is_some_and(|kind| kind != "identity" && kind != "trust")
    {
        errors.refuse("scope.kind", "unknown", "is one of identity, trust");
    }
    Ok(RuleScope {
        clusters: distinct(wanted.clusters),
        groups: distinct(wanted.groups),
        products: distinct(wanted.products),
        purposes,
        kind: wanted.kind,
        issuers: issuer_texts,
        issuer_certificates: distinct(wanted.issuer_certificates),
    })
}

/// What is looked at of a list that may be too long.
fn some<T>(values: &[T]) -> &[T] {
    &values[..values.len().min(MOST_VALUES)]
}

fn unknown(errors: &mut Fields, field: &str, wanted: &[Uuid], known: &[&[Uuid]], what: &str) {
    for (index, id) in wanted.iter().enumerate() {
        if !known.iter().any(|known| known.contains(id)) {
            errors.refuse(
                &format!("{field}[{index}]"),
                "unknown",
                format!("there is no such {what}"),
            );
        }
    }
}

fn texts(errors: &mut Fields, field: &str, typed: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (index, text) in some(typed).iter().enumerate() {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > MAX_NAME || text.chars().any(char::is_control) {
            errors.refuse(
                &format!("{field}[{index}]"),
                "format",
                format!("has 1 to {MAX_NAME} characters on one line"),
            );
        }
        found.push(text.to_string());
    }
    distinct(found)
}
