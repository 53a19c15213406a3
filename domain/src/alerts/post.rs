//! What api asks of the outside: a test mail, a test call and a preview. The worker implements it, as every outgoing call is its.

use super::channels::ChannelTarget;
use super::language::Language;
use super::letter::Letter;
use super::mail::MailServer;

/// A test mail.
#[derive(Clone, Debug)]
pub struct TestMail {
    /// To whom.
    pub to: String,
    /// In which language.
    pub language: Language,
    /// Name of the organisation.
    pub organisation: String,
    /// How people reach the server.
    pub public_url: String,
}

/// A call to try a channel out.
#[derive(Clone, Debug)]
pub struct TestCall {
    /// In which language.
    pub language: Language,
    /// Name of the organisation.
    pub organisation: String,
    /// How people reach the server.
    pub public_url: String,
}

/// A mail as it would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Subject.
    pub subject: String,
    /// Body for programs that show plain text.
    pub text: String,
    /// Body in HTML.
    pub html: String,
    /// The calendar file that goes along, where one does.
    pub calendar: Option<String>,
}

/// Why a mail was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendFailure {
    /// Where it failed: `connect`, `starttls`, `tls`, `auth`, `sender`, `recipient`, `data`.
    pub step: &'static str,
    /// What the server said, or what went wrong.
    pub reply: String,
}

/// Sends and renders mail.
#[async_trait::async_trait]
pub trait Post: Send + Sync {
    /// Whether the server would connect to a host. One that has no address at present is no refusal.
    ///
    /// # Errors
    /// Why not, with the way out.
    async fn check_host(&self, host: &str, port: u16) -> Result<(), String>;

    /// Sends a test mail on a connection of its own; answers what the server said to it.
    ///
    /// # Errors
    /// [`SendFailure`] with the server's own words.
    async fn send_test(&self, server: &MailServer, mail: &TestMail) -> Result<String, SendFailure>;

    /// Calls a channel; answers the receiver's status and words where it said 2xx.
    ///
    /// # Errors
    /// Its other status and words, or what went wrong.
    async fn call_test(&self, target: &ChannelTarget, test: &TestCall) -> Result<String, String>;

    /// Renders a letter.
    ///
    /// # Errors
    /// The template fails: a fault of ours.
    fn render(&self, letter: &Letter, public_url: &str) -> Result<Rendered, String>;
}
