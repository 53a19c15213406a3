//! A job on a whole fleet, with agents that claim and report as the real ones do.

use crate::machine::{Authority, Fleet, payload, result};
use certyard_domain::jobs::{self, JobStatus, TaskState};
use certyard_domain::plans::{Action, DistributeOptions, Order, TargetFilter, Targets};
use certyard_protocol::{ConnectorKind, Outcome, StepKind};
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

const CLUSTERS: usize = 300;
const NODES: usize = 4;
const AGENTS: usize = 6;

/// One node in twenty fails, whatever the order in which agents come.
fn breaks(nodes: &[Uuid]) -> HashSet<Uuid> {
    nodes.iter().copied().skip(7).step_by(20).collect()
}

/// Each agent works until the job has ended. A claim in fifty is lost on the way, and one in thirty is told to be tried again.
async fn work(fleet: &Arc<Fleet>, agents: &[Uuid], job: Uuid, broken: &Arc<HashSet<Uuid>>) {
    let mut workers = Vec::new();
    for agent in agents.iter().copied() {
        let (fleet, broken) = (fleet.clone(), broken.clone());
        workers.push(tokio::spawn(async move {
            let mut seen = 0;
            loop {
                let claimed = fleet.claim(agent, 25).await;
                if claimed.is_empty() {
                    return;
                }
                for task in claimed {
                    let work = payload(&task);
                    assert_eq!(work.steps[0].kind(), StepKind::InstallTrust);
                    seen += 1;
                    let outcome = match (broken.contains(&work.node_id), task.task.epoch) {
                        // Its lease ends without a word.
                        (_, 1) if seen % 50 == 0 => continue,
                        (_, 1) if seen % 30 == 0 => Outcome::Retry,
                        (true, _) => Outcome::Failed,
                        (false, _) => Outcome::Succeeded,
                    };
                    fleet
                        .report(agent, task.task.task_id, &result(task.task.epoch, outcome))
                        .await
                        .expect("recorded");
                }
            }
        }));
    }
    for worker in workers {
        worker.await.expect("an agent");
    }
    assert!(fleet.job(job).await.counts.total() > 0);
}

/// Works, and lets time pass as often as something has still to come back.
async fn to_its_end(
    fleet: &Arc<Fleet>,
    agents: &[Uuid],
    job: Uuid,
    broken: &Arc<HashSet<Uuid>>,
    from: i64,
) -> jobs::Job {
    for round in 0..20 {
        work(fleet, agents, job, broken).await;
        // Of two last reports each may have seen the other's task under way: the worker ends the job then.
        jobs::open_waves(&fleet.test.db).await.expect("a round of the worker");
        let now = fleet.job(job).await;
        if now.finished_at.is_some() {
            return now;
        }
        fleet.later(from + (round + 1) * 700);
        jobs::sweep_leases(&fleet.test.db).await.expect("a sweep");
    }
    panic!("the job does not end: {:?}", fleet.job(job).await.counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_clusters_with_five_percent_faults_run_to_the_end_and_the_retry_clears_them() {
    let fleet = Arc::new(Fleet::new().await);
    let mut agents = Vec::new();
    for _ in 0..AGENTS {
        agents.push(fleet.agent(fleet.group).await);
    }
    let mut nodes = Vec::new();
    for index in 0..CLUSTERS {
        let cluster = fleet
            .cluster(fleet.group, &format!("cluster-{index:03}"), "cucm", "15")
            .await;
        let agent = agents[index % AGENTS];
        nodes.extend(fleet.nodes(cluster, ConnectorKind::CiscoUc, NODES, agent, None).await);
    }
    let action = Action::Distribute(DistributeOptions {
        stores: vec!["TVS-trust".into()],
        files: vec![Authority::new("Example").root.to_pem().into_bytes()],
        ..DistributeOptions::default()
    });
    let all = Targets::Filter(TargetFilter {
        product: Some("cucm".into()),
        ..TargetFilter::default()
    });
    let plan = fleet.plan(action, all, Order::default()).await.expect("a plan");
    assert_eq!((plan.targets, plan.refused), (1_200, 0));
    let job = fleet.start(&plan).await.expect("a job");
    assert_eq!(job.cluster_count, 300);

    let broken = Arc::new(breaks(&nodes));
    assert_eq!(broken.len(), 60);
    let done = to_its_end(&fleet, &agents, job.id, &broken, 0).await;
    assert_eq!(done.status, JobStatus::PartlyFailed);
    assert_eq!((done.counts.succeeded, done.counts.failed), (1_140, 60));
    assert_eq!(fleet.counted(job.id).await, done.counts, "counts and tasks are one");

    let again = jobs::retry(&fleet.test.db, &fleet.org.owner, job.id, &[])
        .await
        .expect("a retry");
    let tried: HashSet<Uuid> = fleet.tasks(again.id).await.iter().map(|task| task.node_id).collect();
    assert_eq!(tried, *broken, "what had failed, and nothing else");
    let again = to_its_end(&fleet, &agents, again.id, &Arc::default(), 14_000).await;
    assert_eq!((again.status, again.counts.succeeded), (JobStatus::Succeeded, 60));
    let states: HashSet<TaskState> = fleet.tasks(again.id).await.iter().map(|task| task.state).collect();
    assert_eq!(states, HashSet::from([TaskState::Succeeded]));
}
