//! Changes that must not be made in one go (cisco.md 2.6).

use super::{Uc, codes, targets};
use crate::machine::{own_certificate, result};
use certyard_domain::plans::{Action, Order, RenewOptions, Targets};
use certyard_protocol::Outcome;
use uuid::Uuid;

fn renew() -> Action {
    Action::Renew(RenewOptions::default())
}

/// Installations of these purposes on the publisher.
async fn installed(uc: &Uc, purposes: &[&str]) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for purpose in purposes {
        let own = own_certificate(&format!("{purpose}.example.org"), 20);
        ids.push(
            uc.fleet
                .install(uc.cluster, uc.nodes[0], "identity", purpose, &own)
                .await,
        );
    }
    ids
}

#[tokio::test]
async fn call_manager_waits_for_tvs_and_itl_recovery() {
    for first in ["TVS", "ITLRecovery"] {
        let uc = Uc::new().await;
        let ids = installed(&uc, &["CallManager", first, "ipsec"]).await;
        let plan = uc
            .fleet
            .plan(renew(), Targets::Installations(ids), Order::default())
            .await
            .expect("a plan");
        assert_eq!((plan.targets, plan.refused), (2, 1));
        let refused: Vec<_> = targets(&uc.fleet, &plan)
            .await
            .into_iter()
            .filter_map(|target| Some((target.purpose, target.refusal_code?)))
            .collect();
        assert_eq!(refused, [("CallManager".to_string(), "unsafe_together".to_string())]);
    }
}

#[tokio::test]
async fn with_a_reason_the_second_begins_after_the_first() {
    let uc = Uc::new().await;
    let ids = installed(&uc, &["CallManager", "TVS"]).await;
    let plan = uc
        .fleet
        .plan_for(
            renew(),
            Targets::Installations(ids),
            Order::default(),
            "no phones are registered yet",
        )
        .await
        .expect("a plan");
    assert_eq!((plan.targets, plan.refused), (2, 0));
    assert!(codes(&plan).contains(&"unsafe_together"));
    let warning = plan
        .warnings
        .iter()
        .find(|one| one.code == "unsafe_together")
        .expect("a warning");
    assert!(warning.consent && warning.message.contains("no phones are registered yet"));
    let order: Vec<String> = targets(&uc.fleet, &plan)
        .await
        .into_iter()
        .map(|one| one.purpose)
        .collect();
    assert_eq!(order, ["TVS", "CallManager"]);
    let job = uc.fleet.start(&plan).await.expect("a job");
    assert_eq!((job.counts.pending, job.counts.waiting), (1, 1));
}

#[tokio::test]
async fn what_waits_begins_once_all_nodes_have_ended() {
    let uc = Uc::new().await;
    let mut ids = Vec::new();
    for (index, node) in uc.nodes.iter().enumerate() {
        for purpose in ["CallManager", "TVS"] {
            let own = own_certificate(&format!("{purpose}-{index}.example.org"), 20);
            ids.push(uc.fleet.install(uc.cluster, *node, "identity", purpose, &own).await);
        }
    }
    let plan = uc
        .fleet
        .plan_for(
            renew(),
            Targets::Installations(ids),
            Order::default(),
            "a maintenance window",
        )
        .await
        .expect("a plan");
    let job = uc.fleet.start(&plan).await.expect("a job");
    assert_eq!((job.counts.pending, job.counts.waiting), (3, 3));
    let first = uc.fleet.claim(uc.agent, 10).await;
    assert_eq!(first.len(), 3);
    for (index, task) in first.iter().enumerate() {
        assert!(uc.fleet.claim(uc.agent, 10).await.is_empty(), "after {index}");
        uc.fleet
            .report(
                uc.agent,
                task.task.task_id,
                &result(task.task.epoch, Outcome::Succeeded),
            )
            .await
            .expect("recorded");
    }
    assert_eq!(uc.fleet.claim(uc.agent, 10).await.len(), 3);
}

#[tokio::test]
async fn a_plan_that_was_made_before_its_counterpart_is_not_started_without_a_look() {
    let uc = Uc::new().await;
    let ids = installed(&uc, &["CallManager", "TVS"]).await;
    let mut plans = Vec::new();
    for id in ids {
        let plan = uc
            .fleet
            .plan(renew(), Targets::Installations(vec![id]), Order::default())
            .await
            .expect("a plan");
        plans.push(plan);
    }
    uc.fleet.start(&plans[1]).await.expect("a job");
    let error = uc.fleet.start(&plans[0]).await.expect_err("TVS is being changed");
    assert!(
        matches!(
            &error,
            certyard_domain::Error::Conflict {
                code: "plan_changed",
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_change_that_is_under_way_or_was_just_made_keeps_its_counterpart_off() {
    let uc = Uc::new().await;
    let ids = installed(&uc, &["CallManager", "TVS"]).await;
    let tvs = uc
        .fleet
        .plan(renew(), Targets::Installations(vec![ids[1]]), Order::default())
        .await
        .expect("a plan");
    uc.fleet.start(&tvs).await.expect("a job");
    let refused = || async {
        let plan = uc
            .fleet
            .plan(renew(), Targets::Installations(vec![ids[0]]), Order::default())
            .await
            .expect("a plan");
        let target = targets(&uc.fleet, &plan).await.pop().expect("a target");
        target.refusal
    };
    let words = refused().await.expect("it is under way");
    assert!(words.contains("is being changed"), "{words}");
    let task = uc.fleet.claim(uc.agent, 1).await.pop().expect("a task");
    uc.fleet
        .report(
            uc.agent,
            task.task.task_id,
            &result(task.task.epoch, Outcome::Succeeded),
        )
        .await
        .expect("recorded");
    let words = refused().await.expect("it was just made");
    assert!(words.contains("within the last 24 hours"), "{words}");
    uc.fleet.later(24 * 3600 + 1);
    assert_eq!(refused().await, None);
}
