//! Sessions of people: 30 minutes idle, 12 hours in all.

use super::credential::{Claim, Credential, SESSION_PREFIX};
use super::entity::{membership, session, user};
use super::{Membership, Origin, Principal, Session, groups_of, members, role_of, unauthenticated};
use crate::audit::{self, Entry};
use crate::db::OrgTx;
use crate::error::{Error, Result};
use crate::ids::new_id;
use crate::{ActorKind, Db, Scope};
use chrono::Duration;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Minutes without a request after which a session ends.
pub const IDLE_MINUTES: i64 = 30;
/// Hours after which a session ends in any case.
pub const WHOLE_HOURS: i64 = 12;
/// "Last seen" is written at most this often.
const TOUCH_SECONDS: i64 = 60;
const KEPT_DAYS: i64 = 30;

pub(super) async fn start(tx: &OrgTx, membership: &Membership, origin: &Origin) -> Result<(Uuid, Zeroizing<String>)> {
    let id = new_id();
    let credential = Credential::make(SESSION_PREFIX, tx.org_id(), id)?;
    session::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(id),
        membership_id: Set(membership.id),
        token_hash: Set(credential.hash),
        address: Set(origin.address.clone()),
        user_agent: Set(origin.user_agent.chars().take(200).collect()),
        created_at: Set(tx.now()),
        last_seen_at: Set(tx.now()),
        expires_at: Set(tx.now() + Duration::hours(WHOLE_HOURS)),
        ended_at: Set(None),
    }
    .insert(tx)
    .await?;
    Ok((id, credential.text))
}

/// Finds who holds a session.
///
/// # Errors
/// [`Error::Unauthenticated`] when it is unknown, over, or its holder may not come in any more.
pub async fn authenticate_session(db: &Db, text: &str, origin: &Origin) -> Result<Principal> {
    let claim = Claim::parse(SESSION_PREFIX, text).ok_or_else(unauthenticated)?;
    let system = Scope::system(claim.org_id, "sign-in");
    let tx = db.read(&system).await?;
    let (found, member) = live(&tx, claim.id).await?;
    if !claim.matches(&found.token_hash) {
        return Err(unauthenticated());
    }
    let now = tx.now();
    drop(tx);
    if now - found.last_seen_at >= Duration::seconds(TOUCH_SECONDS) {
        let tx = db.write(&system).await?;
        tx.update_many::<session::Entity>()
            .col_expr(session::Column::LastSeenAt, Expr::value(tx.now()))
            .filter(session::Column::Id.eq(found.id))
            .exec(&tx)
            .await?;
        tx.commit().await?;
    }
    principal(&member, found.id, origin)
}

/// A session that is not over, with the membership of its holder, who may still come in.
pub(super) async fn live(tx: &OrgTx, id: Uuid) -> Result<(Session, Membership)> {
    let found = tx
        .find::<session::Entity>()
        .filter(session::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or_else(unauthenticated)?;
    let idle = found.last_seen_at + Duration::minutes(IDLE_MINUTES);
    if found.ended_at.is_some() || tx.now() >= found.expires_at || tx.now() >= idle {
        return Err(unauthenticated());
    }
    let member = members::lasting(tx, membership::Column::Id.eq(found.membership_id))
        .await?
        .ok_or_else(unauthenticated)?;
    require_enabled(tx, &member).await?;
    Ok((found, member))
}

/// Refuses a person who was switched off over all organisations.
pub(super) async fn require_enabled(tx: &OrgTx, member: &Membership) -> Result<()> {
    let user = user::Entity::find_by_id(member.user_id).one(tx).await?;
    match user.is_some_and(|user| user.disabled_at.is_none()) {
        true => Ok(()),
        false => Err(unauthenticated()),
    }
}

pub(super) fn principal(member: &Membership, session: Uuid, origin: &Origin) -> Result<Principal> {
    Ok(Principal {
        session_id: Some(session),
        ..person(member, origin)?
    })
}

/// A person as they are, without a session.
pub(super) fn person(member: &Membership, origin: &Origin) -> Result<Principal> {
    let groups = groups_of(member.group_ids.as_ref())?;
    let role = role_of(&member.role)?;
    let mut principal = Principal::new(
        ActorKind::User,
        member.org_id,
        Some(member.id),
        &member.name,
        role,
        groups,
        origin,
    );
    principal.email = Some(member.email.clone());
    Ok(principal)
}

/// The caller's own sessions that are not over, newest first.
///
/// # Errors
/// The database is busy or away.
pub async fn list_sessions(tx: &OrgTx) -> Result<Vec<Session>> {
    let Some(me) = tx.scope().actor().id else {
        return Ok(Vec::new());
    };
    Ok(tx
        .find::<session::Entity>()
        .filter(session::Column::MembershipId.eq(me))
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(tx.now()))
        .filter(session::Column::LastSeenAt.gt(tx.now() - Duration::minutes(IDLE_MINUTES)))
        .order_by_desc(session::Column::CreatedAt)
        .limit(200)
        .all(tx)
        .await?)
}

/// Ends one of the caller's own sessions.
///
/// # Errors
/// [`Error::NotFound`] when there is no such session of the caller.
pub async fn end_session(tx: &OrgTx, id: Uuid) -> Result<()> {
    let me = tx.scope().actor().id.ok_or(Error::NotFound { what: "session" })?;
    let ended = tx
        .update_many::<session::Entity>()
        .col_expr(session::Column::EndedAt, Expr::value(tx.now()))
        .filter(session::Column::Id.eq(id))
        .filter(session::Column::MembershipId.eq(me))
        .filter(session::Column::EndedAt.is_null())
        .exec(tx)
        .await?;
    if ended.rows_affected == 0 {
        return Err(Error::NotFound { what: "session" });
    }
    let name = tx.scope().actor().name.clone();
    let entry = Entry {
        action: "session.end",
        object_kind: "session",
        object_id: Some(id),
        object_name: &name,
        before: None,
        after: None,
    };
    audit::record(tx, entry).await
}

/// Deletes at most `limit` sessions that were over 30 days ago; returns how many.
///
/// # Errors
/// The database is busy or away.
pub async fn forget_old_sessions(db: &Db, scope: &Scope, limit: u64) -> Result<u64> {
    let tx = db.write(scope).await?;
    let old: Vec<Uuid> = tx
        .find::<session::Entity>()
        .select_only()
        .column(session::Column::Id)
        .filter(Expr::col(session::Column::ExpiresAt).lt(tx.now() - Duration::days(KEPT_DAYS)))
        .limit(limit)
        .into_tuple()
        .all(&tx)
        .await?;
    if old.is_empty() {
        return Ok(0);
    }
    let deleted = tx
        .delete_many::<session::Entity>()
        .filter(session::Column::Id.is_in(old))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(deleted.rows_affected)
}
