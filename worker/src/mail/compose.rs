//! The bytes of a mail (RFC 5322), with lettre's builder: headers are encoded, bodies too, so that all of it is ASCII.

use certyard_domain::Timestamp;
use certyard_domain::alerts::{CALENDAR_TYPE, Rendered};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart};
use lettre::{Address, Message};

/// Who writes to whom.
pub(crate) struct Envelope<'a> {
    /// Name of the sender.
    pub from_name: &'a str,
    /// Address of the sender.
    pub from: Address,
    /// Address of the recipient.
    pub to: Address,
    /// Message-ID with its angle brackets.
    pub message_id: &'a str,
    /// `Date`.
    pub date: Timestamp,
    /// Where people change what they get.
    pub settings_url: &'a str,
}

/// The text in both forms and, where it is wanted, the calendar file behind it.
fn body(mail: &Rendered, calendar: Option<&str>) -> Result<MultiPart, String> {
    let text = MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone());
    let Some(calendar) = calendar else {
        return Ok(text);
    };
    let kind = ContentType::parse(CALENDAR_TYPE).map_err(|error| error.to_string())?;
    let file = Attachment::new("certificates.ics".into()).body(calendar.to_string(), kind);
    Ok(MultiPart::mixed().multipart(text).singlepart(file))
}

/// Writes a mail.
///
/// # Errors
/// What lettre does not take.
pub(crate) fn compose(envelope: &Envelope<'_>, mail: &Rendered, calendar: Option<&str>) -> Result<Vec<u8>, String> {
    let header = |name: &'static str, value: String| HeaderValue::new(HeaderName::new_from_ascii_str(name), value);
    let unsubscribe = format!(
        "<{}>, <mailto:{}?subject=unsubscribe>",
        envelope.settings_url, envelope.from
    );
    let mut message = Message::builder()
        .message_id(Some(envelope.message_id.into()))
        .date(envelope.date.into())
        .from(Mailbox::new(Some(envelope.from_name.into()), envelope.from.clone()))
        .to(Mailbox::new(None, envelope.to.clone()))
        .subject(mail.subject.as_str())
        .multipart(body(mail, calendar)?)
        .map_err(|error| error.to_string())?;
    let headers = message.headers_mut();
    // RFC 2369; there is no one-click address, as recipients are the organisation's to choose.
    headers.insert_raw(header("List-Unsubscribe", unsubscribe));
    // RFC 3834: nobody's automatic answer is wanted.
    headers.insert_raw(header("Auto-Submitted", "auto-generated".into()));
    Ok(message.formatted())
}
