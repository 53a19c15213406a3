//! Rows of `quarantine`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// A certificate that has left a trust store of a node.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "quarantine")]
#[expect(missing_docs, reason = "columns are explained by the migration and by the room")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub certificate_id: Uuid,
    pub node_id: Uuid,
    pub cluster_id: Uuid,
    pub product: String,
    pub store: String,
    pub entry: String,
    pub sha256: String,
    pub common_name: String,
    pub removed_at: DateTimeUtc,
    pub job_id: Option<Uuid>,
    pub by_name: Option<String>,
    pub restored_at: Option<DateTimeUtc>,
    pub restored_job_id: Option<Uuid>,
    pub restored_by_name: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("quarantine", Reach::Cluster("cluster_id"));
