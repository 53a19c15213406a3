//! Feeds: calendars that a program of a person reads by a token in the address, as calendar programs send no other credential. A feed
//! sees what its person sees at that moment, and can do nothing else.

use super::credential::{Claim, Credential, FEED_PREFIX};
use super::entity::{feed, membership};
use super::{Feed, Origin, Principal, check_name, members, sessions, unauthenticated};
use crate::audit::{self, Entry};
use crate::db::OrgTx;
use crate::error::{Error, Result};
use crate::ids::new_id;
use crate::{ActorKind, Db, Permission, Scope};
use chrono::Duration;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, Set};
use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Feeds that a person may have at a time.
pub const MOST_FEEDS: u64 = 20;
/// "Last used" is written at most this often.
const TOUCH_SECONDS: i64 = 60;

/// A feed to be made.
#[derive(Clone, Debug)]
pub struct NewFeed {
    /// What it is for.
    pub name: String,
    /// Code of the language of its entries.
    pub language: String,
    /// Certificates in trust stores are in it as well.
    pub include_trust: bool,
}

fn me(tx: &OrgTx) -> Result<Uuid> {
    match (tx.scope().actor().kind, tx.scope().actor().id) {
        (ActorKind::User, Some(id)) => Ok(id),
        _ => Err(Error::refused(
            "people_only",
            "feeds belong to people: sign in, or read `GET /api/v1/installations` with the token",
        )),
    }
}

/// Makes a feed of the caller; its token is returned here and never again.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadFleet`]; [`Error::Invalid`]; [`Error::Refused`] with `people_only` for programs and
/// with `too_many` beyond [`MOST_FEEDS`].
pub async fn create_feed(tx: &OrgTx, new: &NewFeed) -> Result<(Feed, Zeroizing<String>)> {
    tx.scope().require(Permission::ReadFleet)?;
    let me = me(tx)?;
    let mut errors = Vec::new();
    let name = check_name("name", &new.name, &mut errors);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    if lasting(tx, me).count(tx).await? >= MOST_FEEDS {
        return Err(Error::refused(
            "too_many",
            format!("there are {MOST_FEEDS} feeds: revoke one that nobody reads"),
        ));
    }
    let id = new_id();
    let credential = Credential::make(FEED_PREFIX, tx.org_id(), id)?;
    let row = feed::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(id),
        membership_id: Set(me),
        name: Set(name),
        token_hash: Set(credential.hash.clone()),
        hint: Set(credential.hint()),
        language: Set(new.language.clone()),
        include_trust: Set(new.include_trust),
        created_at: Set(tx.now()),
        last_used_at: Set(None),
        revoked_at: Set(None),
    };
    let row = row.insert(tx).await?;
    let after = json!({ "name": row.name, "include_trust": row.include_trust, "language": row.language });
    record(tx, "feed.create", &row, Some(after)).await?;
    Ok((row, credential.text))
}

fn lasting(tx: &OrgTx, of: Uuid) -> sea_orm::Select<feed::Entity> {
    tx.find::<feed::Entity>()
        .filter(feed::Column::MembershipId.eq(of))
        .filter(feed::Column::RevokedAt.is_null())
}

async fn record(tx: &OrgTx, action: &'static str, feed: &Feed, after: Option<serde_json::Value>) -> Result<()> {
    let entry = Entry {
        action,
        object_kind: "feed",
        object_id: Some(feed.id),
        object_name: &feed.name,
        before: None,
        after,
    };
    audit::record(tx, entry).await
}

/// The caller's own feeds, the newest first; a program has none.
///
/// # Errors
/// The database is busy or away.
pub async fn list_feeds(tx: &OrgTx) -> Result<Vec<Feed>> {
    let Ok(me) = me(tx) else { return Ok(Vec::new()) };
    Ok(lasting(tx, me)
        .order_by_desc(feed::Column::CreatedAt)
        .order_by_desc(feed::Column::Id)
        .all(tx)
        .await?)
}

/// Revokes one of the caller's own feeds for good.
///
/// # Errors
/// [`Error::NotFound`] where the caller has no such feed.
pub async fn revoke_feed(tx: &OrgTx, id: Uuid) -> Result<()> {
    let none = || Error::NotFound { what: "feed" };
    let me = me(tx).map_err(|_| none())?;
    let found = lasting(tx, me)
        .filter(feed::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or_else(none)?;
    let mut row: feed::ActiveModel = found.clone().into();
    row.revoked_at = Set(Some(tx.now()));
    row.update(tx).await?;
    record(tx, "feed.revoke", &found, None).await
}

/// Finds whose feed a token reads, and as whom: the person as they are at this moment.
///
/// # Errors
/// [`Error::Unauthenticated`] where it is unknown or revoked, or its person may not come in any more.
pub async fn authenticate_feed(db: &Db, text: &str, origin: &Origin) -> Result<(Principal, Feed)> {
    let claim = Claim::parse(FEED_PREFIX, text).ok_or_else(unauthenticated)?;
    let system = Scope::system(claim.org_id, "sign-in");
    let tx = db.read(&system).await?;
    let found = tx
        .find::<feed::Entity>()
        .filter(feed::Column::Id.eq(claim.id))
        .filter(feed::Column::RevokedAt.is_null())
        .one(&tx)
        .await?
        .filter(|found| claim.matches(&found.token_hash))
        .ok_or_else(unauthenticated)?;
    let member = members::lasting(&tx, membership::Column::Id.eq(found.membership_id))
        .await?
        .ok_or_else(unauthenticated)?;
    sessions::require_enabled(&tx, &member).await?;
    let now = tx.now();
    drop(tx);
    if found
        .last_used_at
        .is_none_or(|used| now - used >= Duration::seconds(TOUCH_SECONDS))
    {
        let tx = db.write(&system).await?;
        tx.update_many::<feed::Entity>()
            .col_expr(feed::Column::LastUsedAt, Expr::value(tx.now()))
            .filter(feed::Column::Id.eq(found.id))
            .exec(&tx)
            .await?;
        tx.commit().await?;
    }
    Ok((sessions::person(&member, origin)?, found))
}
