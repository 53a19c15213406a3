//! When a certificate is due: pure functions of its end, the schedule and the time.
//!
//! ```text
//!        end − start_days            every frequency_days          last hour before the end   the end   every repeat, with an end
//! ───────────┼──▶ expiring ──▶ expiring ──▶ … ──▶ expiring ──▶ last day ─────────────▶ expired ──▶ still expired ──▶ … ──▶ nothing
//! ```
//!
//! Slots before the end stand at the hour of sending, at local days; days are those of the calendar in the time zone of the
//! settings, so that an hour that daylight saving skips or repeats moves no slot to another day. The end itself is a slot:
//! whoever is told that a certificate has expired is told when it has.

use crate::Timestamp;
use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// When certificates are warned of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Days before the end, 30 to 365.
    pub start_days: i32,
    /// Days between two warnings before the end, 1 to 30.
    pub frequency_days: i32,
    /// Days between two warnings after the end; 0: none is repeated.
    pub repeat_expired_days: i32,
    /// Days after the end until which warnings are repeated.
    pub repeat_expired_until_days: i32,
    /// Time zone of the days and of `hour`.
    pub zone: Tz,
    /// Hour of sending, 0 to 23.
    pub hour: u32,
}

/// What a warning says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The certificate ends soon.
    Expiring,
    /// There is no other warning before its end.
    LastDay,
    /// It has ended.
    Expired,
    /// It has ended some time ago, and is still installed.
    StillExpired,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 4] = [Self::Expiring, Self::LastDay, Self::Expired, Self::StillExpired];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expiring => "expiring",
            Self::LastDay => "last_day",
            Self::Expired => "expired",
            Self::StillExpired => "still_expired",
        }
    }
}

/// A moment at which a certificate is due a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The moment.
    pub at: Timestamp,
    /// What is said.
    pub stage: Stage,
}

/// What was raised last for a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its slot.
    pub slot_at: Timestamp,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// [`Schedule::fingerprint`] that the slot was computed with.
    pub schedule: String,
}

fn day(count: i32) -> Days {
    Days::new(u64::try_from(count).unwrap_or_default())
}

impl Schedule {
    /// A text that differs where the slots may.
    pub fn fingerprint(&self) -> String {
        format!(
            "{}/{}/{}/{}/{}/{}",
            self.start_days,
            self.frequency_days,
            self.repeat_expired_days,
            self.repeat_expired_until_days,
            self.zone.name(),
            self.hour
        )
    }

    /// From when on a certificate that ends then counts as expiring.
    pub fn expiring_from(&self, not_after: Timestamp) -> Timestamp {
        not_after
            .checked_sub_signed(TimeDelta::days(i64::from(self.start_days)))
            .unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// The local day of a moment.
    fn date(&self, at: Timestamp) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// The hour of sending on a day: the first of two where the clock is set back, the moment after the gap where it is set
    /// forward over it.
    fn hour_of(&self, date: NaiveDate) -> Timestamp {
        let time = NaiveTime::from_hms_opt(self.hour.min(23), 0, 0).unwrap_or_default();
        let wanted = date.and_time(time);
        // No zone skips more than a day.
        for minutes in (0..=24 * 60).step_by(15) {
            match self.zone.from_local_datetime(&(wanted + TimeDelta::minutes(minutes))) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => return at.with_timezone(&Utc),
                LocalResult::None => {}
            }
        }
        wanted.and_utc()
    }

    /// The first hour of sending at or after a moment.
    fn first_hour(&self, at: Timestamp) -> (NaiveDate, Timestamp) {
        let mut date = self.date(at).checked_sub_days(day(1)).unwrap_or(NaiveDate::MIN);
        loop {
            let hour = self.hour_of(date);
            if hour >= at {
                return (date, hour);
            }
            match date.checked_add_days(day(1)) {
                Some(next) => date = next,
                None => return (date, at),
            }
        }
    }

    /// The last hour of sending before a moment.
    fn last_hour(&self, at: Timestamp) -> (NaiveDate, Timestamp) {
        let mut date = self.date(at).checked_add_days(day(1)).unwrap_or(NaiveDate::MAX);
        loop {
            let hour = self.hour_of(date);
            if hour < at {
                return (date, hour);
            }
            match date.checked_sub_days(day(1)) {
                Some(before) => date = before,
                None => return (date, at),
            }
        }
    }

    /// The last slot at or before `now`, if there is any. A certificate that is renewed by itself is due only from
    /// `renewal_due_at` on, when that is overdue; once expired it is due like any other.
    pub fn latest(&self, not_after: Timestamp, renewal_due_at: Option<Timestamp>, now: Timestamp) -> Option<Slot> {
        let plan = self.plan(not_after, renewal_due_at);
        if now >= not_after {
            return Some(match self.repeats_until(not_after, now) {
                Some((_, at)) => Slot {
                    at,
                    stage: Stage::StillExpired,
                },
                None => Slot {
                    at: not_after,
                    stage: Stage::Expired,
                },
            });
        }
        if now >= plan.last {
            return Some(Slot {
                at: plan.last,
                stage: Stage::LastDay,
            });
        }
        let (first, first_at) = plan.first?;
        (now >= first_at).then(|| Slot {
            at: self.step_until(first, self.frequency_days, now).1,
            stage: Stage::Expiring,
        })
    }

    /// The first slot after `now`; none once nothing more is said.
    pub fn next(&self, not_after: Timestamp, renewal_due_at: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        let plan = self.plan(not_after, renewal_due_at);
        if now < plan.last {
            let regular = plan.first.map(|(first, first_at)| {
                if now < first_at {
                    return first_at;
                }
                let steps = self.step_until(first, self.frequency_days, now).0 + 1;
                self.stepped(first, self.frequency_days, steps)
            });
            return Some(regular.map_or(plan.last, |at| at.min(plan.last)));
        }
        if now < not_after {
            return Some(not_after);
        }
        if self.repeat_expired_days < 1 {
            return None;
        }
        let steps = self.repeats_until(not_after, now).map_or(0, |(steps, _)| steps) + 1;
        let at = self.stepped(self.date(not_after), self.repeat_expired_days, steps);
        (at > now && at <= self.repeat_end(not_after)).then_some(at)
    }

    /// The slot that is due now, if one is: the nearest one before, unless it was told.
    pub fn due(
        &self,
        not_after: Timestamp,
        renewal_due_at: Option<Timestamp>,
        now: Timestamp,
        told: Option<&Told>,
    ) -> Option<Slot> {
        let slot = self.latest(not_after, renewal_due_at, now)?;
        let is_due = match told {
            None => true,
            // Told by a clock that was ahead: it holds for that slot alone.
            Some(told) if told.raised_at > now => slot.at != told.slot_at,
            Some(told) if told.schedule == self.fingerprint() => slot.at > told.slot_at,
            // Slots of another schedule: what lies before the last mail has been told by it.
            Some(told) => slot.at > told.raised_at.max(told.slot_at),
        };
        is_due.then_some(slot)
    }

    /// The slot up to which a certificate has been told of where none is due: with another schedule than that of the last mail
    /// also what came before that mail.
    pub fn settled(
        &self,
        not_after: Timestamp,
        renewal_due_at: Option<Timestamp>,
        now: Timestamp,
        told: &Told,
    ) -> Timestamp {
        match self.latest(not_after, renewal_due_at, now) {
            Some(slot) if told.schedule != self.fingerprint() => told.slot_at.max(slot.at),
            _ => told.slot_at,
        }
    }

    fn plan(&self, not_after: Timestamp, renewal_due_at: Option<Timestamp>) -> Plan {
        let begin = self.expiring_from(not_after);
        let begin = renewal_due_at
            .map_or(begin, |overdue| overdue.max(begin))
            .min(not_after);
        let (_, last) = self.last_hour(not_after);
        let (first, first_at) = self.first_hour(begin);
        if first_at < last {
            return Plan {
                first: Some((first, first_at)),
                last,
            };
        }
        // There is no hour of sending between the begin and the last one: the later of the two is the only warning.
        Plan {
            first: None,
            last: last.max(begin),
        }
    }

    /// How many steps of so many days lie between a day and `now`, and the last of them.
    fn step_until(&self, first: NaiveDate, step_days: i32, now: Timestamp) -> (i64, Timestamp) {
        let passed = (self.date(now) - first).num_days().max(0);
        let mut steps = passed / i64::from(step_days.max(1));
        loop {
            let at = self.stepped(first, step_days, steps);
            if at <= now || steps == 0 {
                return (steps, at);
            }
            steps -= 1;
        }
    }

    fn stepped(&self, first: NaiveDate, step_days: i32, steps: i64) -> Timestamp {
        let days = u64::try_from(steps.saturating_mul(i64::from(step_days.max(1)))).unwrap_or_default();
        self.hour_of(first.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX))
    }

    /// The last repetition at or before `now`, and how many there were.
    fn repeats_until(&self, not_after: Timestamp, now: Timestamp) -> Option<(i64, Timestamp)> {
        if self.repeat_expired_days < 1 {
            return None;
        }
        let until = now.min(self.repeat_end(not_after));
        let (steps, at) = self.step_until(self.date(not_after), self.repeat_expired_days, until);
        (steps > 0 && at <= until).then_some((steps, at))
    }

    fn repeat_end(&self, not_after: Timestamp) -> Timestamp {
        not_after
            .checked_add_signed(TimeDelta::days(i64::from(self.repeat_expired_until_days)))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// The slots before the end.
struct Plan {
    /// Day and moment of the first regular one; none where the last one is the only one.
    first: Option<(NaiveDate, Timestamp)>,
    /// The last one before the end.
    last: Timestamp,
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
