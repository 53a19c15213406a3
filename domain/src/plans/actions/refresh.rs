//! Reads the stores of a node.

use super::{Action, Outline, Refusal};
use crate::plans::facts::Facts;
use certyard_protocol::Step;

pub(super) struct Refresh;

impl Action for Refresh {
    type Checked = ();

    fn available(&self, _facts: &Facts<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn check(&self, _facts: &Facts<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn plan(&self, _facts: &Facts<'_>, (): ()) -> Outline {
        Outline::of(vec![Step::Inventory])
    }
}
