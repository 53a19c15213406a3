//! What a result says of the node.

use super::entity::task;
use crate::db::OrgTx;
use crate::error::Result;
use certyard_protocol::TaskResult;

/// The stores of the node after the task, read outside of the transaction.
pub(super) struct Seen;

impl Seen {
    pub async fn read(_result: &TaskResult) -> Self {
        Self
    }

    pub async fn store(self, _tx: &OrgTx, _task: &task::Model) -> Result<()> {
        Ok(())
    }
}
