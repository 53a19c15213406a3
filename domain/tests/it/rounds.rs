//! Rounds of the worker: what fails in one organisation stops no other. And a deadlock is tried again.

use crate::machine::{Fleet, result};
use certyard_domain::jobs::{self, JobStatus};
use certyard_domain::plans::Order;
use certyard_protocol::Outcome;
use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
use uuid::Uuid;

/// Has the database refuse every change of tasks of one organisation.
async fn refuse_changes(rows: &DatabaseConnection, postgres: bool, org: Uuid) {
    let sql = if postgres {
        format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
             CREATE TRIGGER refuse BEFORE UPDATE ON task FOR EACH ROW WHEN (NEW.org_id = '{org}') EXECUTE FUNCTION refuse();"
        )
    } else {
        format!(
            "CREATE TRIGGER refuse BEFORE UPDATE ON task WHEN hex(NEW.org_id) = '{}'
             BEGIN SELECT RAISE(ABORT, 'refused'); END;",
            hex::encode_upper(org.as_bytes())
        )
    };
    rows.execute_unprepared(&sql).await.expect("a trigger");
}

#[tokio::test]
async fn an_organisation_that_fails_keeps_no_other_one_waiting() {
    let mut fleet = Fleet::new().await;
    let broken = fleet.org.id;
    let mut sound = None;
    for turn in 0..2 {
        if turn == 1 {
            fleet.org = fleet.test.org("Another").await;
            fleet.group = fleet.group("Another site").await;
        }
        let (agent, _, nodes) = fleet.servers(2).await;
        let late = Order {
            deadline_seconds: Some(60),
            ..Order::default()
        };
        let job = fleet.refresh(&nodes, late).await;
        assert_eq!(fleet.claim(agent, 1).await.len(), 1);
        sound = Some(job.id);
    }
    refuse_changes(&fleet.rows, fleet.test.is_postgres(), broken).await;
    fleet.later(61);
    assert_eq!(jobs::sweep_leases(&fleet.test.db).await.expect("a sweep"), 1);
    assert_eq!(jobs::expire_deadlines(&fleet.test.db).await.expect("a sweep"), 2);
    let job = fleet.job(sound.expect("a job")).await;
    assert_eq!((job.status, job.counts.expired), (JobStatus::Failed, 2));
    jobs::open_waves(&fleet.test.db).await.expect("a round");
}

/// Waits until somebody waits for a lock of this database; a minute at most.
async fn until_somebody_waits(rows: &DatabaseConnection) {
    let sql = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let look = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql);
    let seen = async {
        while rows.query_one_raw(look.clone()).await.expect("a look").is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let limit = std::time::Duration::from_secs(60);
    tokio::time::timeout(limit, seen).await.expect("somebody waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_meets_a_deadlock_is_recorded_all_the_same() {
    let fleet = std::sync::Arc::new(Fleet::new().await);
    if !fleet.test.is_postgres() {
        // SQLite has one writer: nobody waits for another in a circle.
        return;
    }
    let (agent, cluster, nodes) = fleet.servers(1).await;
    let job = fleet.refresh(&nodes, Order::default()).await;
    let task = fleet.claim(agent, 1).await[0].task.task_id;
    let rival = fleet.rows.begin().await.expect("a transaction");
    // The rival never notices the circle itself: the report is the one that PostgreSQL ends.
    rival
        .execute_unprepared(&format!(
            "SET LOCAL deadlock_timeout = '1h'; SELECT 1 FROM job_cluster WHERE job_id = '{}' FOR UPDATE",
            job.id
        ))
        .await
        .expect("the counts are locked");
    let reporting = {
        let fleet = fleet.clone();
        tokio::spawn(async move { fleet.report(agent, task, &result(1, Outcome::Succeeded)).await })
    };
    let watch = fleet.test.owner().await;
    until_somebody_waits(&watch).await;
    rival
        .execute_unprepared(&format!("SELECT 1 FROM cluster WHERE id = '{cluster}' FOR UPDATE"))
        .await
        .expect("the report has made way");
    rival.rollback().await.expect("the rival is done");
    assert!(reporting.await.expect("no panic").expect("recorded").recorded);
    assert_eq!(fleet.job(job.id).await.status, JobStatus::Succeeded);
}
