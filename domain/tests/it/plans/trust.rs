//! Certificates of trust stores: deletion, replacement, restore (R4, R19, R20, R22, R23).

use super::{Uc, codes, refusal, targets};
use crate::machine::{Authority, noon, own_certificate, payload, request, result};
use certyard_domain::Error;
use certyard_domain::catalogue::{PRODUCTS, trust_stores_of};
use certyard_domain::jobs::{self, JobStatus};
use certyard_domain::plans::{Action, DeleteOptions, DistributeOptions, Order, ReplaceOptions, TargetFilter, Targets};
use certyard_pki::Certificate;
use certyard_protocol::{Failure, Outcome, Step, TaskResult};
use chrono::Duration;
use uuid::Uuid;

fn delete() -> Action {
    Action::Delete(DeleteOptions::default())
}

fn replace(with: &Certificate) -> Action {
    Action::Replace(ReplaceOptions {
        files: vec![with.to_pem().into_bytes()],
        ..ReplaceOptions::default()
    })
}

/// Puts a certificate into `tomcat-trust` of all nodes; gives the installations.
async fn everywhere(uc: &Uc, certificate: &Certificate) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for node in &uc.nodes {
        ids.push(
            uc.fleet
                .install(uc.cluster, *node, "trust", "tomcat-trust", certificate)
                .await,
        );
    }
    ids
}

async fn certificate_of(uc: &Uc, installation: Uuid) -> Uuid {
    let tx = uc.fleet.test.db.read(&uc.fleet.org.owner).await.expect("a transaction");
    let row = certyard_domain::inventory::get(&tx, installation)
        .await
        .expect("it is there");
    row.installation.certificate_id
}

#[tokio::test]
async fn r20_a_trust_certificate_is_deleted_after_a_warning_and_named_by_its_fingerprint() {
    let uc = Uc::new().await;
    let old = own_certificate("Old Root", -1);
    let ids = everywhere(&uc, &old).await;
    let plan = uc
        .fleet
        .plan(delete(), Targets::Installations(ids), Order::default())
        .await
        .expect("a plan");
    assert_eq!((plan.targets, plan.refused), (3, 0));
    assert_eq!(codes(&plan), ["trust_deleted"]);
    let job = uc.fleet.start(&plan).await.expect("a job");
    assert_eq!(job.title, "Delete certificates for tomcat-trust on 3 nodes of campus");
    let task = uc.fleet.claim(uc.agent, 1).await.pop().expect("a task");
    assert_eq!(
        payload(&task).steps,
        [
            Step::DeleteTrust {
                store: "tomcat-trust".into(),
                entry: old.sha256_hex(),
                sha256: old.sha256_hex(),
            },
            Step::Inventory,
        ]
    );
}

#[tokio::test]
async fn r20_clusters_and_stores_are_chosen_and_what_is_meant_has_to_be_named() {
    let uc = Uc::new().await;
    let (old, kept) = (own_certificate("Old Root", -1), own_certificate("Root", 100));
    let ids = everywhere(&uc, &old).await;
    everywhere(&uc, &kept).await;
    uc.fleet
        .install(uc.cluster, uc.nodes[0], "trust", "CallManager-trust", &old)
        .await;
    let certificate = certificate_of(&uc, ids[0]).await;
    let filter = || TargetFilter {
        cluster_ids: vec![uc.cluster],
        ..TargetFilter::default()
    };
    let of = |stores: &[&str]| {
        Action::Delete(DeleteOptions {
            stores: stores.iter().map(ToString::to_string).collect(),
            certificate_ids: vec![certificate],
        })
    };
    for (stores, count) in [
        (&["tomcat-trust"][..], 3),
        (&["CallManager-trust"][..], 1),
        (&[][..], 4),
    ] {
        let plan = uc
            .fleet
            .plan(of(stores), Targets::Filter(filter()), Order::default())
            .await
            .expect("a plan");
        assert_eq!((plan.targets, plan.refused), (count, 0), "{stores:?}");
    }
    // Whatever has expired, wherever it is.
    let expired = TargetFilter {
        not_after_before: Some(noon()),
        ..TargetFilter::default()
    };
    let plan = uc
        .fleet
        .plan(delete(), Targets::Filter(expired), Order::default())
        .await
        .expect("a plan");
    assert_eq!((plan.targets, plan.refused), (4, 0));
    for (action, targets, field) in [
        (delete(), Targets::Filter(filter()), "certificate_ids"),
        (delete(), Targets::Nodes(uc.nodes.clone()), "certificate_ids"),
        (of(&["TVS-trust"]), Targets::Filter(filter()), "certificate_ids"),
        (Action::Restore, Targets::Nodes(uc.nodes.clone()), "installations"),
    ] {
        let error = uc
            .fleet
            .plan(action, targets, Order::default())
            .await
            .expect_err("not said");
        let Error::Invalid(wrong) = error else {
            panic!("{error:?}");
        };
        assert_eq!(wrong[0].field, field);
    }
}

#[tokio::test]
async fn r20_what_a_node_needs_is_refused_or_warned_of() {
    let uc = Uc::new().await;
    // An identity is no trust certificate.
    let own = Targets::Installations(vec![uc.installed[0]]);
    assert_eq!(refusal(&uc.fleet, delete(), own).await, "not_trust");
    // The node's own certificate in its trust store.
    let shown = own_certificate("node-own.example.org", 100);
    uc.fleet
        .install(uc.cluster, uc.nodes[0], "identity", "tomcat-ECDSA", &shown)
        .await;
    let kept = uc
        .fleet
        .install(uc.cluster, uc.nodes[0], "trust", "tomcat-trust", &shown)
        .await;
    let targets_of = Targets::Installations(vec![kept]);
    assert_eq!(refusal(&uc.fleet, delete(), targets_of).await, "own_certificate");
    // On another node, where the product would carry the deletion to the first.
    let there = uc
        .fleet
        .install(uc.cluster, uc.nodes[1], "trust", "tomcat-trust", &shown)
        .await;
    let targets_of = Targets::Installations(vec![there]);
    assert_eq!(refusal(&uc.fleet, delete(), targets_of).await, "own_certificate");
    // An issuer of what is installed.
    let ca = Authority::new("Example");
    let leaf = ca.sign(&request("node-1.example.org"), 100);
    uc.fleet
        .install(uc.cluster, uc.nodes[1], "identity", "CallManager", &leaf)
        .await;
    let issuer = uc
        .fleet
        .install(uc.cluster, uc.nodes[1], "trust", "CallManager-trust", &ca.intermediate)
        .await;
    let plan = uc
        .fleet
        .plan(delete(), Targets::Installations(vec![issuer]), Order::default())
        .await
        .expect("a plan");
    assert_eq!(codes(&plan), ["trust_deleted", "in_use"]);
}

#[tokio::test]
async fn r22_capf_and_ipsec_trust_stay_on_subscribers() {
    let uc = Uc::new().await;
    let old = own_certificate("Old Root", -1);
    // A deletion from CAPF-trust reaches the other one, which is read.
    for (store, tasks) in [("CAPF-trust", 2), ("ipsec-trust", 1)] {
        let (publisher, subscriber) = (
            uc.fleet.install(uc.cluster, uc.nodes[0], "trust", store, &old).await,
            uc.fleet.install(uc.cluster, uc.nodes[1], "trust", store, &old).await,
        );
        for action in [delete(), replace(&own_certificate("New Root", 100))] {
            let one = Targets::Installations(vec![subscriber]);
            assert_eq!(refusal(&uc.fleet, action, one).await, "publisher_only");
        }
        let plan = uc
            .fleet
            .plan(delete(), Targets::Installations(vec![publisher]), Order::default())
            .await
            .expect("a plan");
        assert_eq!((plan.targets, plan.refused), (tasks, 0), "{store}");
    }
}

#[tokio::test]
async fn r22_what_only_the_publisher_takes_is_refused_on_subscribers_of_every_product() {
    let (old, new) = (own_certificate("Old Root", 10), own_certificate("New Root", 100));
    let mut tried = 0;
    for product in PRODUCTS {
        let stores: Vec<&str> = trust_stores_of(product.code)
            .map(|store| store.name)
            .filter(|name| ["CAPF-trust", "ipsec-trust"].contains(name))
            .collect();
        if stores.is_empty() {
            continue;
        }
        let uc = Uc::of(product.code, "14").await;
        for store in stores {
            let mut held = Vec::new();
            for node in &uc.nodes[..2] {
                held.push(uc.fleet.install(uc.cluster, *node, "trust", store, &old).await);
            }
            for (index, role) in ["publisher", "subscriber"].into_iter().enumerate() {
                let distribute = Action::Distribute(DistributeOptions {
                    stores: vec![store.into()],
                    files: vec![new.to_pem().into_bytes()],
                    ..DistributeOptions::default()
                });
                let one = || Targets::Installations(vec![held[index]]);
                let table = [
                    ("distribute", distribute, Targets::Nodes(vec![uc.nodes[index]])),
                    ("replace", replace(&new), one()),
                    ("delete", delete(), one()),
                    ("restore", Action::Restore, one()),
                ];
                for (name, action, targets) in table {
                    let what = format!("{name} in {store} of {} on a {role}", product.code);
                    if name == "restore" {
                        uc.fleet
                            .set("installation", held[index], "gone_at", noon() - Duration::hours(1))
                            .await;
                    }
                    let puts = ["distribute", "replace"].contains(&name);
                    if puts && !product.distribute {
                        assert_eq!(refusal(&uc.fleet, action, targets).await, "product_excluded", "{what}");
                    } else if role == "subscriber" {
                        assert_eq!(refusal(&uc.fleet, action, targets).await, "publisher_only", "{what}");
                    } else {
                        let plan = uc.fleet.plan(action, targets, Order::default()).await.expect("a plan");
                        assert_eq!(plan.refused, 0, "{what}");
                    }
                    tried += 1;
                }
            }
        }
    }
    assert_eq!(tried, 40, "five stores, two roles, four actions");
}

#[tokio::test]
async fn r4_emergency_responder_takes_no_replacement_but_deletes_and_restores() {
    let uc = Uc::of("cer", "14").await;
    let ids = everywhere(&uc, &own_certificate("Old Root", -1)).await;
    let one = || Targets::Installations(vec![ids[0]]);
    let new = own_certificate("New Root", 100);
    assert_eq!(refusal(&uc.fleet, replace(&new), one()).await, "product_excluded");
    let plan = uc.fleet.plan(delete(), one(), Order::default()).await.expect("a plan");
    // The deletion reaches the two subscribers, which are read.
    assert_eq!((plan.targets, plan.refused), (3, 0));
    uc.fleet
        .set("installation", ids[0], "gone_at", noon() - Duration::hours(1))
        .await;
    let plan = uc
        .fleet
        .plan(Action::Restore, one(), Order::default())
        .await
        .expect("a plan");
    assert_eq!(plan.refused, 0);
    let planned = targets(&uc.fleet, &plan).await;
    assert!(planned.iter().any(|target| target.node_id == uc.nodes[0]));
}

#[tokio::test]
async fn r19_the_new_one_goes_in_before_the_old_one_goes() {
    let uc = Uc::new().await;
    let old = own_certificate("Old Root", 10);
    let ids = everywhere(&uc, &old).await;
    let new = own_certificate("New Root", 100);
    let plan = uc
        .fleet
        .plan(replace(&new), Targets::Installations(ids.clone()), Order::default())
        .await
        .expect("a plan");
    assert_eq!((plan.targets, plan.refused), (3, 0));
    let target = targets(&uc.fleet, &plan).await.remove(0);
    assert_eq!(target.preview.before.expect("the old one").sha256, old.sha256_hex());
    assert_eq!(target.preview.after.expect("the new one").sha256, new.sha256_hex());
    uc.fleet.start(&plan).await.expect("a job");
    let task = uc.fleet.claim(uc.agent, 1).await.pop().expect("a task");
    let steps: Vec<&str> = payload(&task).steps.iter().map(|step| step.kind().as_str()).collect();
    assert_eq!(steps, ["install_trust", "delete_trust", "inventory"]);
    // The very same, several, none.
    let one = || Targets::Installations(vec![ids[0]]);
    assert_eq!(refusal(&uc.fleet, replace(&old), one()).await, "already_present");
    let several = Action::Replace(ReplaceOptions {
        files: vec![format!("{}{}", old.to_pem(), new.to_pem()).into_bytes()],
        ..ReplaceOptions::default()
    });
    for action in [several, Action::Replace(ReplaceOptions::default())] {
        let error = uc
            .fleet
            .plan(action, one(), Order::default())
            .await
            .expect_err("not one");
        assert!(
            matches!(&error, Error::Invalid(wrong) if wrong[0].field == "certificate"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn r23_where_it_is_gone_already_only_the_failed_nodes_are_tried_again() {
    let uc = Uc::new().await;
    let old = own_certificate("Old Root", -1);
    let ids = everywhere(&uc, &old).await;
    let plan = uc
        .fleet
        .plan(delete(), Targets::Installations(ids), Order::default())
        .await
        .expect("a plan");
    let job = uc.fleet.start(&plan).await.expect("a job");
    // The publisher first, which fails; the others after it. Where it is gone already, agents report a success.
    let mut failed = None;
    loop {
        let claimed = uc.fleet.claim(uc.agent, 10).await;
        if claimed.is_empty() {
            break;
        }
        for task in claimed {
            let payload = payload(&task);
            let done = if failed.is_none() {
                failed = Some(payload.node_id);
                TaskResult {
                    failure: Some(Failure {
                        code: "node_refused".into(),
                        message: "node sto-cm-1 refused: The operation timed out".into(),
                    }),
                    ..result(task.task.epoch, Outcome::Failed)
                }
            } else {
                result(task.task.epoch, Outcome::Succeeded)
            };
            uc.fleet
                .report(uc.agent, task.task.task_id, &done)
                .await
                .expect("recorded");
        }
    }
    assert_eq!(failed, Some(uc.nodes[0]));
    assert_eq!(uc.fleet.job(job.id).await.counts.succeeded, 2);
    assert_eq!(uc.fleet.job(job.id).await.counts.failed, 1);
    let again = jobs::retry(&uc.fleet.test.db, &uc.fleet.org.owner, job.id, &[])
        .await
        .expect("a job");
    assert_eq!(again.counts.pending, 1);
    let task = uc.fleet.claim(uc.agent, 10).await.pop().expect("a task");
    let payload = payload(&task);
    assert_eq!(Some(payload.node_id), failed);
    assert!(
        matches!(payload.steps.first(), Some(Step::DeleteTrust { sha256, .. }) if *sha256 == old.sha256_hex()),
        "{:?}",
        payload.steps
    );
    uc.fleet
        .report(
            uc.agent,
            task.task.task_id,
            &result(task.task.epoch, Outcome::Succeeded),
        )
        .await
        .expect("recorded");
    // The others were not read since they were done.
    for task in uc.fleet.claim(uc.agent, 10).await {
        assert_eq!(crate::machine::payload(&task).steps, [Step::Inventory]);
        uc.fleet
            .report(
                uc.agent,
                task.task.task_id,
                &result(task.task.epoch, Outcome::Succeeded),
            )
            .await
            .expect("recorded");
    }
    assert_eq!(uc.fleet.job(again.id).await.status, JobStatus::Succeeded);
}

#[tokio::test]
async fn what_was_deleted_is_put_back() {
    let uc = Uc::new().await;
    let root = own_certificate("Root", 100);
    let ids = everywhere(&uc, &root).await;
    let one = || Targets::Installations(vec![ids[0]]);
    assert_eq!(refusal(&uc.fleet, Action::Restore, one()).await, "already_present");
    uc.fleet
        .set("installation", ids[0], "gone_at", noon() - Duration::hours(1))
        .await;
    assert_eq!(refusal(&uc.fleet, delete(), one()).await, "not_held");
    let plan = uc
        .fleet
        .plan(Action::Restore, one(), Order::default())
        .await
        .expect("a plan");
    uc.fleet.start(&plan).await.expect("a job");
    let task = uc.fleet.claim(uc.agent, 1).await.pop().expect("a task");
    assert_eq!(
        payload(&task).steps.first(),
        Some(&Step::InstallTrust {
            store: "tomcat-trust".into(),
            certificates_pem: vec![root.to_pem()],
        })
    );
    // It is not put over a later one of the same name.
    let later = own_certificate("Root", 300);
    uc.fleet
        .install(uc.cluster, uc.nodes[0], "trust", "tomcat-trust", &later)
        .await;
    assert_eq!(refusal(&uc.fleet, Action::Restore, one()).await, "trust_newer_present");
}
