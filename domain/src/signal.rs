//! Wake-ups: hints that something is to be done or seen. They may be lost; polling alone is correct.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, broadcast};
use uuid::Uuid;

/// What a wake-up is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// An agent has something to fetch.
    Agent(Uuid),
    /// A job's counts moved.
    Job(Uuid),
}

impl Topic {
    /// Text that travels between servers.
    pub fn encode(self) -> String {
        match self {
            Self::Agent(id) => format!("a{}", id.simple()),
            Self::Job(id) => format!("j{}", id.simple()),
        }
    }

    /// Reads [`Self::encode`]; text of a newer server is `None`.
    pub fn decode(text: &str) -> Option<Self> {
        match text.split_at_checked(1)? {
            ("a", id) => id.parse().ok().map(Self::Agent),
            ("j", id) => id.parse().ok().map(Self::Job),
            _ => None,
        }
    }
}

/// Carries wake-ups within a process, and between processes where there are several.
pub trait Signal: Send + Sync {
    /// Wakes whoever waits for the topic, here and elsewhere.
    fn wake(&self, topic: Topic);
    /// Hears all topics from now on. A receiver that lags has to look at everything once.
    fn subscribe(&self) -> broadcast::Receiver<Topic>;
}

/// Wake-ups within one process.
pub struct LocalSignal {
    sender: broadcast::Sender<Topic>,
}

impl Default for LocalSignal {
    fn default() -> Self {
        Self {
            sender: broadcast::channel(1024).0,
        }
    }
}

impl Signal for LocalSignal {
    fn wake(&self, topic: Topic) {
        // Nobody listening is fine.
        let _ = self.sender.send(topic);
    }

    fn subscribe(&self) -> broadcast::Receiver<Topic> {
        self.sender.subscribe()
    }
}

/// How long wake-ups are gathered before one NOTIFY: PostgreSQL takes a lock over the whole database for each at commit.
const COALESCE: Duration = Duration::from_millis(100);
/// A NOTIFY payload must stay below 8,000 bytes.
const TOPICS_PER_NOTIFY: usize = 200;
const CHANNEL: &str = "certyard";

/// Wake-ups between processes by LISTEN and NOTIFY, gathered for 100 ms and sent outside of business transactions. Within
/// the process they take effect at once.
pub struct PgSignal {
    local: LocalSignal,
    outgoing: Arc<Outgoing>,
}

#[derive(Default)]
struct Outgoing {
    topics: Mutex<HashSet<Topic>>,
    some: Notify,
}

impl PgSignal {
    /// Starts the two tasks that send and listen over `pool`.
    pub fn start(pool: sea_orm::sqlx::PgPool) -> Arc<Self> {
        let signal = Arc::new(Self {
            local: LocalSignal::default(),
            outgoing: Arc::default(),
        });
        tokio::spawn(send(pool.clone(), signal.outgoing.clone()));
        tokio::spawn(listen(pool, signal.local.sender.clone()));
        signal
    }
}

impl Signal for PgSignal {
    fn wake(&self, topic: Topic) {
        self.local.wake(topic);
        self.outgoing
            .topics
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(topic);
        self.outgoing.some.notify_one();
    }

    fn subscribe(&self) -> broadcast::Receiver<Topic> {
        self.local.subscribe()
    }
}

async fn send(pool: sea_orm::sqlx::PgPool, outgoing: Arc<Outgoing>) {
    loop {
        outgoing.some.notified().await;
        tokio::time::sleep(COALESCE).await;
        let topics: Vec<String> = {
            let mut topics = outgoing
                .topics
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            topics.drain().map(Topic::encode).collect()
        };
        for chunk in topics.chunks(TOPICS_PER_NOTIFY) {
            let sent = sea_orm::sqlx::query("SELECT pg_notify($1, $2)")
                .bind(CHANNEL)
                .bind(chunk.join(" "))
                .execute(&pool)
                .await;
            if let Err(error) = sent {
                tracing::debug!(%error, "a wake-up was not sent; whoever waits will see it at the next poll");
            }
        }
    }
}

async fn listen(pool: sea_orm::sqlx::PgPool, sender: broadcast::Sender<Topic>) {
    loop {
        if let Err(error) = listen_once(&pool, &sender).await {
            tracing::debug!(%error, "listening for wake-ups was interrupted");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn listen_once(
    pool: &sea_orm::sqlx::PgPool,
    sender: &broadcast::Sender<Topic>,
) -> Result<(), sea_orm::sqlx::Error> {
    let mut listener = sea_orm::sqlx::postgres::PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        let notice = listener.recv().await?;
        for topic in notice.payload().split(' ').filter_map(Topic::decode) {
            let _ = sender.send(topic);
        }
    }
}
