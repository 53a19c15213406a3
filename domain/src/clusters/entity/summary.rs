//! Rows of `cluster_summary`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// Counts of one kind of certificates in a cluster, as they were when last recomputed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cluster_summary")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub cluster_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    pub total: i64,
    pub expired: i64,
    pub expiring: i64,
    pub next_edge: Option<DateTimeUtc>,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("cluster_summary", Reach::Cluster("cluster_id"));
