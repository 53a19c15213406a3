//! Passwords: argon2id with the crate's defaults (19 MiB, 2 passes), hashed and checked off the executor.

use super::throttle::Guesser;
use super::{Membership, Principal, entity, members};
use crate::audit::{self, Entry};
use crate::db::OrgTx;
use crate::error::{Error, FieldError, Result};
use crate::{Db, Scope};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::collections::BTreeSet;
use std::sync::OnceLock;
use tokio::sync::Semaphore;
use uuid::Uuid;
use zeroize::Zeroizing;

const LENGTH: std::ops::RangeInclusive<usize> = 12..=200;
/// Different characters at least: `aaaaaaaaaaaa` is long and guessed at once.
const DISTINCT: usize = 5;
/// Hashing takes 19 MiB each: so many at once, the rest waits.
static HASHERS: Semaphore = Semaphore::const_new(4);

/// The passwords that guessers try first and that are long enough to pass otherwise.
const COMMON: [&str; 16] = [
    "123456789012",
    "1234567890123",
    "12345678901234",
    "passwordpassword",
    "password1234",
    "password12345",
    "qwertyuiop12",
    "qwertyuiopasdf",
    "administrator",
    "changeme1234",
    "letmeinletmein",
    "welcome12345",
    "iloveyou1234",
    "111111111111",
    "000000000000",
    "certyardcertyard",
];

/// Refuses a password that is too short, too common or the person's own address.
pub fn check_password(password: &str, email: &str, errors: &mut Vec<FieldError>) {
    let mut refuse = |code, message: &str| {
        errors.push(FieldError {
            field: "password".into(),
            code,
            message: message.into(),
        });
    };
    if !LENGTH.contains(&password.chars().count()) {
        refuse("length", "12 to 200 characters");
    } else if COMMON.contains(&password.to_lowercase().as_str()) {
        refuse(
            "too_common",
            "this password is among the first that are tried: choose another",
        );
    } else if password.chars().collect::<BTreeSet<_>>().len() < DISTINCT {
        refuse("too_simple", "5 different characters or more");
    } else if !email.is_empty() && password.to_lowercase() == email.to_lowercase() {
        refuse("same_as_email", "the password is the address: choose another");
    }
}

pub(super) async fn hash(password: &str) -> Result<String> {
    let password = Zeroizing::new(password.to_string());
    let _permit = HASHERS.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(move || hash_now(&password))
        .await
        .map_err(Error::internal)?
}

fn hash_now(password: &str) -> Result<String> {
    let hash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(hash.to_string())
}

/// Whether the password fits. Without a hash the same work is done, so that the time tells nothing.
pub(super) async fn verify(password: &str, stored: Option<String>) -> Result<bool> {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let password = Zeroizing::new(password.to_string());
    let _permit = HASHERS.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(move || {
        let known = stored.is_some();
        let stored = match stored {
            Some(stored) => stored,
            None => match NOBODY.get() {
                Some(hash) => hash.clone(),
                None => NOBODY
                    .get_or_init(|| hash_now("nobody has this password").unwrap_or_default())
                    .clone(),
            },
        };
        let parsed = PasswordHash::new(&stored).map_err(|error| Error::internal(error.to_string()))?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
    })
    .await
    .map_err(Error::internal)?
}

/// Changes the password of a person in this organisation and ends all their other sessions in it.
///
/// # Errors
/// [`Error::Invalid`] when the present password is wrong or the new one is refused; [`Error::Throttled`] after too many wrong
/// ones, which count like failed sign-ins.
pub async fn change_password(db: &Db, principal: &Principal, present: &str, new: &str) -> Result<()> {
    let email = principal.email.as_deref().ok_or_else(|| Error::Forbidden {
        message: "only people have passwords".into(),
    })?;
    let me = principal.scope.actor().id.ok_or(Error::NotFound { what: "member" })?;
    // By the system's scope: whoever is bound to groups sees no members, but has a password.
    let system = Scope::system(principal.scope.org_id(), "sign-in");
    let tx = db.read(&system).await?;
    let member = members::lasting(&tx, entity::membership::Column::Id.eq(me))
        .await?
        .ok_or(Error::NotFound { what: "member" })?;
    drop(tx);
    // A stolen session must not be a place to guess the password at.
    let address = principal.scope.actor().address.as_deref().unwrap_or_default();
    let guesser = Guesser::new(email, address);
    guesser.refuse_throttled(db).await?;
    if !verify(present, Some(member.password_hash.clone())).await? {
        guesser.count_failure(db).await?;
        refuse_change(db, principal, &member).await?;
        return Err(Error::field(
            "present_password",
            "wrong",
            "this is not the present password",
        ));
    }
    guesser.forgive(db).await?;
    let mut errors = Vec::new();
    check_password(new, email, &mut errors);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let hash = hash(new).await?;
    let scope: &Scope = &principal.scope;
    let tx = db.write(scope).await?;
    put(&tx, me, hash, principal.session_id).await?;
    let entry = Entry {
        action: "member.change_password",
        object_kind: "member",
        object_id: Some(me),
        object_name: &member.name,
        before: None,
        after: None,
    };
    audit::record(&tx, entry).await?;
    tx.commit().await
}

/// Gives a member another password without the present one and ends all their sessions in the organisation: for whoever may run
/// programs on the server, when somebody has lost theirs.
///
/// # Errors
/// [`Error::NotFound`] where the organisation of the scope has no such member; [`Error::Invalid`] for a bad password.
pub async fn reset_password(db: &Db, scope: &Scope, email: &str, new: &str) -> Result<()> {
    let email = email.trim().to_lowercase();
    let mut errors = Vec::new();
    check_password(new, &email, &mut errors);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let hash = hash(new).await?;
    let tx = db.write(scope).await?;
    let member = members::lasting(&tx, entity::membership::Column::Email.eq(email.as_str()))
        .await?
        .ok_or(Error::NotFound { what: "member" })?;
    put(&tx, member.id, hash, None).await?;
    let entry = Entry {
        action: "member.reset_password",
        object_kind: "member",
        object_id: Some(member.id),
        object_name: &member.name,
        before: None,
        after: None,
    };
    audit::record(&tx, entry).await?;
    tx.commit().await?;
    // Whoever lost it has tried often.
    Guesser::new(&email, "").forgive(db).await
}

/// Puts another password in place and ends all sessions of the member but one.
async fn put(tx: &OrgTx, member_id: Uuid, hash: String, but: Option<Uuid>) -> Result<()> {
    use entity::{membership, session};
    // Not by the scope: whoever is bound to groups sees no members, but has a password.
    membership::Entity::update_many()
        .col_expr(membership::Column::PasswordHash, Expr::value(hash))
        .col_expr(membership::Column::UpdatedAt, Expr::value(tx.now()))
        .filter(membership::Column::OrgId.eq(tx.org_id()))
        .filter(membership::Column::Id.eq(member_id))
        .exec(tx)
        .await?;
    let mut others = tx
        .update_many::<session::Entity>()
        .col_expr(session::Column::EndedAt, Expr::value(tx.now()))
        .filter(session::Column::MembershipId.eq(member_id))
        .filter(session::Column::EndedAt.is_null());
    if let Some(session) = but {
        others = others.filter(session::Column::Id.ne(session));
    }
    others.exec(tx).await?;
    Ok(())
}

async fn refuse_change(db: &Db, principal: &Principal, member: &Membership) -> Result<()> {
    let tx = db.write(&principal.scope).await?;
    let entry = Entry {
        action: "member.refuse_password",
        object_kind: "member",
        object_id: Some(member.id),
        object_name: &member.name,
        before: None,
        after: None,
    };
    audit::record(&tx, entry).await?;
    tx.commit().await
}
