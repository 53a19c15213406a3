//! Beginning, changing and closing root changes.

use super::check::Pair;
use super::entity as root_change;
use super::lineage::same_authority;
use super::list::{RootChange, State, get};
use super::progress::progress;
use super::within::Within;
use super::{coverage, not_found};
use crate::audit::{self, Entry};
use crate::certificates::{self, Prepared, Source, ensure_prepared, off_thread, prepare};
use crate::clusters::version_conflict;
use crate::db::{Db, OrgTx, dialect};
use crate::error::{Error, FieldError, Result};
use crate::fields::{Fields, MAX_NAME};
use crate::ids::new_id;
use crate::{Permission, Scope};
use certyard_pki::upload::{Limits, read as read_file};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, QueryFilter, QuerySelect, Set};
use serde_json::{Value, json};
use uuid::Uuid;

/// Longest reason for which one is closed, in characters.
const MAX_REASON: usize = 500;

/// The certificate that takes the place of the old one.
#[derive(Clone, Debug)]
pub enum NewAuthority {
    /// One that the organisation knows.
    Known(Uuid),
    /// A file as received: PEM, DER or PKCS#7 with one certificate.
    File(Vec<u8>),
}

/// A root change to begin.
#[derive(Clone, Debug)]
pub struct NewRootChange {
    /// Its name; empty: made of the names of both certificates.
    pub name: String,
    /// For people; may be empty.
    pub note: String,
    /// The certificate that makes way.
    pub old_certificate_id: Uuid,
    /// The one that takes its place.
    pub new: NewAuthority,
    /// In which clusters.
    pub within: Within,
}

/// What to change of a root change; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct RootChangeUpdate {
    /// Name.
    pub name: Option<String>,
    /// For people.
    pub note: Option<String>,
    /// In which clusters.
    pub within: Option<Within>,
}

/// Who is bound to some groups does not see what hangs on the others.
fn require(scope: &Scope) -> Result<()> {
    scope.require(Permission::Operate)?;
    if scope.groups().is_some() {
        return Err(Error::Forbidden {
            message: "a root change is about trust between all groups: this needs a role for all groups".into(),
        });
    }
    Ok(())
}

async fn read(bytes: Vec<u8>) -> Result<Prepared> {
    let wrong = |code, message: String| {
        Error::Invalid(vec![FieldError {
            field: "new_certificate".into(),
            code,
            message,
        }])
    };
    let mut found = off_thread(move || {
        let upload = read_file(&bytes, &Limits::default(), false)?;
        Ok(upload.certificates.into_iter().map(prepare).collect::<Vec<_>>())
    })
    .await?
    .map_err(|refusal: certyard_pki::upload::Refusal| wrong(refusal.code, refusal.message))?;
    match (found.pop(), found.len()) {
        (Some(one), 0) => Ok(one),
        (_, others) => Err(wrong(
            "too_many",
            format!(
                "one certificate takes the place of another, and the file has {}: send that of the new CA alone, without its chain",
                others + 1
            ),
        )),
    }
}

/// Begins a root change. Nothing is changed on a node by it.
///
/// # Errors
/// [`Error::Invalid`] that names the field: a file that is refused; a certificate that is no CA's, has ended, is weak, is the old one, or has
/// its name where that cannot be; an old one that no trust store holds; a scope that names what is not there. [`Error::NotFound`] for a
/// certificate that is unknown or foreign; [`Error::Forbidden`] without [`Permission::Operate`] for all groups.
pub async fn create(db: &Db, scope: &Scope, wanted: NewRootChange) -> Result<RootChange> {
    require(scope)?;
    let (field, prepared) = match &wanted.new {
        NewAuthority::Known(_) => ("new_certificate_id", None),
        NewAuthority::File(bytes) => ("new_certificate", Some(read(bytes.clone()).await?)),
    };
    let tx = db.write(scope).await?;
    let new_id_of = match (&wanted.new, prepared) {
        (NewAuthority::File(_), Some(prepared)) => {
            let stored = ensure_prepared(&tx, &[prepared], Source::Upload).await?;
            stored.first().map(|stored| stored.id).ok_or_else(not_found)?
        }
        (NewAuthority::Known(id), _) => *id,
        (NewAuthority::File(_), None) => return Err(not_found()),
    };
    let old = certificates::get(&tx, wanted.old_certificate_id).await?;
    let new = certificates::get(&tx, new_id_of).await?;
    let mut fields = Fields::default();
    wanted.within.check(&tx, &mut fields).await?;
    let typed = match wanted.name.trim() {
        "" => format!("{} → {}", old.common_name, new.common_name)
            .chars()
            .take(MAX_NAME)
            .collect(),
        name => name.to_string(),
    };
    let name = fields.name("name", &typed);
    let note = fields.description("note", &wanted.note);
    let pair = Pair {
        old: &old,
        new: &new,
        same_key: same_authority(&tx, &old, &new).await?,
        takes: coverage::takes(&tx, &wanted.within, old.id).await?,
    };
    pair.check(&mut fields, field, tx.now());
    check_held(&tx, &mut fields, &wanted.within, old.id).await?;
    fields.finish()?;
    let actor = tx.scope().actor();
    let row = root_change::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(new_id()),
        name: Set(name),
        note: Set(note),
        old_certificate_id: Set(old.id),
        new_certificate_id: Set(new.id),
        within: Set(serde_json::to_value(&wanted.within).map_err(Error::internal)?),
        state: Set(State::Open.as_str().into()),
        reason: Set(String::new()),
        created_by: Set(actor.id),
        created_by_name: Set(actor.name.clone()),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
        closed_at: Set(None),
        closed_by_name: Set(None),
        version: Set(1),
    }
    .insert(&tx)
    .await?;
    let change = get(&tx, row.id).await?;
    record(&tx, "root_change.create", &change, None, Some(told(&change))).await?;
    tx.commit().await?;
    Ok(change)
}

async fn check_held(tx: &OrgTx, fields: &mut Fields, within: &Within, old: Uuid) -> Result<()> {
    if !coverage::is_held(tx, within, old).await? {
        fields.refuse(
            "old_certificate_id",
            "not_held",
            "no trust store of these clusters holds it: refresh their inventory where you know better",
        );
    }
    Ok(())
}

/// Changes a root change that is open. `expected` is the version that the caller read, as in `If-Match`.
///
/// # Errors
/// [`Error::Refused`] `root_change_closed`; [`Error::Invalid`] for a bad name, note or scope; [`Error::Conflict`] when it was changed since;
/// [`Error::NotFound`]; [`Error::Forbidden`] without [`Permission::Operate`] for all groups.
pub async fn update(tx: &OrgTx, id: Uuid, expected: Option<i64>, update: RootChangeUpdate) -> Result<RootChange> {
    require(tx.scope())?;
    let before = lock(tx, id).await?;
    before.require_open()?;
    if expected.is_some_and(|expected| expected != before.version) {
        return Err(version_conflict("root change", before.version));
    }
    let mut fields = Fields::default();
    let name = match &update.name {
        Some(name) => fields.name("name", name),
        None => before.name.clone(),
    };
    let note = match &update.note {
        Some(note) => fields.description("note", note),
        None => before.note.clone(),
    };
    let within = match update.within {
        Some(within) => {
            within.check(tx, &mut fields).await?;
            let pair = Pair {
                old: &before.old,
                new: &before.new,
                same_key: same_authority(tx, &before.old, &before.new).await?,
                takes: coverage::takes(tx, &within, before.old.id).await?,
            };
            // Other clusters may have products with other rules.
            pair.check(&mut fields, "scope", tx.now());
            check_held_or_done(tx, &mut fields, &within, &before).await?;
            within
        }
        None => before.within.clone(),
    };
    fields.finish()?;
    use root_change::Column;
    write(
        tx,
        &before,
        vec![
            (Column::Name, Expr::value(name)),
            (Column::Note, Expr::value(note)),
            (
                Column::Within,
                Expr::value(serde_json::to_value(&within).map_err(Error::internal)?),
            ),
        ],
    )
    .await?;
    let after = get(tx, id).await?;
    record(
        tx,
        "root_change.update",
        &after,
        Some(told(&before)),
        Some(told(&after)),
    )
    .await?;
    Ok(after)
}

/// Where the old certificate is gone already, the new one has to be there.
async fn check_held_or_done(tx: &OrgTx, fields: &mut Fields, within: &Within, change: &RootChange) -> Result<()> {
    if !coverage::is_held(tx, within, change.old.id).await? && !coverage::is_held(tx, within, change.new.id).await? {
        fields.refuse(
            "scope",
            "not_held",
            "no trust store of these clusters holds one of the two certificates",
        );
    }
    Ok(())
}

/// Closes a root change: as completed where nothing is left to do, else as cancelled, which needs a reason. What was done stays.
///
/// # Errors
/// [`Error::Invalid`] on `reason`; [`Error::Refused`] `root_change_closed`; [`Error::NotFound`]; [`Error::Forbidden`] without
/// [`Permission::Operate`] for all groups.
pub async fn close(tx: &OrgTx, id: Uuid, reason: &str) -> Result<RootChange> {
    require(tx.scope())?;
    let before = lock(tx, id).await?;
    before.require_open()?;
    let reason = reason.trim();
    if reason.chars().count() > MAX_REASON || reason.chars().any(char::is_control) {
        return Err(Error::field(
            "reason",
            "invalid_value",
            format!("at most {MAX_REASON} characters without control characters"),
        ));
    }
    let state = match progress(tx, &before).await?.is_complete() {
        true => State::Completed,
        false => State::Cancelled,
    };
    if state == State::Cancelled && reason.is_empty() {
        return Err(Error::field(
            "reason",
            "required",
            "something is left to do: say why it is closed all the same. What was done stays as it is",
        ));
    }
    use root_change::Column;
    write(
        tx,
        &before,
        vec![
            (Column::State, Expr::value(state.as_str())),
            (Column::Reason, Expr::value(reason)),
            (Column::ClosedAt, Expr::value(tx.now())),
            (Column::ClosedByName, Expr::value(tx.scope().actor().name.clone())),
        ],
    )
    .await?;
    let after = get(tx, id).await?;
    let action = match state {
        State::Completed => "root_change.complete",
        State::Open | State::Cancelled => "root_change.cancel",
    };
    record(tx, action, &after, Some(told(&before)), Some(told(&after))).await?;
    Ok(after)
}

/// Writes columns of a root change that is open; there is no other writer of its state.
async fn write(tx: &OrgTx, before: &RootChange, columns: Vec<(root_change::Column, Expr)>) -> Result<()> {
    use root_change::{Column, Entity};
    let mut update = tx
        .update_many::<Entity>()
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, Expr::value(tx.now()));
    for (column, value) in columns {
        update = update.col_expr(column, value);
    }
    let done = update
        .filter(Column::Id.eq(before.id))
        .filter(Column::Version.eq(before.version))
        .filter(Column::State.eq(State::Open.as_str()))
        .exec(tx)
        .await?;
    match done.rows_affected {
        0 => Err(version_conflict("root change", before.version)),
        _ => Ok(()),
    }
}

async fn lock(tx: &OrgTx, id: Uuid) -> Result<RootChange> {
    let mut rows = tx.find::<root_change::Entity>().filter(root_change::Column::Id.eq(id));
    dialect::lock_rows(QuerySelect::query(&mut rows));
    rows.one(tx).await?.ok_or_else(not_found)?;
    get(tx, id).await
}

fn told(change: &RootChange) -> Value {
    json!({
        "name": change.name,
        "note": change.note,
        "old_sha256": change.old.sha256,
        "new_sha256": change.new.sha256,
        "scope": change.within,
        "state": change.state.as_str(),
        "reason": change.reason,
    })
}

async fn record(
    tx: &OrgTx,
    action: &str,
    change: &RootChange,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<()> {
    audit::record(
        tx,
        Entry {
            action,
            object_kind: "root_change",
            object_id: Some(change.id),
            object_name: &change.name,
            before,
            after,
        },
    )
    .await
}
