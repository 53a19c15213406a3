//! Plans: what an action would do, refusals in the user's words, and what a job has to find unchanged.

mod aftercare;
mod beside;
mod changes;
mod fix;
mod go_on;
mod multi_server;
mod planner;
mod preview;
mod profile;
mod request;
mod restart;
mod trust;

use crate::machine::{Fleet, own_certificate, request};
use certyard_domain::Error;
use certyard_domain::plans::{
    self, Action, CsrOptions, Order, Plan, StoredTargetFilter, Target, Targets, UploadOptions,
};
use certyard_pki::{Certificate, Csr};
use certyard_protocol::ConnectorKind;
use uuid::Uuid;

pub(super) async fn targets(fleet: &Fleet, plan: &Plan) -> Vec<Target> {
    let tx = fleet.test.db.read(&fleet.org.owner).await.expect("a transaction");
    plans::targets(&tx, plan.id, StoredTargetFilter::default(), None, 200)
        .await
        .expect("targets")
        .items
}

pub(super) fn codes(plan: &Plan) -> Vec<&str> {
    plan.warnings.iter().map(|warning| warning.code.as_str()).collect()
}

pub(super) fn csr_for(purpose: &str) -> CsrOptions {
    CsrOptions {
        purpose: Some(purpose.into()),
        ..CsrOptions::default()
    }
}

pub(super) fn upload(certificates: &[&Certificate]) -> Action {
    let text: String = certificates.iter().map(|certificate| certificate.to_pem()).collect();
    Action::UploadCertificate(UploadOptions {
        files: vec![text.into_bytes()],
        ..UploadOptions::default()
    })
}

/// The one refusal of a plan with one target.
pub(super) async fn refusal(fleet: &Fleet, action: Action, targets_of: Targets) -> String {
    let plan = fleet.plan(action, targets_of, Order::default()).await.expect("a plan");
    assert_eq!((plan.targets, plan.refused), (0, 1));
    let target = targets(fleet, &plan).await.pop().expect("a target");
    let words = target.refusal.expect("a reason");
    assert!(words.chars().count() > 20 && !words.ends_with('.'), "{words}");
    let error = fleet.start(&plan).await.expect_err("nothing to do");
    assert!(
        matches!(
            error,
            Error::Refused {
                code: "nothing_to_do",
                ..
            }
        ),
        "{error:?}"
    );
    target.refusal_code.expect("a code")
}

/// A Unified CM cluster of three nodes, each with a self-signed tomcat certificate.
pub(super) struct Uc {
    pub(super) fleet: Fleet,
    pub(super) agent: Uuid,
    pub(super) cluster: Uuid,
    pub(super) nodes: Vec<Uuid>,
    pub(super) installed: Vec<Uuid>,
}

impl Uc {
    pub(super) async fn new() -> Self {
        let fleet = Fleet::new().await;
        let agent = fleet.agent(fleet.group).await;
        let cluster = fleet.cluster(fleet.group, "campus", "cucm", "14").await;
        let nodes = fleet.nodes(cluster, ConnectorKind::CiscoUc, 3, agent, None).await;
        let mut installed = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            let own = own_certificate(&format!("node-{index}.example.org"), 100);
            installed.push(fleet.install(cluster, *node, "identity", "tomcat", &own).await);
        }
        Self {
            fleet,
            agent,
            cluster,
            nodes,
            installed,
        }
    }

    /// A cluster of another version.
    pub(super) async fn of(product: &str, version: &str) -> Self {
        let uc = Self::new().await;
        uc.fleet.set("cluster", uc.cluster, "product", product).await;
        uc.fleet.set("cluster", uc.cluster, "product_version", version).await;
        uc
    }

    pub(super) async fn csr(&self, index: usize) -> (Uuid, Csr) {
        let csr = request(&format!("node-{index}.example.org"));
        let id = self
            .fleet
            .open_csr(self.cluster, self.nodes[index], "tomcat", &csr)
            .await;
        (id, csr)
    }
}
