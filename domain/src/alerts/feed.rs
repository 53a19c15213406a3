//! The calendar that a feed answers: the ends of what its person sees, from a month ago to two years ahead.

use super::calendar::{CalendarEvent, calendar};
use super::language::Language;
use crate::db::OrgTx;
use crate::error::Result;
use crate::people::Feed;
use crate::{inventory, orgs};
use chrono::TimeDelta;

/// Ends in a calendar; of more there are only the soonest.
const MOST_EVENTS: u64 = 2000;
/// What has ended stays in the calendar for so many days.
const DAYS_BACK: i64 = 31;
/// What ends later is not in it yet.
const DAYS_AHEAD: i64 = 731;

struct Words {
    ends: &'static str,
    serial: &'static str,
    nodes: &'static str,
}

fn words(language: Language) -> Words {
    let (ends, serial, nodes) = match language {
        Language::En => ("Expires", "Serial number", "Nodes"),
        Language::Sv => ("Upphör", "Serienummer", "Noder"),
        Language::De => ("Läuft ab", "Seriennummer", "Knoten"),
        Language::Cs => ("Vyprší", "Sériové číslo", "Uzly"),
        Language::Uk => ("Закінчується", "Серійний номер", "Вузли"),
        Language::Ru => ("Истекает", "Серийный номер", "Узлы"),
    };
    Words { ends, serial, nodes }
}

/// Writes the calendar of a feed.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`crate::Permission::ReadFleet`].
pub async fn feed_calendar(tx: &OrgTx, feed: &Feed, public_url: &str) -> Result<String> {
    let now = tx.now();
    let (from, until) = (now - TimeDelta::days(DAYS_BACK), now + TimeDelta::days(DAYS_AHEAD));
    let ends = inventory::endings(tx, feed.include_trust, from, until, MOST_EVENTS).await?;
    let words = words(Language::parse(&feed.language).unwrap_or_default());
    let event = |end: inventory::Ending| CalendarEvent {
        // As in the files of mails, so that a calendar that has both shows one entry.
        uid: format!("{}.{}@certyard", end.certificate_id, end.cluster_id),
        at: end.not_after,
        summary: format!("{}: {} ({}, {})", words.ends, end.common_name, end.store, end.cluster),
        description: format!("{}: {}\n{}: {}", words.nodes, end.nodes, words.serial, end.serial_hex),
        url: Some(format!("{public_url}/clusters/{}", end.cluster_id)),
    };
    let events: Vec<CalendarEvent> = ends.into_iter().map(event).collect();
    Ok(calendar(
        &format!("Certyard: {}", orgs::get(tx).await?.name),
        now,
        &events,
    ))
}
