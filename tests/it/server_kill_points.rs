//! Kill -9 of the server around every commit of the main job: api and worker apart on PostgreSQL, as one program on SQLite.
//!
//! At each point the program dies right before or right after its commit, the house starts again on what is on disk, and
//! the job has to end as if nothing had happened, with each effect on the node exactly once.

use crate::api::Api;
use crate::main_job::Site;
use certyard_domain::failpoint::{KillPoint, Moment, Operation, kill_points};
use certyard_lab::Operation as Effect;
use serde_json::{Value, json};

/// The points that a loop of the worker reaches without a request, and all others.
fn split() -> (Vec<KillPoint>, Vec<KillPoint>) {
    kill_points().into_iter().partition(|point| match point.operation {
        Operation::SweepLeases
        | Operation::ExpireDeadlines
        | Operation::RaiseAlerts
        | Operation::QueueMessages
        | Operation::ClaimMessage
        | Operation::SettleMessage => true,
        Operation::CreateJob | Operation::Claim | Operation::Lease | Operation::Report | Operation::Advance => false,
    })
}

#[test]
fn the_points_are_every_operation_before_and_after_its_commit() {
    let (loops, requests) = split();
    assert_eq!((loops.len(), requests.len()), (12, 10));
    assert_eq!(kill_points().len(), Operation::ALL.len() * Moment::ALL.len());
    let mut names: Vec<String> = kill_points().iter().map(ToString::to_string).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 22);
}

async fn plan_csr(api: &Api, node: &Value, order: Value) -> Value {
    let request = json!({ "action": "generate_csr", "nodes": [node["id"]], "purpose": "tomcat", "order": order });
    let plan = api.plan(request).await;
    assert_eq!(plan["refusal_count"], 0, "{plan:#}");
    plan
}

/// How often the node made a CSR.
fn csrs_made(site: &Site, index: usize) -> usize {
    site.lab.effects(&site.lab_nodes[index].name, Effect::CsrGenerate)
}

/// Asks for the job once more, as whoever got no answer does: a job that was kept is named, and not made again.
async fn ask_again(api: &Api, plan: &Value, point: KillPoint) -> Value {
    let again = api.try_run(plan).await.expect("an answer");
    if (point.operation, point.moment) == (Operation::CreateJob, Moment::BeforeCommit) {
        return again.ok();
    }
    assert_eq!(again.status, 409, "{point}: {}", again.text);
    assert_eq!(again.json["code"], "plan_used", "{point}: {}", again.text);
    json!({ "id": again.json["changes"][0]["job_id"] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_around_a_commit_loses_nothing_and_repeats_nothing() {
    let mut site = Site::start().await;
    let node = site.uc(0).1.clone();
    let api = site.house.api();
    for point in split().1 {
        let plan = plan_csr(&api, &node, json!({})).await;
        let before = csrs_made(&site, 0);
        let name = site.lab_nodes[0].name.clone();
        if point.operation == Operation::Lease {
            // Progress is told once a second at most: a faster task would be over before.
            site.lab.fault(&format!("{name}:slow:1500")).await.unwrap();
        }
        site.house.power_cut_to_die_at(&point.to_string());
        site.house.wait_ready().await;
        let answer = api.try_run(&plan).await;
        site.house.wait_dead(&point.to_string()).await;
        site.lab.clear_faults(&name).await.unwrap();
        site.house.power_cut().await;
        let job = match answer {
            // The agent may be faster than the answer, and the server dies under it.
            None => ask_again(&api, &plan, point).await,
            Some(answer) => {
                assert_ne!(point.operation, Operation::CreateJob, "{point}: {answer:?}");
                answer.ok()
            }
        };
        let job = api.finished(&job).await;
        let logs = || format!("{}\n{}", site.agent.log(), site.house.log());
        assert_eq!(job["status"], "succeeded", "{point}: {job:#}\n{}", logs());
        assert_eq!(csrs_made(&site, 0) - before, 1, "{point}: CSRs made\n{}", logs());
        let again = api.try_run(&plan).await.expect("an answer");
        assert_eq!(
            again.json["changes"][0]["job_id"], job["id"],
            "{point}: the plan made one job"
        );
    }
}

/// Has the worker die at both points of a loop: the first undoes the round, so that the second finds the same work.
async fn die_at(site: &mut Site, operation: Operation) {
    for moment in Moment::ALL {
        let point = KillPoint { operation, moment }.to_string();
        site.house.power_cut_to_die_at(&point);
        site.house.wait_dead(&point).await;
    }
    site.house.power_cut().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_while_it_takes_leases_back_goes_on_with_it() {
    let mut site = Site::start().await;
    let node = site.uc(0).1.clone();
    let api = site.house.api();
    site.agent.kill();
    let plan = plan_csr(&api, &node, json!({})).await;
    let job = api.run(&plan).await;
    site.agent.run(Some("generate_csr:before"));
    site.agent.wait_dead().await;
    die_at(&mut site, Operation::SweepLeases).await;
    site.agent.run(None);
    let job = api.finished(&job).await;
    let logs = format!("{}\n{}", site.agent.log(), site.house.log());
    assert_eq!(job["status"], "succeeded", "{job:#}\n{logs}");
    assert_eq!(csrs_made(&site, 0), 1, "made once\n{logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_while_it_ends_what_is_late_goes_on_with_it() {
    let mut site = Site::start().await;
    let node = site.uc(0).1.clone();
    let api = site.house.api();
    site.agent.kill();
    let plan = plan_csr(&api, &node, json!({ "deadline_seconds": 60 })).await;
    let job = api.run(&plan).await;
    die_at(&mut site, Operation::ExpireDeadlines).await;
    let job = api.finished(&job).await;
    assert_eq!(job["status"], "failed", "{job:#}\n{}", site.house.log());
    assert_eq!(job["counts"]["expired"], 1, "{job:#}");
    site.agent.run(None);
    // The agent works again, and does not begin what is over.
    let again = plan_csr(&api, &node, json!({})).await;
    let again = api.run(&again).await;
    assert_eq!(
        api.finished(&again).await["status"],
        "succeeded",
        "{}",
        site.agent.log()
    );
    assert_eq!(csrs_made(&site, 0), 1, "nobody began the first");
}
