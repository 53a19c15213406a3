//! Signing in with a password, throttled per account and per address.

use super::credential::hash;
use super::entity::{membership, throttle, user, user_org};
use super::{Origin, Principal, password, sessions};
use crate::audit::{self, Entry};
use crate::error::{Error, Result};
use crate::{Actor, ActorKind, Db, Scope, Timestamp};
use chrono::Duration;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Failures in a row after which an account or address has to wait, and how long the count is kept.
const ACCOUNT_FAILURES: i32 = 5;
const ADDRESS_FAILURES: i32 = 30;
const WINDOW_MINUTES: i64 = 15;
/// The wait doubles from this with each further failure, up to the window.
const FIRST_WAIT_SECONDS: i64 = 5;

/// What a person gives.
pub struct SignIn {
    /// Address.
    pub email: String,
    /// Password.
    pub password: Zeroizing<String>,
    /// The organisation, for those who belong to several.
    pub organisation: Option<Uuid>,
}

/// An organisation to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganisationChoice {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// What became of a sign-in with the right password.
pub enum SignedIn {
    /// The person is in; the text goes into the cookie.
    In {
        /// Who it is.
        principal: Box<Principal>,
        /// Text of the session.
        session: Zeroizing<String>,
    },
    /// They belong to several organisations and have to say which.
    Choose(Vec<OrganisationChoice>),
}

/// Signs a person in.
///
/// # Errors
/// [`Error::Unauthenticated`] in the same words for an unknown address and a wrong password; [`Error::Throttled`] after too
/// many failures.
pub async fn sign_in(db: &Db, request: &SignIn, origin: &Origin) -> Result<SignedIn> {
    let email = request.email.trim().to_lowercase();
    let subjects = [
        (hash(&format!("account {email}")), ACCOUNT_FAILURES),
        (hash(&format!("address {}", origin.address)), ADDRESS_FAILURES),
    ];
    refuse_throttled(db, &subjects).await?;
    let tx = db.global(false).await?;
    let found = user::Entity::find()
        .filter(user::Column::Email.eq(email.as_str()))
        .one(&tx)
        .await?;
    let organisations: Vec<Uuid> = match &found {
        Some(user) => user_org::Entity::find()
            .filter(user_org::Column::UserId.eq(user.id))
            .all(&tx)
            .await?
            .into_iter()
            .map(|row| row.org_id)
            .collect(),
        None => Vec::new(),
    };
    drop(tx);
    let mut places = Vec::new();
    let mut right = false;
    let user = found.filter(|user| user.disabled_at.is_none());
    let wanted = organisations
        .iter()
        .copied()
        .filter(|org| request.organisation.is_none_or(|wanted| wanted == *org));
    for org in wanted {
        let Some((choice, member)) = place(db, org, user.as_ref()).await? else {
            continue;
        };
        if password::verify(&request.password, Some(member.password_hash.clone())).await? {
            right = true;
            places.push((choice, member));
        }
    }
    if !right {
        // Where nothing was checked the same work is done, so that the time tells nothing.
        if user.is_none() || organisations.is_empty() {
            password::verify(&request.password, None).await?;
        }
        count_failure(db, &subjects).await?;
        for org in organisations {
            record_refusal(db, org, &email, origin).await?;
        }
        return Err(wrong());
    }
    forgive(db, &subjects).await?;
    if places.len() > 1 {
        return Ok(SignedIn::Choose(places.into_iter().map(|(choice, _)| choice).collect()));
    }
    let (_, member) = places.pop().ok_or_else(wrong)?;
    let actor = Actor {
        kind: ActorKind::User,
        id: Some(member.id),
        name: member.name.clone(),
        address: Some(origin.address.clone()),
        request_id: Some(origin.request_id.clone()),
    };
    let role = super::role_of(&member.role)?;
    let tx = db.write(&Scope::new(member.org_id, actor, role, None)).await?;
    let (session_id, session) = sessions::start(&tx, &member, origin).await?;
    let entry = Entry {
        action: "session.start",
        object_kind: "session",
        object_id: Some(session_id),
        object_name: &member.name,
        before: None,
        after: None,
    };
    audit::record(&tx, entry).await?;
    tx.commit().await?;
    let principal = Box::new(sessions::principal(&member, session_id, origin)?);
    Ok(SignedIn::In { principal, session })
}

/// The organisation and the person's place in it, while both last.
async fn place(
    db: &Db,
    org: Uuid,
    user: Option<&user::Model>,
) -> Result<Option<(OrganisationChoice, membership::Model)>> {
    let Some(user) = user else { return Ok(None) };
    let tx = db.read(&Scope::system(org, "sign-in")).await?;
    let organisation = match crate::orgs::get(&tx).await {
        Ok(organisation) => organisation,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let member = tx
        .find::<membership::Entity>()
        .filter(membership::Column::UserId.eq(user.id))
        .filter(membership::Column::RetiredAt.is_null())
        .one(&tx)
        .await?;
    let choice = OrganisationChoice {
        id: org,
        name: organisation.name,
    };
    Ok(member.map(|member| (choice, member)))
}

fn wrong() -> Error {
    Error::Unauthenticated {
        code: "wrong_password",
        message: "the address or the password is wrong".into(),
    }
}

async fn record_refusal(db: &Db, org: Uuid, email: &str, origin: &Origin) -> Result<()> {
    let actor = Actor {
        kind: ActorKind::User,
        id: None,
        name: email.into(),
        address: Some(origin.address.clone()),
        request_id: Some(origin.request_id.clone()),
    };
    let tx = db.write(&Scope::new(org, actor, crate::Role::Viewer, None)).await?;
    let entry = Entry {
        action: "session.refuse",
        object_kind: "session",
        object_id: None,
        object_name: email,
        before: None,
        after: None,
    };
    audit::record(&tx, entry).await?;
    tx.commit().await
}

async fn refuse_throttled(db: &Db, subjects: &[(String, i32)]) -> Result<()> {
    let tx = db.global(false).await?;
    let now = tx.now();
    let hashes = subjects.iter().map(|(hash, _)| hash.as_str());
    let rows = throttle::Entity::find()
        .filter(throttle::Column::SubjectHash.is_in(hashes))
        .all(&tx)
        .await?;
    match rows
        .iter()
        .filter_map(|row| row.blocked_until)
        .max()
        .filter(|until| *until > now)
    {
        Some(until) => {
            let seconds = (until - now).num_seconds().max(0) as u64 + 1;
            Err(Error::Throttled {
                retry_after_seconds: seconds,
            })
        }
        None => Ok(()),
    }
}

async fn count_failure(db: &Db, subjects: &[(String, i32)]) -> Result<()> {
    let tx = db.global(true).await?;
    for (subject, allowed) in subjects {
        let mut select = throttle::Entity::find_by_id(subject.as_str());
        crate::db::dialect::lock_rows(sea_orm::QuerySelect::query(&mut select));
        let found = select.one(&tx).await?;
        let (failures, started) = match found {
            Some(row) if tx.now() - row.window_started_at < Duration::minutes(WINDOW_MINUTES) => {
                (row.failures + 1, row.window_started_at)
            }
            _ => (1, tx.now()),
        };
        let row = throttle::ActiveModel {
            subject_hash: Set(subject.clone()),
            failures: Set(failures),
            window_started_at: Set(started),
            blocked_until: Set(blocked_until(failures, *allowed, tx.now())),
        };
        throttle::Entity::insert(row)
            .on_conflict(
                sea_orm::sea_query::OnConflict::column(throttle::Column::SubjectHash)
                    .update_columns([
                        throttle::Column::Failures,
                        throttle::Column::WindowStartedAt,
                        throttle::Column::BlockedUntil,
                    ])
                    .to_owned(),
            )
            .exec_without_returning(&tx)
            .await?;
    }
    tx.commit().await
}

fn blocked_until(failures: i32, allowed: i32, now: Timestamp) -> Option<Timestamp> {
    let over = failures - allowed;
    if over < 0 {
        return None;
    }
    let seconds = FIRST_WAIT_SECONDS.saturating_mul(1 << over.min(20));
    Some(now + Duration::seconds(seconds.min(WINDOW_MINUTES * 60)))
}

async fn forgive(db: &Db, subjects: &[(String, i32)]) -> Result<()> {
    let Some((account, _)) = subjects.first() else {
        return Ok(());
    };
    let tx = db.global(true).await?;
    throttle::Entity::delete_by_id(account.as_str()).exec(&tx).await?;
    tx.commit().await
}

/// Deletes counts of failures whose window and wait are over; returns how many. Anybody can make such rows.
///
/// # Errors
/// The database is busy or away.
pub async fn forget_old_failures(db: &Db) -> Result<u64> {
    let tx = db.global(true).await?;
    let deleted = throttle::Entity::delete_many()
        .filter(throttle::Column::WindowStartedAt.lt(tx.now() - Duration::minutes(2 * WINDOW_MINUTES)))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(deleted.rows_affected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_begins_at_the_limit_doubles_and_ends_at_the_window() {
        let now = crate::clock::process_now();
        let wait = |failures| blocked_until(failures, ACCOUNT_FAILURES, now).map(|until| (until - now).num_seconds());
        assert_eq!(wait(4), None);
        assert_eq!(wait(5), Some(5));
        assert_eq!(wait(6), Some(10));
        assert_eq!(wait(7), Some(20));
        assert_eq!(wait(30), Some(900));
        assert_eq!(wait(i32::MAX), Some(900));
    }
}
