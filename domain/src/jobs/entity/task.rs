//! Rows of `task`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// A job's part on one node.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub job_id: Uuid,
    pub node_id: Uuid,
    pub cluster_id: Uuid,
    pub agent_id: Option<Uuid>,
    pub second_agent_id: Option<Uuid>,
    pub node_name: String,
    pub cluster_name: String,
    pub product: String,
    pub purpose: String,
    pub action: String,
    pub state: String,
    pub wave: i32,
    pub after_id: Option<Uuid>,
    pub not_before: DateTimeUtc,
    pub deadline: DateTimeUtc,
    pub epoch: i64,
    pub lease_agent_id: Option<Uuid>,
    pub lease_until: Option<DateTimeUtc>,
    pub attempts: i32,
    pub max_attempts: i32,
    pub cancel_requested: bool,
    pub work: Json,
    pub step: Option<String>,
    pub message: Option<String>,
    pub node_state: Option<String>,
    pub failure_code: Option<String>,
    pub failure: Option<String>,
    pub result: Option<Json>,
    pub result_epoch: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub started_at: Option<DateTimeUtc>,
    pub finished_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("task", Reach::Cluster("cluster_id"));
