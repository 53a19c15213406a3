//! Which jobs have one list of what is left to do: a job, what did again what failed of it, and what restarted what it left.

use crate::db::OrgTx;
use crate::error::Result;
use crate::jobs::entity::job;
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

/// Jobs of one family that are looked at: more retries than anybody makes.
const MOST: usize = 200;

/// The jobs of a job's family, the first of them first.
pub(super) async fn family(tx: &OrgTx, job_id: Uuid) -> Result<Vec<Uuid>> {
    use job::Column;
    let mut first = job_id;
    for _ in 0..MOST {
        let parents: Option<(Option<Uuid>, Option<Uuid>)> = tx
            .find::<job::Entity>()
            .select_only()
            .columns([Column::RetryOf, Column::AftercareOf])
            .filter(Column::Id.eq(first))
            .into_tuple()
            .one(tx)
            .await?;
        let Some(parent) = parents.and_then(|(retry, care)| retry.or(care)) else {
            break;
        };
        if !exists(tx, parent).await? {
            break;
        }
        first = parent;
    }
    let mut all = vec![first];
    let mut newest = all.clone();
    while !newest.is_empty() && all.len() < MOST {
        let children: Vec<Uuid> = tx
            .find::<job::Entity>()
            .select_only()
            .column(Column::Id)
            .filter(
                Condition::any()
                    .add(Column::RetryOf.is_in(newest.iter().copied()))
                    .add(Column::AftercareOf.is_in(newest.iter().copied())),
            )
            .order_by_asc(Column::Id)
            .into_tuple()
            .all(tx)
            .await?;
        newest = children.into_iter().filter(|id| !all.contains(id)).collect();
        all.extend(newest.iter().copied());
    }
    Ok(all)
}

/// Jobs are deleted with age, the oldest first.
async fn exists(tx: &OrgTx, id: Uuid) -> Result<bool> {
    let found: Option<Uuid> = tx
        .find::<job::Entity>()
        .select_only()
        .column(job::Column::Id)
        .filter(job::Column::Id.eq(id))
        .into_tuple()
        .one(tx)
        .await?;
    Ok(found.is_some())
}
