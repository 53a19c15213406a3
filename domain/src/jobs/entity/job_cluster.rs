//! Rows of `job_cluster`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// How many tasks of a job stand in which state in one cluster. Moved only by [`super::super::transition`].
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job_cluster")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub job_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub cluster_id: Uuid,
    pub cluster_name: String,
    pub product: String,
    pub waiting: i64,
    pub pending: i64,
    pub running: i64,
    pub succeeded: i64,
    pub failed: i64,
    pub cancelled: i64,
    pub expired: i64,
    pub superseded: i64,
    pub version: i64,
    pub job_created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("job_cluster", Reach::Cluster("cluster_id"));
