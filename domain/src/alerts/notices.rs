//! Notices: what keeps people from being told is told itself, by mail to recipients and owners and by the channels, as far as they still
//! get anything; where the default has none, by those of rules. Each is told once when it begins and once a day while it lasts.

use super::entity::{mail, message, run, suspended, trouble};
use super::health::{self, Code, Trouble};
use super::language::Language;
use super::queue::new_message;
use super::settings::{self, Notifications};
use crate::db::{Db, OrgTx};
use crate::error::Result;
use crate::ids::new_id;
use crate::{Role, Scope, Timestamp, orgs, people};
use chrono::TimeDelta;
use chrono_tz::Tz;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Set};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Rule of the runs that carry notices.
pub const NOTICE_RULE: Uuid = Uuid::from_u128(1);
/// How often trouble that lasts is told.
const REPEAT: TimeDelta = TimeDelta::hours(24);
/// For how long trouble that is gone is remembered: what comes back within it is the same.
const REMEMBERED: TimeDelta = TimeDelta::hours(1);

/// What a message tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Certificates that expire or have expired.
    Certificates,
    /// What keeps people from being told.
    Trouble,
}

impl About {
    /// Its name in the API and in storage.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certificates => "certificates",
            Self::Trouble => "trouble",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Certificates, Self::Trouble]
            .into_iter()
            .find(|about| about.as_str() == name)
    }
}

/// A notice, before it is rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Name of the organisation.
    pub organisation: String,
    /// Language.
    pub language: Language,
    /// Time zone of the times.
    pub zone: Tz,
    /// When it is told.
    pub now: Timestamp,
    /// What keeps people from being told, at that time.
    pub troubles: Vec<Trouble>,
}

/// Makes notices of new and lasting trouble, over all organisations; how many messages. An organisation that fails is logged, and keeps
/// no other one waiting.
///
/// # Errors
/// Organisations cannot be listed: the database is busy or away.
pub async fn raise_notices(db: &Db) -> Result<u64> {
    let mut made = 0;
    for org in orgs::list(db).await? {
        match raise_of(db, &Scope::system(org.id, "notices")).await {
            Ok(messages) => made += messages,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, org = %org.id, "trouble was not told of; it is tried again");
            }
        }
    }
    Ok(made)
}

async fn raise_of(db: &Db, scope: &Scope) -> Result<u64> {
    let now = db.now().await?;
    let tx = db.read(scope).await?;
    let look = Look::new(&tx, now).await?;
    drop(tx);
    if look.is_settled() {
        return Ok(0);
    }
    let tx = db.write(scope).await?;
    // Workers come one after the other.
    if tx.find::<mail::Entity>().count(&tx).await? > 0 {
        // Owners can be told, whether anybody has said anything of notifications or not.
        settings::lock_or_make(&tx).await?;
    }
    let Some((_, settings)) = settings::lock(&tx).await? else {
        return Ok(0);
    };
    let look = Look::new(&tx, tx.now()).await?;
    look.note(&tx).await?;
    let made = match look.is_to_be_told() {
        true => queue(&tx, &settings).await?,
        false => 0,
    };
    if made > 0 {
        look.note_told(&tx).await?;
    }
    tx.commit().await?;
    Ok(made)
}

/// Trouble as it is, beside what is known of it.
struct Look {
    now: Timestamp,
    found: BTreeSet<Code>,
    known: BTreeMap<String, trouble::Model>,
}

impl Look {
    async fn new(tx: &OrgTx, now: Timestamp) -> Result<Self> {
        let known = tx.find::<trouble::Entity>().all(tx).await?;
        Ok(Self {
            now,
            found: health::health(tx).await?.into_iter().map(|found| found.code).collect(),
            known: known.into_iter().map(|row| (row.code.clone(), row)).collect(),
        })
    }

    fn is_to_be_told(&self) -> bool {
        self.found.iter().any(|code| {
            let told = self.known.get(code.as_str()).and_then(|row| row.told_at);
            // What was told in the future was told by a clock that was ahead.
            told.is_none_or(|at| at > self.now || self.now - at >= REPEAT)
        })
    }

    /// Gone, and not yet known to be.
    fn ended(&self) -> impl Iterator<Item = &str> {
        let gone = |row: &&trouble::Model| row.ended_at.is_none() && !self.holds(&row.code);
        self.known.values().filter(gone).map(|row| row.code.as_str())
    }

    /// Gone for so long that it would be new.
    fn forgotten(&self) -> impl Iterator<Item = &str> {
        let old =
            |row: &&trouble::Model| !self.holds(&row.code) && row.ended_at.is_some_and(|at| self.now - at > REMEMBERED);
        self.known.values().filter(old).map(|row| row.code.as_str())
    }

    /// It was gone, and is there again.
    fn returned(&self) -> impl Iterator<Item = &str> {
        let back = |row: &&trouble::Model| row.ended_at.is_some() && self.holds(&row.code);
        self.known.values().filter(back).map(|row| row.code.as_str())
    }

    fn begun(&self) -> impl Iterator<Item = &str> {
        self.found
            .iter()
            .map(|code| code.as_str())
            .filter(|code| !self.known.contains_key(*code))
    }

    fn holds(&self, code: &str) -> bool {
        self.found.iter().any(|found| found.as_str() == code)
    }

    fn is_settled(&self) -> bool {
        let changes = self.ended().chain(self.forgotten()).chain(self.returned()).next();
        changes.is_none() && !self.is_to_be_told()
    }

    async fn note(&self, tx: &OrgTx) -> Result<()> {
        tx.delete_many::<trouble::Entity>()
            .filter(trouble::Column::Code.is_in(self.forgotten()))
            .exec(tx)
            .await?;
        let set_end = async |codes: Vec<&str>, at: Option<Timestamp>| {
            tx.update_many::<trouble::Entity>()
                .col_expr(trouble::Column::EndedAt, Expr::value(at))
                .filter(trouble::Column::Code.is_in(codes))
                .exec(tx)
                .await
        };
        set_end(self.ended().collect(), Some(self.now)).await?;
        set_end(self.returned().collect(), None).await?;
        for code in self.begun() {
            let row = trouble::ActiveModel {
                org_id: Set(tx.org_id()),
                code: Set(code.into()),
                since_at: Set(self.now),
                told_at: Set(None),
                ended_at: Set(None),
            };
            row.insert(tx).await?;
        }
        Ok(())
    }

    /// One notice tells of all that there is.
    async fn note_told(&self, tx: &OrgTx) -> Result<()> {
        tx.update_many::<trouble::Entity>()
            .col_expr(trouble::Column::ToldAt, Expr::value(self.now))
            .filter(trouble::Column::Code.is_in(self.found.iter().map(|code| code.as_str())))
            .exec(tx)
            .await?;
        Ok(())
    }
}

/// Makes a message for everybody who can be reached: addresses and channels through which nothing is stuck.
async fn queue(tx: &OrgTx, settings: &Notifications) -> Result<u64> {
    let blocked = health::blocked(tx).await?;
    let free = |recipient: &str, channel: Option<Uuid>| !blocked.contains(&(recipient.to_string(), channel));
    let channels = settings
        .notice_channels()
        .iter()
        .filter(|(id, name)| free(name, Some(*id)))
        .map(|(id, name)| (name.clone(), Some(*id)));
    let addresses = addresses(tx, settings).await?;
    let mails = addresses
        .into_iter()
        .filter(|address| free(address, None))
        .map(|address| (address, None));
    let ways: Vec<(String, Option<Uuid>)> = mails.chain(channels).collect();
    if ways.is_empty() {
        return Ok(0);
    }
    let run = run::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(new_id()),
        rule_id: Set(NOTICE_RULE),
        state: Set("closed".into()),
        alert_count: Set(0),
        created_at: Set(tx.now()),
        closed_at: Set(Some(tx.now())),
        // Of no rule, and none of what a rule makes.
        kind: Set(About::Trouble.as_str().into()),
        of_rule_id: Set(None),
        rule_name: Set(None),
    };
    let run = run.insert(tx).await?;
    let made = ways.len() as u64;
    let rows = ways.into_iter().map(|(recipient, channel)| message::ActiveModel {
        about: Set(About::Trouble.as_str().into()),
        ..new_message(tx, &run, recipient, channel)
    });
    message::Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(made)
}

/// Addresses of recipients and owners that take mail; none without a mail server.
async fn addresses(tx: &OrgTx, settings: &Notifications) -> Result<BTreeSet<String>> {
    if tx.find::<mail::Entity>().count(tx).await? == 0 {
        return Ok(BTreeSet::new());
    }
    let mut found: BTreeSet<String> = settings.recipients.iter().cloned().collect();
    if found.is_empty() {
        let rules = settings.rules.iter().filter(|rule| rule.enabled);
        found.extend(rules.flat_map(|rule| rule.recipients.iter().cloned()));
    }
    found.extend(people::addresses_of(tx, Role::Owner).await?);
    let suspended: Vec<String> = tx
        .find::<suspended::Entity>()
        .select_only()
        .column(suspended::Column::Recipient)
        .into_tuple()
        .all(tx)
        .await?;
    for recipient in suspended {
        found.remove(&recipient);
    }
    Ok(found)
}

/// Composes a notice as things stand; `None` where all is well again.
pub(super) async fn compose(tx: &OrgTx, settings: &Notifications, now: Timestamp) -> Result<Option<Notice>> {
    let troubles = health::health(tx).await?;
    if troubles.is_empty() {
        return Ok(None);
    }
    Ok(Some(Notice {
        organisation: orgs::get(tx).await?.name,
        language: settings.language,
        zone: settings.time_zone,
        now,
        troubles,
    }))
}
