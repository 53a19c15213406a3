//! Transactions that the database ended for the sake of others.

use crate::error::{Error, Result, sql_state};
use sea_orm::DbErr;
use std::time::Duration;
use uuid::Uuid;

/// More would mean that something else is wrong.
const TRIES: u32 = 5;
/// Longest pause before a try; rivals that meet again and again wait for different times.
const PAUSE_MILLIS: u64 = 50;

/// Does a whole transaction again that PostgreSQL ended because of a deadlock or a serialisation failure (SQLSTATE 40P01,
/// 40001): nothing of it was kept. For the writes of agents, which come in numbers; whoever else meets one is told to try
/// again.
///
/// # Errors
/// Those of the transaction, once all tries are used up.
pub(crate) async fn retry<T, F: Future<Output = Result<T>>>(mut transaction: impl FnMut() -> F) -> Result<T> {
    for _ in 1..TRIES {
        match transaction().await {
            Err(error) if was_ended_for_others(&error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a transaction made way and is tried again"
                );
            }
            done => return done,
        }
        let pause = Uuid::new_v4().as_u128() % u128::from(PAUSE_MILLIS);
        tokio::time::sleep(Duration::from_millis(pause as u64)).await;
    }
    transaction().await
}

/// Whether the database ended the transaction because two of them stood in each other's way.
pub(crate) fn was_ended_for_others(error: &Error) -> bool {
    let Error::Unavailable { source } = error else {
        return false;
    };
    source
        .downcast_ref::<DbErr>()
        .and_then(sql_state)
        .is_some_and(|state| ["40P01", "40001"].contains(&state.as_str()))
}
