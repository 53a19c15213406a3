//! The calendar file of a letter: an entry for each row.

use super::render::one_line;
use super::texts::texts;
use certyard_domain::alerts::{CalendarEvent, Letter, calendar};

/// Writes the calendar of a letter.
pub(crate) fn of(letter: &Letter, public_url: &str) -> String {
    let words = texts(letter.language);
    let mut events = Vec::new();
    for group in &letter.groups {
        for row in &group.rows {
            let name = one_line(&row.common_name);
            events.push(CalendarEvent {
                uid: format!("{}.{}@certyard", row.certificate_id, group.cluster_id),
                at: row.not_after,
                summary: format!(
                    "{}: {name} ({}, {})",
                    words.ends,
                    one_line(&row.purpose),
                    one_line(&group.cluster)
                ),
                description: format!(
                    "{}: {}\n{}: {}",
                    words.node,
                    one_line(&row.node),
                    words.serial,
                    one_line(&row.serial_hex)
                ),
                url: Some(format!("{public_url}/clusters/{}", group.cluster_id)),
            });
        }
    }
    calendar(
        &format!("Certyard: {}", one_line(&letter.organisation)),
        letter.now,
        &events,
    )
}
