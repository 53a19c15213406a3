//! What is left to do after a job (cisco.md 2.6).

use super::Uc;
use crate::machine::{own_certificate, payload, result};
use certyard_domain::audit;
use certyard_domain::jobs::{self, CareItem, CareState, Checklist, Confirmation};
use certyard_domain::plans::{Action, DeleteOptions, Order, RenewOptions, Targets};
use certyard_domain::{Error, Role, Scope};
use certyard_protocol::{NodeState, Outcome, StepKind, StepReport, TaskResult};
use uuid::Uuid;

async fn lists(uc: &Uc, job: Uuid) -> Vec<Checklist> {
    let tx = uc.fleet.test.db.read(&uc.fleet.org.owner).await.expect("a transaction");
    jobs::aftercare(&tx, job, None, 50).await.expect("lists").items
}

async fn items(uc: &Uc, job: Uuid) -> Vec<CareItem> {
    lists(uc, job).await.remove(0).items
}

/// Names of the items with where they stand.
fn told(items: &[CareItem]) -> Vec<(&str, CareState)> {
    items.iter().map(|item| (item.item.as_str(), item.state)).collect()
}

async fn done(uc: &Uc, action: Action, targets: Targets) -> Uuid {
    let plan = uc.fleet.plan(action, targets, Order::default()).await.expect("a plan");
    let job = uc.fleet.start(&plan).await.expect("a job");
    loop {
        let claimed = uc.fleet.claim(uc.agent, 20).await;
        if claimed.is_empty() {
            return job.id;
        }
        for task in claimed {
            uc.fleet
                .report(
                    uc.agent,
                    task.task.task_id,
                    &result(task.task.epoch, Outcome::Succeeded),
                )
                .await
                .expect("it is taken");
        }
    }
}

fn renew(restart: bool) -> Action {
    Action::Renew(RenewOptions {
        restart,
        ..RenewOptions::default()
    })
}

async fn say(uc: &Uc, scope: &Scope, job: Uuid, item: &str, state: CareState) -> certyard_domain::Result<Checklist> {
    let tx = uc.fleet.test.db.write(scope).await.expect("a transaction");
    let said = Confirmation {
        cluster_id: uc.cluster,
        purpose: "tomcat".into(),
        item: item.into(),
        state,
        note: "change 4711".into(),
    };
    let list = jobs::confirm(&tx, job, said).await?;
    tx.commit().await.expect("it is kept");
    Ok(list)
}

#[tokio::test]
async fn the_list_follows_from_product_version_and_purpose() {
    let uc = Uc::new().await;
    let job = done(&uc, renew(false), Targets::Installations(uc.installed[..2].to_vec())).await;
    let all = items(&uc, job).await;
    let open = CareState::Open;
    assert_eq!(
        told(&all),
        [
            ("restart:Cisco Tomcat", open),
            ("restart:Cisco TFTP", open),
            ("restart:Cisco DRF Local", open),
            ("restart:Cisco DRF Master", open),
            ("further_services", open),
            ("sso_metadata", open),
            ("peers_trust", open),
            ("backup", open),
        ]
    );
    assert_eq!(all[0].service.as_deref(), Some("Cisco Tomcat"));
    assert!(
        all.iter().all(|item| item
            .nodes
            .iter()
            .map(|(_, name)| name.as_str())
            .eq(["node-00000", "node-00001"])),
        "{all:#?}"
    );
    // From 14SU2 on another set of services, as it was when the job was planned.
    uc.fleet.set("cluster", uc.cluster, "product_version", "14SU2").await;
    let newer = done(&uc, renew(false), Targets::Installations(uc.installed[..1].to_vec())).await;
    let list = lists(&uc, newer).await.remove(0);
    assert_eq!((list.product.as_str(), list.version.as_str()), ("cucm", "14SU2"));
    assert!(!told(&list.items).contains(&("restart:Cisco DRF Master", open)));
    assert_eq!(lists(&uc, job).await[0].version, "14");
}

#[tokio::test]
async fn what_the_job_restarted_itself_is_done() {
    let uc = Uc::new().await;
    let job = done(&uc, renew(true), Targets::Installations(uc.installed[..1].to_vec())).await;
    let all = items(&uc, job).await;
    for item in &all {
        assert_eq!(item.by_job, item.service.is_some(), "{item:?}");
        assert_eq!(item.state == CareState::Done, item.by_job, "{item:?}");
    }
    let error = say(
        &uc,
        &uc.fleet.org.owner,
        job,
        "restart:Cisco Tomcat",
        CareState::Skipped,
    )
    .await;
    assert!(
        matches!(&error, Err(Error::Invalid(wrong)) if wrong[0].code == "done_by_job"),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_uses_the_certificate_of_tomcat_is_in_the_list() {
    let uc = Uc::new().await;
    let shared = own_certificate("campus-ms.example.org", 100);
    uc.fleet
        .set("installation", uc.installed[0], "sha256", shared.sha256_hex())
        .await;
    uc.fleet
        .install(uc.cluster, uc.nodes[0], "identity", "CallManager", &shared)
        .await;
    let job = done(&uc, renew(true), Targets::Installations(uc.installed[..1].to_vec())).await;
    let all = items(&uc, job).await;
    let of: Vec<(&str, &str, bool)> = all
        .iter()
        .filter(|item| item.purpose == "CallManager")
        .map(|item| (item.purpose.as_str(), item.item.as_str(), item.by_job))
        .collect();
    assert!(of.contains(&("CallManager", "restart:Cisco HAProxy", true)), "{of:?}");
    assert!(of.contains(&("CallManager", "ctl_update", false)), "{of:?}");
    assert!(all.iter().any(|item| item.purpose == "tomcat"));
}

#[tokio::test]
async fn a_job_that_changed_nothing_leaves_nothing_to_do() {
    let uc = Uc::new().await;
    let plan = uc
        .fleet
        .plan(
            renew(false),
            Targets::Installations(uc.installed[..1].to_vec()),
            Order::default(),
        )
        .await
        .expect("a plan");
    let job = uc.fleet.start(&plan).await.expect("a job");
    assert!(items(&uc, job.id).await.is_empty(), "it has not ended");
    let task = uc.fleet.claim(uc.agent, 1).await.pop().expect("a task");
    uc.fleet
        .report(uc.agent, task.task.task_id, &result(1, Outcome::Failed))
        .await
        .expect("it is taken");
    assert!(items(&uc, job.id).await.is_empty(), "nothing was touched");
    let refresh = uc.fleet.refresh(&uc.nodes, Order::default()).await;
    assert!(items(&uc, refresh.id).await.is_empty());
}

#[tokio::test]
async fn a_deletion_is_followed_by_the_restarts_of_its_store() {
    let uc = Uc::new().await;
    let old = own_certificate("Old Root", 10);
    let held = uc
        .fleet
        .install(uc.cluster, uc.nodes[0], "trust", "ipsec-trust", &old)
        .await;
    let delete = Action::Delete(DeleteOptions::default());
    let job = done(&uc, delete, Targets::Installations(vec![held])).await;
    let open = CareState::Open;
    assert_eq!(
        told(&items(&uc, job).await),
        [
            ("restart:Cisco DRF Local", open),
            ("restart:Cisco DRF Master", open),
            ("backup_works", open)
        ]
    );
}

/// A failure after so many steps.
fn half_way(epoch: i64, steps: &[StepKind], done: usize) -> TaskResult {
    let report = |(at, step): (usize, &StepKind)| StepReport {
        step: *step,
        ok: at < done,
        note: String::new(),
        started_at: crate::machine::noon(),
        millis: 1,
    };
    TaskResult {
        node_state: NodeState::Partial,
        steps: steps.iter().take(done + 1).enumerate().map(report).collect(),
        ..result(epoch, Outcome::Failed)
    }
}

async fn report(uc: &Uc, result: impl Fn(i64, &[StepKind]) -> TaskResult) {
    let task = uc.fleet.claim(uc.agent, 1).await.pop().expect("a task");
    let steps: Vec<StepKind> = payload(&task).steps.iter().map(|step| step.kind()).collect();
    let result = result(task.task.epoch, &steps);
    uc.fleet
        .report(uc.agent, task.task.task_id, &result)
        .await
        .expect("it is taken");
}

/// The restarts of a list that are done, and those that are open.
fn restarts(items: &[CareItem]) -> (Vec<&str>, Vec<&str>) {
    let of = |state: CareState| {
        let all = items.iter().filter(|item| item.state == state);
        all.filter_map(|item| item.service.as_deref()).collect()
    };
    (of(CareState::Done), of(CareState::Open))
}

#[tokio::test]
async fn a_job_and_its_retry_have_one_list_of_what_happened() {
    let uc = Uc::new().await;
    let one = Targets::Installations(uc.installed[..1].to_vec());
    let plan = uc.fleet.plan(renew(true), one, Order::default()).await.expect("a plan");
    let first = uc.fleet.start(&plan).await.expect("a job").id;
    report(&uc, |epoch, steps| half_way(epoch, steps, 2)).await;
    let all = items(&uc, first).await;
    assert_eq!(
        restarts(&all),
        (
            vec!["Cisco Tomcat"],
            vec!["Cisco TFTP", "Cisco DRF Local", "Cisco DRF Master"]
        )
    );
    say(&uc, &uc.fleet.org.owner, first, "backup", CareState::Done)
        .await
        .expect("it is taken");
    let again = jobs::retry(&uc.fleet.test.db, &uc.fleet.org.owner, first, &[])
        .await
        .expect("a retry");
    let error = say(&uc, &uc.fleet.org.owner, first, "backup", CareState::Open).await;
    assert!(
        matches!(
            error,
            Err(Error::Refused {
                code: "still_running",
                ..
            })
        ),
        "the list may grow: {error:?}"
    );
    report(&uc, |epoch, steps| half_way(epoch, steps, 1)).await;
    for job in [first, again.id] {
        let all = items(&uc, job).await;
        assert_eq!(
            restarts(&all),
            (
                vec!["Cisco Tomcat", "Cisco TFTP"],
                vec!["Cisco DRF Local", "Cisco DRF Master"]
            )
        );
        let backup = all.iter().find(|item| item.item == "backup").expect("it is there");
        assert_eq!(backup.state, CareState::Done);
    }
    // What is said with the retry is said of the job.
    say(&uc, &uc.fleet.org.owner, again.id, "backup", CareState::Open)
        .await
        .expect("it is taken");
    let all = items(&uc, first).await;
    assert!(told(&all).contains(&("backup", CareState::Open)));
}

#[tokio::test]
async fn the_restarts_of_a_list_are_made_node_by_node_and_ticked_off() {
    let uc = Uc::new().await;
    let job = done(&uc, renew(false), Targets::Installations(uc.installed.clone())).await;
    let owner = &uc.fleet.org.owner;
    say(&uc, owner, job, "restart:Cisco DRF Master", CareState::Skipped)
        .await
        .expect("it is taken");
    let wanted = || jobs::CareRestarts {
        clusters: vec![uc.cluster],
        ..jobs::CareRestarts::default()
    };
    let plan = jobs::plan_restarts(&uc.fleet.test.db, owner, job, wanted())
        .await
        .expect("a plan");
    assert_eq!((plan.action.as_str(), plan.targets), ("restart", 3));
    let restarting = uc.fleet.start(&plan).await.expect("a job");
    assert_eq!(restarting.aftercare_of, Some(job));
    let error = jobs::plan_restarts(&uc.fleet.test.db, owner, job, wanted()).await;
    assert!(
        matches!(
            error,
            Err(Error::Refused {
                code: "still_running",
                ..
            })
        ),
        "{error:?}"
    );
    for index in 0..3 {
        let claimed = uc.fleet.claim(uc.agent, 10).await;
        assert_eq!(claimed.len(), 1, "one node of a cluster at a time");
        let task = payload(&claimed[0]);
        assert_eq!(task.node_id, uc.nodes[index]);
        let services: Vec<&str> = task
            .steps
            .iter()
            .filter_map(|step| match step {
                certyard_protocol::Step::RestartService { service } => Some(service.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(services, ["Cisco Tomcat", "Cisco TFTP", "Cisco DRF Local"]);
        uc.fleet
            .report(uc.agent, claimed[0].task.task_id, &result(1, Outcome::Succeeded))
            .await
            .expect("it is taken");
    }
    let all = items(&uc, job).await;
    assert_eq!(
        restarts(&all).0,
        ["Cisco Tomcat", "Cisco TFTP", "Cisco DRF Local"],
        "{all:#?}"
    );
    let error = jobs::plan_restarts(&uc.fleet.test.db, owner, job, wanted()).await;
    assert!(
        matches!(
            error,
            Err(Error::Refused {
                code: "nothing_to_restart",
                ..
            })
        ),
        "{error:?}"
    );
    let viewer = uc.fleet.org.member(Role::Viewer, None);
    let error = jobs::plan_restarts(&uc.fleet.test.db, &viewer, job, wanted()).await;
    assert!(matches!(error, Err(Error::Forbidden { .. })), "{error:?}");
}

#[tokio::test]
async fn a_deletion_that_reaches_a_cluster_is_followed_by_restarts_on_all_of_its_nodes() {
    let uc = Uc::new().await;
    let old = own_certificate("Old Root", 10);
    let held = uc
        .fleet
        .install(uc.cluster, uc.nodes[0], "trust", "tomcat-trust", &old)
        .await;
    let delete = Action::Delete(DeleteOptions::default());
    let job = done(&uc, delete, Targets::Installations(vec![held])).await;
    let all = items(&uc, job).await;
    assert_eq!(told(&all), [("restart:Cisco Tomcat", CareState::Open)]);
    assert_eq!(all[0].nodes.len(), 3);
}

#[tokio::test]
async fn a_confirmation_names_who_and_when_and_is_in_the_audit_log() {
    let uc = Uc::new().await;
    let job = done(&uc, renew(false), Targets::Installations(uc.installed[..1].to_vec())).await;
    let operator = uc.fleet.org.member(Role::Operator, None);
    let find = |list: &Checklist, name: &str| {
        list.items
            .iter()
            .find(|item| item.item == name)
            .cloned()
            .expect("it is there")
    };
    let list = say(&uc, &operator, job, "backup", CareState::Done)
        .await
        .expect("it is taken");
    let item = find(&list, "backup");
    assert_eq!((item.state, item.note.as_str()), (CareState::Done, "change 4711"));
    assert_eq!(
        (item.by_name.as_str(), item.at),
        ("operator of the test", Some(crate::machine::noon()))
    );
    // Another word for the same, and back.
    let list = say(&uc, &operator, job, "backup", CareState::Skipped)
        .await
        .expect("it is taken");
    assert_eq!(find(&list, "backup").state, CareState::Skipped);
    assert_eq!(told(&items(&uc, job).await), told(&list.items));
    let list = say(&uc, &operator, job, "backup", CareState::Open)
        .await
        .expect("it is taken");
    let item = find(&list, "backup");
    assert_eq!(
        (item.state, item.by_name.as_str(), item.at),
        (CareState::Open, "", None)
    );

    let tx = uc.fleet.test.db.read(&uc.fleet.org.owner).await.expect("a transaction");
    let filter = audit::Filter {
        object_id: Some(job),
        ..audit::Filter::default()
    };
    let rows = audit::list(&tx, &filter, None, 50).await.expect("the log");
    let said: Vec<_> = rows.iter().filter(|row| row.action == "job.aftercare").collect();
    assert_eq!(said.len(), 3);
    assert!(said.iter().all(|row| row.actor_name == "operator of the test"));
    drop(tx);

    let both = Targets::Installations(uc.installed[..2].to_vec());
    let plan = uc
        .fleet
        .plan(renew(false), both, Order::default())
        .await
        .expect("a plan");
    let under_way = uc.fleet.start(&plan).await.expect("a job").id;
    let claimed = uc.fleet.claim(uc.agent, 1).await;
    uc.fleet
        .report(uc.agent, claimed[0].task.task_id, &result(1, Outcome::Succeeded))
        .await
        .expect("it is taken");
    let error = say(&uc, &operator, under_way, "backup", CareState::Done).await;
    assert!(
        matches!(
            error,
            Err(Error::Refused {
                code: "still_running",
                ..
            })
        ),
        "{error:?}"
    );

    let error = say(&uc, &operator, job, "nonsense", CareState::Done).await;
    assert!(
        matches!(&error, Err(Error::Invalid(wrong)) if wrong[0].field == "item"),
        "{error:?}"
    );
    let viewer = uc.fleet.org.member(Role::Viewer, None);
    let error = say(&uc, &viewer, job, "backup", CareState::Done).await;
    assert!(matches!(error, Err(Error::Forbidden { .. })), "{error:?}");
    let elsewhere = uc.fleet.group("elsewhere").await;
    let other = uc.fleet.org.member(Role::Operator, Some(vec![elsewhere]));
    let error = say(&uc, &other, job, "backup", CareState::Done).await;
    assert!(matches!(error, Err(Error::NotFound { .. })), "{error:?}");
}
