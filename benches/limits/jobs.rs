//! A job over many nodes: from the request to claimable tasks, from there to the last result, and how fast one that waits
//! is woken.

use crate::agents::Agent;
use crate::load::Database;
use crate::program::Server;
use crate::report::{Report, Times};
use certyard_protocol::{ClaimAnswer, ClaimRequest, NodeState, Outcome, TaskResult};
use sea_orm::{ConnectionTrait, Database as SeaDatabase};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Nodes of the job, as the goal names them.
const NODES: u64 = 10_000;
/// Tasks of one claim.
const BATCH: u32 = 32;
/// Connections of the yardstick.
const CLIENTS: usize = 8;
const WAKE_UPS: usize = 60;

pub async fn measure(server: &Server, database: &Database, agents: &[Agent], report: &mut Report) {
    let nodes = assign(database, agents).await;
    for agent in agents {
        agent.poll(Some(0)).await;
    }
    let started = Instant::now();
    let plan = server
        .post("/api/v1/plans", &json!({ "action": "refresh", "nodes": nodes }))
        .await;
    let planned = started.elapsed().as_secs_f64();
    let job = make_job(server, &plan).await;
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(
        job["counts"]["pending"].as_u64(),
        Some(nodes.len() as u64),
        "every task can be claimed: {job}"
    );
    report.add(
        &format!("plan and job over {} nodes, to all tasks claimable", nodes.len()),
        format!("{seconds:.2} s (the plan {planned:.2} s)"),
        String::new(),
        "2 s",
        database.installations,
    );
    let batches = skip_locked(database).await;
    let rate = nodes.len() as f64 / work_off(agents).await;
    report.add(
        &format!("claim and report by {} agents", agents.len()),
        format!("{rate:.0} tasks/s"),
        format!(
            "claims of {BATCH} by SKIP LOCKED {batches:.0} tasks/s: ratio {:.2}",
            rate / batches
        ),
        "5,000/s; ratio 0.25",
        nodes.len() as u64,
    );
    wake_up(server, agents, &nodes, report).await;
}

/// Shares the nodes out among the agents.
async fn assign(database: &Database, agents: &[Agent]) -> Vec<Uuid> {
    let ids: Vec<String> = agents.iter().map(|agent| format!("'{}'", agent.id)).collect();
    let sql = format!(
        "WITH chosen AS (SELECT id, row_number() OVER (ORDER BY id) AS number FROM node WHERE retired_at IS NULL ORDER BY id LIMIT {NODES}) \
         UPDATE node SET agent_id = (ARRAY[{}]::uuid[])[1 + number % {}] FROM chosen WHERE node.id = chosen.id",
        ids.join(","),
        agents.len()
    );
    database.owner.execute_unprepared(&sql).await.expect(&sql);
    let _ = database.owner.execute_unprepared("VACUUM ANALYZE node").await;
    let text = database
        .text("SELECT json_agg(id ORDER BY id)::text FROM node WHERE agent_id IS NOT NULL")
        .await;
    serde_json::from_str(&text).expect("ids")
}

async fn make_job(server: &Server, plan: &Value) -> Value {
    let consent: Vec<&Value> = plan["warnings"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|warning| &warning["code"])
        .collect();
    server
        .post("/api/v1/jobs", &json!({ "plan_id": plan["id"], "consent": consent }))
        .await
}

fn done(epoch: i64) -> TaskResult {
    TaskResult {
        epoch,
        outcome: Outcome::Succeeded,
        node_state: NodeState::Changed,
        failure: None,
        steps: Vec::new(),
        csr_pem: None,
        inventory: None,
    }
}

/// Claims and reports until nothing is left; the seconds that it took.
async fn work_off(agents: &[Agent]) -> f64 {
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for agent in agents {
        let agent = agent.clone();
        workers.spawn(async move { while finish(&agent).await > 0 {} });
    }
    while workers.join_next().await.is_some() {}
    started.elapsed().as_secs_f64()
}

async fn finish(agent: &Agent) -> usize {
    let answer = agent.post("claim", &ClaimRequest { max: BATCH }).await;
    let claimed: ClaimAnswer = serde_json::from_value(answer).expect("a claim");
    for task in &claimed.tasks {
        let path = format!("tasks/{}/result", task.task.task_id);
        agent.post(&path, &done(task.task.epoch)).await;
    }
    claimed.tasks.len()
}

/// Tasks a second that are moved in batches by bare statements, on a copy of the table with all its indexes.
async fn skip_locked(database: &Database) -> f64 {
    database
        .owner
        .execute_unprepared(
            "CREATE TABLE bench_task (LIKE task INCLUDING ALL); INSERT INTO bench_task SELECT * FROM task WHERE state = 'pending'; \
             ANALYZE bench_task",
        )
        .await
        .expect("a copy of the table is made");
    let total: f64 = database
        .text("SELECT count(*)::text FROM bench_task")
        .await
        .parse()
        .expect("a number");
    let sql = format!(
        "UPDATE bench_task SET state = 'running', epoch = epoch + 1, updated_at = now() WHERE (org_id, id) IN \
         (SELECT org_id, id FROM bench_task WHERE org_id = '{}' AND state = 'pending' LIMIT {BATCH} FOR UPDATE SKIP LOCKED)",
        database.org
    );
    let mut connections = Vec::new();
    for _ in 0..CLIENTS {
        connections.push(SeaDatabase::connect(&database.url).await.expect("a connection is made"));
    }
    let started = Instant::now();
    let mut clients = JoinSet::new();
    for connection in connections {
        let sql = sql.clone();
        clients.spawn(async move {
            while connection
                .execute_unprepared(&sql)
                .await
                .expect("tasks are taken")
                .rows_affected()
                > 0
            {}
        });
    }
    while clients.join_next().await.is_some() {}
    let seconds = started.elapsed().as_secs_f64();
    let _ = database.owner.execute_unprepared("DROP TABLE bench_task").await;
    total / seconds
}

/// From the request that makes a job to the answer to the agent that waits for it: the job itself is in it.
async fn wake_up(server: &Server, agents: &[Agent], nodes: &[Uuid], report: &mut Report) {
    let mut times = Vec::with_capacity(WAKE_UPS);
    for node in nodes.iter().take(WAKE_UPS) {
        let owner = server.get(&format!("/api/v1/nodes/{node}")).await;
        let owner = owner["agent"]["id"].as_str().expect("its agent").to_string();
        let agent = agents
            .iter()
            .find(|agent| agent.id.to_string() == owner)
            .expect("one of the agents")
            .clone();
        let plan = server
            .post("/api/v1/plans", &json!({ "action": "refresh", "nodes": [node] }))
            .await;
        let waiting = tokio::spawn({
            let agent = agent.clone();
            async move {
                assert!(agent.poll(None).await, "there is work");
                Instant::now()
            }
        });
        // The poll is held by now, else it answers at once and the time is too good by itself.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let asked = Instant::now();
        make_job(server, &plan).await;
        let woken = waiting.await.expect("the agent is answered");
        times.push(woken.duration_since(asked).as_secs_f64() * 1000.0);
        finish(&agent).await;
    }
    report.add(
        "wake-up of a waiting agent after a job is made",
        Times::new(times).text(),
        String::new(),
        "p99 250 ms",
        agents.len() as u64,
    );
}
