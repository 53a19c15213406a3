//! API tokens of programs: shown once, stored as hashes, with a role, groups and an end of their own.

use super::credential::{Claim, Credential, TOKEN_PREFIX};
use super::entity::token;
use super::{ApiToken, Origin, Principal, check_name, groups_of, members, role_of, unauthenticated};
use crate::audit::{self, Entry};
use crate::db::OrgTx;
use crate::error::{Error, FieldError, Result};
use crate::ids::new_id;
use crate::{ActorKind, Db, Permission, Role, Scope, Timestamp};
use chrono::Duration;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

/// "Last used" is written at most this often.
const TOUCH_SECONDS: i64 = 60;

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// For which groups; `None`: all.
    pub group_ids: Option<Vec<Uuid>>,
    /// When it ends; `None`: never.
    pub expires_at: Option<Timestamp>,
}

/// Makes a token; its text is returned here and never again.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ManagePeople`] or for a role above one's own; [`Error::Invalid`].
pub async fn create_token(tx: &OrgTx, new: &NewToken) -> Result<(ApiToken, Zeroizing<String>)> {
    tx.scope().require(Permission::ManagePeople)?;
    members::require_grant(tx, new.role)?;
    let mut errors = Vec::new();
    let name = check_name("name", &new.name, &mut errors);
    if new.expires_at.is_some_and(|end| end <= tx.now()) {
        errors.push(FieldError {
            field: "expires_at".into(),
            code: "past",
            message: "an end in the future".into(),
        });
    }
    members::check_groups(tx, new.group_ids.as_deref(), &mut errors).await?;
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let id = new_id();
    let credential = Credential::make(TOKEN_PREFIX, tx.org_id(), id)?;
    let hint = credential.hint();
    let row = token::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(id),
        name: Set(name),
        token_hash: Set(credential.hash),
        hint: Set(hint),
        role: Set(new.role.as_str().into()),
        group_ids: Set(new.group_ids.as_ref().map(|groups| json!(groups))),
        created_by: Set(tx.scope().actor().id),
        created_by_name: Set(tx.scope().actor().name.clone()),
        created_at: Set(tx.now()),
        expires_at: Set(new.expires_at.map(crate::clock::cut)),
        last_used_at: Set(None),
        revoked_at: Set(None),
    }
    .insert(tx)
    .await?;
    let after = json!({ "role": row.role, "group_ids": row.group_ids, "expires_at": row.expires_at });
    let entry = Entry {
        action: "token.create",
        object_kind: "token",
        object_id: Some(id),
        object_name: &row.name,
        before: None,
        after: Some(after),
    };
    audit::record(tx, entry).await?;
    Ok((row, credential.text))
}

/// Finds which program holds a token.
///
/// # Errors
/// [`Error::Unauthenticated`] when it is unknown, over or revoked.
pub async fn authenticate_token(db: &Db, text: &str, origin: &Origin) -> Result<Principal> {
    let claim = Claim::parse(TOKEN_PREFIX, text).ok_or_else(unauthenticated)?;
    let system = Scope::system(claim.org_id, "sign-in");
    let tx = db.read(&system).await?;
    let found = live(&tx, claim.id).await?;
    if !claim.matches(&found.token_hash) {
        return Err(unauthenticated());
    }
    let now = tx.now();
    drop(tx);
    if found
        .last_used_at
        .is_none_or(|used| now - used >= Duration::seconds(TOUCH_SECONDS))
    {
        let tx = db.write(&system).await?;
        tx.update_many::<token::Entity>()
            .col_expr(token::Column::LastUsedAt, Expr::value(tx.now()))
            .filter(token::Column::Id.eq(found.id))
            .exec(&tx)
            .await?;
        tx.commit().await?;
    }
    principal(&found, origin)
}

/// A token that is neither over nor revoked.
pub(super) async fn live(tx: &OrgTx, id: Uuid) -> Result<ApiToken> {
    let found = tx
        .find::<token::Entity>()
        .filter(token::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or_else(unauthenticated)?;
    if found.expires_at.is_some_and(|end| end <= tx.now()) || found.revoked_at.is_some() {
        return Err(unauthenticated());
    }
    Ok(found)
}

pub(super) fn principal(token: &ApiToken, origin: &Origin) -> Result<Principal> {
    Ok(Principal::new(
        ActorKind::Token,
        token.org_id,
        Some(token.id),
        &token.name,
        role_of(&token.role)?,
        groups_of(token.group_ids.as_ref())?,
        origin,
    ))
}

/// One page of tokens, newest first, after the row `(created_at, id)`.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadPeople`].
pub async fn list_tokens(tx: &OrgTx, after: Option<(Timestamp, Uuid)>, limit: u64) -> Result<Vec<ApiToken>> {
    tx.scope().require(Permission::ReadPeople)?;
    let mut rows = tx.find::<token::Entity>();
    if let Some((at, id)) = after {
        let row = Expr::tuple([
            Expr::col((token::Entity, token::Column::CreatedAt)),
            Expr::col((token::Entity, token::Column::Id)),
        ]);
        rows = rows.filter(row.lt(Expr::tuple([Expr::value(at), Expr::value(id)])));
    }
    Ok(rows
        .order_by_desc(token::Column::CreatedAt)
        .order_by_desc(token::Column::Id)
        .limit(limit)
        .all(tx)
        .await?)
}

/// Revokes a token for good.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`] when there is no such token or it was revoked before.
pub async fn revoke_token(tx: &OrgTx, id: Uuid) -> Result<()> {
    tx.scope().require(Permission::ManagePeople)?;
    let found = tx
        .find::<token::Entity>()
        .filter(token::Column::Id.eq(id))
        .filter(token::Column::RevokedAt.is_null())
        .one(tx)
        .await?
        .ok_or(Error::NotFound { what: "token" })?;
    members::require_grant(tx, role_of(&found.role)?)?;
    let name = found.name.clone();
    let mut row: token::ActiveModel = found.into();
    row.revoked_at = Set(Some(tx.now()));
    row.update(tx).await?;
    let entry = Entry {
        action: "token.revoke",
        object_kind: "token",
        object_id: Some(id),
        object_name: &name,
        before: None,
        after: None,
    };
    audit::record(tx, entry).await
}
