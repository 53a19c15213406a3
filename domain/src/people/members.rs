//! Members of an organisation: people with a role, for all groups or some.

use super::entity::{feed, membership, session, user, user_org};
use super::{Membership, check_email, check_name, check_password, password};
use crate::audit::{self, Entry};
use crate::db::OrgTx;
use crate::error::{Error, FieldError, Result};
use crate::ids::new_id;
use crate::{Db, Permission, Role, Scope, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    Set,
};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

/// A person to be taken in.
pub struct Invitation {
    /// Address, by which the person is known.
    pub email: String,
    /// Name to show.
    pub name: String,
    /// First password, in this organisation.
    pub password: Zeroizing<String>,
    /// What they may do.
    pub role: Role,
    /// For which groups; `None`: all.
    pub group_ids: Option<Vec<Uuid>>,
}

/// What may be changed of a member.
#[derive(Clone, Debug, Default)]
pub struct MemberChange {
    /// Name to show.
    pub name: Option<String>,
    /// What they may do.
    pub role: Option<Role>,
    /// For which groups; `Some(None)`: all.
    pub group_ids: Option<Option<Vec<Uuid>>>,
}

/// Owners are made and changed by owners only.
pub(super) fn require_grant(tx: &OrgTx, role: Role) -> Result<()> {
    match role {
        Role::Owner => tx.scope().require(Permission::ManageOrganisation),
        Role::Admin | Role::Operator | Role::Viewer | Role::Auditor | Role::Monitor => Ok(()),
    }
}

/// People have roles with which they see something.
fn check_role(role: Role, errors: &mut Vec<FieldError>) {
    if role == Role::Monitor {
        errors.push(FieldError {
            field: "role".into(),
            code: "programs_only",
            message: "a role for people: `monitor` reads gauges only, and is for tokens".into(),
        });
    }
}

pub(super) async fn check_groups(tx: &OrgTx, groups: Option<&[Uuid]>, errors: &mut Vec<FieldError>) -> Result<()> {
    let Some(groups) = groups else { return Ok(()) };
    let mut refuse = |code, message: String| {
        errors.push(FieldError {
            field: "group_ids".into(),
            code,
            message,
        })
    };
    if groups.is_empty() || groups.len() > 100 {
        refuse("length", "1 to 100 groups; leave it out for all".into());
        return Ok(());
    }
    // By statement and not by the room of clusters, which stands below this one.
    let select = Query::select()
        .column("id")
        .from("cluster_group")
        .and_where(Expr::col("org_id").eq(tx.org_id()))
        .and_where(Expr::col("id").is_in(groups.iter().copied()))
        .and_where(Expr::col("retired_at").is_null())
        .take();
    let rows = tx.query_all(&select).await?;
    let known = rows
        .iter()
        .map(|row| row.try_get::<Uuid>("", "id"))
        .collect::<Result<Vec<_>, _>>()?;
    for unknown in groups.iter().filter(|group| !known.contains(group)) {
        refuse("unknown", format!("there is no group {unknown}"));
    }
    Ok(())
}

fn facts(member: &Membership) -> Value {
    json!({ "email": member.email, "name": member.name, "role": member.role, "group_ids": member.group_ids })
}

/// Takes a person in. The password is theirs in this organisation alone, whatever they have in others.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::Invalid`], or [`Error::Conflict`] for somebody who is a member already.
pub async fn add_member(db: &Db, scope: &Scope, new: &Invitation) -> Result<Membership> {
    scope.require(Permission::ManagePeople)?;
    let mut errors = Vec::new();
    let email = check_email(&new.email, &mut errors);
    let name = check_name("name", &new.name, &mut errors);
    check_password(&new.password, &email, &mut errors);
    check_role(new.role, &mut errors);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let hash = password::hash(&new.password).await?;
    let tx = db.write(scope).await?;
    require_grant(&tx, new.role)?;
    check_groups(&tx, new.group_ids.as_deref(), &mut errors).await?;
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let known = user::Entity::find()
        .filter(user::Column::Email.eq(email.as_str()))
        .one(&tx)
        .await?;
    let user = match known {
        Some(user) => user,
        None => insert_user(&tx, &email, &name).await?,
    };
    let member = insert(&tx, &user, &name, hash, new.role, new.group_ids.as_deref()).await?;
    tx.commit().await?;
    Ok(member)
}

pub(super) async fn insert_user(tx: &OrgTx, email: &str, name: &str) -> Result<user::Model> {
    let row = user::ActiveModel {
        id: Set(new_id()),
        email: Set(email.into()),
        name: Set(name.into()),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
        disabled_at: Set(None),
    };
    match row.insert(tx).await {
        Ok(user) => Ok(user),
        Err(error) if crate::error::is_unique_violation(&error) => Err(Error::conflict(
            "email_taken",
            "somebody with this address came in at this moment: try again",
        )),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn insert(
    tx: &OrgTx,
    user: &user::Model,
    name: &str,
    password_hash: String,
    role: Role,
    groups: Option<&[Uuid]>,
) -> Result<Membership> {
    let former = tx
        .find::<membership::Entity>()
        .filter(membership::Column::UserId.eq(user.id))
        .one(tx)
        .await?;
    if former.as_ref().is_some_and(|former| former.retired_at.is_none()) {
        return Err(Error::conflict(
            "already_member",
            format!("{} is a member already", user.email),
        ));
    }
    let row = membership::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(former.as_ref().map_or_else(new_id, |former| former.id)),
        user_id: Set(user.id),
        email: Set(user.email.clone()),
        name: Set(name.into()),
        password_hash: Set(password_hash),
        role: Set(role.as_str().into()),
        group_ids: Set(groups.map(|groups| json!(groups))),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
        retired_at: Set(None),
    };
    let member = if former.is_some() {
        row.update(tx).await?
    } else {
        row.insert(tx).await?
    };
    let place = user_org::ActiveModel {
        user_id: Set(user.id),
        org_id: Set(tx.org_id()),
    };
    user_org::Entity::insert(place)
        .on_conflict_do_nothing_on([user_org::Column::UserId, user_org::Column::OrgId])
        .exec_without_returning(tx)
        .await?;
    let entry = Entry {
        action: "member.add",
        object_kind: "member",
        object_id: Some(member.id),
        object_name: &member.name,
        before: None,
        after: Some(facts(&member)),
    };
    audit::record(tx, entry).await?;
    Ok(member)
}

/// Addresses of the members of a role, for what the server tells them itself.
pub(crate) async fn addresses_of(tx: &OrgTx, role: Role) -> Result<Vec<String>> {
    Ok(tx
        .find::<membership::Entity>()
        .select_only()
        .column(membership::Column::Email)
        .filter(membership::Column::Role.eq(role.as_str()))
        .filter(membership::Column::RetiredAt.is_null())
        .into_tuple()
        .all(tx)
        .await?)
}

/// One page of members, oldest first, after the row `id`.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ReadPeople`].
pub async fn list_members(tx: &OrgTx, after: Option<Uuid>, limit: u64) -> Result<Vec<Membership>> {
    tx.scope().require(Permission::ReadPeople)?;
    let mut rows = tx
        .find::<membership::Entity>()
        .filter(membership::Column::RetiredAt.is_null());
    if let Some(id) = after {
        rows = rows.filter(membership::Column::Id.gt(id));
    }
    Ok(rows.order_by_asc(membership::Column::Id).limit(limit).all(tx).await?)
}

/// One member.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`].
pub async fn get_member(tx: &OrgTx, id: Uuid) -> Result<Membership> {
    tx.scope().require(Permission::ReadPeople)?;
    lasting(tx, membership::Column::Id.eq(id))
        .await?
        .ok_or(Error::NotFound { what: "member" })
}

/// The membership that the condition names, while it lasts.
pub(super) async fn lasting(tx: &OrgTx, which: Expr) -> Result<Option<Membership>> {
    Ok(tx
        .find::<membership::Entity>()
        .filter(which)
        .filter(membership::Column::RetiredAt.is_null())
        .one(tx)
        .await?)
}

/// The membership's version for `If-Match`.
pub type MemberVersion = Timestamp;

/// Changes a member; a new role or new groups hold from their next request on.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Invalid`]; [`Error::Conflict`] when `expected` is not the present
/// version; [`Error::Refused`] for the last owner.
pub async fn update_member(
    tx: &OrgTx,
    id: Uuid,
    expected: Option<MemberVersion>,
    change: &MemberChange,
) -> Result<Membership> {
    tx.scope().require(Permission::ManagePeople)?;
    let before = get_member(tx, id).await?;
    if expected.is_some_and(|expected| expected != before.updated_at) {
        return Err(Error::conflict(
            "version_mismatch",
            "the member was changed meanwhile: load it again",
        ));
    }
    require_grant(tx, super::role_of(&before.role)?)?;
    let mut errors = Vec::new();
    let name = change.name.as_deref().map(|name| check_name("name", name, &mut errors));
    if let Some(role) = change.role {
        check_role(role, &mut errors);
    }
    if let Some(groups) = &change.group_ids {
        check_groups(tx, groups.as_deref(), &mut errors).await?;
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let role = change
        .role
        .map_or_else(|| before.role.clone(), |role| role.as_str().to_string());
    if let Some(role) = change.role {
        require_grant(tx, role)?;
    }
    let groups = match &change.group_ids {
        Some(groups) => groups.as_ref().map(|groups| json!(groups)),
        None => before.group_ids.clone(),
    };
    if before.role == Role::Owner.as_str() && (role != before.role || groups.is_some()) {
        require_other_owner(tx, id).await?;
    }
    let mut row: membership::ActiveModel = before.clone().into();
    row.name = Set(name.unwrap_or_else(|| before.name.clone()));
    row.role = Set(role);
    row.group_ids = Set(groups);
    row.updated_at = Set(tx.now());
    let after = row.update(tx).await?;
    let entry = Entry {
        action: "member.update",
        object_kind: "member",
        object_id: Some(id),
        object_name: &after.name,
        before: Some(facts(&before)),
        after: Some(facts(&after)),
    };
    audit::record(tx, entry).await?;
    Ok(after)
}

/// Takes a member out and ends their sessions. Their name stays in the history.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`]; [`Error::Refused`] for the last owner.
pub async fn retire_member(tx: &OrgTx, id: Uuid) -> Result<()> {
    tx.scope().require(Permission::ManagePeople)?;
    let before = get_member(tx, id).await?;
    require_grant(tx, super::role_of(&before.role)?)?;
    if before.role == Role::Owner.as_str() {
        require_other_owner(tx, id).await?;
    }
    let mut row: membership::ActiveModel = before.clone().into();
    row.retired_at = Set(Some(tx.now()));
    row.updated_at = Set(tx.now());
    row.update(tx).await?;
    user_org::Entity::delete_many()
        .filter(user_org::Column::UserId.eq(before.user_id))
        .filter(user_org::Column::OrgId.eq(tx.org_id()))
        .exec(tx)
        .await?;
    tx.update_many::<feed::Entity>()
        .col_expr(feed::Column::RevokedAt, Expr::value(tx.now()))
        .filter(feed::Column::MembershipId.eq(id))
        .filter(feed::Column::RevokedAt.is_null())
        .exec(tx)
        .await?;
    tx.update_many::<session::Entity>()
        .col_expr(session::Column::EndedAt, Expr::value(tx.now()))
        .filter(session::Column::MembershipId.eq(id))
        .filter(session::Column::EndedAt.is_null())
        .exec(tx)
        .await?;
    let entry = Entry {
        action: "member.remove",
        object_kind: "member",
        object_id: Some(id),
        object_name: &before.name,
        before: Some(facts(&before)),
        after: None,
    };
    audit::record(tx, entry).await
}

/// An organisation without an owner could never be managed again. Owners are locked, so that two who take each other out
/// at once do not both succeed.
async fn require_other_owner(tx: &OrgTx, id: Uuid) -> Result<()> {
    let mut owners = tx
        .find::<membership::Entity>()
        .filter(membership::Column::Role.eq(Role::Owner.as_str()))
        .filter(membership::Column::RetiredAt.is_null())
        .filter(membership::Column::GroupIds.is_null())
        .order_by_asc(membership::Column::Id);
    crate::db::dialect::lock_rows(QuerySelect::query(&mut owners));
    if owners.all(tx).await?.iter().any(|owner| owner.id != id) {
        return Ok(());
    }
    Err(Error::refused(
        "last_owner",
        "an organisation needs an owner for all groups: make another member one first",
    ))
}

/// Whether the organisation has any member.
pub(super) async fn any(tx: &OrgTx) -> Result<bool> {
    Ok(tx
        .find::<membership::Entity>()
        .filter(membership::Column::RetiredAt.is_null())
        .count(tx)
        .await?
        > 0)
}
