//! Making, changing and retiring profiles (R34 to R36).

use super::assign::{mark_followers, mark_own, release_own};
use super::check::{check, misfits};
use super::entity::profile;
use super::list::{Counts, ProfileRow, default_row, get, kinds_of_own, row, settings_of};
use super::setting::Setting;
use super::{BUILT_IN, BUILT_IN_NAME, not_found};
use crate::Permission;
use crate::audit;
use crate::clusters::version_conflict;
use crate::db::{OrgTx, dialect};
use crate::error::{Error, Result, is_unique_violation, name_taken};
use crate::fields::{Fields, MAX_NAME};
use crate::ids::new_id;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde_json::{Value, json};
use std::collections::HashSet;
use uuid::Uuid;

/// A profile to make.
#[derive(Clone, Debug, Default)]
pub struct NewProfile {
    /// Name, unique among the profiles in use.
    pub name: String,
    /// Description; may be empty.
    pub description: String,
    /// What it wants; purposes without a setting are left open.
    pub settings: Vec<Setting>,
    /// Whether clusters without a profile of their own follow it.
    pub is_default: bool,
}

/// What to change of a profile; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// Name.
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// All settings.
    pub settings: Option<Vec<Setting>>,
    /// Whether it is the default; `false` gives that role back to the built-in one (R36).
    pub is_default: Option<bool>,
}

fn told(profile: &profile::Model) -> Value {
    json!({
        "name": profile.name,
        "description": profile.description,
        "is_default": profile.is_default,
        "settings": profile.settings,
    })
}

fn taken(name: &str) -> String {
    format!("there is a profile `{name}` already")
}

/// R34: the built-in profile can be looked at and copied only.
fn require_editable(id: Uuid) -> Result<()> {
    if id == BUILT_IN {
        return Err(Error::refused(
            "profile_built_in",
            format!("the profile `{BUILT_IN_NAME}` is built in and stays as it is: copy it, and change the copy"),
        ));
    }
    Ok(())
}

fn checked_name(fields: &mut Fields, name: &str) -> String {
    let name = fields.name("name", name);
    if name.eq_ignore_ascii_case(BUILT_IN_NAME) {
        fields.refuse(
            "name",
            "taken",
            format!("`{BUILT_IN_NAME}` is the name of the built-in profile"),
        );
    }
    name
}

fn settings_json(settings: &[Setting]) -> Result<Value> {
    serde_json::to_value(settings).map_err(Error::internal)
}

async fn record(
    tx: &OrgTx,
    action: &str,
    profile: &profile::Model,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<()> {
    audit::record(
        tx,
        audit::Entry {
            action,
            object_kind: "profile",
            object_id: Some(profile.id),
            object_name: &profile.name,
            before,
            after,
        },
    )
    .await
}

/// Makes a profile (R35).
///
/// # Errors
/// [`Error::Invalid`] with the paths of settings that cannot be chosen in any version; [`Error::Forbidden`] without
/// [`Permission::ManageProfiles`].
pub async fn create(tx: &OrgTx, new: NewProfile) -> Result<ProfileRow> {
    tx.scope().require(Permission::ManageProfiles)?;
    let mut fields = Fields::default();
    let name = checked_name(&mut fields, &new.name);
    let description = fields.description("description", &new.description);
    check(&mut fields, &new.settings);
    fields.finish()?;
    if new.is_default {
        // Before the name is taken: whoever holds the former default may wait for that name.
        lock_all(tx).await?;
    }
    let profile = insert(tx, name, description, &new.settings).await?;
    if new.is_default {
        make_default(tx, profile.id).await?;
    }
    get(tx, profile.id).await
}

async fn insert(tx: &OrgTx, name: String, description: String, settings: &[Setting]) -> Result<profile::Model> {
    let profile = profile::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(new_id()),
        name: Set(name.clone()),
        description: Set(description),
        is_default: Set(false),
        settings: Set(settings_json(settings)?),
        version: Set(1),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
        retired_at: Set(None),
    }
    .insert(tx)
    .await
    .map_err(|error| name_taken(error, || taken(&name)))?;
    record(tx, "profile.create", &profile, None, Some(told(&profile))).await?;
    Ok(profile)
}

/// Copies a profile, the built-in one too (R34, R35). Without a name it is called "copy of …".
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for a bad or taken name; [`Error::Forbidden`] without
/// [`Permission::ManageProfiles`].
pub async fn copy(tx: &OrgTx, id: Uuid, name: Option<&str>) -> Result<ProfileRow> {
    tx.scope().require(Permission::ManageProfiles)?;
    let (original, description, settings) = if id == BUILT_IN {
        (BUILT_IN_NAME.to_string(), String::new(), Vec::new())
    } else {
        let original = row(tx, id).await?;
        let settings = settings_of(&original)?;
        (original.name, original.description, settings)
    };
    let name = match name {
        Some(name) => name.to_string(),
        None => free_name(tx, &original).await?,
    };
    let mut fields = Fields::default();
    let name = checked_name(&mut fields, &name);
    fields.finish()?;
    let profile = insert(tx, name, description, &settings).await?;
    get(tx, profile.id).await
}

/// "copy of …", with a number where that name is taken.
async fn free_name(tx: &OrgTx, original: &str) -> Result<String> {
    let room = MAX_NAME - "copy of  1000".len();
    let base = format!("copy of {}", original.chars().take(room).collect::<String>());
    let taken: HashSet<String> = tx
        .find::<profile::Entity>()
        .select_only()
        .column(profile::Column::Name)
        .filter(profile::Column::RetiredAt.is_null())
        .filter(profile::Column::Name.gte(base.as_str()))
        .order_by_asc(profile::Column::Name)
        .limit(1000)
        .into_tuple::<String>()
        .all(tx)
        .await?
        .into_iter()
        .collect();
    let numbered = (2..=1000).map(|number| format!("{base} {number}"));
    Ok(std::iter::once(base.clone())
        .chain(numbered)
        .find(|name| !taken.contains(name))
        .unwrap_or(base))
}

/// The row of a profile in use, locked.
async fn lock(tx: &OrgTx, id: Uuid) -> Result<profile::Model> {
    let mut rows = tx
        .find::<profile::Entity>()
        .filter(profile::Column::Id.eq(id))
        .filter(profile::Column::RetiredAt.is_null());
    dialect::lock_rows(QuerySelect::query(&mut rows));
    rows.one(tx).await?.ok_or_else(not_found)
}

/// The rows of all profiles in use, locked in the order of their ids. Whoever moves the role of the default holds two of
/// them, and which one has it may change while one waits: with all of them nobody waits in a circle.
async fn lock_all(tx: &OrgTx) -> Result<Vec<profile::Model>> {
    let mut rows = tx
        .find::<profile::Entity>()
        .filter(profile::Column::RetiredAt.is_null())
        .order_by_asc(profile::Column::Id);
    dialect::lock_rows(QuerySelect::query(&mut rows));
    Ok(rows.all(tx).await?)
}

/// Changes a profile. `expected` is the version that the caller read, as in `If-Match`.
///
/// # Errors
/// [`Error::Refused`] `profile_built_in` (R34); [`Error::Invalid`] also with `not_in_version` where a cluster that has the
/// profile cannot have what it would want (R37); [`Error::Conflict`] when it was changed since; [`Error::NotFound`];
/// [`Error::Forbidden`] without [`Permission::ManageProfiles`].
pub async fn update(tx: &OrgTx, id: Uuid, expected: Option<i64>, change: ProfileChange) -> Result<ProfileRow> {
    tx.scope().require(Permission::ManageProfiles)?;
    require_editable(id)?;
    let before = if change.is_default.is_some() {
        let mut all = lock_all(tx).await?.into_iter();
        all.find(|row| row.id == id).ok_or_else(not_found)?
    } else {
        lock(tx, id).await?
    };
    if expected.is_some_and(|expected| expected != before.version) {
        return Err(version_conflict("profile", before.version));
    }
    let mut fields = Fields::default();
    let mut wanted = before.clone();
    if let Some(name) = &change.name {
        wanted.name = checked_name(&mut fields, name);
    }
    if let Some(text) = &change.description {
        wanted.description = fields.description("description", text);
    }
    if let Some(settings) = &change.settings {
        check(&mut fields, settings);
        for (product, version, example) in kinds_of_own(tx, id).await? {
            for (purpose, _, reason) in misfits(settings, &product, &version) {
                let index = settings
                    .iter()
                    .position(|setting| setting.product == product && setting.purpose == purpose);
                fields.refuse(
                    &format!("settings[{}]", index.unwrap_or(0)),
                    "not_in_version",
                    format!("the cluster `{example}` has this profile: {reason}"),
                );
            }
        }
        wanted.settings = settings_json(settings)?;
    }
    fields.finish()?;
    use profile::Column;
    let done = tx
        .update_many::<profile::Entity>()
        .col_expr(Column::Name, Expr::value(wanted.name.clone()))
        .col_expr(Column::Description, Expr::value(wanted.description.clone()))
        .col_expr(Column::Settings, Expr::value(wanted.settings.clone()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(id))
        .filter(Column::Version.eq(before.version))
        .filter(Column::RetiredAt.is_null())
        .exec(tx)
        .await
        .map_err(|error| name_taken(error, || taken(&wanted.name)))?;
    if done.rows_affected == 0 {
        return Err(version_conflict("profile", row(tx, id).await?.version));
    }
    let after = row(tx, id).await?;
    record(tx, "profile.update", &after, Some(told(&before)), Some(told(&after))).await?;
    let wants_else = after.settings != before.settings;
    // First what takes the rows of all clusters in their order, then those of its own, which are held by then.
    match change.is_default {
        Some(true) if !before.is_default => make_default(tx, id).await?,
        Some(false) if before.is_default => make_default(tx, BUILT_IN).await?,
        Some(_) | None if wants_else && before.is_default => mark_followers(tx).await?,
        Some(_) | None => {}
    }
    if wants_else {
        mark_own(tx, id).await?;
    }
    get(tx, id).await
}

/// Makes a profile, or the built-in one, the default of the organisation. There is exactly one (R36).
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] when another one was made the default in the same moment;
/// [`Error::Forbidden`] without [`Permission::ManageProfiles`].
pub async fn set_default(tx: &OrgTx, id: Uuid) -> Result<ProfileRow> {
    tx.scope().require(Permission::ManageProfiles)?;
    make_default(tx, id).await?;
    get(tx, id).await
}

async fn make_default(tx: &OrgTx, id: Uuid) -> Result<()> {
    use profile::{Column, Entity};
    let rows = lock_all(tx).await?;
    let former = rows.iter().find(|row| row.is_default);
    let next = rows.iter().find(|row| row.id == id);
    if next.is_none() && id != BUILT_IN {
        return Err(not_found());
    }
    if former.map_or(BUILT_IN, |row| row.id) == id {
        return Ok(());
    }
    for (row, is_default) in former
        .map(|row| (row, false))
        .into_iter()
        .chain(next.map(|row| (row, true)))
    {
        tx.update_many::<Entity>()
            .col_expr(Column::IsDefault, Expr::value(is_default))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
            .filter(Column::Id.eq(row.id))
            .exec(tx)
            .await
            .map_err(|error| {
                if is_unique_violation(&error) {
                    Error::conflict(
                        "default_changed",
                        "another profile was made the default in this moment: read them again",
                    )
                } else {
                    error.into()
                }
            })?;
    }
    mark_followers(tx).await?;
    let name = |row: Option<&profile::Model>| row.map_or(BUILT_IN_NAME.to_string(), |row| row.name.clone());
    audit::record(
        tx,
        audit::Entry {
            action: "profile.default",
            object_kind: "profile",
            object_id: next.map(|row| row.id),
            object_name: &name(next),
            before: Some(json!({ "default": name(former) })),
            after: Some(json!({ "default": name(next) })),
        },
    )
    .await
}

/// Retires a profile (R35): its clusters follow the default from then on, and where it was the default itself, that is
/// the built-in one again (R36). `confirmed` says that the caller knows.
///
/// # Errors
/// [`Error::Refused`] `profile_built_in` (R34); [`Error::Conflict`] `confirmation_required` with the number of clusters
/// while it is in use and this was not confirmed, `version_mismatch` when it was changed since; [`Error::NotFound`];
/// [`Error::Forbidden`] without [`Permission::ManageProfiles`].
pub async fn retire(tx: &OrgTx, id: Uuid, expected: Option<i64>, confirmed: bool) -> Result<()> {
    tx.scope().require(Permission::ManageProfiles)?;
    require_editable(id)?;
    let before = lock(tx, id).await?;
    if expected.is_some_and(|expected| expected != before.version) {
        return Err(version_conflict("profile", before.version));
    }
    let clusters = Counts::read(tx).await?.of(id, before.is_default);
    if !confirmed && (clusters > 0 || before.is_default) {
        let next = match default_row(tx).await? {
            Some(default) if default.id != id => default.name,
            Some(_) | None => BUILT_IN_NAME.into(),
        };
        return Err(Error::Conflict {
            code: "confirmation_required",
            message: format!(
                "{clusters} clusters have the profile `{}` and would have `{next}` instead: say `confirm=true` to delete it",
                before.name
            ),
            detail: Some(json!({ "clusters": clusters, "is_default": before.is_default, "falls_back_to": next })),
        });
    }
    use profile::Column;
    tx.update_many::<profile::Entity>()
        .col_expr(Column::RetiredAt, Expr::value(tx.now()))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()))
        .col_expr(Column::IsDefault, Expr::value(false))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(id))
        .filter(Column::RetiredAt.is_null())
        .exec(tx)
        .await?;
    if before.is_default {
        // First: it takes the rows of all clusters in their order, those of its own too.
        mark_followers(tx).await?;
    }
    release_own(tx, id).await?;
    record(tx, "profile.retire", &before, Some(told(&before)), None).await
}
