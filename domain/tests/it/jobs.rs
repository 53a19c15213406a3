//! Jobs: tasks move by the table only, once for each epoch, and counts follow.

use crate::machine::{Fleet, noon, own_certificate, payload, request, result};
use certyard_domain::inventory;
use certyard_domain::jobs::{self, Changed, JobStatus, TaskState};
use certyard_domain::plans::{Action, CsrOptions, Order, Targets};
use certyard_domain::{Error, Role};
use certyard_protocol::{
    InventoryCsr, InventoryEntry, LeaseRequest, NodeInventory, Outcome, Served, StepKind, StoreKind, TaskRef,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

fn is_stale(error: &Error) -> bool {
    matches!(
        error,
        Error::Conflict {
            code: "stale_epoch",
            ..
        }
    )
}

#[tokio::test]
async fn a_job_runs_from_claim_to_success() {
    let fleet = Fleet::new().await;
    let (agent, cluster, nodes) = fleet.servers(3).await;
    let job = fleet.refresh(&nodes, Order::default()).await;
    assert_eq!(
        (job.status, job.counts.pending, job.cluster_count),
        (JobStatus::Waiting, 3, 1)
    );
    assert_eq!(job.title, "Refresh inventory on 3 nodes of servers");
    let claimed = fleet.claim(agent, 100).await;
    assert_eq!(claimed.len(), 3);
    assert_eq!(fleet.job(job.id).await.status, JobStatus::Running);
    for task in &claimed {
        let payload = payload(task);
        assert_eq!((payload.agent_id, payload.epoch, payload.job_id), (agent, 1, job.id));
        assert_eq!(payload.steps.len(), 1);
        fleet
            .report(agent, task.task.task_id, &result(1, Outcome::Succeeded))
            .await
            .expect("recorded");
    }
    let done = fleet.job(job.id).await;
    assert_eq!((done.status, done.counts.succeeded), (JobStatus::Succeeded, 3));
    assert!(done.finished_at.is_some());
    assert!(done.version > job.version);
    let tx = fleet.test.db.read(&fleet.org.owner).await.expect("a transaction");
    let month = jobs::Period::of(tx.now(), None, None).expect("a period");
    let counts = jobs::period_counts(&tx, &[cluster], month).await.expect("counts");
    assert_eq!(counts[&cluster].complete, 1);
    assert!(
        jobs::events_since(&tx, job.id, done.version)
            .await
            .expect("events")
            .is_none()
    );
    assert!(
        jobs::events_since(&tx, job.id, job.version)
            .await
            .expect("events")
            .is_some()
    );
}

#[tokio::test]
async fn signatures_are_of_the_key_that_agents_know() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(1).await;
    fleet.refresh(&nodes, Order::default()).await;
    let claimed = fleet.claim(agent, 1).await;
    let known: HashSet<String> = fleet.test.keys.task_keys().into_iter().map(|key| key.id).collect();
    assert!(known.contains(&claimed[0].envelope.key_id));
}

#[tokio::test]
async fn a_stale_report_changes_nothing() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(1).await;
    let job = fleet.refresh(&nodes, Order::default()).await;
    let task = fleet.claim(agent, 1).await[0].task.task_id;
    for epoch in [0, 2, -1, i64::MAX] {
        let error = fleet
            .report(agent, task, &result(epoch, Outcome::Succeeded))
            .await
            .expect_err("stale");
        assert!(is_stale(&error), "{error:?}");
    }
    fleet.later(61);
    assert_eq!(jobs::sweep_leases(&fleet.test.db).await.expect("a sweep"), 1);
    // The lease is lost: even the same epoch is stale now.
    let error = fleet
        .report(agent, task, &result(1, Outcome::Succeeded))
        .await
        .expect_err("stale");
    assert!(is_stale(&error));
    fleet.later(120);
    let again = fleet.claim(agent, 1).await;
    assert_eq!(
        again[0].task,
        TaskRef {
            task_id: task,
            epoch: 2
        }
    );
    let error = fleet
        .report(agent, task, &result(1, Outcome::Failed))
        .await
        .expect_err("stale");
    assert!(is_stale(&error));
    assert_eq!(fleet.tasks(job.id).await[0].state, TaskState::Running);
    fleet
        .report(agent, task, &result(2, Outcome::Succeeded))
        .await
        .expect("recorded");
    assert_eq!(fleet.job(job.id).await.status, JobStatus::Succeeded);
}

#[tokio::test]
async fn a_repeated_report_gets_the_same_answer_and_no_second_effect() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(1).await;
    let job = fleet.refresh(&nodes, Order::default()).await;
    let task = fleet.claim(agent, 1).await[0].task.task_id;
    fleet
        .report(agent, task, &result(1, Outcome::Retry))
        .await
        .expect("recorded");
    let version = fleet.job(job.id).await.version;
    let again = fleet
        .report(agent, task, &result(1, Outcome::Retry))
        .await
        .expect("the same answer");
    assert!(again.recorded);
    assert_eq!(fleet.job(job.id).await.version, version);
    fleet.later(600);
    assert_eq!(fleet.claim(agent, 1).await[0].task.epoch, 2);
    fleet
        .report(agent, task, &result(2, Outcome::Succeeded))
        .await
        .expect("recorded");
    for epoch in [1, 2, 1] {
        assert!(
            fleet
                .report(agent, task, &result(epoch, Outcome::Failed))
                .await
                .expect("the same")
                .recorded
        );
    }
    assert_eq!(fleet.tasks(job.id).await[0].state, TaskState::Succeeded);
}

#[tokio::test]
async fn a_retryable_error_waits_and_fails_after_the_last_attempt() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(1).await;
    let job = fleet.refresh(&nodes, Order::default()).await;
    let mut seconds = 0;
    for epoch in 1..=5 {
        let claimed = fleet.claim(agent, 1).await;
        assert_eq!(claimed.len(), 1, "attempt {epoch}");
        fleet
            .report(agent, claimed[0].task.task_id, &result(epoch, Outcome::Retry))
            .await
            .expect("recorded");
        assert!(
            fleet.claim(agent, 1).await.is_empty(),
            "there is a wait after attempt {epoch}"
        );
        seconds += 600;
        fleet.later(seconds);
    }
    let task = fleet.tasks(job.id).await.pop().expect("a task");
    assert_eq!(task.state, TaskState::Failed);
    assert_eq!(task.failure_code.as_deref(), Some("node_unreachable"));
    assert_eq!(task.node_state.as_deref(), Some("not_started"));
    assert_eq!(fleet.job(job.id).await.status, JobStatus::Failed);
}

#[tokio::test]
async fn a_lost_lease_comes_back_and_fails_after_the_last_attempt() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(1).await;
    let job = fleet.refresh(&nodes, Order::default()).await;
    let mut seconds = 0;
    for epoch in 1..=5 {
        let claimed = fleet.claim(agent, 1).await;
        assert_eq!(claimed[0].task.epoch, epoch);
        seconds += 59;
        fleet.later(seconds);
        assert_eq!(jobs::sweep_leases(&fleet.test.db).await.expect("a sweep"), 0);
        seconds += 2;
        fleet.later(seconds);
        assert_eq!(jobs::sweep_leases(&fleet.test.db).await.expect("a sweep"), 1);
        seconds += 600;
        fleet.later(seconds);
    }
    let task = fleet.tasks(job.id).await.pop().expect("a task");
    assert_eq!(
        (task.state, task.failure_code.as_deref()),
        (TaskState::Failed, Some("lease_lost"))
    );
    assert_eq!(fleet.job(job.id).await.status, JobStatus::Failed);
}

#[tokio::test]
async fn a_lease_is_renewed_by_its_agent_only() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(1).await;
    let job = fleet.refresh(&nodes, Order::default()).await;
    let task = fleet.claim(agent, 1).await[0].task.task_id;
    let request = LeaseRequest {
        epoch: 1,
        step: Some(StepKind::Inventory),
        message: "reading\0 the stores".into(),
    };
    fleet.later(40);
    let answer = jobs::lease(&fleet.test.db, &fleet.agent_scope(agent), task, &request)
        .await
        .expect("a lease");
    assert!(!answer.cancel);
    fleet.later(90);
    assert_eq!(jobs::sweep_leases(&fleet.test.db).await.expect("a sweep"), 0);
    let seen = fleet.tasks(job.id).await.pop().expect("a task");
    assert_eq!(seen.step.as_deref(), Some("inventory"));
    assert_eq!(seen.message.as_deref(), Some("reading  the stores"));
    let stale = LeaseRequest {
        epoch: 2,
        ..request.clone()
    };
    let error = jobs::lease(&fleet.test.db, &fleet.agent_scope(agent), task, &stale)
        .await
        .expect_err("stale");
    assert!(is_stale(&error));
    let other = fleet.agent(fleet.group).await;
    let error = jobs::lease(&fleet.test.db, &fleet.agent_scope(other), task, &request)
        .await
        .expect_err("foreign");
    assert!(matches!(error, Error::NotFound { .. }));
    let error = fleet
        .report(other, task, &result(1, Outcome::Succeeded))
        .await
        .expect_err("foreign");
    assert!(matches!(error, Error::NotFound { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_agents_claim_each_task_once_per_epoch() {
    let fleet = Arc::new(Fleet::new().await);
    let mut agents = Vec::new();
    let mut nodes = Vec::new();
    // Each node is reached by two of the eight, so that neighbours race.
    for _ in 0..8 {
        agents.push(fleet.agent(fleet.group).await);
    }
    for index in 0..8 {
        let cluster = fleet
            .cluster(fleet.group, &format!("cluster-{index}"), "server", "")
            .await;
        let kind = certyard_protocol::ConnectorKind::Nginx;
        let second = Some(agents[(index + 1) % 8]);
        nodes.extend(fleet.nodes(cluster, kind, 250, agents[index], second).await);
    }
    let job = fleet.refresh(&nodes, Order::default()).await;
    assert_eq!(job.counts.pending, 2_000);
    let mut racers = Vec::new();
    for agent in agents {
        let fleet = fleet.clone();
        racers.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            let mut idle = 0;
            while idle < 3 {
                let claimed = fleet.claim(agent, 40).await;
                if claimed.is_empty() {
                    idle += 1;
                    tokio::task::yield_now().await;
                    continue;
                }
                idle = 0;
                for task in &claimed {
                    fleet
                        .report(agent, task.task.task_id, &result(task.task.epoch, Outcome::Succeeded))
                        .await
                        .expect("recorded");
                }
                seen.extend(claimed.into_iter().map(|task| task.task));
            }
            seen
        }));
    }
    let mut seen: Vec<TaskRef> = Vec::new();
    for racer in racers {
        seen.extend(racer.await.expect("a racer"));
    }
    let unique: HashSet<TaskRef> = seen.iter().copied().collect();
    assert_eq!((seen.len(), unique.len()), (2_000, 2_000));
    // Of two last reports each may have seen the other's task under way: the worker ends the job then.
    jobs::open_waves(&fleet.test.db).await.expect("a round of the worker");
    let done = fleet.job(job.id).await;
    assert_eq!((done.status, done.counts.succeeded), (JobStatus::Succeeded, 2_000));
    assert!(done.finished_at.is_some());
}

#[tokio::test]
async fn two_jobs_on_one_node_run_one_after_the_other() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(1).await;
    let first = fleet.refresh(&nodes, Order::default()).await;
    let second = fleet.refresh(&nodes, Order::default()).await;
    let claimed = fleet.claim(agent, 100).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(payload(&claimed[0]).job_id, first.id);
    assert!(fleet.claim(agent, 100).await.is_empty(), "the node is busy");
    fleet
        .report(agent, claimed[0].task.task_id, &result(1, Outcome::Succeeded))
        .await
        .expect("recorded");
    let claimed = fleet.claim(agent, 100).await;
    assert_eq!(payload(&claimed[0]).job_id, second.id);
}

#[tokio::test]
async fn an_agent_knows_when_there_is_work() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(1).await;
    let scope = fleet.agent_scope(agent);
    let look = async || {
        let tx = fleet.test.db.read(&scope).await.expect("a transaction");
        jobs::has_work(&tx).await.expect("a look")
    };
    assert_eq!(look().await, jobs::Waiting::default());
    let order = Order {
        not_before: Some(noon() + chrono::Duration::seconds(90)),
        ..Order::default()
    };
    fleet.refresh(&nodes, order).await;
    let waiting = look().await;
    assert!(!waiting.ready);
    assert_eq!(waiting.next_at, Some(noon() + chrono::Duration::seconds(90)));
    fleet.later(90);
    assert!(look().await.ready);
    let claimed = fleet.claim(agent, 1).await;
    assert!(!look().await.ready);
    let tx = fleet.test.db.read(&scope).await.expect("a transaction");
    let lost = TaskRef {
        task_id: claimed[0].task.task_id,
        epoch: 7,
    };
    assert_eq!(
        jobs::cancelled_for(&tx, &[claimed[0].task, lost])
            .await
            .expect("a look"),
        [lost.task_id],
        "a claim that is no longer the agent's is to be stopped"
    );
    assert!(
        jobs::has_work(&fleet.test.db.read(&fleet.org.owner).await.expect("a transaction"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn cancel_stops_what_has_not_begun_and_asks_what_runs() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(4).await;
    let job = fleet
        .refresh(
            &nodes,
            Order {
                max_parallel: 3,
                ..Order::default()
            },
        )
        .await;
    assert_eq!((job.counts.pending, job.counts.waiting), (3, 1));
    let claimed = fleet.claim(agent, 2).await;
    let job = jobs::cancel(&fleet.test.db, &fleet.org.owner, job.id)
        .await
        .expect("cancelled");
    assert_eq!((job.counts.cancelled, job.counts.running), (2, 2));
    assert!(job.cancel_requested);
    let scope = fleet.agent_scope(agent);
    let request = LeaseRequest {
        epoch: 1,
        step: None,
        message: String::new(),
    };
    let answer = jobs::lease(&fleet.test.db, &scope, claimed[0].task.task_id, &request)
        .await
        .expect("a lease");
    assert!(answer.cancel);
    fleet
        .report(agent, claimed[0].task.task_id, &result(1, Outcome::Cancelled))
        .await
        .expect("recorded");
    fleet
        .report(agent, claimed[1].task.task_id, &result(1, Outcome::Succeeded))
        .await
        .expect("what was done is told");
    let done = fleet.job(job.id).await;
    assert_eq!((done.counts.cancelled, done.counts.succeeded), (3, 1));
    assert!(done.finished_at.is_some());
    assert_eq!(
        jobs::cancel(&fleet.test.db, &fleet.org.owner, job.id)
            .await
            .expect("no error")
            .counts,
        done.counts
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_that_races_with_reports_leaves_one_end_for_each_task() {
    let fleet = Arc::new(Fleet::new().await);
    let (agent, _, nodes) = fleet.servers(60).await;
    for round in 0..5 {
        let job = fleet.refresh(&nodes, Order::default()).await;
        let canceller = {
            let fleet = fleet.clone();
            tokio::spawn(async move {
                jobs::cancel(&fleet.test.db, &fleet.org.owner, job.id)
                    .await
                    .expect("cancelled")
            })
        };
        let mut reported = HashMap::new();
        loop {
            let claimed = fleet.claim(agent, 7).await;
            if claimed.is_empty() {
                break;
            }
            for task in claimed {
                let outcome = if reported.len() % 3 == 0 {
                    Outcome::Cancelled
                } else {
                    Outcome::Succeeded
                };
                fleet
                    .report(agent, task.task.task_id, &result(task.task.epoch, outcome))
                    .await
                    .expect("recorded");
                reported.insert(task.task.task_id, outcome);
            }
        }
        canceller.await.expect("the canceller");
        // What was handed back before anyone asked has a wait before it, and then somebody asked.
        let job = fleet.job(job.id).await;
        assert_eq!(job.counts, fleet.counted(job.id).await, "round {round}");
        assert_eq!(job.counts.open(), 0, "round {round}");
        for task in fleet.tasks(job.id).await {
            if reported.get(&task.id) == Some(&Outcome::Succeeded) {
                assert_eq!(task.state, TaskState::Succeeded);
            } else {
                assert_eq!(task.state, TaskState::Cancelled);
            }
        }
    }
}

#[tokio::test]
async fn retry_does_again_what_failed_and_nothing_else() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(3).await;
    let job = fleet.refresh(&nodes, Order::default()).await;
    let error = jobs::retry(&fleet.test.db, &fleet.org.owner, job.id, &[])
        .await
        .expect_err("not yet");
    assert!(
        matches!(
            error,
            Error::Refused {
                code: "not_finished",
                ..
            }
        ),
        "{error:?}"
    );
    let claimed = fleet.claim(agent, 3).await;
    let failed = payload(&claimed[1]).node_id;
    for (index, task) in claimed.iter().enumerate() {
        let outcome = if index == 1 {
            Outcome::Failed
        } else {
            Outcome::Succeeded
        };
        fleet
            .report(agent, task.task.task_id, &result(1, outcome))
            .await
            .expect("recorded");
    }
    assert_eq!(fleet.job(job.id).await.status, JobStatus::PartlyFailed);
    let again = jobs::retry(&fleet.test.db, &fleet.org.owner, job.id, &[])
        .await
        .expect("a new job");
    assert_eq!((again.retry_of, again.counts.total()), (Some(job.id), 1));
    assert_eq!(fleet.tasks(again.id).await[0].node_id, failed);
    let claimed = fleet.claim(agent, 3).await;
    fleet
        .report(agent, claimed[0].task.task_id, &result(1, Outcome::Succeeded))
        .await
        .expect("recorded");
    let error = jobs::retry(&fleet.test.db, &fleet.org.owner, again.id, &[])
        .await
        .expect_err("nothing failed");
    assert!(matches!(
        error,
        Error::Refused {
            code: "nothing_to_retry",
            ..
        }
    ));
}

#[tokio::test]
async fn canaries_go_first_and_their_failure_stops_the_rest() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(6).await;
    let order = Order {
        canary: 2,
        ..Order::default()
    };
    let good = fleet.refresh(&nodes, order.clone()).await;
    assert_eq!((good.counts.pending, good.counts.waiting), (2, 4));
    for task in fleet.claim(agent, 100).await {
        fleet
            .report(agent, task.task.task_id, &result(1, Outcome::Succeeded))
            .await
            .expect("recorded");
    }
    let opened = fleet.job(good.id).await;
    assert_eq!((opened.counts.succeeded, opened.counts.pending), (2, 4));
    jobs::cancel(&fleet.test.db, &fleet.org.owner, good.id)
        .await
        .expect("cancelled");

    let bad = fleet.refresh(&nodes, order).await;
    let claimed = fleet.claim(agent, 100).await;
    assert_eq!(claimed.len(), 2);
    fleet
        .report(agent, claimed[0].task.task_id, &result(1, Outcome::Failed))
        .await
        .expect("recorded");
    let stopped = fleet.job(bad.id).await;
    assert_eq!(
        (stopped.counts.failed, stopped.counts.cancelled, stopped.counts.running),
        (1, 4, 1)
    );
    fleet
        .report(agent, claimed[1].task.task_id, &result(1, Outcome::Succeeded))
        .await
        .expect("recorded");
    let done = fleet.job(bad.id).await;
    assert_eq!(
        (done.status, done.finished_at.is_some()),
        (JobStatus::PartlyFailed, true)
    );
}

#[tokio::test]
async fn no_more_tasks_are_open_than_the_job_allows() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(10).await;
    let order = Order {
        max_parallel: 3,
        stop_at_failures: 2,
        ..Order::default()
    };
    let job = fleet.refresh(&nodes, order).await;
    let mut done = 0;
    loop {
        let now = fleet.job(job.id).await.counts;
        assert!(now.pending + now.running <= 3, "{now:?}");
        let claimed = fleet.claim(agent, 100).await;
        if claimed.is_empty() {
            break;
        }
        for task in claimed {
            let outcome = if done == 4 || done == 7 {
                Outcome::Failed
            } else {
                Outcome::Succeeded
            };
            done += 1;
            fleet
                .report(agent, task.task.task_id, &result(1, outcome))
                .await
                .expect("recorded");
        }
    }
    let end = fleet.job(job.id).await;
    assert_eq!((end.counts.failed, end.counts.open()), (2, 0));
    assert!(
        end.counts.cancelled > 0 || end.counts.total() == done,
        "{:?}",
        end.counts
    );
    assert_eq!(end.counts, fleet.counted(job.id).await);
}

#[tokio::test]
async fn what_has_not_begun_by_its_deadline_expires() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(2).await;
    let order = Order {
        max_parallel: 1,
        deadline_seconds: Some(60),
        ..Order::default()
    };
    let job = fleet.refresh(&nodes, order).await;
    fleet.later(60);
    assert!(fleet.claim(agent, 100).await.is_empty(), "it is too late to begin");
    fleet.later(61);
    assert_eq!(jobs::expire_deadlines(&fleet.test.db).await.expect("a sweep"), 2);
    assert_eq!(jobs::expire_deadlines(&fleet.test.db).await.expect("a sweep"), 0);
    let done = fleet.job(job.id).await;
    assert_eq!(
        (done.status, done.counts.expired, done.finished_at.is_some()),
        (JobStatus::Failed, 2, true)
    );
}

#[tokio::test]
async fn a_newer_job_for_the_same_purpose_takes_the_place_of_one_that_waits() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(2).await;
    let csr = || {
        Action::GenerateCsr(CsrOptions {
            purpose: Some("nginx:www.example.org".into()),
            ..CsrOptions::default()
        })
    };
    let first = fleet
        .plan(csr(), Targets::Nodes(nodes.clone()), Order::default())
        .await
        .expect("a plan");
    let first = fleet.start(&first).await.expect("a job");
    let claimed = fleet.claim(agent, 1).await;
    let second = fleet
        .plan(csr(), Targets::Nodes(nodes.clone()), Order::default())
        .await
        .expect("a plan");
    let codes: Vec<&str> = second.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert!(
        codes.contains(&"task_open") && codes.contains(&"node_busy"),
        "{codes:?}"
    );
    let second = fleet.start(&second).await.expect("a job");
    let old = fleet.job(first.id).await;
    assert_eq!((old.counts.superseded, old.counts.running), (1, 1));
    fleet
        .report(agent, claimed[0].task.task_id, &result(1, Outcome::Succeeded))
        .await
        .expect("what runs goes on");
    assert!(fleet.job(first.id).await.finished_at.is_some());
    assert_eq!(fleet.claim(agent, 100).await.len(), 2);
    assert_eq!(fleet.job(second.id).await.counts.running, 2);
}

#[tokio::test]
async fn a_report_left_behind_by_a_crash_is_caught_up_by_the_worker() {
    let fleet = Fleet::new().await;
    let (agent, _, nodes) = fleet.servers(2).await;
    let job = fleet
        .refresh(
            &nodes,
            Order {
                max_parallel: 1,
                ..Order::default()
            },
        )
        .await;
    let claimed = fleet.claim(agent, 1).await;
    fleet
        .report(agent, claimed[0].task.task_id, &result(1, Outcome::Succeeded))
        .await
        .expect("recorded");
    // As if the server had died between the report and what follows from it.
    let back = sea_orm::sea_query::Query::update()
        .table("task")
        .value("state", "waiting")
        .and_where(sea_orm::sea_query::ExprTrait::eq(
            sea_orm::sea_query::Expr::col("state"),
            "pending",
        ))
        .take();
    use sea_orm::ConnectionTrait;
    fleet.rows.execute(&back).await.expect("put back");
    let counts = sea_orm::sea_query::Query::update()
        .table("job_cluster")
        .value("waiting", 1i64)
        .value("pending", 0i64)
        .take();
    fleet.rows.execute(&counts).await.expect("put back");
    assert!(fleet.claim(agent, 1).await.is_empty());
    assert_eq!(jobs::open_waves(&fleet.test.db).await.expect("a round"), 1);
    assert_eq!(fleet.claim(agent, 1).await.len(), 1);
    assert_eq!(fleet.job(job.id).await.counts, fleet.counted(job.id).await);
}

#[tokio::test]
async fn a_bound_member_sees_and_stops_its_own_groups_only() {
    let fleet = Fleet::new().await;
    let other_group = fleet.group("Other").await;
    let agent = fleet.agent(fleet.group).await;
    let kind = certyard_protocol::ConnectorKind::Nginx;
    let mine = fleet.cluster(fleet.group, "mine", "server", "").await;
    let theirs = fleet.cluster(other_group, "theirs", "server", "").await;
    let mut nodes = fleet.nodes(mine, kind, 2, agent, None).await;
    nodes.extend(fleet.nodes(theirs, kind, 3, agent, None).await);
    let job = fleet.refresh(&nodes, Order::default()).await;
    let bound = fleet.org.member(Role::Operator, Some(vec![fleet.group]));
    let tx = fleet.test.db.read(&bound).await.expect("a transaction");
    let seen = jobs::get(&tx, job.id).await.expect("seen in part");
    assert_eq!((seen.counts.total(), seen.cluster_count), (2, 1));
    let tasks = jobs::tasks(&tx, job.id, &jobs::TaskFilter::default(), None, 50)
        .await
        .expect("tasks");
    assert_eq!(tasks.items.len(), 2);
    let filter = jobs::JobFilter {
        cluster_id: Some(theirs),
        ..jobs::JobFilter::default()
    };
    assert!(matches!(
        jobs::list(&tx, &filter, None, 10).await,
        Err(Error::NotFound { .. })
    ));
    drop(tx);
    jobs::cancel(&fleet.test.db, &bound, job.id)
        .await
        .expect("cancelled in part");
    let all = fleet.job(job.id).await;
    assert_eq!((all.counts.cancelled, all.counts.pending), (2, 3));

    let outside = fleet.org.member(Role::Operator, Some(vec![Uuid::now_v7()]));
    let stranger = fleet.test.org("Stranger").await.owner;
    for scope in [&outside, &stranger] {
        let tx = fleet.test.db.read(scope).await.expect("a transaction");
        assert!(matches!(jobs::get(&tx, job.id).await, Err(Error::NotFound { .. })));
        assert!(
            jobs::list(&tx, &jobs::JobFilter::default(), None, 10)
                .await
                .expect("a page")
                .items
                .is_empty()
        );
        drop(tx);
        assert!(matches!(
            jobs::cancel(&fleet.test.db, scope, job.id).await,
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(
            jobs::retry(&fleet.test.db, scope, job.id, &[]).await,
            Err(Error::NotFound { .. })
        ));
        let plan = job.plan_id.expect("a plan");
        let error = jobs::create(&fleet.test.db, scope, plan, &[], Changed::Refuse)
            .await
            .expect_err("not theirs");
        assert!(matches!(error, Error::NotFound { .. }));
    }
    let viewer = fleet.org.member(Role::Viewer, None);
    assert!(matches!(
        jobs::cancel(&fleet.test.db, &viewer, job.id).await,
        Err(Error::Forbidden { .. })
    ));
}

#[tokio::test]
async fn lists_are_of_the_month_and_page_by_key() {
    let fleet = Fleet::new().await;
    let (agent, cluster, nodes) = fleet.servers(1).await;
    fleet.later(-40 * 86_400);
    let old = fleet.refresh(&nodes, Order::default()).await;
    let mut ids = Vec::new();
    for second in 0..5 {
        fleet.later(second);
        ids.push(fleet.refresh(&nodes, Order::default()).await.id);
    }
    ids.reverse();
    let tx = fleet.test.db.read(&fleet.org.owner).await.expect("a transaction");
    let mut filter = jobs::JobFilter {
        cluster_id: Some(cluster),
        ..jobs::JobFilter::default()
    };
    let first = jobs::list(&tx, &filter, None, 3).await.expect("a page");
    let rest = jobs::list(&tx, &filter, first.next, 3).await.expect("a page");
    let seen: Vec<Uuid> = first.items.iter().chain(&rest.items).map(|job| job.id).collect();
    assert_eq!(seen, ids);
    assert!(rest.next.is_none());
    filter.from = Some(noon() - chrono::Duration::days(60));
    let all = jobs::list(&tx, &filter, None, 200).await.expect("a page").items;
    assert_eq!(all.last().map(|job| job.id), Some(old.id));
    drop(tx);
    fleet.claim(agent, 1).await;
    let tx = fleet.test.db.read(&fleet.org.owner).await.expect("a transaction");
    for (status, expected) in [(JobStatus::Running, 1), (JobStatus::Waiting, 5), (JobStatus::Failed, 0)] {
        filter.statuses = vec![status];
        let found = jobs::list(&tx, &filter, None, 200).await.expect("a page").items;
        assert_eq!(found.len(), expected, "{status:?}");
        assert!(found.iter().all(|job| job.status == status));
    }
}

#[tokio::test]
async fn a_result_brings_the_inventory_of_the_node() {
    let fleet = Fleet::new().await;
    let (agent, cluster, nodes) = fleet.servers(1).await;
    let old = own_certificate("www.example.org", 10);
    let installation = fleet
        .install(cluster, nodes[0], "identity", "nginx:www.example.org", &old)
        .await;
    let job = fleet.refresh(&nodes, Order::default()).await;
    let task = fleet.claim(agent, 1).await[0].task.task_id;
    let new = own_certificate("www.example.org", 90);
    let csr = request("www.example.org");
    let mut answer = result(1, Outcome::Succeeded);
    answer.inventory = Some(NodeInventory {
        digest: "aa".repeat(32),
        observed_at: noon(),
        entries: vec![InventoryEntry {
            store: "nginx:www.example.org".into(),
            kind: StoreKind::Identity,
            entry: "nginx:www.example.org".into(),
            certificate_pem: new.to_pem(),
            served: Served::Served,
        }],
        csrs: vec![InventoryCsr {
            purpose: "nginx:www.example.org".into(),
            csr_pem: csr.to_pem(),
        }],
        version: None,
    });
    fleet.report(agent, task, &answer).await.expect("recorded");
    let told = async || {
        let tx = fleet.test.db.read(&fleet.org.owner).await.expect("a transaction");
        let history = inventory::history(&tx, installation, None, 50)
            .await
            .expect("a history");
        history.items
    };
    let once = told().await;
    assert!(!once.is_empty());
    assert!(once.iter().all(|row| row.job_id == Some(job.id)));
    assert!(
        once.iter()
            .all(|row| row.actor_name.as_deref() == Some(job.created_by_name.as_str()))
    );
    fleet.report(agent, task, &answer).await.expect("the same answer");
    assert_eq!(told().await, once, "told twice, written once");
    // What the report brought is what the next plan is made on.
    let plan = fleet
        .plan(
            Action::GenerateCsr(CsrOptions::default()),
            Targets::Installations(vec![installation]),
            Order::default(),
        )
        .await
        .expect("a plan");
    let codes: Vec<&str> = plan.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(codes, ["csr_replaced"]);
    // A broken inventory does not lose the result.
    let job = fleet.refresh(&nodes, Order::default()).await;
    let task = fleet.claim(agent, 1).await[0].task.task_id;
    let mut broken = answer.clone();
    if let Some(inventory) = &mut broken.inventory {
        inventory.digest = String::new();
    }
    fleet.report(agent, task, &broken).await.expect("recorded");
    assert_eq!(fleet.job(job.id).await.status, JobStatus::Succeeded);
}
