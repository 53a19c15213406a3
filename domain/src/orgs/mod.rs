//! Organisations: the tenants.

mod entity;

pub use entity::Model as Org;
pub(crate) use entity::{Column, Entity};

use crate::audit::{self, Entry};
use crate::db::OrgTx;
use crate::error::{Error, FieldError, Result};
use crate::ids::new_id;
use crate::keys::{Kek, Keys};
use crate::{Db, Permission, Scope};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Set};
use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Days before its end at which a certificate counts as "expiring soon", unless the organisation says otherwise (R40, R42).
pub const DEFAULT_START_DAYS: i32 = 60;
/// Bounds of that setting, inclusive (R40).
pub const START_DAYS: std::ops::RangeInclusive<i32> = 30..=365;
const NAME_LENGTH: std::ops::RangeInclusive<usize> = 1..=100;

/// Makes an organisation. The embedded database holds one.
///
/// # Errors
/// [`Error::Refused`] for a second one on the embedded database, [`Error::Invalid`] for a bad name.
pub async fn create(db: &Db, keys: &Keys, name: &str) -> Result<Org> {
    let existing = list(db).await?;
    if db.is_embedded() && !existing.is_empty() {
        return Err(Error::refused(
            "one_organisation",
            "the embedded database holds one organisation: use PostgreSQL (DATABASE_URL) for more",
        ));
    }
    create_any(db, keys, name).await
}

/// Makes an organisation without counting, for tests of what keeps two of them apart.
///
/// # Errors
/// [`Error::Invalid`] for a bad name.
pub async fn create_any(db: &Db, keys: &Keys, name: &str) -> Result<Org> {
    let tx = db.write(&Scope::system(new_id(), "command line")).await?;
    let org = insert(&tx, keys, name).await?;
    tx.commit().await?;
    Ok(org)
}

/// Makes the organisation of the transaction's scope, in a transaction that goes on.
pub(crate) async fn insert(tx: &OrgTx, keys: &Keys, name: &str) -> Result<Org> {
    let name = check_name(name)?;
    let key = crate::keys::new_data_key()?;
    let active = keys.ring().active();
    let org = entity::ActiveModel {
        id: Set(tx.org_id()),
        name: Set(name.clone()),
        start_days: Set(DEFAULT_START_DAYS),
        sealed_key: Set(active.seal(&place(tx.org_id()), key.as_slice())?),
        kek_id: Set(active.id().into()),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
        retired_at: Set(None),
    }
    .insert(tx)
    .await?;
    audit::record(
        tx,
        Entry {
            action: "organisation.create",
            object_kind: "organisation",
            object_id: Some(org.id),
            object_name: &org.name,
            before: None,
            after: Some(json!({ "name": name, "start_days": org.start_days })),
        },
    )
    .await?;
    Ok(org)
}

/// All organisations that are not retired, by name.
///
/// # Errors
/// The database is busy or away.
pub async fn list(db: &Db) -> Result<Vec<Org>> {
    let tx = db.global(false).await?;
    Ok(entity::Entity::find()
        .filter(entity::Column::RetiredAt.is_null())
        .order_by_asc(entity::Column::Name)
        .order_by_asc(entity::Column::Id)
        .all(&tx)
        .await?)
}

/// The organisation that was made first; none before that.
///
/// # Errors
/// The database is busy or away.
pub(crate) async fn first(db: &Db) -> Result<Option<Org>> {
    let tx = db.global(false).await?;
    Ok(entity::Entity::find()
        .filter(entity::Column::RetiredAt.is_null())
        .order_by_asc(entity::Column::CreatedAt)
        .order_by_asc(entity::Column::Id)
        .one(&tx)
        .await?)
}

/// Whether there is any organisation.
///
/// # Errors
/// The database is busy or away.
pub async fn any(db: &Db) -> Result<bool> {
    let tx = db.global(false).await?;
    Ok(entity::Entity::find().count(&tx).await? > 0)
}

/// The organisation of the transaction.
///
/// # Errors
/// [`Error::NotFound`] when it is retired or was never made.
pub async fn get(tx: &OrgTx) -> Result<Org> {
    entity::Entity::find_by_id(tx.org_id())
        .one(tx)
        .await?
        .filter(|org| org.retired_at.is_none())
        .ok_or(Error::NotFound { what: "organisation" })
}

/// What may be changed of an organisation.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// New name.
    pub name: Option<String>,
    /// New number of days before the end at which a certificate counts as expiring.
    pub start_days: Option<i32>,
}

/// Changes the organisation. Counts of expiring certificates follow the new number of days: the caller marks them with
/// [`crate::inventory`]`::outdate_all`.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ManageOrganisation`]; [`Error::Invalid`] for values out of bounds.
pub async fn update(tx: &OrgTx, change: &Change) -> Result<Org> {
    tx.scope().require(Permission::ManageOrganisation)?;
    let before = get(tx).await?;
    let mut errors = Vec::new();
    let name = match change.name.as_deref().map(check_name) {
        Some(Err(Error::Invalid(found))) => {
            errors.extend(found);
            None
        }
        Some(name) => Some(name?),
        None => None,
    };
    if let Some(days) = change.start_days {
        errors.extend(check_start_days(days));
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    write(tx, before, name, change.start_days).await
}

/// What is wrong with a number of start days, if anything.
pub(crate) fn check_start_days(days: i32) -> Option<FieldError> {
    (!START_DAYS.contains(&days)).then(|| FieldError {
        field: "start_days".into(),
        code: "out_of_range",
        message: format!("from {} to {} days", START_DAYS.start(), START_DAYS.end()),
    })
}

/// Changes the number of start days, which the caller has checked, for whoever may change when alerts are sent. The caller
/// marks the counts, as for [`update`].
pub(crate) async fn set_start_days(tx: &OrgTx, days: i32) -> Result<Org> {
    tx.scope().require(Permission::ManageAlerts)?;
    write(tx, get(tx).await?, None, Some(days)).await
}

async fn write(tx: &OrgTx, before: Org, name: Option<String>, start_days: Option<i32>) -> Result<Org> {
    let mut row: entity::ActiveModel = before.clone().into();
    row.name = Set(name.unwrap_or_else(|| before.name.clone()));
    row.start_days = Set(start_days.unwrap_or(before.start_days));
    row.updated_at = Set(tx.now());
    let after = row.update(tx).await?;
    audit::record(
        tx,
        Entry {
            action: "organisation.update",
            object_kind: "organisation",
            object_id: Some(after.id),
            object_name: &after.name,
            before: Some(json!({ "name": before.name, "start_days": before.start_days })),
            after: Some(json!({ "name": after.name, "start_days": after.start_days })),
        },
    )
    .await?;
    Ok(after)
}

/// Seals anew, with the active KEK, all that the one before it had sealed: the server's own keys and the data keys of all
/// organisations. Once it returns 0 the former KEK may be thrown away.
///
/// # Errors
/// The database refuses, or a value was sealed with a KEK that is not configured.
pub async fn reseal(db: &Db, keys: &Keys) -> Result<u64> {
    let (ring, tx) = (keys.ring(), db.global(true).await?);
    let mut done = keys.reseal_own(&tx).await?;
    for org in entity::Entity::find()
        .filter(entity::Column::KekId.ne(ring.active().id()))
        .all(&tx)
        .await?
    {
        let place = place(org.id);
        let sealed = ring
            .active()
            .seal(&place, &ring.open(&org.kek_id, &place, &org.sealed_key)?)?;
        let mut row: entity::ActiveModel = org.into();
        row.sealed_key = Set(sealed);
        row.kek_id = Set(ring.active().id().into());
        row.update(&tx).await?;
        done += 1;
    }
    tx.commit().await?;
    Ok(done)
}

/// Seals a secret of the transaction's organisation for one place (`table/column/row`) with the organisation's data key.
///
/// # Errors
/// The key encryption key that sealed the data key is not configured.
pub(crate) async fn seal(tx: &OrgTx, keys: &Keys, at: &str, secret: &[u8]) -> Result<Vec<u8>> {
    data_key(tx, keys).await?.seal(at, secret)
}

/// Opens what [`seal`] has sealed for the place.
///
/// # Errors
/// The key encryption key is not configured, or the value does not belong to the place.
pub(crate) async fn open(tx: &OrgTx, keys: &Keys, at: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    data_key(tx, keys).await?.open(at, sealed)
}

async fn data_key(tx: &OrgTx, keys: &Keys) -> Result<Kek> {
    let org = get(tx).await?;
    let key = keys.ring().open(&org.kek_id, &place(org.id), &org.sealed_key)?;
    Kek::new(&key)
}

fn place(org: Uuid) -> String {
    format!("org/sealed_key/{org}")
}

fn check_name(name: &str) -> Result<String> {
    let name = name.trim();
    if NAME_LENGTH.contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(name.into());
    }
    Err(Error::field(
        "name",
        "length",
        "a name has 1 to 100 characters and no control characters",
    ))
}
