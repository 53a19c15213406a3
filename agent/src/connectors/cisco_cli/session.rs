//! One conversation with a node's command line over SSH: host key, password, commands, questions.

use super::texts::words;
use crate::connector::StepError;
use crate::connectors::cisco_uc::KeepPins;
use crate::tls::Pins;
use russh::client::{AuthResult, Config, Handle, Handler, Msg, connect};
use russh::keys::{HashAlg, PublicKeyOrCertificate};
use russh::{Channel, ChannelMsg, Disconnect, Preferred, kex, mac};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// A node that makes a 4096-bit key or restarts its web server takes its time.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(300);
/// No command asks more: a node that goes on asking does not understand the answers.
const MAX_ANSWERS: usize = 10;
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;
const PROMPT: &str = "admin:";
/// Wide enough that no line which the agent types is broken by the terminal.
const COLUMNS: u32 = 600;

/// How a node is reached.
pub(super) struct Target {
    pub node: String,
    /// Host and port of its SSH server.
    pub address: String,
    pub user: String,
    pub password: Zeroizing<String>,
    pub pins: Arc<Pins>,
    pub keeper: Arc<dyn KeepPins>,
    /// A node that took a pasted certificate and says nothing for so long gets one more line.
    pub quiet: Duration,
}

/// Believes the pinned host key, or the first that is shown.
struct Doorkeeper(Arc<Pins>);

impl Handler for Doorkeeper {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let fingerprint = key.public_key().fingerprint(HashAlg::Sha256).to_string();
        Ok(self.0.believe(fingerprint))
    }
}

/// Nodes before release 12.5 know the older algorithms only; they are offered last.
fn preferred() -> Preferred {
    let mut preferred = Preferred::DEFAULT;
    preferred.kex.to_mut().extend([kex::DH_GEX_SHA1, kex::DH_G14_SHA1]);
    preferred.mac.to_mut().push(mac::HMAC_SHA1);
    preferred
}

/// A shell that waits at its prompt.
pub(super) struct Session {
    node: String,
    channel: Channel<Msg>,
    handle: Handle<Doorkeeper>,
    quiet: Duration,
    /// An empty line was typed that the node may have needed, or may still answer with a prompt of its own: only what follows the
    /// echo of the next command belongs to that command.
    ahead: bool,
}

impl Session {
    /// Connects, checks the host key, signs in and waits for the prompt.
    pub async fn open(target: &Target) -> Result<Self, StepError> {
        match tokio::time::timeout(CONNECT_TIMEOUT, shake(target)).await {
            Ok(Ok(mut session)) => {
                session.until_prompt(None, None, deadline()).await?;
                session.run("set cli pagination off").await?;
                Ok(session)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(unreachable(target, &"it did not answer within 15 seconds")),
        }
    }

    /// Runs a command and answers what it printed. Questions are answered: yes to go on, no to what only adds something.
    pub async fn run(&mut self, command: &str) -> Result<String, StepError> {
        self.type_text(&format!("{command}\n")).await?;
        let text = self.until_prompt(Some(command), None, deadline()).await?;
        Ok(without_echo(&text, command))
    }

    /// Runs a command that waits for a certificate to be pasted.
    pub async fn paste(&mut self, command: &str, pem: &str) -> Result<String, StepError> {
        self.type_text(&format!("{command}\n")).await?;
        let (end, echo) = (deadline(), self.ahead.then_some(command));
        let complete = |text: &str| ends_with_prompt(text) || text.contains("Hit Enter");
        let asked = self
            .until(|text| after_echo(text, echo).is_some_and(complete), None, end)
            .await?;
        self.ahead = false;
        if ends_with_prompt(&asked) {
            return Ok(without_echo(&asked, command));
        }
        self.type_text(&format!("{}\n", pem.trim_end())).await?;
        let text = self.until_prompt(None, Some(self.quiet), end).await?;
        // The terminal repeats what was pasted.
        Ok(text
            .rsplit_once("-----END CERTIFICATE-----")
            .map_or(text.clone(), |(_, after)| after.to_owned()))
    }

    /// Says goodbye. What it was for is done, so nobody waits for the answer.
    pub async fn close(self) {
        let _ = self.handle.disconnect(Disconnect::ByApplication, "", "en").await;
    }

    async fn type_text(&mut self, text: &str) -> Result<(), StepError> {
        let typed = self.channel.data(text.as_bytes()).await;
        typed.map_err(|error| self.broken(&error))
    }

    /// Reads until the prompt that follows `command`, and answers what the node asks until then.
    async fn until_prompt(
        &mut self,
        command: Option<&str>,
        quiet: Option<Duration>,
        end: Instant,
    ) -> Result<String, StepError> {
        let mut all = String::new();
        let mut echo = command.filter(|_| self.ahead);
        let complete = |text: &str| ends_with_prompt(text) || question(text).is_some();
        for answers in 0.. {
            let text = self
                .until(|text| after_echo(text, echo).is_some_and(complete), quiet, end)
                .await?;
            all.push_str(&text);
            if echo.take().is_some() {
                self.ahead = false;
            }
            match answer_to(&self.node, &text, answers)? {
                Some(answer) => self.type_text(answer).await?,
                None => break,
            }
        }
        Ok(all)
    }

    /// Reads until the text is complete. A node that is quiet for longer than `quiet` gets one empty line.
    async fn until(
        &mut self,
        complete: impl Fn(&str) -> bool,
        mut quiet: Option<Duration>,
        end: Instant,
    ) -> Result<String, StepError> {
        let mut bytes = Vec::new();
        loop {
            let wait = end.min(quiet.map_or(end, |quiet| Instant::now() + quiet));
            match tokio::time::timeout_at(wait, self.channel.wait()).await {
                Ok(Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. })) => {
                    bytes.extend_from_slice(&data);
                    let text = readable(&bytes);
                    if complete(&text) {
                        return Ok(text);
                    }
                    if bytes.len() > LARGEST_ANSWER {
                        return Err(StepError::lasting(
                            "node_answer",
                            format!("{} printed more than 4 MiB", self.node),
                        ));
                    }
                }
                Ok(Some(ChannelMsg::Eof | ChannelMsg::Close) | None) => {
                    return Err(self.broken(&"the node ended the session"));
                }
                Ok(Some(_)) => {}
                Err(_) if quiet.take().is_some() && Instant::now() < end => {
                    self.ahead = true;
                    self.type_text("\n").await?;
                }
                Err(_) => return Err(self.broken(&"the command did not end within 5 minutes")),
            }
        }
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> StepError {
        StepError::passing(
            "node_unreachable",
            format!("the command line of {} broke off: {error}", self.node),
        )
    }
}

/// When a command that is typed now has to be done, with all its questions.
fn deadline() -> Instant {
    Instant::now() + COMMAND_TIMEOUT
}

async fn shake(target: &Target) -> Result<Session, StepError> {
    let config = Config {
        preferred: preferred(),
        nodelay: true,
        keepalive_interval: Some(Duration::from_secs(15)),
        ..Config::default()
    };
    let first = target.pins.allowed().is_empty();
    let doorkeeper = Doorkeeper(target.pins.clone());
    let mut handle = connect(Arc::new(config), target.address.as_str(), doorkeeper)
        .await
        .map_err(|error| refused_key(target).unwrap_or_else(|| unreachable(target, &error)))?;
    if first {
        let kept = target.keeper.keep(&target.pins.allowed());
        kept.map_err(|error| {
            StepError::lasting("agent_disk", format!("cannot keep the pin of {}: {error}", target.node))
        })?;
        let host_key = target.pins.seen().unwrap_or_default();
        tracing::info!(node = %target.node, host_key, "pinned the host key that node {} showed first", target.node);
    }
    let failed = |error: russh::Error| unreachable(target, &error);
    let answer = handle
        .authenticate_password(&target.user, target.password.as_str())
        .await
        .map_err(failed)?;
    if !matches!(answer, AuthResult::Success) {
        return Err(StepError::lasting(
            "node_credentials_refused",
            format!(
                "{0} refuses the user `{1}` over SSH: set the right one with `certyard-agent credentials set {0}`",
                target.node, target.user
            ),
        ));
    }
    let channel = handle.channel_open_session().await.map_err(failed)?;
    channel
        .request_pty(false, "vt100", COLUMNS, 1000, 0, 0, &[])
        .await
        .map_err(failed)?;
    channel.request_shell(false).await.map_err(failed)?;
    Ok(Session {
        node: target.node.clone(),
        channel,
        handle,
        quiet: target.quiet,
        ahead: false,
    })
}

fn refused_key(target: &Target) -> Option<StepError> {
    let shown = target.pins.take_refused()?;
    let node = &target.node;
    Some(StepError::lasting(
        "node_host_key_changed",
        format!(
            "{node} shows a host key that is not pinned ({shown}); its password was not sent. If the node was installed \
             anew, accept it with `certyard-agent credentials set {node} --accept-host-key {shown}`"
        ),
    ))
}

fn unreachable(target: &Target, error: &dyn std::fmt::Display) -> StepError {
    StepError::passing(
        "node_unreachable",
        format!(
            "{} at {} does not answer over SSH: {error}",
            target.node, target.address
        ),
    )
}

/// Text as it stands on the screen: without carriage returns and control sequences.
fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut clean = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' if letters.peek() == Some(&'[') => {
                letters.next();
                // Parameters end with a letter (ECMA-48, 5.4).
                while letters.next().is_some_and(|next| !('@'..='~').contains(&next)) {}
            }
            '\n' | '\t' => clean.push(letter),
            letter if letter.is_control() => {}
            letter => clean.push(letter),
        }
    }
    clean
}

fn last_line(text: &str) -> &str {
    text.rsplit('\n').next().unwrap_or(text).trim()
}

fn ends_with_prompt(text: &str) -> bool {
    last_line(text) == PROMPT
}

/// What to type where the last line is a question.
fn question(text: &str) -> Option<&'static str> {
    let last = last_line(text).to_ascii_lowercase();
    if last.starts_with("press <enter>") || last.starts_with("press <space>") {
        return Some(" ");
    }
    let asks = ["(yes|no)", "(yes/no)", "(y/n)", "[yes/no]"]
        .iter()
        .any(|choice| last.contains(choice));
    match (
        asks && last.ends_with(['?', ':', ')', ']']),
        last.contains("include ou"),
    ) {
        (false, _) => None,
        (true, true) => Some("no\n"),
        (true, false) => Some("yes\n"),
    }
}

/// What to type after `answers` answers to one command, if the node asks.
fn answer_to(node: &str, text: &str, answers: usize) -> Result<Option<&'static str>, StepError> {
    match question(text) {
        Some(_) if answers >= MAX_ANSWERS => Err(StepError::lasting(
            "node_answer",
            format!(
                "{node} asked more than {MAX_ANSWERS} questions on one command, the last one: {}",
                words(last_line(text))
            ),
        )),
        answer => Ok(answer),
    }
}

/// The text behind the command that the terminal repeats; all of it where no echo is waited for.
fn after_echo<'a>(text: &'a str, echo: Option<&str>) -> Option<&'a str> {
    echo.map_or(Some(text), |command| text.split_once(command).map(|(_, after)| after))
}

/// What a command printed: without prompts before it, the command that the terminal repeats, and the prompt after it.
fn without_echo(text: &str, command: &str) -> String {
    let text = text.trim_end();
    let text = text.strip_suffix(PROMPT).unwrap_or(text);
    let text = match text.split_once(command) {
        Some((before, after)) if before.lines().all(|line| ["", PROMPT].contains(&line.trim())) => after,
        _ => text,
    };
    text.trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_read_without_what_only_a_terminal_needs() {
        assert_eq!(readable(b"\x1b[2J\x1b[1;1Hadmin:\r\n"), "admin:\n");
        assert_eq!(without_echo("show x\none\ntwo\nadmin:", "show x"), "one\ntwo");
        assert_eq!(without_echo("\nadmin:show x\none\nadmin:", "show x"), "one");
        assert_eq!(without_echo("one show x\nadmin:", "show x"), "one show x");
        assert!(ends_with_prompt("Welcome\n\nadmin: "));
        assert!(!ends_with_prompt("the user admin: is"));
    }

    #[test]
    fn questions_are_answered_so_that_the_work_goes_on() {
        assert_eq!(question("Include OU in CSR (yes|no)? "), Some("no\n"));
        assert_eq!(
            question("WARNING: all of it\nProceed with regeneration (yes|no)? "),
            Some("yes\n")
        );
        assert_eq!(question("Proceed (yes|no)? yes\nSuccessfully done"), None);
        assert_eq!(
            question("press <enter> for 1 line, <space> for one page, or <q> to quit"),
            Some(" ")
        );
    }

    #[test]
    fn a_prompt_before_the_echo_ends_nothing() {
        let ends = |text: &str, echo| after_echo(text, echo).is_some_and(ends_with_prompt);
        assert!(!ends("\nadmin:", Some("show x")));
        assert!(!ends("\nadmin:show x\n", Some("show x")));
        assert!(ends("\nadmin:show x\none\nadmin:", Some("show x")));
        assert!(ends("\nadmin:", None));
    }

    #[test]
    fn a_node_that_never_ends_asking_is_given_up() {
        let asked = "Proceed (yes|no)? ";
        assert_eq!(answer_to("n", asked, MAX_ANSWERS - 1).unwrap(), Some("yes\n"));
        let error = answer_to("n", asked, MAX_ANSWERS).unwrap_err();
        assert_eq!((error.code, error.passing), ("node_answer", false));
        assert!(error.message.contains("Proceed"), "{}", error.message);
        assert_eq!(answer_to("n", "done\nadmin:", MAX_ANSWERS).unwrap(), None);
    }

    #[test]
    fn older_algorithms_come_last() {
        let preferred = preferred();
        assert_eq!(preferred.kex.last(), Some(&kex::DH_G14_SHA1));
        assert_ne!(preferred.kex.first(), Some(&kex::DH_GEX_SHA1));
    }
}
