//! Rows of `cluster_profile`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// Which profile a cluster has, and since when it waits to be compared with it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cluster_profile")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub cluster_id: Uuid,
    pub own: bool,
    pub profile_id: Option<Uuid>,
    pub due_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("cluster_profile", Reach::Cluster("cluster_id"));
