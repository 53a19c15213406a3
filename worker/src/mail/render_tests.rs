//! What stands in mails, whatever stands in certificates.

use super::*;
use certyard_domain::alerts::{LetterGroup, LetterRow};
use uuid::Uuid;

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn sample(language: Language, common_name: &str) -> Letter {
    let row = |days: i64, name: &str| LetterRow {
        certificate_id: Uuid::now_v7(),
        common_name: name.into(),
        purpose: "tomcat".into(),
        kind: "identity".into(),
        node: "n1".into(),
        node_count: 3,
        serial_hex: "0A1B".into(),
        not_after: at("2027-03-01T12:00:00Z") + chrono::TimeDelta::days(days),
    };
    Letter {
        organisation: "Example Corp".into(),
        language,
        zone: "Europe/Stockholm".parse().expect("a zone"),
        now: at("2027-03-01T12:00:00Z"),
        kind: MessageKind::Warning,
        rule: None,
        start_days: 90,
        frequency_days: 7,
        expired: 1,
        expiring: 1,
        soonest: Some(at("2027-03-21T12:00:00Z")),
        groups: vec![LetterGroup {
            cluster_id: Uuid::now_v7(),
            cluster: "north".into(),
            product: "cucm".into(),
            rows: vec![row(0, common_name), row(20, "other.example.org")],
        }],
        more: 0,
        attach_calendar: false,
    }
}

#[test]
fn a_mail_says_in_six_languages_what_ends_when_and_where() {
    let mut subjects = Vec::new();
    for language in Language::ALL {
        let mail = letter(&sample(language, "cucm1.example.org"), "https://certyard.example.org").expect("a mail");
        // The engine escapes slashes too, which browsers read as slashes.
        for body in [mail.text, mail.html.replace("&#x2f;", "/")] {
            for told in [
                "cucm1.example.org",
                "other.example.org",
                "north",
                "tomcat",
                "0A1B",
                "n1",
                "2027-03-01 13:00 CET",
                "2027-03-21 13:00 CET",
                "https://certyard.example.org/clusters/",
                "90",
                texts(language).ended,
            ] {
                assert!(
                    body.contains(told),
                    "{told} is missing in {}:\n{body}",
                    language.as_str()
                );
            }
            assert!(!body.contains('{') && !body.contains("undefined"), "{body}");
        }
        subjects.push(mail.subject);
        let test = test(language, "Example Corp", "https://certyard.example.org").expect("a mail");
        assert!(test.text.contains(texts(language).test_body), "{}", test.text);
    }
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 6, "{subjects:?}");
}

#[test]
fn names_in_certificates_inject_no_html_no_lines_and_no_direction() {
    let name = "<script>alert(1)</script>\r\nBcc: eve@example.org\u{202e}gro.elpmaxe\" onclick=\"x {{ t.code }}";
    let mail = letter(&sample(Language::En, name), "https://certyard.example.org").expect("a mail");
    assert!(!mail.html.contains("<script"), "{}", mail.html);
    assert!(!mail.html.contains("\" onclick"), "{}", mail.html);
    assert!(mail.html.contains("&lt;script&gt;"), "{}", mail.html);
    for body in [&mail.html, &mail.text] {
        assert!(!body.contains('\u{202e}') && !body.contains('\r'), "{body}");
        assert!(!body.lines().any(|line| line.starts_with("Bcc")), "{body}");
        assert!(body.contains("{{ t.code }}"), "a template in a name is text: {body}");
    }
    let mut odd = sample(Language::En, "x");
    odd.organisation = "Evil\r\nBcc: eve@example.org".into();
    let mail = letter(&odd, "https://certyard.example.org").expect("a mail");
    assert!(!mail.subject.chars().any(char::is_control), "{:?}", mail.subject);
    let long = one_line(&"a".repeat(5000));
    assert_eq!(long.chars().count(), MAX_TEXT + 1);
}

#[test]
fn a_notice_says_in_six_languages_what_is_wrong_and_how_many() {
    use certyard_domain::alerts::{Code, Trouble};
    let mut told = std::collections::BTreeSet::new();
    for language in Language::ALL {
        let sample = Notice {
            organisation: "Example <b>Corp".into(),
            language,
            zone: Tz::UTC,
            now: at("2027-03-01T12:00:00Z"),
            troubles: Code::ALL
                .into_iter()
                .map(|code| Trouble {
                    code,
                    message: "in English".into(),
                    count: 4711,
                })
                .collect(),
        };
        let lines = troubles::lines(&sample);
        assert_eq!(lines.len(), Code::ALL.len());
        let mail = notice(&sample, "https://certyard.example.org").expect("a mail");
        for line in lines {
            assert!(mail.text.contains(&line), "{line} is missing:\n{}", mail.text);
            assert!(!line.contains('{'), "{line}");
            assert!(told.insert(line.clone()), "{line} is in two languages");
        }
        assert!(!mail.html.contains("<b>"), "{}", mail.html);
        assert!(
            mail.text.contains("4711") && mail.text.contains("/messages"),
            "{}",
            mail.text
        );
    }
}

#[test]
fn an_escalation_and_a_digest_say_in_six_languages_what_they_are_and_whose() {
    let mut seen = std::collections::HashSet::new();
    for language in Language::ALL {
        let mut sample = sample(language, "cucm1.example.org");
        sample.rule = Some("Edge <b>\r\nBcc: eve@example.org".into());
        for kind in MessageKind::ALL {
            sample.kind = kind;
            let mail = letter(&sample, "https://certyard.example.org").expect("a mail");
            assert!(!mail.subject.contains(['\r', '\n']));
            assert!(
                mail.text.contains("Edge <b>") && mail.html.contains("Edge &lt;b&gt;"),
                "{}",
                mail.html
            );
            assert!(!mail.text.contains("\nBcc"), "{}", mail.text);
            let words = texts(language);
            assert_eq!(
                mail.text.contains(words.escalation_note),
                kind == MessageKind::Escalation
            );
            assert_eq!(mail.subject.contains(words.escalation), kind == MessageKind::Escalation);
            assert_eq!(mail.subject.contains(words.digest), kind == MessageKind::Digest);
            assert!(seen.insert(mail.subject), "each says another thing");
        }
        sample.kind = MessageKind::Digest;
        sample.groups.clear();
        let nothing = letter(&sample, "https://certyard.example.org").expect("a mail");
        assert!(nothing.text.contains(texts(language).nothing), "{}", nothing.text);
    }
}
