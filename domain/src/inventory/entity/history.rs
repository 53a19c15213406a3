//! Rows of `installation_history`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// What became of an installation at one time. Read only by way of an installation that the scope sees.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "installation_history")]
#[expect(missing_docs, reason = "columns are explained by the migration and by the room")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub installation_id: Uuid,
    pub node_id: Uuid,
    pub node_name: String,
    pub cluster_name: String,
    pub store: String,
    pub entry: String,
    pub event: String,
    pub certificate_id: Option<Uuid>,
    pub sha256: Option<String>,
    pub common_name: Option<String>,
    pub not_after: Option<DateTimeUtc>,
    pub job_id: Option<Uuid>,
    pub actor_name: Option<String>,
    pub at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("installation_history", Reach::Organisation);
