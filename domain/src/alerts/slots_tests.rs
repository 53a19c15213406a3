//! Tables for the slots: what is due when, and that nothing is due twice.

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

/// First warning 60 days before, then every 7 days, expired ones every 7 days for 30 days, at 8 o'clock.
fn schedule(zone: &str) -> Schedule {
    Schedule {
        start_days: 60,
        frequency_days: 7,
        relative: None,
        weekly: None,
        repeat_expired_days: 7,
        repeat_expired_until_days: 30,
        zone: zone.parse().expect(zone),
        hour: 8,
    }
}

/// All slots from long before until long after the end, walked by `next` as sweeps do.
fn all(schedule: &Schedule, not_after: Timestamp, renewal_due_at: Option<Timestamp>) -> Vec<Slot> {
    let mut now = not_after - TimeDelta::days(900);
    assert_eq!(schedule.latest(not_after, renewal_due_at, now), None);
    let mut found = Vec::new();
    while let Some(next) = schedule.next(not_after, renewal_due_at, now) {
        assert!(next > now, "the next slot {next} is not after {now}");
        let slot = schedule.latest(not_after, renewal_due_at, next).expect("a slot");
        assert_eq!(slot.at, next, "the slot at its own moment");
        // Right before it the one before is the latest.
        let before = schedule.latest(not_after, renewal_due_at, next - TimeDelta::microseconds(1));
        assert_eq!(before, found.last().copied(), "right before {next}");
        found.push(slot);
        now = next;
        assert!(found.len() < 800, "no end");
    }
    found
}

fn told(slot: Slot, raised_at: Timestamp, schedule: &Schedule) -> Told {
    Told {
        slot_at: slot.at,
        raised_at,
        schedule: schedule.fingerprint(),
    }
}

#[test]
fn r40_the_first_warning_comes_at_start_days_and_then_every_frequency_days_until_the_last_day_and_the_end() {
    let end = at("2027-03-01T12:00:00Z");
    let slots = all(&schedule("UTC"), end, None);
    let days: Vec<(String, Stage)> = slots
        .iter()
        .map(|slot| (slot.at.format("%m-%d %H:%M").to_string(), slot.stage))
        .collect();
    let expected = [
        // 60 days before is 31 December at noon: the first hour of sending from there on is the morning after.
        ("01-01 08:00", Stage::Expiring),
        ("01-08 08:00", Stage::Expiring),
        ("01-15 08:00", Stage::Expiring),
        ("01-22 08:00", Stage::Expiring),
        ("01-29 08:00", Stage::Expiring),
        ("02-05 08:00", Stage::Expiring),
        ("02-12 08:00", Stage::Expiring),
        ("02-19 08:00", Stage::Expiring),
        ("02-26 08:00", Stage::Expiring),
        ("03-01 08:00", Stage::LastDay),
        ("03-01 12:00", Stage::Expired),
        ("03-08 08:00", Stage::StillExpired),
        ("03-15 08:00", Stage::StillExpired),
        ("03-22 08:00", Stage::StillExpired),
        ("03-29 08:00", Stage::StillExpired),
    ];
    let expected: Vec<(String, Stage)> = expected.iter().map(|(day, stage)| (day.to_string(), *stage)).collect();
    assert_eq!(days, expected);
}

#[test]
fn r42_no_warning_comes_before_the_certificate_counts_as_expiring() {
    for start_days in [30, 31, 60, 364, 365] {
        for hour in [0, 8, 23] {
            for minute in (0..24 * 60).step_by(37) {
                let schedule = Schedule {
                    start_days,
                    hour,
                    ..schedule("Europe/Stockholm")
                };
                let end = at("2028-03-27T00:00:00Z") + TimeDelta::minutes(minute);
                let first = schedule.next(end, None, end - TimeDelta::days(900)).expect("a slot");
                let from = schedule.expiring_from(end);
                assert!(first >= from, "{first} is before {from}");
                // At most a day and the hour of daylight saving later.
                assert!(first - from <= TimeDelta::hours(25), "{first} is long after {from}");
            }
        }
    }
}

#[test]
fn every_frequency_and_start_gives_days_that_are_that_far_apart() {
    for start_days in [30, 60, 365] {
        for frequency_days in [1, 2, 7, 29, 30] {
            let schedule = Schedule {
                start_days,
                frequency_days,
                ..schedule("Europe/Prague")
            };
            let end = at("2028-05-05T09:30:00Z");
            let slots = all(&schedule, end, None);
            let regular: Vec<&Slot> = slots.iter().filter(|slot| slot.stage == Stage::Expiring).collect();
            assert!(!regular.is_empty());
            for pair in regular.windows(2) {
                let days = schedule.date(pair[1].at) - schedule.date(pair[0].at);
                assert_eq!(days.num_days(), i64::from(frequency_days));
            }
            assert_eq!(slots.iter().filter(|slot| slot.stage == Stage::LastDay).count(), 1);
            assert_eq!(slots.iter().filter(|slot| slot.stage == Stage::Expired).count(), 1);
        }
    }
}

#[test]
fn mails_leave_at_the_local_hour_on_both_sides_of_daylight_saving() {
    // Stockholm: forward on 28 March 2027 at 01:00 UTC, back on 31 October 2027 at 01:00 UTC.
    let zone = schedule("Europe/Stockholm");
    for end in [at("2027-04-20T12:00:00Z"), at("2027-11-20T12:00:00Z")] {
        for slot in all(&zone, end, None) {
            if slot.stage != Stage::Expired {
                let local = slot.at.with_timezone(&zone.zone);
                assert_eq!(local.format("%H:%M").to_string(), "08:00", "{}", slot.at);
            }
        }
    }
}

#[test]
fn an_hour_that_the_clock_skips_or_repeats_is_one_slot() {
    // Skipped: 02:00 to 03:00 on 28 March 2027. Repeated: 02:00 to 03:00 on 31 October 2027.
    let schedule = Schedule {
        hour: 2,
        frequency_days: 1,
        ..schedule("Europe/Stockholm")
    };
    let skipped = NaiveDate::from_ymd_opt(2027, 3, 28).expect("a day");
    assert_eq!(schedule.hour_of(skipped), at("2027-03-28T01:00:00Z"));
    let repeated = NaiveDate::from_ymd_opt(2027, 10, 31).expect("a day");
    assert_eq!(schedule.hour_of(repeated), at("2027-10-31T00:00:00Z"));
    for end in [at("2027-04-20T12:00:00Z"), at("2027-11-20T12:00:00Z")] {
        let slots = all(&schedule, end, None);
        let days: std::collections::BTreeSet<NaiveDate> = slots
            .iter()
            .filter(|slot| slot.stage == Stage::Expiring)
            .map(|slot| schedule.date(slot.at))
            .collect();
        let regular = slots.iter().filter(|slot| slot.stage == Stage::Expiring).count();
        assert_eq!(days.len(), regular, "one slot a day");
    }
    // Samoa left out 30 December 2011 as a whole: the moment after it is the beginning of the 31st, at UTC+14.
    let samoa = Schedule {
        hour: 8,
        ..self::schedule("Pacific/Apia")
    };
    let gone = NaiveDate::from_ymd_opt(2011, 12, 30).expect("a day");
    assert_eq!(samoa.hour_of(gone), at("2011-12-30T10:00:00Z"));
}

#[test]
fn leap_days_the_turn_of_years_and_the_end_of_time_are_days_like_others() {
    for end in [
        at("2028-02-29T23:59:59Z"),
        at("2028-03-01T00:00:00Z"),
        at("2100-02-28T23:59:59Z"),
        at("2027-01-01T00:00:00Z"),
        at("1969-12-31T23:59:59Z"),
        at("9999-12-31T23:59:59Z"),
    ] {
        for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"] {
            let slots = all(&schedule(zone), end, None);
            assert_eq!(
                slots.last().map(|slot| slot.stage),
                Some(Stage::StillExpired),
                "{end} in {zone}"
            );
            assert!(slots.len() >= 13, "{} slots for {end} in {zone}", slots.len());
        }
    }
    // RFC 5280 section 4.1.2.5: no well-defined end. Nothing is due in our time.
    assert_eq!(
        schedule("UTC").latest(at("9999-12-31T23:59:59Z"), None, at("2027-01-01T00:00:00Z")),
        None
    );
}

#[test]
fn the_end_itself_is_expired_and_the_moment_before_is_not() {
    let schedule = schedule("UTC");
    let end = at("2027-03-01T12:00:00Z");
    let stage = |now| schedule.latest(end, None, now).map(|slot| slot.stage);
    assert_eq!(stage(end - TimeDelta::microseconds(1)), Some(Stage::LastDay));
    assert_eq!(stage(end), Some(Stage::Expired));
    // An end at the hour of sending: the last warning is a day before.
    let end = at("2027-03-01T08:00:00Z");
    let slots = all(&schedule, end, None);
    let last = slots.iter().find(|slot| slot.stage == Stage::LastDay).expect("one");
    assert_eq!(last.at, at("2027-02-28T08:00:00Z"));
}

#[test]
fn expired_ones_are_repeated_as_often_and_as_long_as_the_settings_say() {
    let end = at("2027-03-01T12:00:00Z");
    let repeats = |repeat: i32, until: i32| {
        let schedule = Schedule {
            repeat_expired_days: repeat,
            repeat_expired_until_days: until,
            ..schedule("UTC")
        };
        let slots = all(&schedule, end, None);
        slots.iter().filter(|slot| slot.stage == Stage::StillExpired).count()
    };
    for (repeat, until, expected) in [
        (0, 365, 0),
        (7, 0, 0),
        (1, 1, 1),
        (1, 30, 30),
        (7, 6, 0),
        (7, 7, 1),
        (30, 365, 12),
    ] {
        assert_eq!(repeats(repeat, until), expected, "every {repeat} days for {until}");
    }
    // Nothing more is due, however long it stays.
    let schedule = schedule("UTC");
    let last = all(&schedule, end, None).last().copied().expect("one");
    let later = end + TimeDelta::days(4000);
    assert_eq!(schedule.latest(end, None, later), Some(last));
    assert_eq!(
        schedule.due(end, None, later, Some(&told(last, last.at, &schedule))),
        None
    );
}

#[test]
fn after_any_downtime_the_nearest_slot_is_due_once_and_none_of_the_missed_ones() {
    let schedule = schedule("UTC");
    let end = at("2027-03-01T12:00:00Z");
    let slots = all(&schedule, end, None);
    for begin in 0..slots.len() {
        for missed in 1..slots.len() - begin {
            let raised = told(slots[begin], slots[begin].at, &schedule);
            let now = slots[begin + missed].at + TimeDelta::minutes(5);
            let due = schedule.due(end, None, now, Some(&raised)).expect("a slot is due");
            assert_eq!(due, slots[begin + missed]);
            let raised = told(due, now, &schedule);
            assert_eq!(schedule.due(end, None, now, Some(&raised)), None, "once");
        }
    }
}

#[test]
fn r40_other_settings_tell_nothing_again_that_the_last_mail_told() {
    let end = at("2027-03-01T12:00:00Z");
    let before = schedule("UTC");
    let first = all(&before, end, None)[0];
    let raised = told(first, first.at + TimeDelta::hours(3), &before);
    let now = first.at + TimeDelta::hours(4);
    for after in [
        Schedule {
            start_days: 90,
            ..before.clone()
        },
        Schedule {
            frequency_days: 1,
            ..before.clone()
        },
        Schedule {
            hour: 7,
            ..before.clone()
        },
        Schedule {
            hour: 9,
            ..before.clone()
        },
        schedule("Europe/Stockholm"),
    ] {
        assert_eq!(
            after.due(end, None, now, Some(&raised)),
            None,
            "{}",
            after.fingerprint()
        );
        let next = after.next(end, None, now).expect("a slot");
        assert!(
            after.due(end, None, next, Some(&raised)).is_some(),
            "{}",
            after.fingerprint()
        );
    }
    // Fewer days: it does not count as expiring any more.
    let fewer = Schedule {
        start_days: 30,
        ..before
    };
    assert_eq!(fewer.due(end, None, now, Some(&raised)), None);
    assert_eq!(fewer.latest(end, None, now), None);
}

#[test]
fn a_clock_that_is_set_back_or_forward_repeats_no_slot() {
    let schedule = schedule("UTC");
    let end = at("2027-03-01T12:00:00Z");
    let slots = all(&schedule, end, None);
    let raised = told(slots[3], slots[3].at, &schedule);
    // Back by a minute and by an hour: the slot before the hour is not the one told, and was told before it.
    let back = slots[3].at + TimeDelta::minutes(1);
    assert_eq!(schedule.due(end, None, back, Some(&raised)), None);
    // A clock that was a year ahead has told of the end. Put right, it tells of what is due then.
    let ahead = told(slots[10], end + TimeDelta::days(1), &schedule);
    let due = schedule.due(end, None, slots[4].at, Some(&ahead));
    assert_eq!(due, Some(slots[4]));
    // And of the end, which it has told already, not again.
    assert_eq!(schedule.due(end, None, end + TimeDelta::hours(1), Some(&ahead)), None);
}

#[test]
fn what_renews_by_itself_is_due_only_when_its_renewal_is_overdue() {
    let schedule = schedule("UTC");
    let end = at("2027-03-01T12:00:00Z");
    let on_schedule = at("2027-02-01T00:00:00Z");
    let slots = all(&schedule, end, Some(on_schedule));
    assert_eq!(slots[0].at, at("2027-02-01T08:00:00Z"));
    assert_eq!(
        schedule.latest(end, Some(on_schedule), on_schedule - TimeDelta::seconds(1)),
        None
    );
    // A renewal that was due before the window begins changes nothing.
    assert_eq!(
        all(&schedule, end, Some(at("2026-06-01T00:00:00Z"))),
        all(&schedule, end, None)
    );
    // Overdue only on the last day, between two hours of sending: told at that moment.
    let late = at("2027-03-01T10:00:00Z");
    let slots = all(&schedule, end, Some(late));
    assert_eq!((slots[0].at, slots[0].stage), (late, Stage::LastDay));
    // Never overdue before the end: told once it has expired.
    let never = at("2027-04-01T00:00:00Z");
    let slots = all(&schedule, end, Some(never));
    assert_eq!(slots[0].stage, Stage::Expired, "{slots:?}");
}

/// At 20 % of the lifetime left, then every 5 %.
fn relative(lifetime: TimeDelta) -> Schedule {
    let relative = Relative {
        start_percent: 20,
        frequency_percent: 5,
        lifetime: TimeDelta::zero(),
    };
    let schedule = Schedule {
        start_days: 365,
        relative: Some(relative),
        repeat_expired_days: 0,
        ..schedule("Europe/Stockholm")
    };
    schedule.of_lifetime(lifetime)
}

fn table(slots: &[Slot]) -> Vec<(String, Stage)> {
    let told = slots.iter();
    told.map(|slot| (slot.at.format("%m-%d %H:%M").to_string(), slot.stage))
        .collect()
}

fn expected(slots: &[(&str, Stage)]) -> Vec<(String, Stage)> {
    slots.iter().map(|(at, stage)| ((*at).to_string(), *stage)).collect()
}

#[test]
fn a_certificate_of_47_days_is_told_by_parts_of_its_lifetime_at_the_hour_of_sending() {
    let end = at("2027-03-01T12:00:00Z");
    // 9.4 days before the end, every 2.35 days from there; 8 o'clock is 07:00 in UTC.
    assert_eq!(
        table(&all(&relative(TimeDelta::days(47)), end, None)),
        expected(&[
            ("02-20 07:00", Stage::Expiring),
            ("02-23 07:00", Stage::Expiring),
            ("02-25 07:00", Stage::Expiring),
            ("02-27 07:00", Stage::Expiring),
            ("03-01 07:00", Stage::LastDay),
            ("03-01 12:00", Stage::Expired),
        ])
    );
}

#[test]
fn a_certificate_of_6_days_is_told_at_full_hours() {
    let end = at("2027-03-01T12:00:00Z");
    // 28.8 hours before the end, every 7.2 hours from there.
    assert_eq!(
        table(&all(&relative(TimeDelta::days(6)), end, None)),
        expected(&[
            ("02-28 08:00", Stage::Expiring),
            ("02-28 15:00", Stage::Expiring),
            ("02-28 22:00", Stage::Expiring),
            ("03-01 05:00", Stage::LastDay),
            ("03-01 12:00", Stage::Expired),
        ])
    );
    // Lives for an hour, for no time, for less than none: told once before its end, or when it has come.
    let begin = all(&relative(TimeDelta::hours(1)), end, None);
    assert_eq!(
        table(&begin),
        expected(&[("03-01 11:48", Stage::LastDay), ("03-01 12:00", Stage::Expired)])
    );
    for lifetime in [TimeDelta::zero(), TimeDelta::days(-3)] {
        let slots = all(&relative(lifetime), end, None);
        assert_eq!(table(&slots), expected(&[("03-01 12:00", Stage::Expired)]));
    }
}

#[test]
fn relative_slots_rise_never_begin_early_and_are_told_once_after_any_downtime() {
    for end in [
        at("2027-03-28T01:30:00Z"),
        at("2027-10-31T01:30:00Z"),
        at("2028-02-29T23:59:59Z"),
        at("9999-12-31T23:59:59Z"),
    ] {
        for hours in [1, 24, 90, 144, 47 * 24, 90 * 24, 398 * 24, 3650 * 24] {
            for (start_percent, frequency_percent) in [(1, 1), (20, 5), (33, 7), (99, 99), (99, 1)] {
                let mut schedule = relative(TimeDelta::zero());
                schedule.relative = Some(Relative {
                    start_percent,
                    frequency_percent,
                    lifetime: TimeDelta::hours(hours),
                });
                let slots = all(&schedule, end, None);
                let case = format!("{hours} hours, {start_percent} %, {frequency_percent} % until {end}");
                assert!(slots[0].at >= schedule.expiring_from(end), "{case}");
                assert!(schedule.expiring_from(end) >= end - TimeDelta::days(365), "{case}");
                assert!(
                    slots.windows(2).all(|pair| pair[0].at < pair[1].at),
                    "{case}: {slots:?}"
                );
                for stage in [Stage::LastDay, Stage::Expired] {
                    assert_eq!(
                        slots.iter().filter(|slot| slot.stage == stage).count(),
                        1,
                        "{case}: {slots:?}"
                    );
                }
                let raised = told(slots[0], slots[0].at, &schedule);
                for later in &slots[1..] {
                    let now = later.at + TimeDelta::seconds(30);
                    let due = schedule.due(end, None, now, Some(&raised)).expect("a slot is due");
                    assert_eq!(due, *later, "{case}");
                    assert_eq!(
                        schedule.due(end, None, now, Some(&told(due, now, &schedule))),
                        None,
                        "{case}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_weekly_schedule_has_one_slot_a_week_and_keeps_the_last_day_and_the_end() {
    let weekly = Schedule {
        weekly: Some(Weekday::Mon),
        start_days: 30,
        ..schedule("Europe/Stockholm")
    };
    let end = at("2027-04-08T12:00:00Z");
    assert_eq!(
        table(&all(&weekly, end, None)),
        expected(&[
            ("03-15 07:00", Stage::Expiring),
            ("03-22 07:00", Stage::Expiring),
            // The clocks were set forward on the 28th.
            ("03-29 06:00", Stage::Expiring),
            ("04-05 06:00", Stage::Expiring),
            ("04-08 06:00", Stage::LastDay),
            ("04-08 12:00", Stage::Expired),
            ("04-12 06:00", Stage::StillExpired),
            ("04-19 06:00", Stage::StillExpired),
            ("04-26 06:00", Stage::StillExpired),
            ("05-03 06:00", Stage::StillExpired),
        ])
    );
    for end in ["1969-12-31T23:59:59Z", "2028-02-29T06:00:00Z", "9999-12-31T23:59:59Z"].map(at) {
        for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
            for weekday in [Weekday::Mon, Weekday::Thu, Weekday::Sun] {
                let weekly = Schedule {
                    weekly: Some(weekday),
                    ..schedule(zone)
                };
                for slot in all(&weekly, end, None) {
                    let regular = matches!(slot.stage, Stage::Expiring | Stage::StillExpired);
                    assert!(!regular || weekly.date(slot.at).weekday() == weekday, "{slot:?}");
                }
            }
        }
    }
}

#[test]
fn a_weekly_schedule_knows_its_last_moment() {
    let weekly = Schedule {
        weekly: Some(Weekday::Mon),
        ..schedule("UTC")
    };
    let last = |now: &str| weekly.last_weekly(at(now)).map(|(_, at)| at);
    assert_eq!(last("2026-11-23T08:00:00Z"), Some(at("2026-11-23T08:00:00Z")));
    assert_eq!(last("2026-11-23T07:59:59Z"), Some(at("2026-11-16T08:00:00Z")));
    assert_eq!(last("2026-11-22T12:00:00Z"), Some(at("2026-11-16T08:00:00Z")));
    assert_eq!(schedule("UTC").last_weekly(at("2026-11-22T12:00:00Z")), None);
}

#[test]
fn an_escalation_comes_after_its_days_and_once_with_each_stage() {
    let schedule = schedule("UTC");
    let end = at("2027-03-01T12:00:00Z");
    let slots = |first: &str, days: i32| table(&schedule.escalations(end, None, at(first), days));
    assert_eq!(
        slots("2027-01-01T08:00:00Z", 3),
        expected(&[
            ("01-04 08:00", Stage::Expiring),
            ("03-01 08:00", Stage::LastDay),
            ("03-01 12:00", Stage::Expired),
            ("03-08 08:00", Stage::StillExpired),
        ])
    );
    // Told at noon: at the hour of sending after the days have passed.
    assert_eq!(slots("2027-01-01T12:00:00Z", 3)[0].0, "01-05 08:00");
    // Two days before the end: what would come after the end comes before it.
    assert_eq!(
        slots("2027-02-28T09:00:00Z", 1),
        expected(&[
            ("03-01 09:00", Stage::LastDay),
            ("03-01 12:00", Stage::Expired),
            ("03-08 08:00", Stage::StillExpired),
        ])
    );
    // First told when it had expired.
    assert_eq!(
        slots("2027-03-02T12:00:00Z", 2),
        expected(&[("03-05 08:00", Stage::Expired), ("03-08 08:00", Stage::StillExpired)])
    );
    assert_eq!(
        slots("2027-03-20T12:00:00Z", 2),
        expected(&[("03-23 08:00", Stage::StillExpired)])
    );
}
