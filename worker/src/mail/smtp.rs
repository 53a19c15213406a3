//! One connection to a mail server (RFC 5321), by lettre's protocol on a socket of ours: without Nagle's algorithm, which waits 40 ms
//! for each message, and step by step, so that it is known who refused what.

use crate::outgoing::Reach;
use certyard_domain::alerts::{MailServer, Security, SendFailure};
use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension};
use lettre::transport::smtp::response::Response;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// For how long a connection may take.
const CONNECT: Duration = Duration::from_secs(20);

/// For how long the server may think.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// About one command; slow ones take half a minute for each.
    command: Duration,
    /// About a message, once it has all of it: until then it has to look into it (RFC 5321 section 4.5.3.2.6).
    content: Duration,
    /// About a good-bye, of which nothing depends.
    goodbye: Duration,
}

const LIMITS: Limits = Limits {
    command: Duration::from_secs(60),
    content: Duration::from_secs(120),
    goodbye: Duration::from_secs(5),
};

/// Why a message did not go.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// Where, and what was said.
    pub told: SendFailure,
    /// The server said 5xx.
    pub permanent: bool,
    /// The connection cannot be used any more.
    pub broken: bool,
}

impl Failure {
    pub(crate) fn new(step: &'static str, reply: impl Into<String>) -> Self {
        Self {
            told: SendFailure {
                step,
                reply: reply.into(),
            },
            permanent: false,
            broken: true,
        }
    }

    fn of(step: &'static str, error: &lettre::transport::smtp::Error) -> Self {
        let words = std::error::Error::source(error).map(ToString::to_string);
        let reply = match (error.status(), words) {
            (Some(code), Some(words)) => format!("{code} {words}"),
            (Some(code), None) => code.to_string(),
            (None, _) => error.to_string(),
        };
        Self {
            told: SendFailure { step, reply },
            permanent: error.is_permanent(),
            // The server has answered and waits for the next command.
            broken: error.status().is_none(),
        }
    }

    /// Of somebody who may be no mail server: its words are told only where they are those of one, with an extended code
    /// (RFC 3463).
    fn of_stranger(error: &lettre::transport::smtp::Error) -> Self {
        let mut failure = Self::of("connect", error);
        failure.broken = true;
        let extended = |word: &str| {
            let mut numbers = word.split('.');
            numbers
                .by_ref()
                .take(3)
                .filter(|number| number.parse::<u16>().is_ok())
                .count()
                == 3
                && numbers.next().is_none()
        };
        failure.told.reply = match error.status() {
            Some(_) if failure.told.reply.split_whitespace().nth(1).is_some_and(extended) => failure.told.reply,
            Some(code) => format!("{code}, and no extended code: it may be no mail server"),
            None if error.is_response() => "what answers there does not speak SMTP".into(),
            None => failure.told.reply,
        };
        failure
    }

    /// The server knows no such recipient, by its extended code (RFC 3463 section 3.2) where it has one.
    pub(crate) fn is_of_address(&self) -> bool {
        let mut words = self.told.reply.split_whitespace();
        let code = words.next().unwrap_or_default();
        match words.next().filter(|word| word.starts_with("5.")) {
            Some(extended) => self.told.step == "recipient" && (extended.starts_with("5.1.") || extended == "5.2.1"),
            None => self.told.step == "recipient" && matches!(code, "550" | "551" | "553"),
        }
    }

    /// The fault lies with this message or its recipient, not with the server as a whole.
    pub(crate) fn is_of_message(&self) -> bool {
        matches!(self.told.step, "recipient" | "data") && !self.broken
    }
}

/// What the server said, on one line with its code.
fn words(response: &Response) -> String {
    let text: Vec<&str> = response.message().collect();
    format!("{} {}", response.code(), text.join(" "))
}

async fn within<T>(
    limit: Duration,
    step: &'static str,
    work: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
) -> Result<T, Failure> {
    match timeout(limit, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Failure::of(step, &error)),
        Err(_) => Err(Failure::new(
            step,
            format!("no answer within {} seconds", limit.as_secs()),
        )),
    }
}

/// A connection that has been greeted, protected and signed in.
pub(crate) struct Connection {
    inner: AsyncSmtpConnection,
    limits: Limits,
}

impl Connection {
    /// Connects as the settings say. Nothing is sent without the protection that they ask for.
    pub(crate) async fn open(server: &MailServer, reach: Reach) -> Result<Self, Failure> {
        Self::open_within(server, reach, LIMITS).await
    }

    async fn open_within(server: &MailServer, reach: Reach, limits: Limits) -> Result<Self, Failure> {
        let settings = &server.settings;
        let resolving = timeout(CONNECT, reach.resolve(&settings.host, settings.port));
        let addresses = match resolving.await {
            Ok(found) => found.map_err(|why| Failure::new("connect", why.into_text()))?,
            Err(_) => {
                return Err(Failure::new(
                    "connect",
                    "the name of the mail server is not resolved in time",
                ));
            }
        };
        let stream = match timeout(CONNECT, TcpStream::connect(addresses.as_slice())).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                let where_to = format!("{} port {}", settings.host, settings.port);
                return Err(Failure::new(
                    "connect",
                    format!("cannot connect to {where_to}: {error}"),
                ));
            }
            Err(_) => {
                let seconds = CONNECT.as_secs();
                return Err(Failure::new(
                    "connect",
                    format!("no connection within {seconds} seconds"),
                ));
            }
        };
        stream
            .set_nodelay(true)
            .map_err(|error| Failure::new("connect", error.to_string()))?;
        let stream: Box<dyn AsyncTokioStream> = match settings.security {
            Security::Tls => Box::new(protect(server, stream).await?),
            Security::Starttls | Security::None => Box::new(stream),
        };
        let name = settings.from_address.rsplit('@').next().unwrap_or("localhost");
        let hello = ClientId::Domain(name.into());
        let greet = AsyncSmtpConnection::connect_with_transport(stream, &hello);
        let greeted = match timeout(limits.command, greet).await {
            Ok(greeted) => greeted.map_err(|error| Failure::of_stranger(&error)),
            Err(_) => Err(Failure::new(
                "connect",
                format!("no greeting within {} seconds", limits.command.as_secs()),
            )),
        };
        let mut inner = greeted?;
        if settings.security == Security::Starttls {
            if !inner.server_info().supports_feature(Extension::StartTls) {
                return Err(Failure::new(
                    "starttls",
                    "the server offers no STARTTLS: nothing is sent without TLS",
                ));
            }
            let parameters = parameters(server).map_err(|why| Failure::new("starttls", why))?;
            within(limits.command, "starttls", inner.starttls(parameters, &hello)).await?;
        }
        if let (Some(user), Some(password)) = (&settings.username, &server.password) {
            let credentials = Credentials::new(user.clone(), password.to_string());
            let sign_in = inner.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
            within(limits.command, "auth", sign_in).await?;
        }
        Ok(Self { inner, limits })
    }

    /// Hands over one message. The words of the server's 250 are the only success.
    pub(crate) async fn send(&mut self, from: &Address, to: &Address, bytes: &[u8]) -> Result<String, Failure> {
        let sent = self.transact(from, to, bytes).await;
        if let Err(failure) = &sent
            && !failure.broken
        {
            // So that the next message finds no half of this one.
            let reset = within(self.limits.command, "connect", self.inner.command(Rset)).await;
            if reset.is_err() {
                // It says QUIT and would wait for the answer of a server that gives none.
                let _ = timeout(self.limits.goodbye, self.inner.abort()).await;
            }
        }
        sent
    }

    async fn transact(&mut self, from: &Address, to: &Address, bytes: &[u8]) -> Result<String, Failure> {
        let mail = Mail::new(Some(from.clone()), Vec::new());
        within(self.limits.command, "sender", self.inner.command(mail)).await?;
        let recipient = Rcpt::new(to.clone(), Vec::new());
        within(self.limits.command, "recipient", self.inner.command(recipient)).await?;
        within(self.limits.command, "data", self.inner.command(Data)).await?;
        let response = within(self.limits.content, "data", self.inner.message(bytes)).await?;
        if !response.has_code(250) {
            return Err(Failure::new("data", format!("not a 250: {}", words(&response))));
        }
        Ok(words(&response))
    }

    /// Whether another message can be sent on it.
    pub(crate) fn is_usable(&self) -> bool {
        !self.inner.has_broken()
    }

    /// Says good-bye. What the server says to that is of no interest: its 250 was all.
    pub(crate) async fn close(mut self) {
        let _ = timeout(self.limits.goodbye, self.inner.quit()).await;
    }
}

/// Certificates of the own CAs, where there are any.
fn own_cas(server: &MailServer) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = server.settings.ca_pem.as_deref().unwrap_or_default();
    let cas: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the own CA cannot be read: {error}"))?;
    // All others are trusted only where none of its own was named.
    if cas.is_empty() && !pem.is_empty() {
        return Err("the own CA holds no certificate that can be read: enter it again".into());
    }
    Ok(cas)
}

fn parameters(server: &MailServer) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(server.settings.host.clone());
    let cas = own_cas(server)?;
    if !cas.is_empty() {
        builder = builder.certificate_store(CertificateStore::None);
        for ca in cas {
            let ca = Certificate::from_der(ca.to_vec()).map_err(|error| error.to_string())?;
            builder = builder.add_root_certificate(ca);
        }
    }
    builder.build_rustls().map_err(|error| error.to_string())
}

async fn protect(server: &MailServer, stream: TcpStream) -> Result<Protected, Failure> {
    let failed = |why: String| Failure::new("tls", why);
    let mut roots = rustls::RootCertStore::empty();
    let cas = own_cas(server).map_err(failed)?;
    if cas.is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    } else {
        roots.add_parsable_certificates(cas);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(server.settings.host.clone()).map_err(|error| failed(error.to_string()))?;
    match timeout(CONNECT, TlsConnector::from(Arc::new(config)).connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(Protected(stream)),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed(format!("no TLS within {} seconds", CONNECT.as_secs()))),
    }
}

/// A TLS stream that lettre may talk on.
#[derive(Debug)]
struct Protected(TlsStream<TcpStream>);

impl AsyncTokioStream for Protected {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Protected {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Protected {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// The queue id in the words of a 250, as the usual servers write it; none where it is not found.
pub(crate) fn queue_id(reply: &str) -> Option<String> {
    let lower = reply.to_lowercase();
    let at = ["queued as ", "id=", "queued mail for delivery ", "queued ("]
        .into_iter()
        .find_map(|mark| lower.find(mark).map(|at| at + mark.len()))?;
    let id: String = reply
        .get(at..)?
        .chars()
        .take_while(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(*letter))
        .take(100)
        .collect();
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
