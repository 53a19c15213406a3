//! A mail server for tests: it speaks SMTP (RFC 5321) on a real socket, with STARTTLS, TLS and AUTH, keeps what it takes, and
//! fails as it is told.

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What the server does.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// It speaks TLS from the first byte.
    pub implicit_tls: bool,
    /// It offers STARTTLS.
    pub starttls: bool,
    /// `user:password` that it wants.
    pub auth: Option<String>,
    /// Recipients that it refuses, with this answer.
    pub refuse: Option<(String, String)>,
    /// Each recipient is put off once.
    pub greylist: bool,
    /// Its answer to a message, in place of 250.
    pub data_reply: Option<String>,
    /// It keeps the message, and the connection breaks before its 250.
    pub drop_after_data: bool,
    /// The connection breaks at DATA.
    pub drop_before_data: bool,
}

/// A message that was taken.
#[derive(Clone, Debug)]
pub struct Received {
    pub to: String,
    pub text: String,
    pub tls: bool,
}

impl Received {
    /// A header, unfolded.
    pub fn header(&self, name: &str) -> String {
        let unfolded = self.text.replace("\r\n ", " ");
        let prefix = format!("{}:", name.to_lowercase());
        unfolded
            .lines()
            .take_while(|line| !line.is_empty())
            .find(|line| line.to_lowercase().starts_with(&prefix))
            .map(|line| line[prefix.len()..].trim().to_string())
            .unwrap_or_default()
    }

    /// All bodies, decoded from quoted-printable or base64 as far as the test needs.
    pub fn body(&self) -> String {
        let mut all = String::new();
        for part in self.text.split("\r\n--").skip(1) {
            let Some((head, body)) = part.split_once("\r\n\r\n") else {
                continue;
            };
            if head.to_lowercase().contains("base64") {
                let packed: String = body.split_whitespace().collect();
                all.push_str(&String::from_utf8_lossy(&STANDARD.decode(packed).unwrap_or_default()));
            } else {
                all.push_str(&body.replace("=\r\n", "").replace("=3D", "="));
            }
        }
        all
    }
}

#[derive(Default)]
struct Shared {
    behaviour: Behaviour,
    received: Vec<Received>,
    commands: Vec<String>,
    seen: HashSet<String>,
    connections: usize,
}

/// A mail server on a port of its own.
#[derive(Clone)]
pub struct Sink {
    pub port: u16,
    pub ca_pem: String,
    shared: Arc<Mutex<Shared>>,
}

impl Sink {
    pub async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (acceptor, ca_pem) = tls();
        let shared = Arc::new(Mutex::new(Shared {
            behaviour,
            ..Shared::default()
        }));
        let sink = Self {
            port,
            ca_pem,
            shared: shared.clone(),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), shared.clone());
                tokio::spawn(async move {
                    stream.set_nodelay(true).unwrap();
                    let behaviour = {
                        let mut shared = shared.lock().unwrap();
                        shared.connections += 1;
                        shared.behaviour.clone()
                    };
                    if behaviour.implicit_tls {
                        let Ok(stream) = acceptor.accept(stream).await else {
                            return;
                        };
                        let _ = talk(&mut BufReader::new(stream), &shared, true, true).await;
                    } else {
                        let mut plain = BufReader::new(stream);
                        if let Ok(true) = talk(&mut plain, &shared, false, true).await {
                            let Ok(stream) = acceptor.accept(plain.into_inner()).await else {
                                return;
                            };
                            let _ = talk(&mut BufReader::new(stream), &shared, true, false).await;
                        }
                    }
                });
            }
        });
        sink
    }

    pub fn behave(&self, behaviour: Behaviour) {
        self.shared.lock().unwrap().behaviour = behaviour;
    }

    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().unwrap().received.clone()
    }

    pub fn commands(&self) -> Vec<String> {
        self.shared.lock().unwrap().commands.clone()
    }

    pub fn connections(&self) -> usize {
        self.shared.lock().unwrap().connections
    }
}

/// A certificate for the loopback, its key, and the CA that issued it, in PEM.
pub fn chain() -> (String, String, String) {
    let ca_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = params.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(params, ca_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".into(), "localhost".into()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    (leaf.pem(), key.serialize_pem(), ca.pem())
}

fn tls() -> (TlsAcceptor, String) {
    let (leaf, key, ca_pem) = chain();
    let leaf = CertificateDer::from_pem_slice(leaf.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![leaf], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), ca_pem)
}

/// Speaks until the client has had enough; true where it wants TLS.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    shared: &Mutex<Shared>,
    tls: bool,
    greet: bool,
) -> std::io::Result<bool> {
    if greet {
        stream.write_all(b"220 sink ESMTP\r\n").await?;
    }
    let (mut to, mut signed_in) = (String::new(), false);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(false);
        }
        let line = line.trim_end().to_string();
        let behaviour = {
            let mut shared = shared.lock().unwrap();
            shared.commands.push(line.clone());
            shared.behaviour.clone()
        };
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => {
                let starttls = if behaviour.starttls && !tls {
                    "250-STARTTLS\r\n"
                } else {
                    ""
                };
                let auth = if behaviour.auth.is_some() {
                    "250-AUTH PLAIN LOGIN\r\n"
                } else {
                    ""
                };
                format!("250-sink\r\n{starttls}{auth}250 8BITMIME")
            }
            "STARTTLS" if behaviour.starttls && !tls => {
                stream.write_all(b"220 go ahead\r\n").await?;
                return Ok(true);
            }
            "AUTH" => {
                let packed = line.rsplit(' ').next().unwrap_or_default();
                let told = STANDARD.decode(packed).unwrap_or_default();
                let told = String::from_utf8_lossy(&told)
                    .trim_start_matches('\0')
                    .replace('\0', ":");
                signed_in = Some(told) == behaviour.auth;
                if signed_in {
                    "235 2.7.0 welcome".into()
                } else {
                    "535 5.7.8 bad credentials".into()
                }
            }
            "MAIL" if behaviour.auth.is_some() && !signed_in => "530 5.7.0 sign in first".into(),
            "MAIL" | "RSET" | "NOOP" => "250 2.0.0 Ok".into(),
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_string();
                let known = !shared.lock().unwrap().seen.insert(to.clone());
                match &behaviour.refuse {
                    Some((who, answer)) if *who == to => answer.clone(),
                    _ if behaviour.greylist && !known => "451 4.7.1 greylisted, come back later".into(),
                    _ => "250 2.1.5 Ok".into(),
                }
            }
            "DATA" if behaviour.drop_before_data => return Ok(false),
            "DATA" => {
                stream.write_all(b"354 go ahead\r\n").await?;
                let mut text = String::new();
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).await? == 0 {
                        return Ok(false);
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    text.push_str(line.strip_prefix('.').unwrap_or(&line));
                }
                let answer = behaviour.data_reply.clone();
                if answer.is_none() {
                    let received = Received {
                        to: to.clone(),
                        text,
                        tls,
                    };
                    shared.lock().unwrap().received.push(received);
                }
                if behaviour.drop_after_data {
                    return Ok(false);
                }
                answer.unwrap_or_else(|| "250 2.0.0 Ok: queued as Q123".into())
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(false);
            }
            _ => "502 5.5.2 what".into(),
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.write_all(b"\r\n").await?;
        stream.flush().await?;
    }
}
