//! Deletes the open CSR of a purpose and its key (R15).

use super::{Action, Outline, Refusal, purpose_of, refuse, wanted_by_csr};
use crate::plans::coverage::{is_multi_server, others};
use crate::plans::facts::Facts;
use crate::plans::preview::Warning;
use certyard_protocol::{Expectation, Step};

pub(super) struct DeleteCsr;

impl Action for DeleteCsr {
    type Checked = ();

    fn available(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        purpose_of(facts)?;
        wanted_by_csr(facts)?;
        if facts.csr.is_none() {
            return refuse(
                "no_csr",
                format!("node `{}` has no open CSR for `{}`", facts.node.name, facts.purpose),
            );
        }
        Ok(())
    }

    fn check(&self, _facts: &Facts<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn plan(&self, facts: &Facts<'_>, (): ()) -> Outline {
        let purpose = facts.purpose.to_string();
        let mut outline = Outline::of(vec![
            Step::DeleteCsr {
                purpose: purpose.clone(),
            },
            Step::Inventory,
        ]);
        outline.expect = vec![Expectation {
            store: purpose.clone(),
            entry: purpose.clone(),
            sha256: facts.installed.map(|installed| installed.sha256.clone()),
            csr_spki_sha256: facts.csr.map(|csr| csr.spki_sha256.clone()),
        }];
        if let Some(csr) = facts.csr {
            outline.warnings.push(Warning::consent(
                "csr_deleted",
                format!(
                    "the CSR for `{purpose}` on node `{}` of {} goes with its key: what a CA has signed for it can no longer be installed",
                    facts.node.name,
                    csr.created_at.format("%Y-%m-%d")
                ),
            ));
            if csr.csr.as_ref().is_some_and(|one| is_multi_server(facts, one)) {
                outline
                    .notes
                    .push("it is for all nodes of the cluster, and is deleted on each".into());
                outline.spreads = Some(csr.spki_sha256.clone());
                outline.reaches = others(facts);
            }
        }
        outline
    }
}
