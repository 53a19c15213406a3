//! Channels: receivers of calls (webhooks) beside the recipients of mail. Each that is switched on gets what the recipients get, one
//! message for each run, in the same ledger.
//!
//! The URL is a secret at most receivers: whoever has it may write there. It is sealed like the secret that signs, and only its origin is
//! ever shown.

use super::entity::{channel, message};
use super::mail::read_cas;
use super::origin::parse_origin;
use super::send_state::SendState;
use super::{settings, untold};
use crate::Permission;
use crate::audit::{self, Entry};
use crate::clusters::version_conflict;
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result, name_taken};
use crate::fields::Fields;
use crate::ids::new_id;
use crate::keys::Keys;
use crate::{Timestamp, orgs};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Most channels of an organisation.
const MAX_CHANNELS: u64 = 20;
/// Length of a secret, in bytes: whoever could guess a shorter one could sign.
const SECRET: std::ops::RangeInclusive<usize> = 16..=500;

/// What a receiver expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// JSON of Certyard's own, signed.
    Generic,
    /// An incoming webhook of Slack.
    Slack,
    /// A workflow of Microsoft Teams that takes an adaptive card.
    Teams,
    /// The events API of PagerDuty, version 2; its secret is the routing key.
    PagerDuty,
}

impl ChannelKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Generic, Self::Slack, Self::Teams, Self::PagerDuty];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::PagerDuty => "pagerduty",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A channel, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The channel.
    pub id: Uuid,
    /// Name, unique in the organisation.
    pub name: String,
    /// What the receiver expects.
    pub kind: ChannelKind,
    /// What is shown of the URL: scheme, host and port.
    pub origin: String,
    /// Whether a secret is stored.
    pub has_secret: bool,
    /// CAs that sign the receiver's certificate, in PEM; none: those that the system trusts.
    pub ca_pem: Option<String>,
    /// It gets messages.
    pub enabled: bool,
    /// It gets what rules and escalations tell that name it, and nothing of the default.
    pub rules_only: bool,
    /// Rises with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
}

/// A channel to make.
#[derive(Clone)]
pub struct NewChannel {
    /// See [`Channel`]; a name with `@` would look like an address.
    pub name: String,
    /// Name of a [`ChannelKind`].
    pub kind: String,
    /// `https://…`.
    pub url: Zeroizing<String>,
    /// Whoever gives `http://` has to say that it is meant.
    pub allow_plaintext: bool,
    /// Secret that signs, or the routing key of PagerDuty.
    pub secret: Option<Zeroizing<String>>,
    /// See [`Channel`].
    pub ca_pem: Option<String>,
    /// See [`Channel`].
    pub enabled: bool,
    /// See [`Channel`].
    pub rules_only: bool,
}

/// What to change of a channel; `None` leaves it.
#[derive(Clone, Default)]
pub struct ChannelChange {
    /// See [`Channel`].
    pub name: Option<String>,
    /// A URL on another origin needs the secret again: the stored one was given for the receiver before.
    pub url: Option<Zeroizing<String>>,
    /// See [`NewChannel`].
    pub allow_plaintext: bool,
    /// The secret; `Some(None)`: there is none any more.
    pub secret: Option<Option<Zeroizing<String>>>,
    /// See [`Channel`]; `Some(None)`: none.
    pub ca_pem: Option<Option<String>>,
    /// See [`Channel`].
    pub enabled: Option<bool>,
    /// See [`Channel`].
    pub rules_only: Option<bool>,
}

/// A channel with its secrets, for whoever calls it.
#[derive(Clone)]
pub struct ChannelTarget {
    /// What the receiver expects.
    pub kind: ChannelKind,
    /// Where it is called.
    pub url: Zeroizing<String>,
    /// Secret that signs, or the routing key of PagerDuty.
    pub secret: Option<Zeroizing<String>>,
    /// CAs that sign the receiver's certificate, in PEM.
    pub ca_pem: Option<String>,
}

impl std::fmt::Debug for ChannelTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChannelTarget")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

fn read(row: &channel::Model) -> Result<Channel> {
    Ok(Channel {
        id: row.id,
        name: row.name.clone(),
        kind: ChannelKind::parse(&row.kind)
            .ok_or_else(|| Error::internal(format!("a channel has the kind `{}`", row.kind)))?,
        origin: row.origin.clone(),
        has_secret: row.sealed_secret.is_some(),
        ca_pem: row.ca_pem.clone(),
        enabled: row.enabled,
        rules_only: row.rules_only,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

fn told(found: &Channel) -> Value {
    json!({
        "name": found.name,
        "kind": found.kind.as_str(),
        "origin": found.origin,
        "has_secret": found.has_secret,
        "ca_pem": found.ca_pem,
        "enabled": found.enabled,
        "rules_only": found.rules_only,
    })
}

fn url_place(id: Uuid) -> String {
    format!("channel/sealed_url/{id}")
}

fn secret_place(id: Uuid) -> String {
    format!("channel/sealed_secret/{id}")
}

/// All channels, by name: there are at most 20.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadAlerts`].
pub async fn list_channels(tx: &OrgTx) -> Result<Vec<Channel>> {
    tx.scope().require(Permission::ReadAlerts)?;
    let rows = tx
        .find::<channel::Entity>()
        .order_by_asc(channel::Column::Name)
        .all(tx)
        .await?;
    rows.iter().map(read).collect()
}

/// One channel.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] without [`Permission::ReadAlerts`].
pub async fn get_channel(tx: &OrgTx, id: Uuid) -> Result<Channel> {
    tx.scope().require(Permission::ReadAlerts)?;
    read(&find(tx, id, false).await?)
}

async fn find(tx: &OrgTx, id: Uuid, lock: bool) -> Result<channel::Model> {
    let mut select = tx.find::<channel::Entity>().filter(channel::Column::Id.eq(id));
    if lock {
        dialect::lock_rows(QuerySelect::query(&mut select));
    }
    select.one(tx).await?.ok_or(Error::NotFound { what: "channel" })
}

/// A channel with its secrets, for whoever calls it: the worker, and who may change it and asks for a test.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] without [`Permission::ManageAlerts`]; a secret does not open.
pub async fn channel_target(tx: &OrgTx, keys: &Keys, id: Uuid) -> Result<ChannelTarget> {
    tx.scope().require(Permission::ManageAlerts)?;
    let row = find(tx, id, false).await?;
    Ok(ChannelTarget {
        kind: read(&row)?.kind,
        url: open(tx, keys, &url_place(id), &row.sealed_url).await?,
        secret: match &row.sealed_secret {
            Some(sealed) => Some(open(tx, keys, &secret_place(id), sealed).await?),
            None => None,
        },
        ca_pem: row.ca_pem,
    })
}

async fn open(tx: &OrgTx, keys: &Keys, place: &str, sealed: &[u8]) -> Result<Zeroizing<String>> {
    let open = orgs::open(tx, keys, place, sealed).await?;
    let text = std::str::from_utf8(&open).map_err(Error::internal)?;
    Ok(Zeroizing::new(text.to_string()))
}

fn check_name(errors: &mut Fields, name: &str) -> String {
    let name = errors.name("name", name);
    if name.contains('@') {
        errors.refuse(
            "name",
            "format",
            "has no @: messages would look as if they went to an address",
        );
    }
    name
}

fn check_url(errors: &mut Fields, url: &str, allow_plaintext: bool) -> String {
    match parse_origin(url) {
        Ok(origin) if origin.scheme == "http" && !allow_plaintext => {
            errors.refuse(
                "url",
                "plaintext",
                "everybody on the way can read and change calls without TLS: use https, or say allow_plaintext where that is meant",
            );
            String::new()
        }
        Ok(origin) => origin.to_string(),
        Err(why) => {
            errors.refuse("url", "format", why);
            String::new()
        }
    }
}

fn check_secret(errors: &mut Fields, kind: ChannelKind, secret: Option<&str>) {
    match secret {
        Some(secret) if !SECRET.contains(&secret.len()) || secret.chars().any(char::is_control) => {
            errors.refuse("secret", "format", "has 16 to 500 bytes and no control characters");
        }
        None if kind == ChannelKind::PagerDuty => {
            errors.refuse("secret", "required", "is the routing key of PagerDuty's integration");
        }
        Some(_) | None => {}
    }
}

fn check_ca(errors: &mut Fields, pem: Option<String>) -> Option<String> {
    pem.filter(|pem| !pem.trim().is_empty())
        .and_then(|text| read_cas(errors, &text))
}

/// Makes a channel. What nobody was told of is told by it.
///
/// # Errors
/// [`Error::Invalid`] that names every wrong field; [`Error::Refused`] `too_many_channels`; [`Error::Forbidden`] without
/// [`Permission::ManageAlerts`].
pub async fn create_channel(tx: &OrgTx, keys: &Keys, new: NewChannel) -> Result<Channel> {
    tx.scope().require(Permission::ManageAlerts)?;
    settings::lock_or_make(tx).await?;
    if tx.find::<channel::Entity>().count(tx).await? >= MAX_CHANNELS {
        return Err(Error::refused(
            "too_many_channels",
            format!("there are {MAX_CHANNELS} channels already: delete one that is not needed"),
        ));
    }
    let mut errors = Fields::default();
    let name = check_name(&mut errors, &new.name);
    let kind = ChannelKind::parse(&new.kind).unwrap_or_else(|| {
        errors.refuse("kind", "unknown", "is one of generic, slack, teams, pagerduty");
        ChannelKind::Generic
    });
    let origin = check_url(&mut errors, &new.url, new.allow_plaintext);
    let secret = new.secret.filter(|secret| !secret.is_empty());
    check_secret(&mut errors, kind, secret.as_ref().map(|secret| secret.as_str()));
    let ca_pem = check_ca(&mut errors, new.ca_pem);
    errors.finish()?;
    let id = new_id();
    let row = channel::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(id),
        name: Set(name.clone()),
        kind: Set(kind.as_str().into()),
        origin: Set(origin),
        sealed_url: Set(orgs::seal(tx, keys, &url_place(id), new.url.as_bytes()).await?),
        sealed_secret: Set(match secret {
            Some(secret) => Some(orgs::seal(tx, keys, &secret_place(id), secret.as_bytes()).await?),
            None => None,
        }),
        ca_pem: Set(ca_pem),
        enabled: Set(new.enabled),
        rules_only: Set(new.rules_only),
        version: Set(1),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
    }
    .insert(tx)
    .await
    .map_err(|error| name_taken(error, || format!("there is a channel `{name}` already")))?;
    settings::note_ways(tx).await?;
    untold::free(tx, None).await?;
    let made = read(&row)?;
    record(tx, "channel.create", &made, None, Some(told(&made))).await?;
    Ok(made)
}

/// Changes a channel. One that is switched off gets nothing; what waits for it is withdrawn.
///
/// # Errors
/// [`Error::Invalid`] that names every wrong field; [`Error::NotFound`]; [`Error::Conflict`] where it has another version;
/// [`Error::Forbidden`] without [`Permission::ManageAlerts`].
pub async fn update_channel(
    tx: &OrgTx,
    keys: &Keys,
    id: Uuid,
    expected: Option<i64>,
    change: ChannelChange,
) -> Result<Channel> {
    tx.scope().require(Permission::ManageAlerts)?;
    settings::lock_or_make(tx).await?;
    let row = find(tx, id, true).await?;
    let before = read(&row)?;
    require_version(expected, &before)?;
    let mut errors = Fields::default();
    let name = match &change.name {
        Some(name) => check_name(&mut errors, name),
        None => before.name.clone(),
    };
    let origin = match &change.url {
        Some(url) => check_url(&mut errors, url, change.allow_plaintext),
        None => before.origin.clone(),
    };
    if origin != before.origin && before.has_secret && change.secret.is_none() {
        errors.refuse(
            "secret",
            "required",
            "is given again with another host: the stored one was given for the receiver before",
        );
    }
    let secret = change.secret.map(|secret| secret.filter(|secret| !secret.is_empty()));
    if let Some(secret) = &secret {
        check_secret(&mut errors, before.kind, secret.as_ref().map(|secret| secret.as_str()));
    }
    let ca_pem = match change.ca_pem {
        Some(pem) => check_ca(&mut errors, pem),
        None => before.ca_pem.clone(),
    };
    errors.finish()?;
    let mut model: channel::ActiveModel = row.into();
    model.name = Set(name.clone());
    model.origin = Set(origin);
    if let Some(url) = &change.url {
        model.sealed_url = Set(orgs::seal(tx, keys, &url_place(id), url.as_bytes()).await?);
    }
    match secret {
        Some(Some(secret)) => {
            model.sealed_secret = Set(Some(orgs::seal(tx, keys, &secret_place(id), secret.as_bytes()).await?));
        }
        Some(None) => model.sealed_secret = Set(None),
        None => {}
    }
    model.ca_pem = Set(ca_pem);
    model.enabled = Set(change.enabled.unwrap_or(before.enabled));
    model.rules_only = Set(change.rules_only.unwrap_or(before.rules_only));
    model.version = Set(before.version + 1);
    model.updated_at = Set(tx.now());
    let row = model
        .update(tx)
        .await
        .map_err(|error| name_taken(error, || format!("there is a channel `{name}` already")))?;
    let after = read(&row)?;
    settings::note_ways(tx).await?;
    if before.enabled && !after.enabled {
        withdraw_all(tx, id, "not sent: the channel was switched off").await?;
    }
    untold::free(tx, None).await?;
    record(tx, "channel.update", &after, Some(told(&before)), Some(told(&after))).await?;
    Ok(after)
}

/// Deletes a channel; its messages stay in the ledger.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] where it has another version; [`Error::Forbidden`] without
/// [`Permission::ManageAlerts`].
pub async fn delete_channel(tx: &OrgTx, id: Uuid, expected: Option<i64>) -> Result<()> {
    tx.scope().require(Permission::ManageAlerts)?;
    settings::lock_or_make(tx).await?;
    let before = read(&find(tx, id, true).await?)?;
    require_version(expected, &before)?;
    tx.delete_many::<channel::Entity>()
        .filter(channel::Column::Id.eq(id))
        .exec(tx)
        .await?;
    settings::note_ways(tx).await?;
    withdraw_all(tx, id, "not sent: the channel was deleted").await?;
    untold::free(tx, None).await?;
    record(tx, "channel.delete", &before, Some(told(&before)), None).await
}

fn require_version(expected: Option<i64>, present: &Channel) -> Result<()> {
    match expected {
        Some(expected) if expected != present.version => Err(version_conflict("channel", present.version)),
        _ => Ok(()),
    }
}

/// Ends what waits for a channel. What is being sent is settled by whoever sends it.
async fn withdraw_all(tx: &OrgTx, id: Uuid, why: &str) -> Result<()> {
    use message::Column;
    tx.update_many::<message::Entity>()
        .col_expr(Column::State, Expr::value(SendState::Cancelled.as_str()))
        .col_expr(Column::DueAt, Expr::value(Option::<Timestamp>::None))
        .col_expr(Column::SettledAt, Expr::value(tx.now()))
        .col_expr(Column::Reply, Expr::value(why))
        .filter(Column::ChannelId.eq(id))
        .filter(Column::State.is_in([SendState::Due, SendState::Deferred].map(SendState::as_str)))
        .exec(tx)
        .await?;
    Ok(())
}

async fn record(tx: &OrgTx, action: &str, found: &Channel, before: Option<Value>, after: Option<Value>) -> Result<()> {
    let entry = Entry {
        action,
        object_kind: "channel",
        object_id: Some(found.id),
        object_name: &found.name,
        before,
        after,
    };
    audit::record(tx, entry).await
}
