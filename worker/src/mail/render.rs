//! Mails from templates. Names in certificates are whatever somebody wrote into them: here they become one harmless line each,
//! and HTML is escaped by the template engine.

use super::texts::{Texts, texts};
use super::troubles;
use certyard_domain::Timestamp;
use certyard_domain::alerts::{Language, Letter, MessageKind, Notice, Rendered};
use chrono_tz::Tz;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::Serialize;
use std::sync::LazyLock;

/// Longest text of a certificate or of the fleet that a mail shows, in characters.
const MAX_TEXT: usize = 200;

static TEMPLATES: LazyLock<Result<Environment<'static>, String>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    for (name, source) in [
        ("letter.html", include_str!("templates/letter.html")),
        ("letter.txt", include_str!("templates/letter.txt")),
        ("notice.html", include_str!("templates/notice.html")),
        ("notice.txt", include_str!("templates/notice.txt")),
        ("test.html", include_str!("templates/test.html")),
        ("test.txt", include_str!("templates/test.txt")),
    ] {
        environment
            .add_template(name, source)
            .map_err(|error| format!("{error:#}"))?;
    }
    Ok(environment)
});

/// One line without control characters and without those that turn the direction of text around, cut.
pub(crate) fn one_line(text: &str) -> String {
    let harmless = |letter: char| {
        let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if letter.is_control() || turns || matches!(letter, '\u{2028}' | '\u{2029}') {
            '\u{fffd}'
        } else {
            letter
        }
    };
    let mut line: String = text.chars().take(MAX_TEXT).map(harmless).collect();
    if text.chars().nth(MAX_TEXT).is_some() {
        line.push('…');
    }
    line
}

#[derive(Serialize)]
struct Group {
    cluster: String,
    product: String,
    link: Option<String>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    purpose: String,
    trust: bool,
    node: String,
    others: i64,
    serial: String,
    ends: String,
    ended: bool,
    days: i64,
}

/// A time in a zone.
pub(crate) fn local(at: Timestamp, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z").to_string()
}

/// Name of a product.
pub(crate) fn product(code: &str) -> String {
    certyard_domain::catalogue::product(code).map_or_else(|| one_line(code), |product| product.name.to_string())
}

/// Subject of a letter: all of it in one line.
pub(crate) fn subject(letter: &Letter) -> String {
    let words = texts(letter.language);
    let kind = match letter.kind {
        MessageKind::Warning => String::new(),
        MessageKind::Digest => format!("{}: ", words.digest),
        MessageKind::Escalation => format!("{}: ", words.escalation),
    };
    format!(
        "Certyard: {kind}{} {}, {} {} ({})",
        words.expired,
        letter.expired,
        words.expiring,
        letter.expiring,
        one_line(&letter.organisation)
    )
}

/// Renders a letter.
///
/// # Errors
/// A template fails: a fault of ours.
pub(crate) fn letter(letter: &Letter, public_url: &str) -> Result<Rendered, String> {
    let words = texts(letter.language);
    let organisation = one_line(&letter.organisation);
    let subject = subject(letter);
    let groups: Vec<Group> = letter
        .groups
        .iter()
        .map(|group| Group {
            cluster: one_line(&group.cluster),
            product: product(&group.product),
            link: (!group.cluster_id.is_nil()).then(|| format!("{public_url}/clusters/{}", group.cluster_id)),
            rows: group
                .rows
                .iter()
                .map(|row| Row {
                    name: match row.common_name.is_empty() {
                        true => "-".into(),
                        false => one_line(&row.common_name),
                    },
                    purpose: one_line(&row.purpose),
                    trust: row.kind == "trust",
                    node: one_line(&row.node),
                    others: row.node_count - 1,
                    serial: one_line(&row.serial_hex),
                    ends: local(row.not_after, letter.zone),
                    ended: row.not_after <= letter.now,
                    days: (row.not_after - letter.now).num_days(),
                })
                .collect(),
        })
        .collect();
    let why = match &letter.rule {
        Some(rule) => words.why_rule.replace("{rule}", &one_line(rule)),
        None => words
            .why
            .replace("{start}", &letter.start_days.to_string())
            .replace("{frequency}", &letter.frequency_days.to_string()),
    };
    let note = match letter.kind {
        MessageKind::Escalation => Some(words.escalation_note),
        MessageKind::Digest if letter.groups.is_empty() => Some(words.nothing),
        MessageKind::Warning | MessageKind::Digest => None,
    };
    let values = context! {
        t => Value::from(Serde(words)),
        subject => subject.as_str(),
        organisation => organisation.as_str(),
        expired => letter.expired,
        expiring => letter.expiring,
        next_end => letter.soonest.map(|at| local(at, letter.zone)),
        groups => Value::from(Serde(&groups)),
        more => letter.more,
        why => why,
        note => note,
        public_url => public_url,
    };
    both("letter", subject, values)
}

/// Subject of a notice.
pub(crate) fn notice_subject(notice: &Notice) -> String {
    let words = texts(notice.language);
    format!(
        "Certyard: {} ({})",
        words.notice_heading,
        one_line(&notice.organisation)
    )
}

/// Renders a notice.
///
/// # Errors
/// A template fails: a fault of ours.
pub(crate) fn notice(notice: &Notice, public_url: &str) -> Result<Rendered, String> {
    let subject = notice_subject(notice);
    let values = context! {
        t => Value::from(Serde(texts(notice.language))),
        subject => subject.as_str(),
        organisation => one_line(&notice.organisation),
        lines => troubles::lines(notice),
        public_url => public_url,
    };
    both("notice", subject, values)
}

/// Renders a test mail.
///
/// # Errors
/// A template fails: a fault of ours.
pub(crate) fn test(language: Language, organisation: &str, public_url: &str) -> Result<Rendered, String> {
    let words: &Texts = texts(language);
    let organisation = one_line(organisation);
    let subject = format!("{} ({organisation})", words.test_subject);
    let values = context! {
        t => Value::from(Serde(words)),
        subject => subject.as_str(),
        organisation => organisation.as_str(),
        public_url => public_url,
    };
    both("test", subject, values)
}

fn both(name: &str, subject: String, values: Value) -> Result<Rendered, String> {
    let environment = TEMPLATES.as_ref().map_err(Clone::clone)?;
    let render = |kind: &str| {
        environment
            .get_template(&format!("{name}.{kind}"))
            .and_then(|template| template.render(&values))
            .map_err(|error| format!("{error:#}"))
    };
    Ok(Rendered {
        text: render("txt")?,
        html: render("html")?,
        calendar: None,
        subject,
    })
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
