//! Mail: the loop that sends messages, and the mailer that api asks for test mails and previews.

mod calendar;
mod compose;
mod render;
mod smtp;
mod texts;
mod troubles;

pub(crate) use render::{local, one_line, product};
pub(crate) use texts::texts;
pub(crate) use troubles::lines as trouble_lines;

use crate::outgoing::{NoWay, Reach};
use crate::{Tools, channels};
use certyard_domain::alerts::{
    self, ChannelTarget, Claimed, Contents, Language, Letter, MailServer, Outcome, Post, Rendered, SendFailure,
    TestCall, TestMail,
};
use certyard_domain::{Result, Scope, clock};
use compose::{Envelope, compose};
use futures_util::StreamExt;
use lettre::Address;
use smtp::{Connection, Failure};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Organisations that are begun with at once.
const ORGANISATIONS: usize = 8;
/// For how long the loop waits for one of them. A slower one goes on beside it.
const PATIENCE: Duration = Duration::from_secs(5);
/// Organisations that may go on beside the loop: each holds some connections.
const MOST_SLOW: usize = 256;
/// Connections to the mail server of one organisation.
const CONNECTIONS: usize = 4;
/// For how long one round claims messages of an organisation.
const TURN: Duration = Duration::from_secs(60);
/// For how long a worker is busy with one message at most, whatever the mail server does; then it is as good as silent.
const SENDING: Duration = Duration::from_secs(8 * 60);
/// Before the end of its lease a message is left alone.
const MARGIN: Duration = Duration::from_secs(30);
/// Time for writing down what became of a message, within its lease.
const SETTLING: Duration = Duration::from_secs(30);
/// With less time than that left of its lease, as it was long in composing, a message is not begun with.
const LEAST: Duration = Duration::from_secs(120);
/// Longest pause between two tries to write down what became of a message.
const PAUSE: Duration = Duration::from_secs(5);
// Another worker takes a message only once this one has let go of it.
const _: () =
    assert!(SENDING.as_secs() + SETTLING.as_secs() + MARGIN.as_secs() < alerts::SENDING_LEASE.num_seconds() as u64);

/// For how long somebody who enters a host waits until its name is resolved.
const RESOLVING: Duration = Duration::from_secs(5);
/// Connections that break one after the other, before the server is left alone for a while.
const BREAKS: u32 = 3;

/// Sends what is due, of all organisations; how many messages were accepted so far. An organisation whose mail server is slow is left to
/// itself: its round goes on while the loop turns again.
pub(crate) async fn send_due(tools: &Tools) -> Result<u64> {
    let due = alerts::orgs_with_due(&tools.db).await?;
    let sent = AtomicU64::new(0);
    futures_util::stream::iter(due)
        .for_each_concurrent(ORGANISATIONS, async |org| {
            let Some(turn) = tools.rounds.begin(org) else { return };
            let round = tokio::spawn({
                let tools = tools.clone();
                async move {
                    let done = send_of(&tools, org).await;
                    drop(turn);
                    done
                }
            });
            let patience = if tools.rounds.count() < MOST_SLOW { PATIENCE } else { SENDING };
            match within(patience, round).await {
                Some(Ok(Ok(done))) => {
                    sent.fetch_add(done, Ordering::Relaxed);
                }
                Some(Ok(Err(error))) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, org = %org, "messages were not sent; it is tried again");
                }
                Some(Err(error)) => {
                    tracing::error!(error = &error as &dyn std::error::Error, org = %org, "messages were not sent: a fault of ours");
                }
                None => tracing::debug!(org = %org, "a slow mail server is left to itself"),
            }
        })
        .await;
    Ok(sent.into_inner())
}

async fn send_of(tools: &Tools, org: Uuid) -> Result<u64> {
    let scope = Scope::system(org, "mail");
    let round = Round {
        tools,
        scope: &scope,
        until: Instant::now() + TURN,
        stop: AtomicBool::new(false),
    };
    let lanes = futures_util::future::join_all((0..CONNECTIONS).map(|_| round.lane()));
    let (mails, calls) = tokio::join!(lanes, channels::send_of(tools, &scope));
    mails.into_iter().chain([calls]).sum()
}

/// One round for one organisation.
struct Round<'a> {
    tools: &'a Tools,
    scope: &'a Scope,
    until: Instant,
    /// The server is of no use: whoever finds that out stops all.
    stop: AtomicBool,
}

/// What is left of the lease of a message for sending it.
fn room<S>(claimed: &Claimed<S>) -> Duration {
    let lease = alerts::SENDING_LEASE.to_std().unwrap_or_default();
    lease
        .saturating_sub(MARGIN + SETTLING)
        .saturating_sub(claimed.leased.elapsed())
}

impl Round<'_> {
    /// Claims and sends, one message after the other, on one connection.
    async fn lane(&self) -> Result<u64> {
        let (mut sent, mut breaks) = (0, 0);
        let mut connection: Option<Connection> = None;
        while self.goes_on() {
            let Some(claimed) = alerts::claim(&self.tools.db, self.scope, &self.tools.keys).await? else {
                break;
            };
            match self.send(&mut connection, &claimed).await {
                Ok(outcome) => {
                    breaks = 0;
                    let recorded = settle(self.tools, self.scope, &claimed, &outcome).await?;
                    sent += u64::from(recorded && matches!(outcome, Outcome::Accepted { .. }));
                }
                Err(failure) => {
                    let of_message = failure.is_of_message();
                    let reply = told(&failure.told);
                    let unknown = failure.is_of_address();
                    // What a server says to a recipient that it does not deny may be otherwise soon: it takes no mail from here.
                    let outcome = match of_message && failure.permanent && (unknown || failure.told.step == "data") {
                        true => Outcome::Refused {
                            reply: reply.clone(),
                            unknown,
                        },
                        false => Outcome::Deferred { reply: reply.clone() },
                    };
                    settle(self.tools, self.scope, &claimed, &outcome).await?;
                    breaks += u32::from(!of_message);
                    let unreachable = matches!(failure.told.step, "connect" | "tls" | "starttls" | "auth" | "sender");
                    if !of_message && (unreachable || breaks >= BREAKS) {
                        self.stop.store(true, Ordering::Relaxed);
                        alerts::postpone(&self.tools.db, self.scope, &reply).await?;
                    }
                }
            }
            connection = connection.filter(Connection::is_usable);
        }
        if let Some(connection) = connection {
            connection.close().await;
        }
        Ok(sent)
    }

    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed) && !self.tools.rounds.is_stopping() && Instant::now() < self.until
    }

    /// Sends within [`SENDING`], and within the lease.
    async fn send(&self, connection: &mut Option<Connection>, claimed: &Claimed) -> Result<Outcome, Failure> {
        let limit = SENDING.min(room(claimed));
        if limit < LEAST {
            return Ok(Outcome::Deferred {
                reply: "not begun with: it was too long in composing".into(),
            });
        }
        match within(limit, self.try_to_send(connection, claimed)).await {
            Some(done) => done,
            None => {
                // It is in the middle of something.
                *connection = None;
                Err(Failure::new(
                    "data",
                    format!("no end within {} minutes", limit.as_secs() / 60),
                ))
            }
        }
    }

    async fn try_to_send(&self, connection: &mut Option<Connection>, claimed: &Claimed) -> Result<Outcome, Failure> {
        let mail = match rendered(&claimed.contents, &self.tools.public_url) {
            Ok(mail) => mail,
            Err(why) => return Ok(Outcome::Deferred { reply: why }),
        };
        let (from, to, bytes) = match written(
            &claimed.server,
            &claimed.recipient,
            &claimed.message_id,
            &mail,
            &self.tools.public_url,
        ) {
            Ok(written) => written,
            Err(why) => return Ok(Outcome::Deferred { reply: why }),
        };
        if connection.is_none() {
            *connection = Some(Connection::open(&claimed.server, self.tools.reach).await?);
        }
        let Some(open) = connection.as_mut() else {
            return Ok(Outcome::Deferred {
                reply: "there is no connection".into(),
            });
        };
        match open.send(&from, &to, &bytes).await {
            Ok(reply) => Ok(Outcome::Accepted {
                queue_id: smtp::queue_id(&reply),
                reply,
                subject: mail.subject,
            }),
            Err(failure) => {
                if failure.broken {
                    *connection = None;
                }
                Err(failure)
            }
        }
    }
}

/// Writes down what became of a message, again and again while its lease lasts: what the server has accepted would be sent
/// once more otherwise. True where it is written.
pub(crate) async fn settle<S>(tools: &Tools, scope: &Scope, claimed: &Claimed<S>, outcome: &Outcome) -> Result<bool> {
    let lease = alerts::SENDING_LEASE.to_std().unwrap_or_default();
    let until = claimed.leased + lease.saturating_sub(MARGIN);
    let mut pause = Duration::from_millis(100);
    let recorded = loop {
        match alerts::settle(&tools.db, scope, claimed, outcome).await {
            Ok(recorded) => break recorded,
            Err(error) if Instant::now() + pause >= until => return Err(error),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "what became of a message was not written down; it is tried again"
                );
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE);
    };
    if recorded {
        let kind = match outcome {
            Outcome::Accepted { .. } => "accepted",
            Outcome::Refused { .. } => "refused",
            Outcome::Deferred { .. } => "deferred",
        };
        metrics::counter!("certyard_messages_total", "outcome" => kind).increment(1);
    }
    Ok(recorded)
}

/// What a piece of work comes to, unless it takes too long.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

/// Subject of what a message tells.
pub(crate) fn subject_of(contents: &Contents) -> String {
    match contents {
        Contents::Letter(letter) => render::subject(letter),
        Contents::Notice(notice) => render::notice_subject(notice),
    }
}

fn rendered(contents: &Contents, public_url: &str) -> Result<Rendered, String> {
    match contents {
        Contents::Letter(letter) => rendered_letter(letter, public_url),
        Contents::Notice(notice) => render::notice(notice, public_url),
    }
}

fn rendered_letter(letter: &Letter, public_url: &str) -> Result<Rendered, String> {
    Ok(Rendered {
        calendar: letter.attach_calendar.then(|| calendar::of(letter, public_url)),
        ..render::letter(letter, public_url)?
    })
}

/// Subject of a test.
pub(crate) fn test_subject(language: Language, organisation: &str) -> String {
    format!("{} ({})", texts(language).test_subject, one_line(organisation))
}

/// The step and the words, for the ledger.
fn told(failure: &SendFailure) -> String {
    format!("{}: {}", failure.step, failure.reply)
}

fn written(
    server: &MailServer,
    to: &str,
    message_id: &str,
    mail: &Rendered,
    public_url: &str,
) -> Result<(Address, Address, Vec<u8>), String> {
    let read = |text: &str| text.parse::<Address>().map_err(|error| format!("{text}: {error}"));
    let (from, to) = (read(&server.settings.from_address)?, read(to)?);
    let envelope = Envelope {
        from_name: &server.settings.from_name,
        from: from.clone(),
        to: to.clone(),
        message_id,
        date: clock::process_now(),
        settings_url: &format!("{public_url}/settings/notifications"),
    };
    let bytes = compose(&envelope, mail, mail.calendar.as_deref())?;
    Ok((from, to, bytes))
}

/// Composes and sends mail for api.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mailer {
    /// How far its connections may go.
    pub reach: Reach,
}

#[async_trait::async_trait]
impl Post for Mailer {
    async fn check_host(&self, host: &str, port: u16) -> Result<(), String> {
        match within(RESOLVING, self.reach.resolve(host, port)).await {
            Some(Err(NoWay::Denied(why))) => Err(why),
            // Where it is may be known by the time that something is sent; it is judged again then.
            Some(Ok(_) | Err(NoWay::Unknown(_))) | None => Ok(()),
        }
    }

    async fn send_test(&self, server: &MailServer, mail: &TestMail) -> Result<String, SendFailure> {
        let failed = |reply: String| SendFailure { step: "compose", reply };
        let rendered = render::test(mail.language, &mail.organisation, &mail.public_url).map_err(failed)?;
        let domain = server.settings.from_address.rsplit('@').next().unwrap_or("localhost");
        let message_id = format!("<{}.test.certyard@{domain}>", Uuid::now_v7());
        let (from, to, bytes) = written(server, &mail.to, &message_id, &rendered, &mail.public_url).map_err(failed)?;
        let mut connection = Connection::open(server, self.reach)
            .await
            .map_err(|failure| failure.told)?;
        let sent = connection
            .send(&from, &to, &bytes)
            .await
            .map_err(|failure| failure.told);
        connection.close().await;
        sent
    }

    async fn call_test(&self, target: &ChannelTarget, test: &TestCall) -> Result<String, String> {
        channels::test(self.reach, target, test).await
    }

    fn render(&self, letter: &Letter, public_url: &str) -> Result<Rendered, String> {
        rendered_letter(letter, public_url)
    }
}

#[cfg(test)]
mod tests {
    use super::within;
    use std::time::Duration;

    #[tokio::test]
    async fn what_takes_too_long_comes_to_an_end() {
        let nothing = std::future::pending::<()>();
        assert_eq!(within(Duration::from_millis(10), nothing).await, None);
        assert_eq!(within(Duration::from_secs(60), async { 7 }).await, Some(7));
    }
}
