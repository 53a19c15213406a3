//! Retries of tasks that failed half-way: what a node has taken is not done again.

use super::{Uc, targets};
use crate::machine::{noon, payload, result};
use certyard_domain::jobs::{self, TaskState};
use certyard_domain::plans::{Action, Order, RenewOptions, Targets};
use certyard_protocol::{NodeState, Outcome, Step, StepKind, StepReport, TaskResult};
use uuid::Uuid;

fn renew() -> Action {
    Action::Renew(RenewOptions {
        restart: true,
        ..RenewOptions::default()
    })
}

/// A failure that leaves behind what was done before it.
fn half_way(epoch: i64, steps: &[(StepKind, bool)]) -> TaskResult {
    let report = |(step, ok): &(StepKind, bool)| StepReport {
        step: *step,
        ok: *ok,
        note: String::new(),
        started_at: noon(),
        millis: 1,
    };
    TaskResult {
        node_state: NodeState::Partial,
        steps: steps.iter().map(report).collect(),
        ..result(epoch, Outcome::Failed)
    }
}

/// Claims the one task that there is, and reports on it.
async fn ends(uc: &Uc, result: impl Fn(i64) -> TaskResult) -> Vec<Step> {
    let task = uc.fleet.claim(uc.agent, 1).await.pop().expect("a task");
    let steps = payload(&task).steps;
    uc.fleet
        .report(uc.agent, task.task.task_id, &result(task.task.epoch))
        .await
        .expect("it is taken");
    steps
}

async fn again(uc: &Uc, job: Uuid) -> jobs::Job {
    jobs::retry(&uc.fleet.test.db, &uc.fleet.org.owner, job, &[])
        .await
        .expect("a retry")
}

fn restarts(services: &[&str]) -> Vec<Step> {
    let all = services.iter().map(|service| Step::RestartService {
        service: (*service).into(),
    });
    all.chain([Step::Inventory]).collect()
}

async fn job(uc: &Uc, action: Action) -> jobs::Job {
    let plan = uc
        .fleet
        .plan(action, Targets::Installations(vec![uc.installed[0]]), Order::default())
        .await
        .expect("a plan");
    uc.fleet.start(&plan).await.expect("a job")
}

#[tokio::test]
async fn a_retry_of_a_renewal_whose_restart_failed_restarts_and_makes_no_other_key() {
    let uc = Uc::new().await;
    let first = job(&uc, renew()).await;
    let done = [
        (StepKind::Regenerate, true),
        (StepKind::RestartService, true),
        (StepKind::RestartService, false),
    ];
    let steps = ends(&uc, |epoch| half_way(epoch, &done)).await;
    assert_eq!(steps[0].kind(), StepKind::Regenerate);
    let left = restarts(&["Cisco TFTP", "Cisco DRF Local", "Cisco DRF Master"]);

    // What has begun is gone on with, however often it fails.
    let second = again(&uc, first.id).await;
    assert_eq!(second.title, "Renew certificate for tomcat on node-00000 of campus");
    assert_eq!(ends(&uc, |epoch| result(epoch, Outcome::Failed)).await, left);
    let third = again(&uc, second.id).await;
    let done = [(StepKind::RestartService, true), (StepKind::RestartService, false)];
    assert_eq!(ends(&uc, |epoch| half_way(epoch, &done)).await, left);
    let fourth = again(&uc, third.id).await;
    let steps = ends(&uc, |epoch| result(epoch, Outcome::Succeeded)).await;
    assert_eq!(steps, restarts(&["Cisco DRF Local", "Cisco DRF Master"]));
    assert_eq!(uc.fleet.tasks(fourth.id).await[0].state, TaskState::Succeeded);
}

#[tokio::test]
async fn a_retry_takes_what_the_node_was_seen_with_for_done_where_its_agent_could_not_say() {
    let uc = Uc::new().await;
    let first = job(&uc, renew()).await;
    // The lease is lost each time, and the next reading of the node finds the new certificate.
    let mut seconds = 0;
    for _ in 0..5 {
        assert_eq!(uc.fleet.claim(uc.agent, 1).await.len(), 1);
        seconds += 61;
        uc.fleet.later(seconds);
        jobs::sweep_leases(&uc.fleet.test.db).await.expect("a sweep");
        seconds += 600;
        uc.fleet.later(seconds);
    }
    assert_eq!(
        uc.fleet.tasks(first.id).await[0].failure_code.as_deref(),
        Some("lease_lost")
    );
    uc.fleet
        .set("installation", uc.installed[0], "sha256", "ab".repeat(32))
        .await;
    again(&uc, first.id).await;
    let steps = ends(&uc, |epoch| result(epoch, Outcome::Succeeded)).await;
    assert_eq!(
        steps,
        restarts(&["Cisco Tomcat", "Cisco TFTP", "Cisco DRF Local", "Cisco DRF Master"])
    );
}

#[tokio::test]
async fn a_newer_reading_of_the_node_says_more_than_an_older_report() {
    let done = [(StepKind::Regenerate, true), (StepKind::RestartService, false)];
    // Read before the report, or with another certificate than the one that was replaced: the change stands.
    for (read_at, replaced, stands) in [(-60, true, true), (60, false, true), (60, true, false)] {
        let uc = Uc::new().await;
        let first = job(&uc, renew()).await;
        ends(&uc, |epoch| half_way(epoch, &done)).await;
        if !replaced {
            uc.fleet
                .set("installation", uc.installed[0], "sha256", "ab".repeat(32))
                .await;
        }
        let at = noon() + chrono::Duration::seconds(read_at);
        uc.fleet.set("node", uc.nodes[0], "inventory_at", at).await;
        again(&uc, first.id).await;
        let steps = ends(&uc, |epoch| result(epoch, Outcome::Succeeded)).await;
        let kind = if stands {
            StepKind::RestartService
        } else {
            StepKind::Regenerate
        };
        assert_eq!(steps[0].kind(), kind, "{read_at} {replaced}");
    }
}

#[tokio::test]
async fn a_retry_of_a_renewal_that_did_nothing_makes_it() {
    let uc = Uc::new().await;
    let first = job(&uc, renew()).await;
    ends(&uc, |epoch| result(epoch, Outcome::Failed)).await;
    again(&uc, first.id).await;
    let steps = ends(&uc, |epoch| result(epoch, Outcome::Succeeded)).await;
    assert_eq!(steps[0].kind(), StepKind::Regenerate);
}

#[tokio::test]
async fn what_is_left_of_a_change_takes_no_other_changes_place() {
    let uc = Uc::new().await;
    let first = job(&uc, renew()).await;
    let done = [(StepKind::Regenerate, true), (StepKind::RestartService, false)];
    ends(&uc, |epoch| half_way(epoch, &done)).await;
    let newer = uc
        .fleet
        .plan(
            Action::Renew(RenewOptions::default()),
            Targets::Installations(vec![uc.installed[0]]),
            Order::default(),
        )
        .await
        .expect("a plan");
    let newer = uc.fleet.start(&newer).await.expect("a job");
    let again = again(&uc, first.id).await;
    assert_eq!(uc.fleet.tasks(newer.id).await[0].state, TaskState::Pending);
    let tx = uc.fleet.test.db.read(&uc.fleet.org.owner).await.expect("a transaction");
    let plan = certyard_domain::plans::get(&tx, again.plan_id.expect("a plan"))
        .await
        .expect("the plan of the retry");
    drop(tx);
    let target = targets(&uc.fleet, &plan).await.pop().expect("a target");
    assert!(
        target.preview.notes[0].contains("earlier task"),
        "{:?}",
        target.preview.notes
    );
}
