//! Who is being served by this process: one round at a time for each organisation, so that one whose server is slow goes on beside the
//! loop and keeps nobody else waiting.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use uuid::Uuid;

/// Rounds that are under way.
#[derive(Default)]
pub(crate) struct Rounds {
    busy: Mutex<HashSet<Uuid>>,
    /// Somebody has come to an end.
    ended: Notify,
    stopping: AtomicBool,
}

/// The round of an organisation; it ends when this is dropped.
pub(crate) struct Turn {
    rounds: Arc<Rounds>,
    org: Uuid,
}

impl Rounds {
    /// Begins the round of an organisation; none where one is under way, or the program is about to stop.
    pub(crate) fn begin(self: &Arc<Self>, org: Uuid) -> Option<Turn> {
        let new = !self.is_stopping() && self.busy().insert(org);
        new.then(|| Turn {
            rounds: self.clone(),
            org,
        })
    }

    /// How many are under way.
    pub(crate) fn count(&self) -> usize {
        self.busy().len()
    }

    /// Nothing new is begun.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Begins nothing new, and waits until all have come to their end: each ends with its lease at the latest.
    pub(crate) async fn end(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        loop {
            let ended = self.ended.notified();
            if self.busy().is_empty() {
                return;
            }
            ended.await;
        }
    }

    fn busy(&self) -> std::sync::MutexGuard<'_, HashSet<Uuid>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.rounds.busy().remove(&self.org);
        self.rounds.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_has_one_round_at_a_time_and_the_end_waits_for_all() {
        let rounds = Arc::new(Rounds::default());
        let org = Uuid::from_u128(1);
        let turn = rounds.begin(org).expect("a round");
        assert!(rounds.begin(org).is_none());
        drop(rounds.begin(Uuid::from_u128(2)).expect("a round of another"));
        assert_eq!(rounds.count(), 1);
        let ending = tokio::spawn({
            let rounds = rounds.clone();
            async move { rounds.end().await }
        });
        while !rounds.is_stopping() {
            tokio::task::yield_now().await;
        }
        assert!(rounds.begin(Uuid::from_u128(3)).is_none());
        assert!(!ending.is_finished());
        drop(turn);
        ending.await.expect("an end");
    }
}
