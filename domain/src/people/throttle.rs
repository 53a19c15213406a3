//! Wrong passwords are counted per account and per address, whatever they were given for: signing in, or proving the
//! present password at a change.

use super::entity::throttle;
use crate::digest::sha256_hex;
use crate::error::{Error, Result};
use crate::{Db, Timestamp};
use chrono::Duration;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};

/// Failures in a row after which an account or address has to wait, and how long the count is kept.
const ACCOUNT_FAILURES: i32 = 5;
const ADDRESS_FAILURES: i32 = 30;
const WINDOW_MINUTES: i64 = 15;
/// The wait doubles from this with each further failure, up to the window.
const FIRST_WAIT_SECONDS: i64 = 5;

/// Whoever gives a password: the account that it is for and the address that it comes from, as hashes.
pub(super) struct Guesser {
    account: String,
    address: String,
}

impl Guesser {
    pub(super) fn new(email: &str, address: &str) -> Self {
        Self {
            account: sha256_hex(format!("account {email}").as_bytes()),
            address: sha256_hex(format!("address {address}").as_bytes()),
        }
    }

    /// Refuses an account or address that has to wait, before anything costly is done for it.
    pub(super) async fn refuse_throttled(&self, db: &Db) -> Result<()> {
        let tx = db.global(false).await?;
        let now = tx.now();
        let rows = throttle::Entity::find()
            .filter(throttle::Column::SubjectHash.is_in([self.account.as_str(), &self.address]))
            .all(&tx)
            .await?;
        match rows
            .iter()
            .filter_map(|row| row.blocked_until)
            .max()
            .filter(|until| *until > now)
        {
            Some(until) => Err(Error::Throttled {
                retry_after_seconds: (until - now).num_seconds().max(0) as u64 + 1,
            }),
            None => Ok(()),
        }
    }

    /// Counts a wrong password.
    pub(super) async fn count_failure(&self, db: &Db) -> Result<()> {
        let tx = db.global(true).await?;
        for (subject, allowed) in [(&self.account, ACCOUNT_FAILURES), (&self.address, ADDRESS_FAILURES)] {
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
                blocked_until: Set(blocked_until(failures, allowed, tx.now())),
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

    /// Forgets the failures of an account whose password was given; an address may have guessed at others.
    pub(super) async fn forgive(&self, db: &Db) -> Result<()> {
        let tx = db.global(true).await?;
        throttle::Entity::delete_by_id(self.account.as_str()).exec(&tx).await?;
        tx.commit().await
    }
}

fn blocked_until(failures: i32, allowed: i32, now: Timestamp) -> Option<Timestamp> {
    let over = failures - allowed;
    if over < 0 {
        return None;
    }
    let seconds = FIRST_WAIT_SECONDS.saturating_mul(1 << over.min(20));
    Some(now + Duration::seconds(seconds.min(WINDOW_MINUTES * 60)))
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
