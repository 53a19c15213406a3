//! Rows of `plan_target`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// A plan's part on one node.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "plan_target")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub plan_id: Uuid,
    pub position: i64,
    pub node_id: Uuid,
    pub cluster_id: Uuid,
    pub node_name: String,
    pub cluster_name: String,
    pub purpose: String,
    pub wave: i32,
    pub refusal_code: Option<String>,
    pub refusal: Option<String>,
    pub expect: Json,
    pub work: Json,
    pub preview: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("plan_target", Reach::Cluster("cluster_id"));
