//! Power cuts at every step: nothing is lost, and no effect is repeated.
//!
//! At each point the agent dies as by kill -9, the server is killed on top of it, both start again, and the job has to end
//! well with each effect on the node exactly once.

use crate::main_job::{Site, YEAR};
use crate::outside_ca::{OutsideCa, fingerprint, served};
use crate::web_server::{NAME, PURPOSE};
use certyard_agent::failpoint::{KillPoint, kill_points};
use certyard_lab::Operation;
use certyard_protocol::StepKind;
use serde_json::{Value, json};

/// What a node was asked to do, counted by the lab.
fn effects(site: &Site) -> [usize; 3] {
    let name = &site.lab_nodes[0].name;
    [
        Operation::CsrGenerate,
        Operation::TrustUpload,
        Operation::IdentityUpload,
    ]
    .map(|operation| site.lab.effects(name, operation))
}

/// Runs a plan while the agent dies at the point; returns the finished job.
async fn run_through(site: &mut Site, point: KillPoint, plan: &Value) -> Value {
    assert_eq!(plan["refusal_count"], 0, "{point}: {plan:#}");
    site.agent.kill();
    let api = site.house.api();
    let job = api.run(plan).await;
    site.agent.run(Some(&point.to_string()));
    site.agent.wait_dead().await;
    site.house.power_cut().await;
    site.agent.run(None);
    let job = api.finished(&job).await;
    assert_eq!(
        job["status"],
        "succeeded",
        "{point}: {job:#}\n{}\n{}",
        site.agent.log(),
        site.house.log()
    );
    job
}

/// Where a step is tried: on the web server what only that has, everything else on a UC node. None: no plan makes the step; the agent's
/// own suite proves it.
fn on_web_server(point: KillPoint) -> Option<bool> {
    match point.step {
        StepKind::Activate => Some(true),
        StepKind::GenerateCsr
        | StepKind::InstallTrust
        | StepKind::InstallIdentity
        | StepKind::Verify
        | StepKind::Inventory => Some(false),
        StepKind::DeleteCsr
        | StepKind::Regenerate
        | StepKind::ReuseTomcat
        | StepKind::DeleteTrust
        | StepKind::RestartService => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_at_any_step_loses_nothing_and_repeats_nothing() {
    let mut site = Site::start().await;
    let api = site.house.api();
    let points = kill_points();
    assert_eq!(points.len(), StepKind::ALL.len() * 3);
    let planned = points
        .into_iter()
        .filter_map(|point| Some((point, on_web_server(point)?)));
    for (point, web) in planned {
        let (node, purpose) = if web {
            (site.web_node().clone(), PURPOSE)
        } else {
            (site.uc(0).1.clone(), "tomcat")
        };
        let request = json!({ "action": "generate_csr", "nodes": [node["id"]], "purpose": purpose });
        let before = effects(&site);
        if matches!(point.step, StepKind::GenerateCsr) {
            let plan = api.plan(request).await;
            run_through(&mut site, point, &plan).await;
            let after = effects(&site);
            assert_eq!(after[0] - before[0], 1, "{point}: CSRs made");
            continue;
        }
        if site.agent.has_ended() {
            site.agent.run(None);
        }
        let made = api.carry_out(request).await;
        assert_eq!(made[0]["state"], "succeeded", "{point}: {made:#?}");
        // A CA that no trust store knows yet, so that `install_trust` is a step.
        let ca = OutsideCa::new();
        let leaf = ca.sign(&api.open_csr(&node, purpose).await, YEAR);
        let before = effects(&site);
        let plan = api.plan_upload(&node, purpose, &ca.pem_chain(&leaf)).await;
        run_through(&mut site, point, &plan).await;
        let installed = api.identity(&node, purpose).await;
        assert_eq!(installed["sha256"], fingerprint(&leaf), "{point}");
        if web {
            let (shown, verified) = served(&site.web.address(), NAME, Some(&ca.root_file()));
            assert_eq!(fingerprint(&shown[0]), fingerprint(&leaf), "{point}");
            assert!(verified, "{point}");
        } else {
            let after = effects(&site);
            assert_eq!(after[2] - before[2], 1, "{point}: identity uploads");
            assert_eq!(after[0], before[0], "{point}: CSRs made by an upload");
        }
    }
}
