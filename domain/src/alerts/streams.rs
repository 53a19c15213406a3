//! Streams of alerts: the default, each rule, and what either escalates. A stream has its own marks, runs and unique keys in the ledger,
//! so that one alert comes of each certificate, stream and slot, and one message of each run and recipient.
//!
//! ```text
//! default ── what no rule takes from it ──▶ its recipients, all channels that are not of rules alone
//!    └─ not acknowledged for days ────────▶ those of its escalation
//! rule ───── what its scope covers ───────▶ its recipients and channels
//!    └─ not acknowledged for days ────────▶ those of its escalation
//! ```

use super::rule_scope::RuleScope;
use super::rules::{DIGEST_GAP, Escalation, Rule, weekday};
use super::settings::Notifications;
use super::slots::{self, Relative, Schedule, Slot, Stage, Told};
use super::{DEFAULT_ESCALATION, DEFAULT_RULE};
use crate::Timestamp;
use chrono::TimeDelta;
use uuid::Uuid;

/// A rule with relative days looks no further ahead than any other one.
const MOST_DAYS: i32 = 365;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// It tells of what has come due.
    Warning,
    /// It tells of all that is covered, once a week.
    Digest,
    /// It tells others of what nobody has acknowledged.
    Escalation,
}

impl MessageKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Warning, Self::Digest, Self::Escalation];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Digest => "digest",
            Self::Escalation => "escalation",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// When a certificate begins and ends, and what is known of it beside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// When whatever renews it by itself is overdue.
    pub renewal_due_at: Option<Timestamp>,
    /// When the stream that is escalated raised it first.
    pub first_at: Option<Timestamp>,
}

/// When the certificates of a stream are due.
#[derive(Clone, Debug)]
pub(super) enum Timetable {
    Warn(Schedule),
    Escalate { schedule: Schedule, after_days: i32 },
}

/// What a timetable says of a certificate at a time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    /// The last slot that has come.
    pub latest: Option<Slot>,
    /// When the next one comes.
    pub next: Option<Timestamp>,
}

impl Timetable {
    pub(super) fn fingerprint(&self) -> String {
        match self {
            Self::Warn(schedule) => schedule.fingerprint(),
            Self::Escalate { schedule, after_days } => format!("{}+{after_days}", schedule.fingerprint()),
        }
    }

    fn schedule(&self) -> &Schedule {
        match self {
            Self::Warn(schedule) | Self::Escalate { schedule, .. } => schedule,
        }
    }

    pub(super) fn look(&self, life: &Life, now: Timestamp) -> Look {
        let schedule = self.schedule();
        // What counts in days alone needs no copy.
        let own = schedule
            .relative
            .map(|_| schedule.of_lifetime(life.not_after - life.not_before));
        let schedule = own.as_ref().unwrap_or(schedule);
        let (end, overdue) = (life.not_after, life.renewal_due_at);
        match self {
            Self::Warn(_) => Look {
                latest: schedule.latest(end, overdue, now),
                next: schedule.next(end, overdue, now),
            },
            Self::Escalate { after_days, .. } => {
                let Some(first_at) = life.first_at else {
                    return Look::default();
                };
                let slots = schedule.escalations(end, overdue, first_at, *after_days);
                Look {
                    latest: slots.iter().rfind(|slot| slot.at <= now).copied(),
                    next: slots.iter().find(|slot| slot.at > now).map(|slot| slot.at),
                }
            }
        }
    }
}

/// One way in which people are told of certificates.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    /// Its key in the ledger.
    pub id: Uuid,
    /// The stream of which it tells others.
    pub escalates: Option<Uuid>,
    /// The stream that tells others of it, and after how many days.
    pub escalated_by: Option<(Uuid, i32)>,
    /// Its rule and that one's name; none: the default.
    pub rule: Option<(Uuid, String)>,
    pub timetable: Timetable,
    /// Certificates that end within so many days may be due.
    pub window_days: i32,
    pub scope: RuleScope,
    /// What is left out, as rules tell of it in its place.
    pub without: Vec<RuleScope>,
    pub include_trust: bool,
    pub recipients: Vec<String>,
    pub channels: Vec<(Uuid, String)>,
    /// A digest without a certificate is sent as well.
    pub digest_empty: bool,
    digested_at: Option<Timestamp>,
    version: i64,
}

impl Stream {
    /// What its messages are.
    pub(super) fn kind(&self) -> MessageKind {
        match self.escalates {
            Some(_) => MessageKind::Escalation,
            None => MessageKind::Warning,
        }
    }

    fn tells_nobody(&self) -> bool {
        self.recipients.is_empty() && self.channels.is_empty()
    }

    /// Whether a slot waits for the moment of the week.
    pub(super) fn is_digested(&self, slot: &Slot) -> bool {
        let weekly = self.escalates.is_none() && self.timetable.schedule().weekly.is_some();
        weekly && matches!(slot.stage, Stage::Expiring | Stage::StillExpired)
    }

    /// The digest that is to be made, in a sweep that began then: its moment.
    pub(super) fn digest_due(&self, began: Timestamp) -> Option<Timestamp> {
        if self.escalates.is_some() {
            return None;
        }
        let (_, moment) = self.timetable.schedule().last_weekly(began)?;
        let new = self.digested_at.is_none_or(|last| moment >= last + DIGEST_GAP);
        new.then_some(moment)
    }

    /// The slot that is due in a sweep that began then, of a look now.
    pub(super) fn due(
        &self,
        look: Look,
        fingerprint: &str,
        began: Timestamp,
        now: Timestamp,
        told: Option<&Told>,
    ) -> Option<Slot> {
        let slot = slots::due(look.latest, fingerprint, now, told)?;
        if self.is_digested(&slot) && self.digest_due(began).is_none_or(|moment| slot.at > moment) {
            return None;
        }
        Some(slot)
    }
}

fn ways(all: &[(Uuid, String)], wanted: &[Uuid]) -> Vec<(Uuid, String)> {
    all.iter().filter(|(id, _)| wanted.contains(id)).cloned().collect()
}

/// The schedule of a rule: days, zone, hour and what is said of expired certificates are those of the settings.
fn schedule_of(rule: &Rule, settings: &Notifications) -> Schedule {
    let relative = rule.start_percent.map(|start_percent| Relative {
        start_percent,
        frequency_percent: rule.frequency_percent.unwrap_or(start_percent),
        lifetime: TimeDelta::zero(),
    });
    Schedule {
        start_days: rule.start_days.unwrap_or(MOST_DAYS),
        frequency_days: rule.frequency_days.unwrap_or(settings.frequency_days),
        relative,
        weekly: rule.digest_weekday.and_then(weekday),
        ..settings.schedule()
    }
}

fn of_rule(rule: &Rule, settings: &Notifications) -> Stream {
    let schedule = schedule_of(rule, settings);
    Stream {
        id: rule.id,
        escalates: None,
        escalated_by: None,
        rule: Some((rule.id, rule.name.clone())),
        window_days: schedule.start_days,
        timetable: Timetable::Warn(schedule),
        scope: rule.scope.clone(),
        without: Vec::new(),
        include_trust: true,
        recipients: rule.recipients.clone(),
        channels: ways(&settings.rule_channels, &rule.channels),
        digest_empty: rule.digest_empty,
        digested_at: rule.digested_at,
        version: rule.version,
    }
}

/// A stream with the one that escalates it, where there is one that tells anybody.
fn escalated(mut base: Stream, id: Uuid, escalation: Option<&Escalation>, settings: &Notifications) -> Vec<Stream> {
    let Some(escalation) = escalation else {
        return vec![base];
    };
    let stream = Stream {
        id,
        escalates: Some(base.id),
        timetable: Timetable::Escalate {
            schedule: base.timetable.schedule().clone(),
            after_days: escalation.after_days,
        },
        recipients: escalation.recipients.clone(),
        channels: ways(&settings.rule_channels, &escalation.channels),
        ..base.clone()
    };
    if stream.tells_nobody() {
        return vec![base];
    }
    base.escalated_by = Some((id, escalation.after_days));
    vec![base, stream]
}

impl Notifications {
    /// The stream of the default, whether it tells anybody or not.
    pub(super) fn default_stream(&self) -> Stream {
        // Who switched a rule's only channel off wants the default to tell, and not nobody.
        let instead = |rule: &&Rule| rule.enabled && rule.instead_of_default && !of_rule(rule, self).tells_nobody();
        Stream {
            id: DEFAULT_RULE,
            escalates: None,
            escalated_by: None,
            rule: None,
            timetable: Timetable::Warn(self.schedule()),
            window_days: self.start_days,
            scope: RuleScope::default(),
            without: self
                .rules
                .iter()
                .filter(instead)
                .map(|rule| rule.scope.clone())
                .collect(),
            include_trust: self.include_trust,
            recipients: self.recipients.clone(),
            channels: self.channels.clone(),
            digest_empty: self.digest_empty,
            digested_at: self.digested_at,
            version: 0,
        }
    }

    /// The stream of a rule that is not stored.
    pub(super) fn stream_of(&self, rule: &Rule) -> Stream {
        of_rule(rule, self)
    }

    /// All streams that tell anybody.
    pub(super) fn streams(&self) -> Vec<Stream> {
        let mut all = Vec::new();
        let default = self.default_stream();
        if !default.tells_nobody() {
            all.extend(escalated(default, DEFAULT_ESCALATION, self.escalation.as_ref(), self));
        }
        for rule in self.rules.iter().filter(|rule| rule.enabled) {
            let stream = of_rule(rule, self);
            if !stream.tells_nobody() {
                all.extend(escalated(stream, rule.escalation_id, rule.escalation.as_ref(), self));
            }
        }
        all
    }

    /// Whether there is nobody to tell.
    pub(super) fn tells_nobody(&self) -> bool {
        self.streams().is_empty()
    }

    /// A text that differs where other certificates, or the same at other times, may be due.
    pub(super) fn fingerprint(&self) -> String {
        let mut text = format!("{}/{}", self.schedule().fingerprint(), self.include_trust);
        for stream in self.streams() {
            match stream.timetable {
                Timetable::Escalate { after_days, .. } => text.push_str(&format!(" {}+{after_days}", stream.id)),
                Timetable::Warn(_) if stream.rule.is_none() => {}
                Timetable::Warn(_) => text.push_str(&format!(" {}@{}", stream.id, stream.version)),
            }
        }
        text
    }
}
