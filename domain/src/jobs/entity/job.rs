//! Rows of `job`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// One action on many nodes.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub plan_id: Option<Uuid>,
    pub retry_of: Option<Uuid>,
    pub aftercare_of: Option<Uuid>,
    pub root_change_id: Option<Uuid>,
    pub action: String,
    pub title: String,
    pub state: String,
    pub max_parallel: i32,
    pub stop_at_failures: i32,
    pub open_wave: i32,
    pub tasks: i64,
    pub created_by: Option<Uuid>,
    pub created_by_name: String,
    pub created_at: DateTimeUtc,
    pub cancel_requested_at: Option<DateTimeUtc>,
    pub finished_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("job", Reach::Job("id"));
