//! Restarts services of a node.

use super::{Action, Outline, Refusal, product_name, refuse, take_up};
use crate::catalogue::services_of;
use crate::plans::facts::Facts;
use crate::plans::options::RestartOptions;
use certyard_protocol::Step;

pub(super) struct Restart<'a> {
    pub options: &'a RestartOptions,
}

impl Action for Restart<'_> {
    type Checked = Vec<String>;

    fn available(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        let node = facts.node;
        if services_of(&node.product, &node.product_version).is_empty() {
            return refuse(
                "restart_not_supported",
                format!(
                    "{} has no service that is restarted from here",
                    product_name(&node.product)
                ),
            );
        }
        if !self.options.names_services() && take_up::services(facts).0.is_empty() {
            return refuse(
                "nothing_to_restart",
                format!("nothing has to be restarted for `{}`", facts.purpose),
            );
        }
        Ok(())
    }

    fn check(&self, facts: &Facts<'_>) -> Result<Vec<String>, Refusal> {
        if !self.options.names_services() {
            return Ok(take_up::services(facts).0);
        }
        let node = facts.node;
        let wanted = self.options.of(node.id);
        let known = services_of(&node.product, &node.product_version);
        for service in wanted {
            if !known.contains(&service.as_str()) {
                return refuse(
                    "service_unknown",
                    format!(
                        "{} {} has no service of that name: it has {}",
                        product_name(&node.product),
                        node.product_version,
                        known.join(", ")
                    ),
                );
            }
        }
        Ok(wanted.to_vec())
    }

    fn plan(&self, facts: &Facts<'_>, services: Vec<String>) -> Outline {
        let mut outline = Outline::of(Vec::new());
        take_up::interrupt(&mut outline, facts, services);
        outline.steps.push(Step::Inventory);
        outline
    }
}
