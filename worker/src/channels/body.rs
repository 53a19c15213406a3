//! What a receiver gets: JSON of Certyard's own, or what Slack, Teams and PagerDuty expect. Names in certificates are whatever somebody
//! wrote into them: they become one line each, and nothing of them is read as markup.

use crate::mail::{local, one_line, product, trouble_lines};
use certyard_domain::Timestamp;
use certyard_domain::alerts::{ChannelKind, ChannelTarget, Letter, LetterRow, Notice, Trouble};
use serde_json::{Value, json};

/// Rows that a chat shows; of the rest it says how many.
const MAX_LINES: usize = 20;
/// Longest summary of PagerDuty, in characters.
const MAX_SUMMARY: usize = 1024;

/// What a call tells of.
#[derive(Clone, Copy)]
pub(crate) enum About<'a> {
    /// Certificates.
    Certificates(&'a Letter),
    /// What keeps people from being told.
    Trouble(&'a Notice),
    /// Nothing: it is a test.
    Test,
}

impl<'a> About<'a> {
    fn name(self) -> &'static str {
        match self {
            Self::Certificates(_) => "certificates",
            Self::Trouble(_) => "trouble",
            Self::Test => "test",
        }
    }

    fn letter(self) -> Option<&'a Letter> {
        match self {
            Self::Certificates(letter) => Some(letter),
            Self::Trouble(_) | Self::Test => None,
        }
    }

    fn troubles(self) -> &'a [Trouble] {
        match self {
            Self::Trouble(notice) => &notice.troubles,
            Self::Certificates(_) | Self::Test => &[],
        }
    }
}

/// One call.
pub(crate) struct Call<'a> {
    /// Id of the delivery, the same for each try.
    pub delivery: &'a str,
    /// What it tells of.
    pub about: About<'a>,
    /// One line that says it all.
    pub subject: &'a str,
    /// Name of the organisation.
    pub organisation: &'a str,
    /// When it is told.
    pub now: Timestamp,
    /// How people reach the server.
    pub public_url: &'a str,
}

/// Writes the body that the receiver expects.
pub(crate) fn body(call: &Call<'_>, target: &ChannelTarget) -> Vec<u8> {
    let value = match target.kind {
        ChannelKind::Generic => generic(call),
        ChannelKind::Slack => slack(call),
        ChannelKind::Teams => teams(call),
        ChannelKind::PagerDuty => pagerduty(call, target.secret.as_ref().map_or("", |secret| secret.as_str())),
    };
    value.to_string().into_bytes()
}

fn link(call: &Call<'_>) -> String {
    let page = match call.about {
        About::Certificates(_) => "alerts",
        About::Trouble(_) => "messages",
        About::Test => "settings/notifications",
    };
    format!("{}/{page}", call.public_url)
}

fn generic(call: &Call<'_>) -> Value {
    let letter = call.about.letter();
    let troubles: Vec<Value> = call
        .about
        .troubles()
        .iter()
        .map(|trouble| json!({ "code": trouble.code.as_str(), "message": trouble.message, "count": trouble.count }))
        .collect();
    let groups: Vec<Value> = letter
        .into_iter()
        .flat_map(|letter| &letter.groups)
        .map(|group| {
            let rows: Vec<Value> = group
                .rows
                .iter()
                .map(|row| {
                    json!({
                        "id": row.certificate_id,
                        "common_name": row.common_name,
                        "purpose": row.purpose,
                        "kind": row.kind,
                        "node": row.node,
                        "node_count": row.node_count,
                        "serial_hex": row.serial_hex,
                        "not_after": row.not_after,
                        "expired": row.not_after <= call.now,
                    })
                })
                .collect();
            json!({
                "cluster_id": group.cluster_id,
                "cluster": group.cluster,
                "product": group.product,
                "url": format!("{}/clusters/{}", call.public_url, group.cluster_id),
                "certificates": rows,
            })
        })
        .collect();
    json!({
        "id": call.delivery,
        "type": call.about.name(),
        "sent_at": call.now,
        "organisation": call.organisation,
        "subject": call.subject,
        "kind": letter.map(|letter| letter.kind.as_str()),
        "rule": letter.and_then(|letter| letter.rule.as_deref()),
        "expired": letter.map_or(0, |letter| letter.expired),
        "expiring": letter.map_or(0, |letter| letter.expiring),
        "next_end": letter.and_then(|letter| letter.soonest),
        "clusters": groups,
        "troubles": troubles,
        "more": letter.map_or(0, |letter| letter.more),
        "url": link(call),
    })
}

/// The rows, one line each, the soonest end of each cluster first, and how many there are beyond.
fn lines(call: &Call<'_>, escape: fn(&str) -> String) -> (Vec<(String, Vec<String>)>, i64) {
    let letter = match call.about {
        About::Certificates(letter) => letter,
        About::Trouble(notice) => {
            let rows = trouble_lines(notice).iter().map(|line| escape(line)).collect();
            return (vec![(escape(&one_line(&notice.organisation)), rows)], 0);
        }
        About::Test => return (Vec::new(), 0),
    };
    let mut room = MAX_LINES;
    let mut more = letter.more;
    let mut found = Vec::new();
    for group in &letter.groups {
        let rows: Vec<String> = group
            .rows
            .iter()
            .take(room)
            .map(|row| escape(&line(letter, row)))
            .collect();
        room -= rows.len();
        more += i64::try_from(group.rows.len() - rows.len()).unwrap_or_default();
        if !rows.is_empty() {
            let title = format!("{} ({})", one_line(&group.cluster), product(&group.product));
            found.push((escape(&title), rows));
        }
    }
    (found, more)
}

fn line(letter: &Letter, row: &LetterRow) -> String {
    let words = crate::mail::texts(letter.language);
    let name = match row.common_name.is_empty() {
        true => "-".to_string(),
        false => one_line(&row.common_name),
    };
    let when = local(row.not_after, letter.zone);
    let end = match row.not_after <= letter.now {
        true => format!("{} {when}", words.ended),
        false => format!("{}: {when}", words.ends),
    };
    let others = match row.node_count {
        count if count > 1 => format!(" + {}", count - 1),
        _ => String::new(),
    };
    format!(
        "{end}: {name}, {}, {}{others}",
        one_line(&row.purpose),
        one_line(&row.node)
    )
}

fn more_line(call: &Call<'_>, more: i64) -> Option<String> {
    let letter = call.about.letter()?;
    (more > 0).then(|| format!("{}: {more}", crate::mail::texts(letter.language).more))
}

/// Slack reads `&`, `<` and `>` as markup, and nothing else where text is marked as plain.
fn for_slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn slack(call: &Call<'_>) -> Value {
    let (groups, more) = lines(call, |text| text.to_string());
    let mut blocks = vec![json!({ "type": "section", "text": { "type": "plain_text", "text": call.subject } })];
    for (cluster, rows) in groups {
        // A text has at most 3000 characters.
        let text: String = format!("{cluster}\n{}", rows.join("\n")).chars().take(2900).collect();
        blocks.push(json!({ "type": "section", "text": { "type": "plain_text", "text": text } }));
    }
    if let Some(text) = more_line(call, more) {
        blocks.push(json!({ "type": "section", "text": { "type": "plain_text", "text": text } }));
    }
    let button = json!({ "type": "button", "text": { "type": "plain_text", "text": "Certyard" }, "url": link(call) });
    blocks.push(json!({ "type": "actions", "elements": [button] }));
    json!({ "text": for_slack(call.subject), "blocks": blocks })
}

/// Cards read a part of Markdown: what begins any of it is escaped.
fn for_teams(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if "\\`*_{}[]()#+-!<>|~".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

fn teams(call: &Call<'_>) -> Value {
    let (groups, more) = lines(call, for_teams);
    let mut items = vec![
        json!({ "type": "TextBlock", "text": for_teams(call.subject), "weight": "Bolder", "size": "Medium", "wrap": true }),
    ];
    for (cluster, rows) in groups {
        items.push(json!({ "type": "TextBlock", "text": cluster, "weight": "Bolder", "wrap": true }));
        for row in rows {
            items.push(json!({ "type": "TextBlock", "text": row, "wrap": true, "spacing": "None" }));
        }
    }
    if let Some(text) = more_line(call, more) {
        items.push(json!({ "type": "TextBlock", "text": for_teams(&text), "wrap": true }));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": items,
                "actions": [{ "type": "Action.OpenUrl", "title": "Certyard", "url": link(call) }],
            },
        }],
    })
}

fn pagerduty(call: &Call<'_>, routing_key: &str) -> Value {
    let severity = match call.about {
        About::Certificates(letter) if letter.expired > 0 => "critical",
        About::Certificates(_) => "warning",
        About::Trouble(_) => "error",
        About::Test => "info",
    };
    let summary: String = call.subject.chars().take(MAX_SUMMARY).collect();
    let (groups, more) = lines(call, |text| text.to_string());
    let details: Value = groups
        .into_iter()
        .map(|(cluster, rows)| (cluster, json!(rows)))
        .collect();
    json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": call.delivery,
        "payload": {
            "summary": summary,
            "source": call.public_url,
            "severity": severity,
            "timestamp": call.now,
            "component": "certificates",
            "class": call.about.name(),
            "custom_details": { "clusters": details, "more": more },
        },
        "links": [{ "href": link(call), "text": "Certyard" }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use certyard_domain::alerts::{Language, LetterGroup, MessageKind};
    use chrono::TimeDelta;
    use uuid::Uuid;
    use zeroize::Zeroizing;

    const EVIL: &str = "<!channel> *bold* [x](https://evil.example)\r\n\u{202e}";

    fn letter(rows: usize) -> Letter {
        let now = "2026-11-22T12:00:00Z".parse().expect("a time");
        let row = |index: usize| LetterRow {
            certificate_id: Uuid::nil(),
            common_name: EVIL.into(),
            purpose: "tomcat".into(),
            kind: "identity".into(),
            node: "n1".into(),
            node_count: 3,
            serial_hex: "4E".into(),
            not_after: now + TimeDelta::days(index as i64 - 1),
        };
        Letter {
            organisation: "Example Corp".into(),
            language: Language::En,
            zone: chrono_tz::Tz::UTC,
            now,
            kind: MessageKind::Warning,
            rule: None,
            start_days: 60,
            frequency_days: 7,
            expired: 1,
            expiring: rows as i64 - 1,
            soonest: None,
            groups: vec![LetterGroup {
                cluster_id: Uuid::nil(),
                cluster: "north".into(),
                product: "cucm".into(),
                rows: (0..rows).map(row).collect(),
            }],
            more: 5,
            attach_calendar: false,
        }
    }

    fn written(kind: ChannelKind, rows: usize) -> Value {
        let letter = letter(rows);
        let call = Call {
            delivery: "0192",
            about: About::Certificates(&letter),
            subject: "Certyard: expired 1 (R&D)",
            organisation: "Example Corp",
            now: letter.now,
            public_url: "https://certyard.example.org",
        };
        let target = ChannelTarget {
            kind,
            url: Zeroizing::new("https://hooks.example.org/x".into()),
            secret: Some(Zeroizing::new("a routing key, secret".into())),
            ca_pem: None,
        };
        serde_json::from_slice(&body(&call, &target)).expect("JSON")
    }

    #[test]
    fn each_receiver_gets_what_it_expects_and_no_markup_of_a_certificate() {
        let generic = written(ChannelKind::Generic, 2);
        assert_eq!(
            (&generic["id"], &generic["expired"], &generic["more"]),
            (&json!("0192"), &json!(1), &json!(5))
        );
        let rows = &generic["clusters"][0]["certificates"];
        assert_eq!((&rows[0]["expired"], &rows[1]["expired"]), (&json!(true), &json!(true)));
        assert_eq!(rows[0]["common_name"], EVIL, "programs get it as it is");

        let slack = written(ChannelKind::Slack, 2);
        assert_eq!(slack["text"], "Certyard: expired 1 (R&amp;D)");
        let blocks = slack["blocks"].as_array().expect("blocks");
        assert!(
            blocks
                .iter()
                .all(|block| block["text"].is_null() || block["text"]["type"] == "plain_text")
        );
        let teams = written(ChannelKind::Teams, 2).to_string();
        assert!(teams.contains(r"\\[x\\]\\(https://evil.example\\)"), "{teams}");
        for text in [slack.to_string(), teams] {
            assert!(!text.contains("\\r") && !text.contains('\u{202e}'), "{text}");
            assert!(text.contains("EXPIRED") && text.contains("n1 "), "{text}");
        }

        let pager = written(ChannelKind::PagerDuty, 2);
        assert_eq!(
            (
                &pager["routing_key"],
                &pager["dedup_key"],
                &pager["payload"]["severity"]
            ),
            (&json!("a routing key, secret"), &json!("0192"), &json!("critical"))
        );
    }

    #[test]
    fn a_chat_shows_twenty_rows_and_counts_the_others() {
        for kind in [ChannelKind::Slack, ChannelKind::Teams] {
            let text = written(kind, 60).to_string();
            assert_eq!(text.matches("tomcat").count(), 20, "{kind:?}");
            assert!(text.contains("Rows that are not listed here: 45"), "{text}");
        }
    }
}
