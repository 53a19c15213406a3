//! Tasks follow their node to its agents and end with it.

use crate::machine::{Fleet, payload, result};
use certyard_domain::jobs::{self, JobStatus, TaskState};
use certyard_domain::nodes::NodeChange;
use certyard_domain::plans::Order;
use certyard_domain::{Error, OrgTx};
use certyard_protocol::{ConnectorKind, Outcome};
use uuid::Uuid;

impl Fleet {
    /// Decides something as the owner.
    async fn decide(&self, what: impl AsyncFnOnce(&OrgTx) -> Result<(), Error>) {
        let tx = self.test.db.write(&self.org.owner).await.expect("a transaction");
        what(&tx).await.expect("decided");
        tx.commit().await.expect("kept");
    }

    async fn ready(&self, agent: Uuid) -> bool {
        let tx = self
            .test
            .db
            .read(&self.agent_scope(agent))
            .await
            .expect("a transaction");
        jobs::has_work(&tx).await.expect("a look").ready
    }

    /// Two nodes of one agent, and another agent of the same group.
    async fn pair(&self, second: bool) -> (Uuid, Uuid, Vec<Uuid>) {
        let (first, other) = (self.agent(self.group).await, self.agent(self.group).await);
        let cluster = self.cluster(self.group, "servers", "server", "").await;
        let second = second.then_some(other);
        let nodes = self.nodes(cluster, ConnectorKind::Nginx, 2, first, second).await;
        (first, other, nodes)
    }
}

#[tokio::test]
async fn tasks_go_to_the_new_agent_of_their_node() {
    let fleet = Fleet::new().await;
    let (first, other, nodes) = fleet.pair(false).await;
    let job = fleet.refresh(&nodes, Order::default()).await;
    fleet.decide(async |tx| jobs::retire_agent(tx, first).await).await;
    assert!(!fleet.ready(first).await && !fleet.ready(other).await);
    let change = NodeChange {
        agent_id: Some(Some(other)),
        ..NodeChange::default()
    };
    fleet
        .decide(async |tx| jobs::update_node(tx, nodes[0], None, change).await.map(|_| ()))
        .await;
    let claimed = fleet.claim(other, 10).await;
    assert_eq!(claimed.len(), 1, "the other node waits for an agent");
    assert_eq!(payload(&claimed[0]).node_id, nodes[0]);
    fleet
        .report(other, claimed[0].task.task_id, &result(1, Outcome::Succeeded))
        .await
        .expect("recorded");
    let job = fleet.job(job.id).await;
    assert_eq!((job.counts.succeeded, job.counts.pending), (1, 1));
}

#[tokio::test]
async fn a_ban_leaves_tasks_to_the_second_agent_and_its_end_gives_them_back() {
    let fleet = Fleet::new().await;
    let (first, other, nodes) = fleet.pair(false).await;
    fleet.refresh(&nodes, Order::default()).await;
    // The second agent came after the job was made.
    let change = NodeChange {
        second_agent_id: Some(Some(other)),
        ..NodeChange::default()
    };
    fleet
        .decide(async |tx| jobs::update_node(tx, nodes[0], None, change).await.map(|_| ()))
        .await;
    fleet
        .decide(async |tx| jobs::ban_agent(tx, first, "stolen").await.map(|_| ()))
        .await;
    assert!(!fleet.ready(first).await);
    assert_eq!(fleet.claim(other, 10).await.len(), 1);
    fleet
        .decide(async |tx| jobs::unban_agent(tx, first).await.map(|_| ()))
        .await;
    let claimed = fleet.claim(first, 10).await;
    assert_eq!(claimed.len(), 1, "the node that only the first agent reaches");
    assert_eq!(payload(&claimed[0]).node_id, nodes[1]);
}

#[tokio::test]
async fn what_runs_goes_to_the_other_agent_when_its_lease_is_lost() {
    let fleet = Fleet::new().await;
    let (first, other, nodes) = fleet.pair(true).await;
    let job = fleet.refresh(&nodes[..1], Order::default()).await;
    let claimed = fleet.claim(first, 1).await;
    fleet.decide(async |tx| jobs::retire_agent(tx, first).await).await;
    assert_eq!(fleet.tasks(job.id).await[0].state, TaskState::Running);
    fleet.later(61);
    assert_eq!(jobs::sweep_leases(&fleet.test.db).await.expect("a sweep"), 1);
    fleet.later(120);
    assert!(fleet.claim(first, 1).await.is_empty());
    let again = fleet.claim(other, 1).await;
    assert_eq!(again[0].task.task_id, claimed[0].task.task_id);
    assert_eq!(again[0].task.epoch, 2);
}

#[tokio::test]
async fn the_tasks_of_a_retired_node_are_cancelled_with_the_reason() {
    let fleet = Fleet::new().await;
    let (first, _, nodes) = fleet.pair(false).await;
    let job = fleet
        .refresh(
            &nodes,
            Order {
                max_parallel: 1,
                ..Order::default()
            },
        )
        .await;
    assert_eq!((job.counts.pending, job.counts.waiting), (1, 1));
    let running = fleet.claim(first, 1).await;
    let (busy, idle) = (
        payload(&running[0]).node_id,
        nodes.iter().find(|node| **node != payload(&running[0]).node_id),
    );
    let retire = async |node: Uuid| {
        jobs::retire_node(&fleet.test.db, &fleet.org.owner, node, None)
            .await
            .expect("retired");
    };
    retire(*idle.expect("another node")).await;
    let counts = fleet.job(job.id).await.counts;
    assert_eq!((counts.cancelled, counts.running, counts.open()), (1, 1, 1));
    let tasks = fleet.tasks(job.id).await;
    let cancelled = tasks.iter().find(|task| task.state == TaskState::Cancelled);
    let told = cancelled.and_then(|task| task.message.clone()).unwrap_or_default();
    assert!(told.contains("the node was retired by"), "{told}");
    // What runs is asked to stop, and its end finishes the job.
    retire(busy).await;
    let tx = fleet
        .test
        .db
        .read(&fleet.agent_scope(first))
        .await
        .expect("a transaction");
    let asked = jobs::cancelled_for(&tx, &[running[0].task]).await.expect("a look");
    assert_eq!(asked, [running[0].task.task_id]);
    drop(tx);
    fleet
        .report(first, running[0].task.task_id, &result(1, Outcome::Cancelled))
        .await
        .expect("recorded");
    let job = fleet.job(job.id).await;
    assert_eq!((job.status, job.counts.cancelled), (JobStatus::Cancelled, 2));
    assert!(job.finished_at.is_some());
}

#[tokio::test]
async fn the_last_node_of_a_job_ends_the_job_with_it() {
    let fleet = Fleet::new().await;
    let (_, _, nodes) = fleet.pair(false).await;
    let job = fleet.refresh(&nodes[..1], Order::default()).await;
    jobs::retire_node(&fleet.test.db, &fleet.org.owner, nodes[0], None)
        .await
        .expect("retired");
    let job = fleet.job(job.id).await;
    assert_eq!(job.status, JobStatus::Cancelled);
    assert!(job.finished_at.is_some());
}
