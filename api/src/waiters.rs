//! Whoever waits for a wake-up: held polls and event streams. One task hears the signal and wakes only those whose topic
//! it is, so that ten thousand waiting agents cost nothing while one of them gets work.

use certyard_domain::signal::{Signal, Topic};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;

/// Who waits for what.
#[derive(Default)]
pub(crate) struct Waiters {
    topics: Mutex<HashMap<Topic, Arc<Notify>>>,
}

/// Waits for one topic until it is dropped.
pub(crate) struct Waiter {
    waiters: Arc<Waiters>,
    topic: Topic,
    notify: Arc<Notify>,
}

impl Waiters {
    /// Waits from now on: what is looked up after this cannot be missed.
    pub(crate) fn wait(self: &Arc<Self>, topic: Topic) -> Waiter {
        let notify = self
            .topics
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(topic)
            .or_default()
            .clone();
        Waiter {
            waiters: self.clone(),
            topic,
            notify,
        }
    }

    /// Hears the signal until it ends.
    pub(crate) async fn hear(self: Arc<Self>, signal: Arc<dyn Signal>) {
        let mut topics = signal.subscribe();
        loop {
            match topics.recv().await {
                Ok(topic) => {
                    let notify = self
                        .topics
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .get(&topic)
                        .cloned();
                    if let Some(notify) = notify {
                        notify.notify_waiters();
                    }
                }
                // Some were missed: everybody looks once.
                Err(RecvError::Lagged(_)) => {
                    for notify in self.topics.lock().unwrap_or_else(PoisonError::into_inner).values() {
                        notify.notify_waiters();
                    }
                }
                Err(RecvError::Closed) => return,
            }
        }
    }
}

impl Waiter {
    /// The next wake-up. Make it before looking for what is there, and await it after.
    pub(crate) fn woken(&self) -> tokio::sync::futures::Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut topics = self.waiters.topics.lock().unwrap_or_else(PoisonError::into_inner);
        // This one and the table hold it: nobody else waits.
        if Arc::strong_count(&self.notify) == 2 {
            topics.remove(&self.topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use certyard_domain::signal::LocalSignal;
    use std::time::Duration;
    use uuid::Uuid;

    #[tokio::test]
    async fn a_waiter_is_woken_for_its_topic_only_and_leaves_nothing_behind() {
        let waiters = Arc::new(Waiters::default());
        let signal: Arc<dyn Signal> = Arc::new(LocalSignal::default());
        let hearing = tokio::spawn(waiters.clone().hear(signal.clone()));
        let (mine, other) = (Topic::Agent(Uuid::now_v7()), Topic::Agent(Uuid::now_v7()));
        let waiter = waiters.wait(mine);
        let again = waiters.wait(mine);
        let mut woken = Box::pin(waiter.woken());
        woken.as_mut().enable();
        // The hearing task has to be there first.
        while tokio::time::timeout(Duration::from_millis(10), &mut woken)
            .await
            .is_err()
        {
            signal.wake(other);
            signal.wake(mine);
        }
        let mut second = Box::pin(waiter.woken());
        second.as_mut().enable();
        signal.wake(other);
        assert!(
            tokio::time::timeout(Duration::from_millis(50), &mut second)
                .await
                .is_err()
        );
        drop(second);
        drop(woken);
        drop(again);
        assert_eq!(waiters.topics.lock().expect("a lock").len(), 1);
        drop(waiter);
        assert!(waiters.topics.lock().expect("a lock").is_empty());
        hearing.abort();
    }
}
