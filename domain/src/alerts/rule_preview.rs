//! What a rule would tell, before it is stored.

use super::raise::read_candidates;
use super::rule_check::check;
use super::rules::{NewRule, Rule};
use super::settings;
use super::streams::Look;
use crate::Permission;
use crate::Timestamp;
use crate::db::OrgTx;
use crate::error::Result;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Certificates that are looked at, the soonest end first: their slots are computed here.
const MOST: usize = 10_000;
/// Moments that are answered.
const MOMENTS: usize = 10;

/// What a rule would tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulePreview {
    /// Certificates that it covers and that end within the days that it looks ahead.
    pub certificates: i64,
    /// Those that it would tell of at once; with a digest, in the next one.
    pub due: i64,
    /// The next moments at which it would tell, and of how many certificates.
    pub next: Vec<(Timestamp, i64)>,
    /// All of them were looked at; else the first 10,000 to end.
    pub complete: bool,
}

/// Says what a rule would tell now and next, without storing it. Acknowledgements are not looked at.
///
/// # Errors
/// [`crate::Error::Invalid`] that names every wrong field; [`crate::Error::Forbidden`] without [`Permission::ReadAlerts`].
pub async fn preview_rule(tx: &OrgTx, new: NewRule) -> Result<RulePreview> {
    tx.scope().require(Permission::ReadAlerts)?;
    let checked = check(tx, None, new).await?;
    let rule = Rule {
        id: Uuid::nil(),
        name: checked.name,
        enabled: true,
        scope: checked.scope,
        start_days: checked.start_days,
        start_percent: checked.start_percent,
        frequency_days: checked.frequency_days,
        frequency_percent: checked.frequency_percent,
        mode: checked.mode,
        digest_weekday: checked.digest_weekday,
        digest_empty: checked.digest_empty,
        digested_at: None,
        recipients: checked.recipients,
        channels: checked.channels,
        instead_of_default: checked.instead_of_default,
        escalation: checked.escalation,
        escalation_id: Uuid::nil(),
        version: 0,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    let stream = settings::notifications(tx).await?.stream_of(&rule);
    let now = tx.now();
    let found = read_candidates(tx, &stream, now, None, MOST as u64 + 1).await?;
    let complete = found.len() <= MOST;
    let mut preview = RulePreview {
        certificates: i64::try_from(found.len().min(MOST)).unwrap_or(i64::MAX),
        due: 0,
        next: Vec::new(),
        complete,
    };
    let mut moments: BTreeMap<Timestamp, i64> = BTreeMap::new();
    for candidate in found.iter().take(MOST) {
        let Look { latest, next } = stream.timetable.look(&candidate.life(None), now);
        preview.due += i64::from(latest.is_some());
        if let Some(at) = next {
            *moments.entry(at).or_default() += 1;
        }
    }
    preview.next = moments.into_iter().take(MOMENTS).collect();
    Ok(preview)
}
