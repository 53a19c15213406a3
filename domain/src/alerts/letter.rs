//! What one message tells: looked up when it is sent, so that all of it is true then.

use super::acknowledge;
use super::entity::{alert, run};
use super::language::Language;
use super::raise::cover;
use super::settings::Notifications;
use super::streams::{MessageKind, Stream};
use crate::db::OrgTx;
use crate::error::Result;
use crate::{Timestamp, orgs};
use chrono::TimeDelta;
use chrono_tz::Tz;
use sea_orm::sea_query::{Cond, Expr, ExprTrait, Func, JoinType, Order, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect};
use std::collections::HashSet;
use uuid::Uuid;

/// Rows that a mail lists; of the rest it says how many, and where they are.
const MAX_ROWS: u64 = 200;

/// One message, before it is rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// Name of the organisation.
    pub organisation: String,
    /// Language.
    pub language: Language,
    /// Time zone of the times.
    pub zone: Tz,
    /// When it is told.
    pub now: Timestamp,
    /// What it is.
    pub kind: MessageKind,
    /// Name of the rule that tells; none: the default.
    pub rule: Option<String>,
    /// Days before the end at which the first mail comes; of the default.
    pub start_days: i32,
    /// Days between two mails; of the default.
    pub frequency_days: i32,
    /// Certificates that have expired.
    pub expired: i64,
    /// Certificates that expire soon.
    pub expiring: i64,
    /// The soonest end among those that have not expired.
    pub soonest: Option<Timestamp>,
    /// Rows by cluster, the soonest first.
    pub groups: Vec<LetterGroup>,
    /// Rows that are not listed.
    pub more: i64,
    /// A calendar file with the ends of the rows goes along.
    pub attach_calendar: bool,
}

/// Rows of one cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct LetterGroup {
    /// The cluster.
    pub cluster_id: Uuid,
    /// Its name.
    pub cluster: String,
    /// Its product, as in the catalogue.
    pub product: String,
    /// Its certificates.
    pub rows: Vec<LetterRow>,
}

/// A certificate in a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct LetterRow {
    /// The certificate.
    pub certificate_id: Uuid,
    /// Its common name.
    pub common_name: String,
    /// Purpose of an identity certificate, or the trust store: one of them where there are several.
    pub purpose: String,
    /// `identity` or `trust`.
    pub kind: String,
    /// One of its nodes.
    pub node: String,
    /// Nodes of the cluster that have it.
    pub node_count: i64,
    /// Serial number.
    pub serial_hex: String,
    /// Its end.
    pub not_after: Timestamp,
}

/// Of which alerts of its run a message tells.
#[derive(Clone, Debug, Default)]
pub(super) struct Tells {
    /// How many.
    pub count: i64,
    /// All others.
    pub skipped: Vec<Uuid>,
}

fn col(table: &'static str, column: &'static str) -> Expr {
    Expr::col((table, column))
}

/// What every query of a letter joins: installations of the organisation that are there, end within the window and count by the
/// stream, with their cluster and node.
fn places(tx: &OrgTx, stream: &Stream, now: Timestamp) -> SelectStatement {
    let horizon = now + TimeDelta::days(i64::from(stream.window_days));
    let mut select = Query::select()
        .from("installation")
        .join(
            JoinType::InnerJoin,
            "cluster",
            col("cluster", "org_id")
                .eq(col("installation", "org_id"))
                .and(col("cluster", "id").eq(col("installation", "cluster_id"))),
        )
        .join(
            JoinType::InnerJoin,
            "node",
            col("node", "org_id")
                .eq(col("installation", "org_id"))
                .and(col("node", "id").eq(col("installation", "node_id"))),
        )
        .and_where(col("installation", "org_id").eq(tx.org_id()))
        .and_where(col("installation", "gone_at").is_null())
        .and_where(col("installation", "not_after").lte(horizon))
        .take();
    cover(&mut select, tx.org_id(), stream);
    select
}

/// As [`places`], of alerts of a run that hold: no later alert of the certificate has been raised, nobody has acknowledged it,
/// and whatever renews it by itself is overdue.
fn told(tx: &OrgTx, stream: &Stream, run: Uuid, now: Timestamp) -> SelectStatement {
    let mut select = places(tx, stream, now);
    select
        .join(
            JoinType::InnerJoin,
            "alert_mark",
            col("alert_mark", "org_id")
                .eq(col("installation", "org_id"))
                .and(col("alert_mark", "certificate_id").eq(col("installation", "certificate_id"))),
        )
        .join(
            JoinType::InnerJoin,
            "alert",
            col("alert", "org_id")
                .eq(col("alert_mark", "org_id"))
                .and(col("alert", "id").eq(col("alert_mark", "alert_id"))),
        )
        .and_where(col("alert", "run_id").eq(run))
        .and_where(acknowledge::holds(tx.org_id(), now).not())
        .cond_where(
            Cond::any()
                .add(col("installation", "renewal_due_at").is_null())
                .add(col("installation", "renewal_due_at").lte(now))
                .add(col("installation", "not_after").lte(now)),
        );
    select
}

/// Composes the letter of a run as things stand, and says of which of its alerts it tells; `None` where nothing of it holds.
/// `now` is the database's time, which a reading transaction does not know.
pub(super) async fn compose(
    tx: &OrgTx,
    settings: &Notifications,
    stream: &Stream,
    run: &run::Model,
    now: Timestamp,
) -> Result<Option<(Letter, Tells)>> {
    let kind = MessageKind::parse(&run.kind).unwrap_or(stream.kind());
    let run = run.id;
    let from = told(tx, stream, run, now);
    let Some(mut letter) = compose_of(tx, settings, now, &from).await? else {
        return Ok(None);
    };
    letter.kind = kind;
    letter.rule = stream.rule.as_ref().map(|(_, name)| name.clone());
    let holding: HashSet<Uuid> = tx
        .query_all(from.clone().expr_as(col("alert", "id"), "alert_id").distinct())
        .await?
        .iter()
        .map(|row| row.try_get("", "alert_id"))
        .collect::<Result<_, _>>()?;
    let all: Vec<Uuid> = tx
        .find::<alert::Entity>()
        .select_only()
        .column(alert::Column::Id)
        .filter(alert::Column::RunId.eq(run))
        .into_tuple()
        .all(tx)
        .await?;
    let skipped: Vec<Uuid> = all.iter().copied().filter(|id| !holding.contains(id)).collect();
    let count = i64::try_from(all.len() - skipped.len()).unwrap_or(i64::MAX);
    Ok(Some((letter, Tells { count, skipped })))
}

/// The letter of a digest without a certificate.
pub(super) async fn compose_empty(
    tx: &OrgTx,
    settings: &Notifications,
    stream: &Stream,
    now: Timestamp,
) -> Result<Letter> {
    let name = orgs::get(tx).await?.name;
    Ok(Letter {
        kind: MessageKind::Digest,
        rule: stream.rule.as_ref().map(|(_, name)| name.clone()),
        ..empty(name, settings, now)
    })
}

/// A letter of a warning of the default that tells of nothing yet.
fn empty(organisation: String, settings: &Notifications, now: Timestamp) -> Letter {
    Letter {
        organisation,
        language: settings.language,
        zone: settings.time_zone,
        now,
        kind: MessageKind::Warning,
        rule: None,
        start_days: settings.start_days,
        frequency_days: settings.frequency_days,
        expired: 0,
        expiring: 0,
        soonest: None,
        groups: Vec::new(),
        more: 0,
        attach_calendar: settings.attach_calendar,
    }
}

/// Composes a letter of all that is expiring or expired, for the preview.
async fn compose_preview(tx: &OrgTx, settings: &Notifications) -> Result<Option<Letter>> {
    let places = places(tx, &settings.default_stream(), tx.now());
    compose_of(tx, settings, tx.now(), &places).await
}

async fn compose_of(
    tx: &OrgTx,
    settings: &Notifications,
    now: Timestamp,
    from: &SelectStatement,
) -> Result<Option<Letter>> {
    let certificate = || col("installation", "certificate_id");
    let totals = from
        .clone()
        .expr_as(certificate(), "certificate_id")
        .expr_as(Func::min(col("installation", "not_after")), "not_after")
        .expr_as(col("installation", "cluster_id").count_distinct(), "clusters")
        .add_group_by([certificate()])
        .take();
    let (mut expired, mut expiring, mut rows_in_all, mut soonest) = (0, 0, 0_i64, None::<Timestamp>);
    for row in tx.query_all(&totals).await? {
        let not_after: Timestamp = row.try_get("", "not_after")?;
        let clusters: i64 = row.try_get("", "clusters")?;
        rows_in_all += clusters;
        if not_after <= now {
            expired += 1;
        } else {
            expiring += 1;
            soonest = Some(soonest.map_or(not_after, |found| Ord::min(found, not_after)));
        }
    }
    if rows_in_all == 0 {
        return Ok(None);
    }
    let rows = from
        .clone()
        .expr_as(certificate(), "certificate_id")
        .expr_as(col("installation", "cluster_id"), "cluster_id")
        .expr_as(Func::min(col("cluster", "name")), "cluster")
        .expr_as(Func::min(col("cluster", "product")), "product")
        .expr_as(Func::min(col("installation", "common_name")), "common_name")
        .expr_as(Func::min(col("installation", "kind")), "kind")
        .expr_as(Func::min(col("installation", "store")), "store")
        .expr_as(Func::min(col("node", "name")), "node")
        .expr_as(col("installation", "node_id").count_distinct(), "node_count")
        .expr_as(Func::min(col("installation", "serial_hex")), "serial_hex")
        .expr_as(Func::min(col("installation", "not_after")), "not_after")
        .add_group_by([certificate(), col("installation", "cluster_id")])
        .order_by_expr(Func::min(col("installation", "not_after")).into(), Order::Asc)
        .order_by(("installation", "certificate_id"), Order::Asc)
        .order_by(("installation", "cluster_id"), Order::Asc)
        .limit(MAX_ROWS)
        .take();
    let mut groups: Vec<LetterGroup> = Vec::new();
    let mut listed = 0;
    for row in tx.query_all(&rows).await? {
        listed += 1;
        let cluster_id: Uuid = row.try_get("", "cluster_id")?;
        let told = LetterRow {
            certificate_id: row.try_get("", "certificate_id")?,
            common_name: row.try_get("", "common_name")?,
            purpose: row.try_get("", "store")?,
            kind: row.try_get("", "kind")?,
            node: row.try_get("", "node")?,
            node_count: row.try_get("", "node_count")?,
            serial_hex: row.try_get("", "serial_hex")?,
            not_after: row.try_get("", "not_after")?,
        };
        match groups.iter_mut().find(|group| group.cluster_id == cluster_id) {
            Some(group) => group.rows.push(told),
            None => groups.push(LetterGroup {
                cluster_id,
                cluster: row.try_get("", "cluster")?,
                product: row.try_get("", "product")?,
                rows: vec![told],
            }),
        }
    }
    Ok(Some(Letter {
        expired,
        expiring,
        soonest,
        groups,
        more: rows_in_all - listed,
        ..empty(orgs::get(tx).await?.name, settings, now)
    }))
}

/// The letter that would be sent now with all that is expiring or expired; where nothing is, one with examples.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`crate::Permission::ReadAlerts`].
pub async fn preview_letter(tx: &OrgTx, language: Option<Language>) -> Result<Letter> {
    let mut settings = super::settings::notifications(tx).await?;
    if let Some(language) = language {
        settings.language = language;
    }
    if let Some(letter) = compose_preview(tx, &settings).await? {
        return Ok(letter);
    }
    let example = |name: &str, purpose: &str, days: i64| LetterRow {
        certificate_id: Uuid::nil(),
        common_name: name.into(),
        purpose: purpose.into(),
        kind: "identity".into(),
        node: name.into(),
        node_count: 1,
        serial_hex: "4E2B17A0".into(),
        not_after: tx.now() + TimeDelta::days(days),
    };
    Ok(Letter {
        expired: 1,
        expiring: 1,
        soonest: Some(tx.now() + TimeDelta::days(20)),
        groups: vec![LetterGroup {
            cluster_id: Uuid::nil(),
            cluster: "example".into(),
            product: "cucm".into(),
            rows: vec![
                example("cucm1.example.org", "tomcat", -1),
                example("cucm2.example.org", "CallManager", 20),
            ],
        }],
        ..empty(orgs::get(tx).await?.name, &settings, tx.now())
    })
}
