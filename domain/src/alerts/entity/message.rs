//! Rows of `message`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// One mail to one recipient, or one call of one channel.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "message")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub run_id: Uuid,
    pub recipient: String,
    pub state: String,
    pub message_id: Option<String>,
    pub subject: Option<String>,
    pub attempt: i32,
    pub due_at: Option<DateTimeUtc>,
    pub first_tried_at: Option<DateTimeUtc>,
    pub told_count: i64,
    pub reply: Option<String>,
    pub queue_id: Option<String>,
    pub settled_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub channel_id: Option<Uuid>,
    pub about: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("message", Reach::Unbound);
