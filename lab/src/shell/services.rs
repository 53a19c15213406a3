//! The services of a node: which there are, and how they are restarted.

use super::{Gone, Shell};
use crate::record::Operation;
use crate::rules::refuse;
use std::sync::Arc;

/// Services that are activated on publishers only.
const PUBLISHER_SERVICES: &[&str] = &["Cisco TFTP", "Cisco DRF Master"];

impl Shell {
    /// The list of services, as nodes print it.
    pub(super) fn services(&self) -> String {
        let publisher = self.is_publisher();
        let mut text = String::from(
            "Requesting service status, please wait...\nSystem SSH [STARTED]\nCluster Manager [STARTED]\n",
        );
        for service in ["Cisco CallManager", "Cisco HAProxy", "Cisco Tomcat"]
            .iter()
            .chain(PUBLISHER_SERVICES)
        {
            let state = match publisher || !PUBLISHER_SERVICES.contains(service) {
                true => "[STARTED]",
                false => "[STOPPED]  Service Not Activated",
            };
            text.push_str(&format!("{service}{state}\n"));
        }
        text.push_str(&format!("Primary Node ={publisher}\n"));
        text
    }

    fn is_publisher(&self) -> bool {
        let index = self.node.index;
        self.node
            .cluster
            .read(|state| state.nodes.get(index).is_some_and(|node| node.publisher))
    }

    pub(super) async fn restart(&self, service: String) -> Result<String, Gone> {
        let node = Arc::clone(&self.node);
        let publisher = self.is_publisher();
        self.act(Operation::ServiceRestart, service.clone(), move |_, _| {
            let known = |start: &&str| service.starts_with(*start);
            if service != "IPsec" && !["Cisco ", "Connection "].iter().any(known) {
                return refuse(format!("Service {service} does not exist"));
            }
            if !publisher && PUBLISHER_SERVICES.contains(&service.as_str()) {
                let text = format!("Service Manager is running\n{service}[STOPPED]  Service Not Activated\n");
                return Ok((text, false));
            }
            if service == "Cisco Tomcat"
                && let Err(error) = node.restart_tomcat()
            {
                return refuse(format!("{error:#}"));
            }
            let text =
                format!("Service Manager is running\n{service}[STOPPING]\n{service}[STARTING]\n{service}[STARTED]\n");
            Ok((text, true))
        })
        .await
    }
}
