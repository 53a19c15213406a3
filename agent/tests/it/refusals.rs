//! A hostile server: whatever it sends that is not rightly signed for this agent, node, epoch and time is not done.

use crate::nginx::TestNginx;
use crate::program::Program;
use aws_lc_rs::signature::Ed25519KeyPair;
use certyard_protocol::*;
use chrono::{TimeDelta, Utc};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn none_of_the_hostile_tasks_is_executed() {
    let nginx = TestNginx::start().await;
    let mut program = Program::joined().await;
    program.add_nginx("web", &nginx);
    program.start(None);
    let stub = program.stub.clone();
    let node = stub.until("the node", |state| state.nodes.get("web").cloned()).await;
    stub.until("it is ready", |state| state.ready.contains(&node.node_id).then_some(()))
        .await;
    let other_key = Ed25519KeyPair::generate().unwrap();
    let payload = |change: &dyn Fn(&mut TaskPayload)| {
        let mut payload = stub.payload(&node, vec![nginx.csr_step()]);
        change(&mut payload);
        payload
    };
    let mut sent = 0;
    for round in 0..20 {
        let plain = payload(&|_| {});
        let bytes = serde_json::to_vec(&plain).unwrap();
        let good = stub.sign(&bytes);
        let mut changed = bytes.clone();
        let at = changed.len() / 2 + round;
        changed[at] ^= 1;
        let text = String::from_utf8(bytes.clone()).unwrap();
        let unknown_step = text.replace("generate_csr", "run_shell").into_bytes();
        let envelopes: Vec<(Envelope, &str)> = vec![
            (
                Envelope {
                    signature: String::new(),
                    ..good.clone()
                },
                "signature_invalid",
            ),
            (
                Envelope::encode(&bytes, &good.key_id, other_key.sign(&bytes).as_ref()),
                "signature_invalid",
            ),
            (
                Envelope::encode(&changed, &good.key_id, &good.decode().unwrap().1),
                "signature_invalid",
            ),
            (
                Envelope {
                    key_id: "0000000000000000".into(),
                    ..good.clone()
                },
                "task_key_unknown",
            ),
            (
                Envelope {
                    payload: "%%%".into(),
                    ..good.clone()
                },
                "task_unreadable",
            ),
            (
                Envelope {
                    payload: "A".repeat(3 << 20),
                    ..good.clone()
                },
                "task_unreadable",
            ),
            (stub.sign(&unknown_step), "task_unreadable"),
            (stub.sign(b"not json"), "task_unreadable"),
        ];
        let signed: Vec<(TaskPayload, &str)> = vec![
            (payload(&|p| p.org_id = Uuid::new_v4()), "task_foreign"),
            (payload(&|p| p.agent_id = Uuid::new_v4()), "task_foreign"),
            (payload(&|p| p.node_id = Uuid::new_v4()), "task_foreign"),
            (payload(&|p| p.connector = ConnectorKind::CiscoUc), "wrong_connector"),
            (payload(&|p| p.deadline = Utc::now() - TimeDelta::minutes(1)), "expired"),
            (
                payload(&|p| p.not_before = Utc::now() + TimeDelta::hours(1)),
                "too_early",
            ),
            (payload(&|p| p.steps.clear()), "task_unreadable"),
            (
                payload(&|p| {
                    p.steps.push(Step::InstallTrust {
                        store: "x".into(),
                        certificates_pem: vec![],
                    })
                }),
                "unsupported_step",
            ),
        ];
        let mut wanted = vec![];
        for (envelope, code) in envelopes {
            let task = TaskRef {
                task_id: Uuid::new_v4(),
                epoch: 1,
            };
            // The claim may tell the truth: the signature still does not cover it.
            let task = if code == "signature_invalid" {
                TaskRef {
                    task_id: plain.task_id,
                    ..task
                }
            } else {
                task
            };
            stub.queue_raw(task, envelope);
            wanted.push((task, code));
        }
        for (payload, code) in signed {
            wanted.push((stub.queue(&payload), code));
        }
        let moved = TaskRef {
            task_id: Uuid::new_v4(),
            epoch: 1,
        };
        stub.queue_raw(moved, good);
        wanted.push((moved, "task_foreign"));
        let low = payload(&|_| {});
        let raised = TaskRef {
            task_id: low.task_id,
            epoch: 7,
        };
        stub.queue_raw(raised, stub.sign(&serde_json::to_vec(&low).unwrap()));
        wanted.push((raised, "task_foreign"));
        sent += wanted.len();
        for (task, code) in wanted {
            let result = stub.result(task).await;
            assert_ne!(result.outcome, Outcome::Succeeded);
            assert_eq!(result.node_state, NodeState::NotStarted);
            assert_eq!(result.failure.unwrap().code, code);
        }
    }
    assert_eq!(nginx.count("requests"), 0, "0 executed");
    println!("{sent} hostile tasks, 0 executed");

    // The right one runs; then its replay, and an older epoch, do nothing.
    let right = payload(&|p| p.epoch = 5);
    let task = stub.queue(&right);
    assert_eq!(stub.result(task).await.outcome, Outcome::Succeeded);
    assert_eq!(nginx.count("requests"), 1);
    stub.queue(&right);
    let repeated = |state: &mut crate::stub::State| {
        let mine = state.results.iter().filter(|(id, _)| *id == task.task_id).count();
        (mine >= 2).then_some(())
    };
    stub.until("the same result again", repeated).await;
    let older = stub.queue(&payload(&|p| {
        p.task_id = right.task_id;
        p.epoch = 4;
    }));
    // A later task has its answer: the older epoch was looked at before it.
    let mut last = stub.payload(&node, vec![Step::Inventory]);
    last.expect = vec![];
    let last = stub.queue(&last);
    stub.result(last).await;
    assert!(
        stub.state()
            .results
            .iter()
            .all(|(id, result)| *id != older.task_id || result.epoch == 5)
    );
    assert_eq!(nginx.count("requests"), 1, "no effect was repeated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_moved_under_the_plan_is_not_touched() {
    let nginx = TestNginx::start().await;
    let mut program = Program::joined().await;
    program.add_nginx("web", &nginx);
    program.start(None);
    let stub = program.stub.clone();
    let node = stub.until("the node", |state| state.nodes.get("web").cloned()).await;
    stub.until("it is ready", |state| state.ready.contains(&node.node_id).then_some(()))
        .await;
    let mut payload = stub.payload(&node, vec![nginx.csr_step()]);
    let expectation = Expectation {
        store: crate::nginx::PURPOSE.into(),
        entry: crate::nginx::PURPOSE.into(),
        sha256: Some("00".repeat(32)),
        csr_spki_sha256: None,
    };
    payload.expect = vec![expectation.clone()];
    let result = stub.result(stub.queue(&payload)).await;
    assert_eq!(result.failure.unwrap().code, "expectation_failed");
    assert!(result.inventory.is_some(), "the server learns what is there");
    assert_eq!(nginx.count("requests"), 0);
    let mut payload = stub.payload(&node, vec![nginx.csr_step()]);
    payload.expect = vec![Expectation {
        sha256: Some(nginx.served(crate::nginx::NAME).await),
        ..expectation
    }];
    assert_eq!(stub.result(stub.queue(&payload)).await.outcome, Outcome::Succeeded);
}
