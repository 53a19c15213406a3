//! The loops.

use crate::{Loop, Tools, Turn, mail};
use certyard_domain::{Db, Result, Scope, alerts, idempotency, inventory, jobs, orgs, people, plans};
use std::time::Duration;

/// How many old rows one transaction deletes, so that it stays short.
const FORGET_AT_ONCE: u64 = 1000;

/// All loops.
pub(crate) static ALL: &[Loop] = &[
    Loop {
        name: "sweep_leases",
        every: Duration::from_secs(5),
        turn: sweep_leases,
    },
    Loop {
        name: "expire_deadlines",
        every: Duration::from_secs(15),
        turn: expire_deadlines,
    },
    Loop {
        name: "open_waves",
        every: Duration::from_secs(5),
        turn: open_waves,
    },
    Loop {
        name: "refresh_summaries",
        every: Duration::from_secs(15),
        turn: refresh_summaries,
    },
    Loop {
        name: "settle_compliance",
        every: Duration::from_secs(5),
        turn: settle_compliance,
    },
    Loop {
        name: "raise_alerts",
        every: Duration::from_secs(60),
        turn: raise_alerts,
    },
    Loop {
        name: "raise_notices",
        every: Duration::from_secs(300),
        turn: raise_notices,
    },
    Loop {
        name: "send_messages",
        every: Duration::from_secs(5),
        turn: send_messages,
    },
    Loop {
        name: "forget_plans",
        every: Duration::from_secs(600),
        turn: forget_plans,
    },
    Loop {
        name: "forget_idempotency_keys",
        every: Duration::from_secs(600),
        turn: forget_idempotency_keys,
    },
    Loop {
        name: "forget_messages",
        every: Duration::from_secs(3600),
        turn: forget_messages,
    },
    Loop {
        name: "forget_sessions",
        every: Duration::from_secs(3600),
        turn: forget_sessions,
    },
    Loop {
        name: "forget_failures",
        every: Duration::from_secs(600),
        turn: forget_failures,
    },
];

fn sweep_leases(tools: &Tools) -> Turn<'_> {
    Box::pin(jobs::sweep_leases(&tools.db))
}

fn expire_deadlines(tools: &Tools) -> Turn<'_> {
    Box::pin(jobs::expire_deadlines(&tools.db))
}

fn open_waves(tools: &Tools) -> Turn<'_> {
    Box::pin(jobs::open_waves(&tools.db))
}

fn refresh_summaries(tools: &Tools) -> Turn<'_> {
    Box::pin(async move { Ok(inventory::refresh_due(&tools.db).await? as u64) })
}

fn settle_compliance(tools: &Tools) -> Turn<'_> {
    Box::pin(inventory::settle_due(&tools.db))
}

fn raise_alerts(tools: &Tools) -> Turn<'_> {
    Box::pin(async move {
        let swept = alerts::raise_due(&tools.db).await?;
        Ok(swept.alerts + swept.messages)
    })
}

fn raise_notices(tools: &Tools) -> Turn<'_> {
    Box::pin(alerts::raise_notices(&tools.db))
}

fn send_messages(tools: &Tools) -> Turn<'_> {
    Box::pin(mail::send_due(tools))
}

fn forget_plans(tools: &Tools) -> Turn<'_> {
    Box::pin(async move {
        let db = &tools.db;
        let mut done = 0;
        for scope in scopes(db, "retention").await? {
            done += until_none_left(|| async {
                let tx = db.write(&scope).await?;
                let deleted = plans::delete_expired(&tx, FORGET_AT_ONCE).await?;
                tx.commit().await?;
                Ok(deleted)
            })
            .await?;
        }
        Ok(done)
    })
}

fn forget_idempotency_keys(tools: &Tools) -> Turn<'_> {
    Box::pin(async move {
        let db = &tools.db;
        let mut done = 0;
        for scope in scopes(db, "retention").await? {
            done += until_none_left(|| idempotency::forget_old(db, &scope, FORGET_AT_ONCE)).await?;
        }
        Ok(done)
    })
}

fn forget_messages(tools: &Tools) -> Turn<'_> {
    Box::pin(async move {
        let db = &tools.db;
        let mut done = 0;
        for scope in scopes(db, "retention").await? {
            done += until_none_left(|| alerts::forget_old(db, &scope, FORGET_AT_ONCE)).await?;
        }
        Ok(done)
    })
}

fn forget_sessions(tools: &Tools) -> Turn<'_> {
    Box::pin(async move {
        let db = &tools.db;
        let mut done = 0;
        for scope in scopes(db, "retention").await? {
            done += until_none_left(|| people::forget_old_sessions(db, &scope, FORGET_AT_ONCE)).await?;
        }
        Ok(done)
    })
}

fn forget_failures(tools: &Tools) -> Turn<'_> {
    Box::pin(people::forget_old_failures(&tools.db))
}

/// One scope for each organisation.
async fn scopes(db: &Db, name: &str) -> Result<Vec<Scope>> {
    Ok(orgs::list(db)
        .await?
        .into_iter()
        .map(|org| Scope::system(org.id, name))
        .collect())
}

async fn until_none_left<F, O>(mut forget: F) -> Result<u64>
where
    F: FnMut() -> O,
    O: Future<Output = Result<u64>>,
{
    let mut done = 0;
    loop {
        let forgotten = forget().await?;
        done += forgotten;
        if forgotten < FORGET_AT_ONCE {
            return Ok(done);
        }
    }
}
