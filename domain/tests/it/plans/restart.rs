//! Restarts of services.

use super::{Uc, codes, refusal};
use crate::machine::{payload, result};
use certyard_domain::jobs;
use certyard_domain::plans::{Action, Order, RestartOptions, Targets};
use certyard_protocol::{Outcome, Step};

fn of_purpose() -> Action {
    Action::Restart(RestartOptions::default())
}

fn of(services: &[&str]) -> Action {
    Action::Restart(RestartOptions {
        services: services.iter().map(ToString::to_string).collect(),
        purpose: None,
        ..RestartOptions::default()
    })
}

#[tokio::test]
async fn what_takes_up_a_certificate_is_restarted_in_the_order_of_the_catalogue() {
    let uc = Uc::new().await;
    let plan = uc
        .fleet
        .plan(
            of_purpose(),
            Targets::Installations(vec![uc.installed[0]]),
            Order::default(),
        )
        .await
        .expect("a plan");
    assert_eq!(codes(&plan), ["service_interrupted", "not_reversible"]);
    let job = uc.fleet.start(&plan).await.expect("a job");
    assert_eq!(job.title, "Restart services for tomcat on node-00000 of campus");
    let task = uc.fleet.claim(uc.agent, 1).await.pop().expect("a task");
    let restart = |service: &str| Step::RestartService {
        service: service.into(),
    };
    assert_eq!(
        payload(&task).steps,
        [
            restart("Cisco Tomcat"),
            restart("Cisco TFTP"),
            restart("Cisco DRF Local"),
            restart("Cisco DRF Master"),
            Step::Inventory
        ]
    );
}

#[tokio::test]
async fn a_retry_restarts_what_was_not_restarted() {
    let uc = Uc::new().await;
    let nodes = Targets::Nodes(vec![uc.nodes[0]]);
    let plan = uc.fleet.plan(of(&["Cisco TFTP"]), nodes, Order::default()).await;
    let job = uc.fleet.start(&plan.expect("a plan")).await.expect("a job");
    let task = uc.fleet.claim(uc.agent, 1).await.pop().expect("a task");
    let steps = payload(&task).steps;
    uc.fleet
        .report(uc.agent, task.task.task_id, &result(1, Outcome::Failed))
        .await
        .expect("recorded");
    let consent = ["service_interrupted", "not_reversible"].map(String::from);
    jobs::retry(&uc.fleet.test.db, &uc.fleet.org.owner, job.id, &consent)
        .await
        .expect("a new job");
    let again = uc.fleet.claim(uc.agent, 1).await.pop().expect("a task");
    assert_eq!(payload(&again).steps, steps);
    assert!(matches!(&steps[0], Step::RestartService { service } if service == "Cisco TFTP"));
}

#[tokio::test]
async fn services_are_named_as_the_product_has_them() {
    let uc = Uc::new().await;
    let nodes = || Targets::Nodes(vec![uc.nodes[0]]);
    let plan = uc
        .fleet
        .plan(of(&["Cisco TFTP"]), nodes(), Order::default())
        .await
        .expect("a plan");
    assert_eq!((plan.targets, plan.refused), (1, 0));
    assert_eq!(refusal(&uc.fleet, of(&["sshd"]), nodes()).await, "service_unknown");
    let (_, _, servers) = uc.fleet.servers(1).await;
    assert_eq!(
        refusal(&uc.fleet, of(&["nginx"]), Targets::Nodes(servers)).await,
        "restart_not_supported"
    );
    let both = Action::Restart(RestartOptions {
        services: vec!["Cisco TFTP".into()],
        purpose: Some("tomcat".into()),
        ..RestartOptions::default()
    });
    let error = uc
        .fleet
        .plan(both, nodes(), Order::default())
        .await
        .expect_err("which?");
    assert!(
        matches!(&error, certyard_domain::Error::Invalid(wrong) if wrong[0].field == "services"),
        "{error:?}"
    );
}
