//! The mail server through which an organisation's messages leave.

use super::address::parse_address;
use super::entity::mail;
use crate::audit::{self, Entry};
use crate::certificates::storable;
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::keys::Keys;
use crate::{Permission, Timestamp, orgs};
use certyard_pki::upload::{self, Limits};
use sea_orm::{ActiveModelTrait, QuerySelect, Set};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Security {
    /// Plain at first, then TLS by STARTTLS (RFC 3207), which the server has to offer: without it nothing is sent.
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// None. Everybody on the way can read and change the mail: for a relay on the same host.
    None,
}

impl Security {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Starttls, Self::Tls, Self::None];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starttls => "starttls",
            Self::Tls => "tls",
            Self::None => "none",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|security| security.as_str() == text)
    }
}

/// The settings, without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSettings {
    /// Host name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Name to sign in with; none: nobody signs in.
    pub username: Option<String>,
    /// Whether a password is stored.
    pub has_password: bool,
    /// Address that mail comes from.
    pub from_address: String,
    /// Name that mail comes from.
    pub from_name: String,
    /// CAs that sign the server's certificate, in PEM (`BEGIN CERTIFICATE`); none: those that the system trusts.
    pub ca_pem: Option<String>,
    /// Last change.
    pub updated_at: Timestamp,
}

impl MailSettings {
    fn told(&self) -> Value {
        json!({
            "host": self.host,
            "port": self.port,
            "security": self.security.as_str(),
            "username": self.username,
            "has_password": self.has_password,
            "from_address": self.from_address,
            "from_name": self.from_name,
            "ca_pem": self.ca_pem,
        })
    }
}

/// The mail server with its password, for whoever connects to it.
#[derive(Clone)]
pub struct MailServer {
    /// The settings.
    pub settings: MailSettings,
    /// The password.
    pub password: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for MailServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailServer")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// What becomes of the stored password.
#[derive(Clone, Default)]
pub enum PasswordChange {
    /// It stays.
    #[default]
    Keep,
    /// There is none any more.
    Clear,
    /// This one.
    Set(Zeroizing<String>),
}

/// The settings anew.
#[derive(Clone)]
pub struct MailChange {
    /// See [`MailSettings`].
    pub host: String,
    /// See [`MailSettings`].
    pub port: i64,
    /// Name of a [`Security`].
    pub security: String,
    /// Whoever asks for no protection has to say that it is meant.
    pub allow_plaintext: bool,
    /// See [`MailSettings`].
    pub username: Option<String>,
    /// The password.
    pub password: PasswordChange,
    /// See [`MailSettings`].
    pub from_address: String,
    /// See [`MailSettings`].
    pub from_name: String,
    /// See [`MailSettings`].
    pub ca_pem: Option<String>,
}

/// Longest user name and password, in bytes: a line of SMTP holds them in base64 (RFC 4954 section 4).
const MAX_SECRET: usize = 500;

/// Reads the settings; `None` where there are none yet.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadAlerts`].
pub async fn mail_settings(tx: &OrgTx) -> Result<Option<MailSettings>> {
    tx.scope().require(Permission::ReadAlerts)?;
    Ok(tx.find::<mail::Entity>().one(tx).await?.as_ref().map(read))
}

/// Reads the settings with the password, for whoever sends: the worker, and who may change them and asks for a test mail.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ManageAlerts`]; the password does not open.
pub async fn mail_server(tx: &OrgTx, keys: &Keys) -> Result<Option<MailServer>> {
    tx.scope().require(Permission::ManageAlerts)?;
    let Some(row) = tx.find::<mail::Entity>().one(tx).await? else {
        return Ok(None);
    };
    let password = match &row.sealed_password {
        Some(sealed) => {
            let open = orgs::open(tx, keys, &place(tx), sealed).await?;
            let text = std::str::from_utf8(&open).map_err(Error::internal)?;
            Some(Zeroizing::new(text.to_string()))
        }
        None => None,
    };
    Ok(Some(MailServer {
        settings: read(&row),
        password,
    }))
}

fn place(tx: &OrgTx) -> String {
    format!("mail_setting/sealed_password/{}", tx.org_id())
}

fn read(row: &mail::Model) -> MailSettings {
    MailSettings {
        host: row.host.clone(),
        port: u16::try_from(row.port).unwrap_or_default(),
        security: Security::parse(&row.security).unwrap_or(Security::Starttls),
        username: row.username.clone(),
        has_password: row.sealed_password.is_some(),
        from_address: row.from_address.clone(),
        from_name: row.from_name.clone(),
        ca_pem: row.ca_pem.clone(),
        updated_at: row.updated_at,
    }
}

/// Sets the mail server. A stored password stays with the server that it was given for: another host or user needs it again.
///
/// # Errors
/// [`Error::Invalid`] that names every wrong field; [`Error::Forbidden`] without [`Permission::ManageAlerts`].
pub async fn set_mail(tx: &OrgTx, keys: &Keys, change: MailChange) -> Result<MailSettings> {
    tx.scope().require(Permission::ManageAlerts)?;
    let mut row = tx.find::<mail::Entity>();
    dialect::lock_rows(QuerySelect::query(&mut row));
    let row = row.one(tx).await?;
    let before = row.as_ref().map(read);
    let (after, password) = check(before.as_ref(), change, tx.now())?;
    let sealed = match password {
        PasswordChange::Keep => row.as_ref().and_then(|row| row.sealed_password.clone()),
        PasswordChange::Clear => None,
        PasswordChange::Set(text) => Some(orgs::seal(tx, keys, &place(tx), text.as_bytes()).await?),
    };
    let model = mail::ActiveModel {
        org_id: Set(tx.org_id()),
        host: Set(after.host.clone()),
        port: Set(i32::from(after.port)),
        security: Set(after.security.as_str().into()),
        username: Set(after.username.clone()),
        sealed_password: Set(sealed),
        from_address: Set(after.from_address.clone()),
        from_name: Set(after.from_name.clone()),
        ca_pem: Set(after.ca_pem.clone()),
        updated_at: Set(tx.now()),
    };
    match row {
        Some(_) => model.update(tx).await?,
        None => model.insert(tx).await?,
    };
    audit::record(
        tx,
        Entry {
            action: "mail.update",
            object_kind: "mail",
            object_id: None,
            object_name: &after.host,
            before: before.map(|before| before.told()),
            after: Some(after.told()),
        },
    )
    .await?;
    Ok(after)
}

fn check(before: Option<&MailSettings>, change: MailChange, now: Timestamp) -> Result<(MailSettings, PasswordChange)> {
    let mut errors = Fields::default();
    let host = check_host(&mut errors, &change.host);
    let port = match u16::try_from(change.port) {
        Ok(port) if port > 0 => port,
        _ => {
            errors.refuse("port", "out_of_range", "from 1 to 65535");
            0
        }
    };
    let security = Security::parse(&change.security).unwrap_or_else(|| {
        errors.refuse("security", "unknown", "is one of starttls, tls, none");
        Security::Starttls
    });
    if security == Security::None && !change.allow_plaintext {
        errors.refuse(
            "security",
            "plaintext",
            "everybody on the way can read and change mail without TLS: say allow_plaintext where that is meant",
        );
    }
    let username = change.username.filter(|name| !name.is_empty());
    if username
        .as_deref()
        .is_some_and(|name| name.len() > MAX_SECRET || name.chars().any(char::is_control))
    {
        errors.refuse("username", "format", "has at most 500 bytes and no control characters");
    }
    let password = match change.password {
        // Whoever signs in as nobody needs no password.
        _ if username.is_none() => PasswordChange::Clear,
        other => other,
    };
    let had = before.is_some_and(|before| before.has_password);
    let has_password = match &password {
        PasswordChange::Keep => had,
        PasswordChange::Clear => false,
        PasswordChange::Set(text) => {
            if text.is_empty()
                || text.len() > MAX_SECRET
                || text
                    .chars()
                    .any(|letter| letter == '\0' || letter == '\r' || letter == '\n')
            {
                errors.refuse("password", "format", "has 1 to 500 bytes and no line ends");
            }
            true
        }
    };
    if let (PasswordChange::Keep, Some(before)) = (&password, before)
        && had
        && (before.host != host || before.port != port || before.username != username)
    {
        errors.refuse(
            "password",
            "required",
            "is given again with another host, port or user: the stored one was given for the server before",
        );
    }
    if username.is_some() && !has_password {
        errors.refuse("password", "required", "is needed with a username");
    }
    if security == Security::None && has_password {
        errors.refuse("password", "plaintext", "is not sent without TLS: use starttls or tls");
    }
    let from_address = parse_address(&change.from_address).map_or_else(
        |why| {
            errors.refuse("from_address", "bad_address", why);
            String::new()
        },
        |address| address.to_string(),
    );
    let from_name = errors.name("from_name", &change.from_name);
    let ca_pem = change.ca_pem.filter(|pem| !pem.trim().is_empty());
    let ca_pem = ca_pem.and_then(|text| read_cas(&mut errors, &text));
    errors.finish()?;
    let settings = MailSettings {
        host,
        port,
        security,
        username,
        has_password,
        from_address,
        from_name: storable(&from_name),
        ca_pem,
        updated_at: now,
    };
    Ok((settings, password))
}

/// The own CAs as PEM, whatever they were given as: whoever connects reads nothing else.
pub(super) fn read_cas(errors: &mut Fields, text: &str) -> Option<String> {
    match upload::read(text.as_bytes(), &Limits::default(), false) {
        Ok(found) => Some(found.certificates.iter().map(|ca| ca.to_pem()).collect()),
        Err(refusal) => {
            errors.refuse("ca_pem", refusal.code, refusal.message);
            None
        }
    }
}

fn check_host(errors: &mut Fields, text: &str) -> String {
    let text = text.trim();
    if let Ok(address) = text
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<std::net::IpAddr>()
    {
        return address.to_string();
    }
    let good = |host: &str| {
        !host.is_empty()
            && host.len() <= 253
            && host.split('.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && label
                        .chars()
                        .all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_')
            })
    };
    match idna::domain_to_ascii(text) {
        Ok(host) if good(&host) => host,
        _ => {
            errors.refuse(
                "host",
                "format",
                "is a host name like mail.example.org, or an IP address",
            );
            String::new()
        }
    }
}
