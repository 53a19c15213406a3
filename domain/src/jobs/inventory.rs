//! What a result says of the node: taken over in the transaction of the result.

use super::entity::task;
use crate::db::OrgTx;
use crate::error::{Error, Result};
use crate::inventory::{Cause, Parsed, apply, parse_off_thread};
use certyard_protocol::TaskResult;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

/// The stores of the node after the task, read outside of the transaction.
pub(super) struct Seen(Option<Parsed>);

impl Seen {
    /// An inventory that cannot be read does not lose the result: the next refresh of the node brings it.
    pub async fn read(result: &TaskResult) -> Self {
        let Some(inventory) = &result.inventory else {
            return Self(None);
        };
        match parse_off_thread(inventory.clone()).await {
            Ok(parsed) => Self(Some(parsed)),
            Err(error) => {
                tracing::warn!(%error, "the inventory in a result was not understood and is left out");
                Self(None)
            }
        }
    }

    pub async fn store(&self, tx: &OrgTx, task: &task::Model) -> Result<()> {
        let Some(parsed) = &self.0 else {
            return Ok(());
        };
        let by: Option<String> = tx
            .find::<super::entity::job::Entity>()
            .select_only()
            .column(super::entity::job::Column::CreatedByName)
            .filter(super::entity::job::Column::Id.eq(task.job_id))
            .into_tuple()
            .one(tx)
            .await?;
        let cause = Cause {
            job_id: Some(task.job_id),
            actor_name: by,
        };
        match apply(tx, task.node_id, parsed, &cause).await {
            Ok(_) => Ok(()),
            // The node was retired or its cluster switched off while the task ran: what was done is told all the same.
            Err(Error::NotFound { .. } | Error::Refused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
