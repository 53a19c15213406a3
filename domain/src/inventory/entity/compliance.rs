//! Rows of `cluster_compliance`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// How many identity certificates of a cluster are wanted to be something, and how many of them differ.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cluster_compliance")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub cluster_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub rule: String,
    pub compared: i64,
    pub different: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("cluster_compliance", Reach::Cluster("cluster_id"));
