//! Join tokens: `cyj_<organisation>_<secret>`, and the SHA-256 of the listener's CA after a dot where it is to be pinned.
//! The secret is shown once and kept as its hash.

use super::entity;
use super::entity::join_token::{Column, Entity};
use crate::audit;
use crate::clusters;
use crate::db::OrgTx;
use crate::digest::sha256_hex;
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::ids::new_id;
use crate::lists::{Page, fetch, page};
use crate::{Permission, Timestamp};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::json;
use uuid::Uuid;

/// A join token to make.
#[derive(Clone, Debug)]
pub struct NewJoinToken {
    /// The group that its agents will belong to.
    pub group_id: Uuid,
    /// What it is for, for people.
    pub name: String,
    /// Agents that may join with it; by default 1.
    pub uses: Option<i32>,
    /// How long it lives; by default an hour.
    pub lifetime: Option<TimeDelta>,
    /// SHA-256 of the CA of the agent listener in hex, put into the token so that the agent can pin it.
    pub ca_sha256: Option<String>,
}

/// A join token with what lists show of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinTokenRow {
    /// The token, without its secret.
    pub token: entity::join_token::Model,
    /// Name of its group.
    pub group_name: String,
    /// Whether an agent can still join with it.
    pub usable: bool,
}

/// Uses that a token may have.
const MAX_USES: i32 = 1000;
/// Longest life of a token: a roll-out of images that hold it.
const MAX_LIFETIME: TimeDelta = TimeDelta::days(30);
const DEFAULT_LIFETIME: TimeDelta = TimeDelta::hours(1);
const SECRET_BYTES: usize = 32;
const PREFIX: &str = "cyj_";

/// What a token's text says.
#[derive(Debug)]
pub(super) struct Parsed {
    /// The organisation.
    pub org_id: Uuid,
    /// Hash by which the token is kept.
    pub hash: String,
}

/// Reads a token; `None` when it is none, whatever it is.
pub(super) fn parse(text: &str) -> Option<Parsed> {
    let text = text.trim();
    let bare = match text.split_once('.') {
        Some((bare, pin)) if pin.len() == 64 && pin.bytes().all(|byte| byte.is_ascii_hexdigit()) => bare,
        Some(_) => return None,
        None => text,
    };
    let (org, secret) = bare.strip_prefix(PREFIX)?.split_at_checked(32)?;
    let secret = secret.strip_prefix('_')?;
    if URL_SAFE_NO_PAD.decode(secret).ok()?.len() != SECRET_BYTES {
        return None;
    }
    Some(Parsed {
        org_id: Uuid::try_parse(org).ok()?,
        // Without salt is enough: the secret has 256 bits.
        hash: sha256_hex(bare.as_bytes()),
    })
}

/// Makes a join token; the text is returned this once.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NotFound`] for the group, [`Error::Forbidden`] without [`Permission::ManageFleet`].
pub async fn create_join_token(tx: &OrgTx, new: NewJoinToken) -> Result<(JoinTokenRow, String)> {
    tx.scope().require(Permission::ManageFleet)?;
    let mut fields = Fields::default();
    let name = fields.name("name", &new.name);
    let uses = new.uses.unwrap_or(1);
    if !(1..=MAX_USES).contains(&uses) {
        fields.refuse("uses", "out_of_range", format!("must be from 1 to {MAX_USES}"));
    }
    let lifetime = new.lifetime.unwrap_or(DEFAULT_LIFETIME);
    if lifetime < TimeDelta::minutes(1) || lifetime > MAX_LIFETIME {
        fields.refuse("lifetime", "out_of_range", "must be from 1 minute to 30 days");
    }
    let pin = new.ca_sha256.map(|pin| pin.to_ascii_lowercase());
    if pin
        .as_ref()
        .is_some_and(|pin| pin.len() != 64 || !pin.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        fields.refuse("ca_sha256", "malformed", "must be 64 hexadecimal digits");
    }
    fields.finish()?;
    let group = clusters::lock_group(tx, new.group_id).await?;
    let mut secret = [0; SECRET_BYTES];
    rand::fill(&mut secret).map_err(|_| Error::internal("the system gives no random bytes"))?;
    let bare = format!("{PREFIX}{}_{}", tx.org_id().simple(), URL_SAFE_NO_PAD.encode(secret));
    let actor = tx.scope().actor();
    let token = entity::join_token::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(new_id()),
        group_id: Set(group.id),
        name: Set(name),
        token_hash: Set(sha256_hex(bare.as_bytes())),
        uses_left: Set(uses),
        expires_at: Set(tx.now() + lifetime),
        created_by: Set(actor.id),
        created_by_name: Set(actor.name.clone()),
        created_at: Set(tx.now()),
        revoked_at: Set(None),
    }
    .insert(tx)
    .await?;
    record(tx, "join_token.create", &token).await?;
    let text = match pin {
        Some(pin) => format!("{bare}.{pin}"),
        None => bare,
    };
    Ok((with_name(&token, group.name.clone(), tx.now()), text))
}

fn with_name(token: &entity::join_token::Model, group_name: String, now: Timestamp) -> JoinTokenRow {
    JoinTokenRow {
        usable: token.uses_left > 0 && token.expires_at > now && token.revoked_at.is_none(),
        group_name,
        token: token.clone(),
    }
}

async fn record(tx: &OrgTx, action: &str, token: &entity::join_token::Model) -> Result<()> {
    audit::record(
        tx,
        audit::Entry {
            action,
            object_kind: "join_token",
            object_id: Some(token.id),
            object_name: &token.name,
            before: None,
            after: Some(json!({
                "group_id": token.group_id,
                "uses_left": token.uses_left,
                "expires_at": token.expires_at,
            })),
        },
    )
    .await
}

/// Time and id of the last token of a page.
pub type JoinTokenCursor = (Timestamp, Uuid);

/// One page of join tokens, newest first; used and expired ones too.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ManageFleet`].
pub async fn list_join_tokens(
    tx: &OrgTx,
    after: Option<JoinTokenCursor>,
    limit: u64,
) -> Result<Page<JoinTokenRow, JoinTokenCursor>> {
    tx.scope().require(Permission::ManageFleet)?;
    let mut rows = tx.find::<Entity>();
    if let Some((at, id)) = after {
        let row = Expr::tuple([Expr::col((Entity, Column::CreatedAt)), Expr::col((Entity, Column::Id))]);
        rows = rows.filter(row.lt(Expr::tuple([Expr::value(at), Expr::value(id)])));
    }
    let rows = rows
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(fetch(limit))
        .all(tx)
        .await?;
    let page = page(rows, limit, |token| (token.created_at, token.id));
    let groups = clusters::group_names(tx, page.items.iter().map(|token| token.group_id)).await?;
    Ok(Page {
        items: page
            .items
            .iter()
            .map(|token| {
                with_name(
                    token,
                    groups.get(&token.group_id).cloned().unwrap_or_default(),
                    tx.now(),
                )
            })
            .collect(),
        next: page.next,
    })
}

/// Makes a join token useless. Agents that joined with it stay.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] without [`Permission::ManageFleet`].
pub async fn revoke_join_token(tx: &OrgTx, id: Uuid) -> Result<()> {
    tx.scope().require(Permission::ManageFleet)?;
    let not_found = || Error::NotFound { what: "join token" };
    let token = tx
        .find::<Entity>()
        .filter(Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or_else(not_found)?;
    let done = tx
        .update_many::<Entity>()
        .col_expr(Column::RevokedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::RevokedAt.is_null())
        .exec(tx)
        .await?;
    // Twice is as good as once.
    if done.rows_affected > 0 {
        record(tx, "join_token.revoke", &token).await?;
    }
    Ok(())
}

/// The token of a hash, while an agent can join with it.
pub(super) async fn usable(tx: &OrgTx, hash: &str) -> Result<Option<entity::join_token::Model>> {
    Ok(tx
        .find::<Entity>()
        .filter(Column::TokenHash.eq(hash))
        .filter(Column::UsesLeft.gt(0))
        .filter(Column::ExpiresAt.gt(tx.now()))
        .filter(Column::RevokedAt.is_null())
        .one(tx)
        .await?)
}

/// Takes one use of a token; `false` when there is none left.
pub(super) async fn spend(tx: &OrgTx, id: Uuid) -> Result<bool> {
    let done = tx
        .update_many::<Entity>()
        .col_expr(Column::UsesLeft, Expr::col(Column::UsesLeft).sub(1))
        .filter(Column::Id.eq(id))
        .filter(Column::UsesLeft.gt(0))
        .filter(Column::ExpiresAt.gt(tx.now()))
        .filter(Column::RevokedAt.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_is_read_as_one() {
        let org = Uuid::now_v7();
        let bare = format!("cyj_{}_{}", org.simple(), URL_SAFE_NO_PAD.encode([7; 32]));
        let plain = parse(&bare).expect("a token");
        assert_eq!(plain.org_id, org);
        let pinned = parse(&format!(" {bare}.{}\n", "aB".repeat(32))).expect("a pinned token");
        assert_eq!(plain.hash, pinned.hash, "the pin is not part of the secret");
        for broken in [
            "",
            "cyj_",
            "cyd_x",
            &bare[..bare.len() - 2],
            &format!("{bare}."),
            &format!("{bare}.12"),
            &bare.replace("cyj_", "cyd_"),
            "cyj_ü_ö",
        ] {
            assert!(parse(broken).is_none(), "{broken}");
        }
    }
}
