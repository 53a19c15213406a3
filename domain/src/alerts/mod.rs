//! Alerts: who is warned of which certificate, when, and what became of the mail or call (R40 to R42).
//!
//! ```text
//! schedule ── slots ──▶ sweep: a due slot becomes one alert, gathered in a run
//!                         │ the run is closed: one message for each recipient and channel
//!                         ▼
//!  message   due ──▶ sending ──▶ accepted    the mail server said 250, the receiver of a call 2xx
//!             ▲        │ ├─────▶ refused     it said 5xx: the recipient is suspended
//!             │        │ ├─────▶ dead        it said 4xx, or nothing, 48 hours after the first try
//!             │        │ └─────▶ cancelled   nothing of it is true any more
//!             └ deferred ◀┘                  4xx, or no server: another try later
//! ```
//!
//! Slots are computed from the end of a certificate and never counted by a timer ([`Schedule`]): whatever the downtime, the one
//! nearest slot is due, and never the missed ones in a row. A sweep ([`raise_due`]) writes the ledger in short transactions; unique keys keep one alert
//! for each certificate, stream and slot, and one message for each run and recipient. What a message tells is looked up when it is
//! sent, so that nothing is told of what was renewed, removed or configured away meanwhile.
//!
//! Beside the default, which is the settings, stand rules with a scope and recipients of their own; both may come once a week, and may be
//! escalated ([`streams`]). Each of these is a stream with marks and runs of its own.
//!
//! Whoever has acknowledged a certificate is not warned of it until the end that they gave, or until it expires.
//!
//! Where something keeps people from being told, [`raise_notices`] makes messages that say so, for whoever can still be reached.
//!
//! A message is claimed with a lease, which is its `due_at`: whoever dies while it is sent leaves it to the next. It keeps
//! its Message-ID for ever, so that a copy after a crash between the server's 250 and our commit is known as one.

mod acknowledge;
mod address;
mod calendar;
mod channels;
pub(crate) mod entity;
mod feed;
mod health;
mod language;
mod ledger;
mod letter;
mod mail;
mod notices;
mod origin;
mod outbox;
mod post;
mod queue;
mod raise;
mod retention;
mod rule_check;
mod rule_preview;
mod rule_scope;
mod rules;
mod send_state;
mod settings;
mod slots;
mod streams;
mod sweep;
mod untold;

pub use acknowledge::{
    Acknowledgement, AcknowledgementCursor, AcknowledgementFilter, NewAcknowledgement, acknowledge, acknowledged,
    acknowledged_places, end_acknowledgement, get_acknowledgement, list_acknowledgements,
};
pub use address::{Address, parse_address};
pub use calendar::{CALENDAR_TYPE, CalendarEvent, calendar};
pub use channels::{
    Channel, ChannelChange, ChannelKind, ChannelTarget, NewChannel, channel_target, create_channel, delete_channel,
    get_channel, list_channels, update_channel,
};
pub use feed::feed_calendar;
pub use health::{Code, Trouble, health, health_of_all};
pub use language::Language;
pub use ledger::{
    AlertRow, MessageCursor, MessageFilter, MessageRow, ToldRow, get_message, list_messages, retry_message, told_of,
};
pub use letter::{Letter, LetterGroup, LetterRow, preview_letter};
pub use mail::{MailChange, MailServer, MailSettings, PasswordChange, Security, mail_server, mail_settings, set_mail};
pub use notices::{About, NOTICE_RULE, Notice, raise_notices};
pub use origin::{Origin, parse_origin};
pub use outbox::{
    Claimed, Contents, Outcome, SENDING_LEASE, channels_with_due, claim, claim_call, orgs_with_due, postpone, settle,
};
pub use post::{Post, Rendered, SendFailure, TestCall, TestMail};
pub use retention::forget_old;
pub use rule_preview::{RulePreview, preview_rule};
pub use rule_scope::RuleScope;
pub use rules::{Escalation, NewRule, Rule, RuleMode, create_rule, delete_rule, get_rule, list_rules, replace_rule};
pub use send_state::SendState;
pub use settings::{NotificationChange, Notifications, Suspended, notifications, resume_recipient, set_notifications};
pub use slots::{Relative, Schedule, Slot, Stage, Told};
pub use streams::MessageKind;
pub use sweep::{Swept, raise_due};

use uuid::Uuid;

/// The rule of the organisation as a whole: its settings of notifications.
pub const DEFAULT_RULE: Uuid = Uuid::nil();
/// What the default escalates, in the ledger.
const DEFAULT_ESCALATION: Uuid = Uuid::from_u128(2);
