//! Ends of certificates as a calendar (iCalendar, RFC 5545): attached to mails, and answered as a feed.

use crate::Timestamp;

/// Media type of a calendar.
pub const CALENDAR_TYPE: &str = "text/calendar; charset=utf-8; method=PUBLISH";

/// Octets of a line, without its end (RFC 5545 section 3.1).
const MAX_LINE: usize = 75;

/// The end of a certificate, as a calendar shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarEvent {
    /// The same for the same certificate in the same place, so that a calendar replaces what it has.
    pub uid: String,
    /// The end.
    pub at: Timestamp,
    /// One line.
    pub summary: String,
    /// More lines.
    pub description: String,
    /// Where to look.
    pub url: Option<String>,
}

/// Writes a calendar.
pub fn calendar(name: &str, now: Timestamp, events: &[CalendarEvent]) -> String {
    let mut out = String::new();
    line(&mut out, "BEGIN:VCALENDAR");
    line(&mut out, "VERSION:2.0");
    line(&mut out, "PRODID:-//Certyard//Certyard//EN");
    line(&mut out, "CALSCALE:GREGORIAN");
    line(&mut out, "METHOD:PUBLISH");
    line(&mut out, &format!("X-WR-CALNAME:{}", escape(name)));
    for event in events {
        line(&mut out, "BEGIN:VEVENT");
        line(&mut out, &format!("UID:{}", escape(&event.uid)));
        line(&mut out, &format!("DTSTAMP:{}", time(now)));
        line(&mut out, &format!("DTSTART:{}", time(event.at)));
        line(&mut out, &format!("SUMMARY:{}", escape(&event.summary)));
        line(&mut out, &format!("DESCRIPTION:{}", escape(&event.description)));
        if let Some(url) = &event.url {
            line(&mut out, &format!("URL:{url}"));
        }
        // An end is a moment: nobody is busy then.
        line(&mut out, "TRANSP:TRANSPARENT");
        line(&mut out, "END:VEVENT");
    }
    line(&mut out, "END:VCALENDAR");
    out
}

fn time(at: Timestamp) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// Text as a value (RFC 5545 section 3.3.11): what somebody wrote into a certificate ends no line and begins no property.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | ';' | ',' => {
                out.push('\\');
                out.push(letter);
            }
            '\n' => out.push_str("\\n"),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

/// Adds a line, folded between characters where it is too long.
fn line(out: &mut String, text: &str) {
    let mut width = 0;
    for letter in text.chars() {
        if width + letter.len_utf8() > MAX_LINE {
            out.push_str("\r\n ");
            width = 1;
        }
        out.push(letter);
        width += letter.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(summary: &str) -> CalendarEvent {
        CalendarEvent {
            uid: "1@certyard".into(),
            at: "2027-03-01T12:30:00Z".parse().expect("a time"),
            summary: summary.into(),
            description: "first\nsecond".into(),
            url: None,
        }
    }

    fn written(summary: &str) -> String {
        let now = "2026-11-22T12:00:00Z".parse().expect("a time");
        calendar("Example", now, &[event(summary)])
    }

    #[test]
    fn an_end_is_a_moment_in_utc_and_lines_end_as_the_standard_says() {
        let text = written("tomcat");
        for line in [
            "BEGIN:VCALENDAR",
            "DTSTART:20270301T123000Z",
            "DTSTAMP:20261122T120000Z",
            "DESCRIPTION:first\\nsecond",
            "END:VCALENDAR",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line} is missing:\n{text}");
        }
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    }

    #[test]
    fn what_stands_in_a_certificate_begins_no_property() {
        let text = written("a\r\nATTACH:http://evil.example, b; c\\d");
        assert!(
            text.contains("SUMMARY:a \\nATTACH:http://evil.example\\, b\\; c\\\\d\r\n"),
            "{text}"
        );
        assert!(!text.contains("\r\nATTACH"), "{text}");
    }

    #[test]
    fn long_lines_are_folded_between_characters() {
        let name = "ж".repeat(200);
        let text = written(&name);
        assert!(text.lines().all(|line| line.len() <= MAX_LINE), "{text}");
        assert!(text.replace("\r\n ", "").contains(&name));
    }
}
