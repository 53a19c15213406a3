//! Acknowledgements: somebody knows of a certificate, and wants no mail about it until a day.
//!
//! One holds at a time for a certificate: wherever that is, or, where somebody gave it who is bound to groups, in these groups alone.
//! Places that come elsewhere later are told of. It ends at its day, when somebody takes it back or gives another one, and where it was
//! given before the certificate expired, with its expiry: that it has expired is told in any case.

use super::entity::{acknowledgement, acknowledgement_group};
use crate::audit::{self, Entry};
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::ids::new_id;
use crate::lists::{Page, fetch, page};
use crate::{Permission, Timestamp, certificates};
use chrono::TimeDelta;
use sea_orm::sea_query::{Cond, Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Longest time that one holds.
const LONGEST: TimeDelta = TimeDelta::days(365);
/// Longest reason, in characters.
const MAX_REASON: usize = 500;

/// An acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The acknowledgement.
    pub id: Uuid,
    /// The certificate.
    pub certificate_id: Uuid,
    /// Its common name.
    pub common_name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Why nobody needs to be told.
    pub reason: String,
    /// Until when.
    pub until: Timestamp,
    /// Who said so.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was taken back, or replaced by another one.
    pub ended_at: Option<Timestamp>,
    /// By whom.
    pub ended_by: Option<String>,
    /// Whether it holds in the groups of whoever gave it alone.
    pub bound: bool,
}

impl From<acknowledgement::Model> for Acknowledgement {
    fn from(row: acknowledgement::Model) -> Self {
        Self {
            id: row.id,
            certificate_id: row.certificate_id,
            common_name: row.common_name,
            sha256: row.sha256,
            reason: row.reason,
            until: row.until_at,
            created_by: row.created_by_name,
            created_at: row.created_at,
            ended_at: row.ended_at,
            ended_by: row.ended_by_name,
            bound: row.bound,
        }
    }
}

/// What somebody says of a certificate.
#[derive(Clone, Debug)]
pub struct NewAcknowledgement {
    /// The certificate.
    pub certificate_id: Uuid,
    /// Why nobody needs to be told.
    pub reason: String,
    /// Until when, at most a year from now.
    pub until: Timestamp,
}

/// Which acknowledgements.
#[derive(Clone, Debug, Default)]
pub struct AcknowledgementFilter {
    /// Only of this certificate.
    pub certificate_id: Option<Uuid>,
    /// Only those that hold.
    pub active: bool,
}

/// Time and id of the last one of a page.
pub type AcknowledgementCursor = (Timestamp, Uuid);

/// Acknowledges a certificate, in the place of what was said of it before.
///
/// # Errors
/// [`Error::Invalid`] that names every wrong field; [`Error::NotFound`] where the scope sees no such certificate;
/// [`Error::Forbidden`] without [`Permission::Operate`], or where the certificate is installed in groups that the scope does not see.
pub async fn acknowledge(tx: &OrgTx, new: NewAcknowledgement) -> Result<Acknowledgement> {
    tx.scope().require(Permission::Operate)?;
    let reason = check(&new, tx.now())?;
    let certificate = certificates::get(tx, new.certificate_id).await?;
    require_all_of(tx, certificate.id).await?;
    lock_marks(tx).await?;
    let before = match open(tx, certificate.id).await? {
        Some(before) => Some(end(tx, before).await?),
        None => None,
    };
    let groups = tx.scope().groups();
    let row = acknowledgement::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(new_id()),
        certificate_id: Set(certificate.id),
        common_name: Set(certificate.common_name),
        sha256: Set(certificate.sha256),
        reason: Set(reason),
        until_at: Set(crate::clock::cut(new.until)),
        created_by_name: Set(tx.scope().actor().name.clone()),
        created_at: Set(tx.now()),
        ended_at: Set(None),
        ended_by_name: Set(None),
        bound: Set(groups.is_some()),
    }
    .insert(tx)
    .await?;
    let rows = groups
        .into_iter()
        .flatten()
        .map(|group| acknowledgement_group::ActiveModel {
            org_id: Set(tx.org_id()),
            acknowledgement_id: Set(row.id),
            group_id: Set(*group),
        });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        acknowledgement_group::Entity::insert_many(rows)
            .exec_without_returning(tx)
            .await?;
    }
    let before = before.map(|found| {
        json!({ "id": found.id, "reason": found.reason, "until": found.until_at, "created_by": found.created_by_name })
    });
    let after = json!({ "certificate": row.certificate_id, "sha256": row.sha256, "reason": row.reason, "until": row.until_at, "groups": groups });
    tell(tx, "acknowledgement.create", &row, before, Some(after)).await?;
    Ok(row.into())
}

fn check(new: &NewAcknowledgement, now: Timestamp) -> Result<String> {
    let mut errors = Fields::default();
    let reason = new.reason.trim();
    if reason.is_empty() {
        errors.refuse("reason", "required", "says why nobody needs to be told");
    } else if reason.chars().count() > MAX_REASON {
        errors.refuse("reason", "too_long", format!("has more than {MAX_REASON} characters"));
    } else if reason.chars().any(char::is_control) {
        errors.refuse("reason", "control_character", "is one line without control characters");
    }
    if new.until <= now {
        errors.refuse("until", "past", "is in the future");
    } else if new.until > now + LONGEST {
        errors.refuse("until", "out_of_range", "is at most 365 days from now");
    }
    errors.finish()?;
    Ok(reason.into())
}

/// Whoever is bound to some groups speaks for a certificate only where all of its places are in them.
async fn require_all_of(tx: &OrgTx, certificate_id: Uuid) -> Result<()> {
    let Some(groups) = tx.scope().groups() else {
        return Ok(());
    };
    let elsewhere = Query::select()
        .expr(Expr::value(1))
        .from("installation")
        .inner_join(
            "cluster",
            Expr::col(("cluster", "org_id"))
                .eq(Expr::col(("installation", "org_id")))
                .and(Expr::col(("cluster", "id")).eq(Expr::col(("installation", "cluster_id")))),
        )
        .and_where(Expr::col(("installation", "org_id")).eq(tx.org_id()))
        .and_where(Expr::col(("installation", "certificate_id")).eq(certificate_id))
        .and_where(Expr::col(("installation", "gone_at")).is_null())
        .and_where(Expr::col(("cluster", "group_id")).is_not_in(groups.iter().copied()))
        .limit(1)
        .take();
    if tx.query_one(&elsewhere).await?.is_some() {
        return Err(Error::Forbidden {
            message:
                "the certificate is installed in other groups as well: whoever may act there has to acknowledge it"
                    .into(),
        });
    }
    Ok(())
}

/// The row of a certificate that nobody has ended, locked; its day may have come.
async fn open(tx: &OrgTx, certificate_id: Uuid) -> Result<Option<acknowledgement::Model>> {
    let mut select = tx
        .find::<acknowledgement::Entity>()
        .filter(acknowledgement::Column::CertificateId.eq(certificate_id))
        .filter(acknowledgement::Column::EndedAt.is_null());
    dialect::lock_rows(QuerySelect::query(&mut select));
    Ok(select.one(tx).await?)
}

/// Takes an acknowledgement back: what has come due meanwhile is told by the next sweep.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] `acknowledgement_over`; [`Error::Forbidden`] as for [`acknowledge`].
pub async fn end_acknowledgement(tx: &OrgTx, id: Uuid) -> Result<Acknowledgement> {
    tx.scope().require(Permission::Operate)?;
    let found = find(tx, id).await?;
    require_all_of(tx, found.certificate_id).await?;
    lock_marks(tx).await?;
    if found.ended_at.is_some() || found.until_at <= tx.now() {
        return Err(Error::refused(
            "acknowledgement_over",
            "the acknowledgement is over: there is nothing to take back",
        ));
    }
    let before = json!({ "reason": found.reason, "until": found.until_at });
    let row = end(tx, found).await?;
    tell(tx, "acknowledgement.end", &row, Some(before), None).await?;
    Ok(row.into())
}

async fn end(tx: &OrgTx, found: acknowledgement::Model) -> Result<acknowledgement::Model> {
    look_again(tx, found.certificate_id).await?;
    Ok(acknowledgement::ActiveModel {
        ended_at: Set(Some(tx.now())),
        ended_by_name: Set(Some(tx.scope().actor().name.clone())),
        ..found.into()
    }
    .update(tx)
    .await?)
}

/// Has sweeps wait until this is done: one that has read the acknowledgement before would write its marks over what is said here. The
/// settings are out of sight for whoever is bound to groups.
async fn lock_marks(tx: &OrgTx) -> Result<()> {
    let mut select = Query::select()
        .column("org_id")
        .from("notification_setting")
        .and_where(Expr::col("org_id").eq(tx.org_id()))
        .take();
    dialect::lock_rows(&mut select);
    tx.query_one(&select).await?;
    Ok(())
}

/// Has the next sweep look at the certificate again; marks are out of sight for whoever is bound to groups.
async fn look_again(tx: &OrgTx, certificate_id: Uuid) -> Result<()> {
    let update = Query::update()
        .table("alert_mark")
        .value("next_at", Expr::value(tx.now()))
        .and_where(Expr::col("org_id").eq(tx.org_id()))
        .and_where(Expr::col("certificate_id").eq(certificate_id))
        .take();
    tx.execute(&update).await?;
    Ok(())
}

async fn tell(
    tx: &OrgTx,
    action: &str,
    row: &acknowledgement::Model,
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
) -> Result<()> {
    let entry = Entry {
        action,
        object_kind: "acknowledgement",
        object_id: Some(row.id),
        object_name: &row.common_name,
        before,
        after,
    };
    audit::record(tx, entry).await
}

async fn find(tx: &OrgTx, id: Uuid) -> Result<acknowledgement::Model> {
    let found = tx.find::<acknowledgement::Entity>();
    let found = found.filter(acknowledgement::Column::Id.eq(id));
    found.one(tx).await?.ok_or(Error::NotFound {
        what: "acknowledgement",
    })
}

/// One acknowledgement.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn get_acknowledgement(tx: &OrgTx, id: Uuid) -> Result<Acknowledgement> {
    tx.scope().require(Permission::ReadFleet)?;
    Ok(find(tx, id).await?.into())
}

/// One page of acknowledgements, the latest first.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn list_acknowledgements(
    tx: &OrgTx,
    filter: &AcknowledgementFilter,
    after: Option<AcknowledgementCursor>,
    limit: u64,
) -> Result<Page<Acknowledgement, AcknowledgementCursor>> {
    tx.scope().require(Permission::ReadFleet)?;
    use acknowledgement::{Column, Entity};
    let mut rows = tx.find::<Entity>();
    if let Some(certificate) = filter.certificate_id {
        rows = rows.filter(Column::CertificateId.eq(certificate));
    }
    if filter.active {
        rows = rows
            .filter(Column::EndedAt.is_null())
            .filter(Column::UntilAt.gt(tx.now()));
    }
    if let Some((at, id)) = after {
        let key = Expr::tuple([Expr::col((Entity, Column::CreatedAt)), Expr::col((Entity, Column::Id))]);
        rows = rows.filter(key.lt(Expr::tuple([Expr::value(at), Expr::value(id)])));
    }
    let found = rows
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(fetch(limit))
        .all(tx)
        .await?
        .into_iter()
        .map(Acknowledgement::from)
        .collect();
    Ok(page(found, limit, |row| (row.created_at, row.id)))
}

/// What holds of these certificates, which the scope sees.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn acknowledged(tx: &OrgTx, ids: impl IntoIterator<Item = Uuid>) -> Result<HashMap<Uuid, Acknowledgement>> {
    tx.scope().require(Permission::ReadFleet)?;
    let mut ids: Vec<Uuid> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(tx
        .find::<acknowledgement::Entity>()
        .filter(acknowledgement::Column::EndedAt.is_null())
        .filter(acknowledgement::Column::UntilAt.gt(tx.now()))
        .filter(acknowledgement::Column::CertificateId.is_in(ids))
        .all(tx)
        .await?
        .into_iter()
        .map(|row| (row.certificate_id, row.into()))
        .collect())
}

/// Until when an acknowledgement keeps a certificate quiet that ends then.
pub(super) fn quiet_until(found: &Acknowledgement, not_after: Timestamp) -> Timestamp {
    if found.created_at < not_after {
        Ord::min(found.until, not_after)
    } else {
        found.until
    }
}

/// Of these installations those for which an acknowledgement holds.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`].
pub async fn acknowledged_places(tx: &OrgTx, ids: impl IntoIterator<Item = Uuid>) -> Result<HashSet<Uuid>> {
    tx.scope().require(Permission::ReadFleet)?;
    let select = Query::select()
        .expr_as(Expr::col(("installation", "id")), "id")
        .from("installation")
        .and_where(Expr::col(("installation", "org_id")).eq(tx.org_id()))
        .and_where(Expr::col(("installation", "id")).is_in(ids))
        .and_where(holds(tx.org_id(), tx.now()))
        .take();
    let rows = tx.query_all(&select).await?;
    Ok(rows.iter().map(|row| row.try_get("", "id")).collect::<Result<_, _>>()?)
}

/// Of these certificates those with a place for which no acknowledgement holds, as it was given for other groups.
pub(super) async fn uncovered(tx: &OrgTx, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    let mut found = HashSet::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let select = Query::select()
        .expr_as(Expr::col(("installation", "certificate_id")), "certificate_id")
        .distinct()
        .from("installation")
        .and_where(Expr::col(("installation", "org_id")).eq(tx.org_id()))
        .and_where(Expr::col(("installation", "gone_at")).is_null())
        .and_where(Expr::col(("installation", "certificate_id")).is_in(ids.iter().copied()))
        .and_where(holds(tx.org_id(), tx.now()).not())
        .take();
    for row in tx.query_all(&select).await? {
        found.insert(row.try_get("", "certificate_id")?);
    }
    Ok(found)
}

/// As a condition on rows of `installation`: an acknowledgement of the certificate holds at this place.
pub(super) fn holds(org_id: Uuid, now: Timestamp) -> Expr {
    let col = |name: &'static str| Expr::col(("acknowledgement", name));
    let of_group = Query::select()
        .expr(Expr::value(1))
        .from("acknowledgement_group")
        .inner_join(
            "cluster",
            Expr::col(("cluster", "org_id"))
                .eq(Expr::col(("acknowledgement_group", "org_id")))
                .and(Expr::col(("cluster", "group_id")).equals(("acknowledgement_group", "group_id"))),
        )
        .and_where(Expr::col(("acknowledgement_group", "org_id")).eq(org_id))
        .and_where(Expr::col(("acknowledgement_group", "acknowledgement_id")).equals(("acknowledgement", "id")))
        .and_where(Expr::col(("cluster", "id")).equals(("installation", "cluster_id")))
        .take();
    let select = open_of_installation(org_id, now)
        .cond_where(
            Cond::any()
                .add(Expr::col(("installation", "not_after")).gt(now))
                .add(col("created_at").gte(Expr::col(("installation", "not_after")))),
        )
        .cond_where(Cond::any().add(col("bound").eq(false)).add(Expr::exists(of_group)))
        .take();
    Expr::exists(select)
}

/// As a condition on rows of `installation`: there is an acknowledgement of the certificate that may not hold everywhere.
pub(super) fn holds_somewhere(org_id: Uuid, now: Timestamp) -> Expr {
    let mut select = open_of_installation(org_id, now);
    select.and_where(Expr::col(("acknowledgement", "bound")).eq(true));
    Expr::exists(select)
}

fn open_of_installation(org_id: Uuid, now: Timestamp) -> SelectStatement {
    let col = |name: &'static str| Expr::col(("acknowledgement", name));
    Query::select()
        .expr(Expr::value(1))
        .from("acknowledgement")
        .and_where(col("org_id").eq(org_id))
        .and_where(col("certificate_id").equals(("installation", "certificate_id")))
        .and_where(col("ended_at").is_null())
        .and_where(col("until_at").gt(now))
        .take()
}
