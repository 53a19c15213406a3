//! Operations in a random order: counts and tasks never differ, and no final state is ever left.

use crate::machine::{Fleet, result};
use certyard_domain::jobs::{self, TaskState};
use certyard_domain::plans::Order;
use certyard_protocol::{ConnectorKind, Outcome, TaskRef};
use std::collections::HashMap;
use uuid::Uuid;

/// A small generator, so that a seed tells the whole run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }
}

async fn run(seed: u64) {
    let fleet = Fleet::new().await;
    let mut dice = Dice(seed | 1);
    let agents = [fleet.agent(fleet.group).await, fleet.agent(fleet.group).await];
    let mut nodes = Vec::new();
    for name in ["a", "b", "c"] {
        let cluster = fleet.cluster(fleet.group, name, "server", "").await;
        nodes.extend(
            fleet
                .nodes(cluster, ConnectorKind::Nginx, 5, agents[0], Some(agents[1]))
                .await,
        );
    }
    let mut open: Vec<Uuid> = Vec::new();
    let mut claims: Vec<(Uuid, TaskRef)> = Vec::new();
    let mut ended: HashMap<Uuid, TaskState> = HashMap::new();
    let mut epochs: HashMap<Uuid, i64> = HashMap::new();
    let mut seconds = 0;
    for step in 0..100 {
        match dice.roll(10) {
            0 | 1 => {
                let order = Order {
                    canary: dice.roll(3) as u32,
                    max_parallel: dice.roll(5) as u32,
                    stop_at_failures: dice.roll(4) as u32,
                    deadline_seconds: Some(60 + dice.roll(3_000) as i64),
                    ..Order::default()
                };
                let from = dice.roll(10) as usize;
                open.push(fleet.refresh(&nodes[from..], order).await.id);
            }
            2..=4 => {
                let agent = agents[dice.roll(2) as usize];
                for task in fleet.claim(agent, 1 + dice.roll(8) as u32).await {
                    let last = epochs.insert(task.task.task_id, task.task.epoch).unwrap_or(0);
                    assert!(task.task.epoch > last, "seed {seed} step {step}: epochs rise");
                    claims.push((agent, task.task));
                }
            }
            5..=7 if !claims.is_empty() => {
                let index = dice.roll(claims.len() as u64) as usize;
                let (agent, task) = claims[index];
                let outcomes = [
                    Outcome::Succeeded,
                    Outcome::Failed,
                    Outcome::Retry,
                    Outcome::Cancelled,
                    Outcome::Expired,
                ];
                let outcome = outcomes[dice.roll(5) as usize];
                // A stale one is refused; a repeated one answered. Neither may change anything, which is seen below.
                let _ = fleet.report(agent, task.task_id, &result(task.epoch, outcome)).await;
                if dice.roll(2) == 0 {
                    claims.swap_remove(index);
                }
            }
            8 if !open.is_empty() && dice.roll(3) == 0 => {
                let job = open[dice.roll(open.len() as u64) as usize];
                jobs::cancel(&fleet.test.db, &fleet.org.owner, job)
                    .await
                    .expect("cancelled");
            }
            _ => {
                seconds += dice.roll(120) as i64;
                fleet.later(seconds);
                jobs::sweep_leases(&fleet.test.db).await.expect("a sweep");
                jobs::expire_deadlines(&fleet.test.db).await.expect("a sweep");
                jobs::open_waves(&fleet.test.db).await.expect("a round");
            }
        }
        if step % 10 == 9 {
            check(&fleet, &open, &mut ended, seed, step).await;
        }
    }
    // In the end everything ends.
    for _ in 0..400 {
        seconds += 100;
        fleet.later(seconds);
        jobs::sweep_leases(&fleet.test.db).await.expect("a sweep");
        jobs::expire_deadlines(&fleet.test.db).await.expect("a sweep");
        if jobs::open_waves(&fleet.test.db).await.expect("a round") == 0 {
            break;
        }
    }
    check(&fleet, &open, &mut ended, seed, 999).await;
    for job in open {
        assert!(
            fleet.job(job).await.finished_at.is_some(),
            "seed {seed}: every job ends"
        );
    }
}

async fn check(fleet: &Fleet, open: &[Uuid], ended: &mut HashMap<Uuid, TaskState>, seed: u64, step: u32) {
    for job in open {
        let mut counts = jobs::Counts::default();
        let mut running = std::collections::HashSet::new();
        for task in fleet.tasks(*job).await {
            counts.add(task.state);
            if task.state == TaskState::Running {
                assert!(
                    running.insert(task.node_id),
                    "seed {seed} step {step}: one task at a time"
                );
            }
            if let Some(before) = ended.get(&task.id) {
                assert_eq!(*before, task.state, "seed {seed} step {step}: an end is an end");
            } else if task.state.is_final() {
                ended.insert(task.id, task.state);
            }
        }
        assert_eq!(fleet.job(*job).await.counts, counts, "seed {seed} step {step}");
    }
}

#[tokio::test]
async fn counts_equal_the_states_of_tasks_after_random_operations() {
    let seeds = match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().expect("SEED is a number")],
        Err(_) => vec![7, 42],
    };
    for seed in seeds {
        run(seed).await;
    }
}
