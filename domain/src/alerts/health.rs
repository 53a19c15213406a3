//! The dead man's switch: whether somebody is told of what expires. One function answers it, for the banner, the metrics
//! and readiness.

use super::entity::{mail, message, setting};
use super::notices::About;
use super::settings;
use super::sweep::failed_before;
use crate::clusters::{self, ClusterFilter};
use crate::db::{Db, OrgTx};
use crate::error::Result;
use crate::{Scope, Timestamp, orgs};
use chrono::TimeDelta;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Without a sweep that came to its end for so long, nobody is told.
const SWEEP_LATE: TimeDelta = TimeDelta::hours(2);
/// A message that is put off for so long has a server that does not take it; greylisting is over by then.
const DELAYED: TimeDelta = TimeDelta::minutes(30);
/// For how long a message that was given up is told of, unless its recipient has got a later one.
const DEAD_SHOWN: TimeDelta = TimeDelta::days(30);

/// What keeps people from being told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// Certificates expire or have expired, and there is nobody to tell.
    NoRecipients,
    /// There are recipients, and no mail server.
    MailNotConfigured,
    /// No sweep has come to its end for two hours.
    SweepLate,
    /// Certificates could not be raised by the last sweep.
    CertificatesFailing,
    /// Messages wait for half an hour: the mail server puts them off or cannot be reached, or nobody tries.
    MailDelayed,
    /// Messages were given up.
    MessageDead,
    /// Recipients get nothing, as their server refused.
    RecipientsSuspended,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 7] = [
        Self::NoRecipients,
        Self::MailNotConfigured,
        Self::SweepLate,
        Self::CertificatesFailing,
        Self::MailDelayed,
        Self::MessageDead,
        Self::RecipientsSuspended,
    ];

    /// Its name in the API, in metrics and in readiness.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoRecipients => "no_recipients",
            Self::MailNotConfigured => "mail_not_configured",
            Self::SweepLate => "sweep_late",
            Self::CertificatesFailing => "certificates_failing",
            Self::MailDelayed => "mail_delayed",
            Self::MessageDead => "message_dead",
            Self::RecipientsSuspended => "recipients_suspended",
        }
    }
}

/// One thing that keeps people from being told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What.
    pub code: Code,
    /// One sentence with the way out.
    pub message: String,
    /// How many certificates, messages or recipients.
    pub count: i64,
}

impl Trouble {
    fn new(code: Code, count: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            count,
        }
    }
}

/// What keeps people of this organisation from being told; empty where all is well. Whoever sees the fleet may know, as it
/// names nobody.
///
/// # Errors
/// The database is busy or away.
pub async fn health(tx: &OrgTx) -> Result<Vec<Trouble>> {
    let scope = Scope::system(tx.org_id(), "health");
    // Rows of settings and messages are out of sight for whoever is bound to a group; what is wrong is not.
    let view = View { tx, scope: &scope };
    view.troubles().await
}

/// A recipient, and the channel where it is one.
pub(super) type Blocked = (String, Option<Uuid>);

/// Ways on which messages have been waiting for half an hour, or were given up.
pub(super) async fn blocked(tx: &OrgTx) -> Result<BTreeSet<Blocked>> {
    let scope = Scope::system(tx.org_id(), "health");
    View { tx, scope: &scope }.blocked().await
}

struct View<'a> {
    tx: &'a OrgTx,
    scope: &'a Scope,
}

impl View<'_> {
    async fn troubles(&self) -> Result<Vec<Trouble>> {
        let tx = self.tx;
        let now = tx.now();
        let org = self.scope.org_id();
        let row = setting::Entity::find()
            .filter(setting::Column::OrgId.eq(org))
            .one(tx)
            .await?;
        let mut found = Vec::new();
        let Some(row) = row.filter(|row| row.has_recipients) else {
            let counts = clusters::certificate_counts(tx, &ClusterFilter::default()).await?;
            let ending =
                counts.identity.expired + counts.identity.expiring + counts.trust.expired + counts.trust.expiring;
            if ending > 0 {
                found.push(Trouble::new(
                    Code::NoRecipients,
                    ending,
                    "certificates expire or have expired, and nobody is told: enter recipients or channels under Settings, Notifications",
                ));
            }
            return Ok(found);
        };
        let servers = mail::Entity::find()
            .filter(mail::Column::OrgId.eq(org))
            .count(tx)
            .await?;
        if servers == 0 && settings::has_addresses(tx, &row).await? {
            found.push(Trouble::new(
                Code::MailNotConfigured,
                1,
                "there are recipients and no mail server, so no mail leaves: enter it under Settings, Mail",
            ));
        }
        let swept_at = row.swept_at.unwrap_or(row.updated_at);
        if now - swept_at > SWEEP_LATE {
            found.push(Trouble::new(
                Code::SweepLate,
                1,
                format!(
                    "no sweep for due alerts has ended since {}: see whether the worker runs, and its log",
                    swept_at.format("%Y-%m-%d %H:%M UTC")
                ),
            ));
        }
        let failing = failed_before(&row);
        if let Some(certificate) = failing.first() {
            found.push(Trouble::new(
                Code::CertificatesFailing,
                i64::try_from(failing.len()).unwrap_or(i64::MAX),
                format!("nobody is told of certificate {certificate}, as its alert cannot be written: each sweep tries again, and the worker's log says why"),
            ));
        }
        let delayed = self.delayed(now, servers).count(tx).await?;
        if delayed > 0 {
            found.push(Trouble::new(
                Code::MailDelayed,
                count(delayed),
                "messages have been waiting for half an hour: see under Messages what the mail server or the receiver says, and whether the worker runs",
            ));
        }
        let dead = self.dead(now).count(tx).await?;
        if dead > 0 {
            found.push(Trouble::new(
                Code::MessageDead,
                count(dead),
                "messages were given up after 48 hours or refused for what they are: put the mail server or the channel right and send them again under Messages",
            ));
        }
        let suspended = settings::suspended_count(tx, &row).await?;
        if suspended > 0 {
            found.push(Trouble::new(
                Code::RecipientsSuspended,
                count(suspended),
                "recipients get no mail, as their server refused it: correct or resume them under Settings, Notifications",
            ));
        }
        Ok(found)
    }

    /// Messages about certificates: what becomes of a notice of trouble is no trouble of its own, or one would make the next.
    fn messages(&self) -> sea_orm::Select<message::Entity> {
        message::Entity::find()
            .filter(message::Column::OrgId.eq(self.scope.org_id()))
            .filter(message::Column::About.eq(About::Certificates.as_str()))
    }

    /// Messages that wait longer than greylisting takes, whether anybody has tried them or not.
    fn delayed(&self, now: Timestamp, servers: u64) -> sea_orm::Select<message::Entity> {
        // What waits because there is no mail server has a name of its own.
        let reachable = match servers {
            0 => Condition::all().add(message::Column::ChannelId.is_not_null()),
            _ => Condition::all(),
        };
        let since = Expr::col((message::Entity, message::Column::FirstTriedAt))
            .if_null(Expr::col((message::Entity, message::Column::CreatedAt)));
        self.messages()
            .filter(message::Column::State.is_in(["due", "deferred", "sending"]))
            .filter(since.lt(now - DELAYED))
            .filter(reachable)
    }

    /// Messages that were given up, or refused for another reason than their recipient, who has got no later one.
    fn dead(&self, now: Timestamp) -> sea_orm::Select<message::Entity> {
        let later = Query::select()
            .expr(Expr::value(1))
            .from_as("message", "later")
            .and_where(Expr::col(("later", "org_id")).eq(self.scope.org_id()))
            .and_where(Expr::col(("later", "recipient")).equals(("message", "recipient")))
            .and_where(Expr::col(("later", "about")).eq(About::Certificates.as_str()))
            .and_where(Expr::col(("later", "state")).eq("accepted"))
            .and_where(Expr::col(("later", "created_at")).gt(Expr::col(("message", "created_at"))))
            .take();
        let suspended = Query::select()
            .expr(Expr::value(1))
            .from("suspended_recipient")
            .and_where(Expr::col(("suspended_recipient", "org_id")).eq(self.scope.org_id()))
            .and_where(Expr::col(("suspended_recipient", "recipient")).equals(("message", "recipient")))
            .take();
        let in_vain = Condition::any()
            .add(message::Column::State.eq("dead"))
            .add(message::Column::State.eq("refused").and(Expr::exists(suspended).not()));
        self.messages()
            .filter(in_vain)
            .filter(message::Column::CreatedAt.gt(now - DEAD_SHOWN))
            .filter(Expr::exists(later).not())
    }

    /// To whom, and by which channel, messages do not come through at present.
    async fn blocked(&self) -> Result<BTreeSet<Blocked>> {
        let now = self.tx.now();
        let mut blocked = BTreeSet::new();
        for messages in [self.delayed(now, 1), self.dead(now)] {
            let ways: Vec<Blocked> = messages
                .select_only()
                .column(message::Column::Recipient)
                .column(message::Column::ChannelId)
                .distinct()
                .into_tuple()
                .all(self.tx)
                .await?;
            blocked.extend(ways);
        }
        Ok(blocked)
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Organisations in each kind of trouble, for metrics and readiness: all codes, 0 where none is.
///
/// # Errors
/// The database is busy or away.
pub async fn health_of_all(db: &Db) -> Result<BTreeMap<Code, u64>> {
    let mut counts: BTreeMap<Code, u64> = Code::ALL.into_iter().map(|code| (code, 0)).collect();
    for org in orgs::list(db).await? {
        let tx = db.read(&Scope::system(org.id, "health")).await?;
        for trouble in health(&tx).await? {
            *counts.entry(trouble.code).or_default() += 1;
        }
    }
    Ok(counts)
}
