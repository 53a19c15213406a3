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
//!
//! A [`Relative`] schedule counts in parts of the lifetime: its slots stand at the hour of sending while they are a day or more
//! apart, and at full hours where they are closer, as those of certificates that live for some days. A weekly one has its slots at
//! the hour of sending of one day of the week; the last one before the end and the end itself stay where they are.

use crate::Timestamp;
use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;

/// When certificates are warned of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Days before the end, 30 to 365; the most days where it is relative.
    pub start_days: i32,
    /// Days between two warnings before the end, 1 to 30.
    pub frequency_days: i32,
    /// Start and frequency in parts of the lifetime, in the place of days.
    pub relative: Option<Relative>,
    /// The day of the week at which all warnings come but the last one before the end and that of the end.
    pub weekly: Option<Weekday>,
    /// Days between two warnings after the end; 0: none is repeated.
    pub repeat_expired_days: i32,
    /// Days after the end until which warnings are repeated.
    pub repeat_expired_until_days: i32,
    /// Time zone of the days and of `hour`.
    pub zone: Tz,
    /// Hour of sending, 0 to 23.
    pub hour: u32,
}

/// Start and frequency in parts of a lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relative {
    /// How much of the lifetime is left at the first warning, in percent, 1 to 99.
    pub start_percent: i32,
    /// How much of the lifetime lies between two warnings, in percent, 1 to 99.
    pub frequency_percent: i32,
    /// From `not_before` to `not_after` of the certificate ([`Schedule::of_lifetime`]).
    pub lifetime: TimeDelta,
}

impl Relative {
    fn part(&self, percent: i32) -> TimeDelta {
        let milliseconds = self.lifetime.num_milliseconds().max(0) / 100;
        TimeDelta::milliseconds(milliseconds.saturating_mul(i64::from(percent.clamp(0, 100))))
    }

    /// Time between two warnings; nobody reads more than one mail an hour.
    fn step(&self) -> TimeDelta {
        self.part(self.frequency_percent).max(TimeDelta::hours(1))
    }
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
        let mut text = format!(
            "{}/{}/{}/{}/{}/{}",
            self.start_days,
            self.frequency_days,
            self.repeat_expired_days,
            self.repeat_expired_until_days,
            self.zone.name(),
            self.hour
        );
        if let Some(relative) = &self.relative {
            text.push_str(&format!("/{}%/{}%", relative.start_percent, relative.frequency_percent));
        }
        if let Some(day) = self.weekly {
            text.push_str(&format!("/{day}"));
        }
        text
    }

    /// The same for a certificate that lives for so long: what is relative is known then.
    pub fn of_lifetime(&self, lifetime: TimeDelta) -> Self {
        Self {
            relative: self.relative.map(|relative| Relative { lifetime, ..relative }),
            ..self.clone()
        }
    }

    /// From when on a certificate that ends then counts as expiring.
    pub fn expiring_from(&self, not_after: Timestamp) -> Timestamp {
        let days = TimeDelta::days(i64::from(self.start_days));
        let before = self
            .relative
            .map_or(days, |relative| relative.part(relative.start_percent).min(days));
        not_after.checked_sub_signed(before).unwrap_or(DateTime::<Utc>::MIN_UTC)
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

    /// The first regular slot at or after a moment: an hour of sending, with a weekly schedule on its day.
    fn first_slot(&self, at: Timestamp) -> (NaiveDate, Timestamp) {
        let found = self.first_hour(at);
        let Some(weekday) = self.weekly else { return found };
        let ahead = weekday.days_since(found.0.weekday());
        match found.0.checked_add_days(Days::new(u64::from(ahead))) {
            Some(date) => (date, self.hour_of(date)),
            None => found,
        }
    }

    /// The last moment of a weekly schedule at or before a moment; none where it is not weekly.
    pub fn last_weekly(&self, at: Timestamp) -> Option<(NaiveDate, Timestamp)> {
        let weekday = self.weekly?;
        let date = self.date(at);
        let back = date.weekday().days_since(weekday);
        let mut date = date.checked_sub_days(Days::new(u64::from(back)))?;
        if self.hour_of(date) > at {
            date = date.checked_sub_days(day(7))?;
        }
        Some((date, self.hour_of(date)))
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
            at: match self.parts() {
                Some(relative) => plan.part_until(self, relative, now),
                None => self.step_until(first, self.pace_days(), now).1,
            },
            stage: Stage::Expiring,
        })
    }

    /// What is counted in parts of the lifetime; a weekly schedule only begins by them.
    fn parts(&self) -> Option<&Relative> {
        self.relative.as_ref().filter(|_| self.weekly.is_none())
    }

    /// Days between two warnings before the end.
    fn pace_days(&self) -> i32 {
        if self.weekly.is_some() { 7 } else { self.frequency_days }
    }

    /// The first slot after `now`; none once nothing more is said.
    pub fn next(&self, not_after: Timestamp, renewal_due_at: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        let plan = self.plan(not_after, renewal_due_at);
        if now < plan.last {
            let regular = plan.first.map(|(first, first_at)| {
                if now < first_at {
                    return first_at;
                }
                if let Some(relative) = self.parts() {
                    return plan.part_after(self, relative, now);
                }
                let steps = self.step_until(first, self.pace_days(), now).0 + 1;
                self.stepped(first, self.pace_days(), steps)
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
        let (base, step) = self.repeats(not_after);
        let at = self.stepped(base, step, steps);
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
        due(
            self.latest(not_after, renewal_due_at, now),
            &self.fingerprint(),
            now,
            told,
        )
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
        settled(self.latest(not_after, renewal_due_at, now), &self.fingerprint(), told)
    }

    /// When a certificate that was first told at `first_at` is told to others, as nobody has acknowledged it for so many days: at the
    /// hour of sending after them, or at once where it would have expired by then, and again with each stage that comes later.
    pub fn escalations(
        &self,
        not_after: Timestamp,
        renewal_due_at: Option<Timestamp>,
        first_at: Timestamp,
        after_days: i32,
    ) -> Vec<Slot> {
        let from = first_at
            .checked_add_signed(TimeDelta::days(i64::from(after_days)))
            .unwrap_or(DateTime::<Utc>::MAX_UTC);
        let (_, hour) = self.first_hour(from);
        let begin = if from < not_after && hour >= not_after {
            from
        } else {
            hour
        };
        let stages = [
            (Some(self.plan(not_after, renewal_due_at).last), Stage::LastDay),
            (Some(not_after), Stage::Expired),
            (self.next(not_after, renewal_due_at, not_after), Stage::StillExpired),
        ];
        let mut stage = Stage::Expiring;
        let mut later = Vec::new();
        for (at, begins) in stages {
            match at {
                Some(at) if at > begin => later.push(Slot { at, stage: begins }),
                Some(_) => stage = begins,
                None => {}
            }
        }
        let mut slots = vec![Slot { at: begin, stage }];
        slots.extend(later);
        slots
    }

    fn plan(&self, not_after: Timestamp, renewal_due_at: Option<Timestamp>) -> Plan {
        let begin = self.expiring_from(not_after);
        let begin = renewal_due_at
            .map_or(begin, |overdue| overdue.max(begin))
            .min(not_after);
        let (_, mut last) = self.last_hour(not_after);
        let (mut first, mut first_at) = self.first_slot(begin);
        if let Some(relative) = self.parts() {
            first_at = self.part(relative, begin, 0);
            first = self.date(first_at);
            if relative.step() < TimeDelta::days(1) {
                last = self.last_part(relative, begin, not_after);
            }
        }
        if first_at < last {
            return Plan {
                begin,
                first: Some((first, first_at)),
                last,
            };
        }
        // There is no hour of sending between the begin and the last one: the later of the two is the only warning.
        Plan {
            begin,
            first: None,
            last: last.max(begin),
        }
    }

    /// The slot of a part of the lifetime: the hour of sending at or after it, where parts are closer the full hour.
    fn part(&self, relative: &Relative, begin: Timestamp, count: i64) -> Timestamp {
        let passed = TimeDelta::milliseconds(relative.step().num_milliseconds().saturating_mul(count));
        let at = begin.checked_add_signed(passed).unwrap_or(DateTime::<Utc>::MAX_UTC);
        if relative.step() >= TimeDelta::days(1) {
            return self.first_hour(at).1;
        }
        let over = at.timestamp().rem_euclid(3600);
        if over == 0 && at.timestamp_subsec_nanos() == 0 {
            return at;
        }
        DateTime::from_timestamp(at.timestamp() - over + 3600, 0).unwrap_or(at)
    }

    /// The last of the full hours before the end; the begin where there is none.
    fn last_part(&self, relative: &Relative, begin: Timestamp, not_after: Timestamp) -> Timestamp {
        let mut count = parts_between(relative, begin, not_after);
        while count >= 0 {
            let at = self.part(relative, begin, count);
            if at < not_after {
                return at;
            }
            count -= 1;
        }
        begin
    }

    /// From which day repetitions after the end are counted, and the days between them.
    fn repeats(&self, not_after: Timestamp) -> (NaiveDate, i32) {
        match self.last_weekly(not_after) {
            Some((date, _)) => (date, 7),
            None => (self.date(not_after), self.repeat_expired_days),
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
        let (base, step) = self.repeats(not_after);
        let (steps, at) = self.step_until(base, step, until);
        (steps > 0 && at <= until).then_some((steps, at))
    }

    fn repeat_end(&self, not_after: Timestamp) -> Timestamp {
        not_after
            .checked_add_signed(TimeDelta::days(i64::from(self.repeat_expired_until_days)))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// The slot that is due of the last one that has come, unless it was told.
pub(super) fn due(latest: Option<Slot>, fingerprint: &str, now: Timestamp, told: Option<&Told>) -> Option<Slot> {
    let slot = latest?;
    let is_due = match told {
        None => true,
        // Told by a clock that was ahead: it holds for that slot alone.
        Some(told) if told.raised_at > now => slot.at != told.slot_at,
        Some(told) if told.schedule == fingerprint => slot.at > told.slot_at,
        // Slots of another schedule: what lies before the last mail has been told by it.
        Some(told) => slot.at > told.raised_at.max(told.slot_at),
    };
    is_due.then_some(slot)
}

/// See [`Schedule::settled`].
pub(super) fn settled(latest: Option<Slot>, fingerprint: &str, told: &Told) -> Timestamp {
    match latest {
        Some(slot) if told.schedule != fingerprint => told.slot_at.max(slot.at),
        _ => told.slot_at,
    }
}

/// How many steps lie between two moments.
fn parts_between(relative: &Relative, begin: Timestamp, at: Timestamp) -> i64 {
    (at - begin).num_milliseconds().max(0) / relative.step().num_milliseconds().max(1)
}

/// The slots before the end.
struct Plan {
    /// When the certificate begins to be warned of.
    begin: Timestamp,
    /// Day and moment of the first regular one; none where the last one is the only one.
    first: Option<(NaiveDate, Timestamp)>,
    /// The last one before the end.
    last: Timestamp,
}

impl Plan {
    /// The last part at or before `now`, which is not before the first one.
    fn part_until(&self, schedule: &Schedule, relative: &Relative, now: Timestamp) -> Timestamp {
        let mut count = parts_between(relative, self.begin, now);
        loop {
            let at = schedule.part(relative, self.begin, count);
            if at <= now || count == 0 {
                return at;
            }
            count -= 1;
        }
    }

    /// The first part after `now`.
    fn part_after(&self, schedule: &Schedule, relative: &Relative, now: Timestamp) -> Timestamp {
        // A part that lies before `now` may have its slot after it: by no more than the hours to the next hour of sending.
        let mut count = (parts_between(relative, self.begin, now) - 2).max(0);
        loop {
            let at = schedule.part(relative, self.begin, count);
            if at > now || at == DateTime::<Utc>::MAX_UTC {
                return at;
            }
            count += 1;
        }
    }
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
