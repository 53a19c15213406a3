//! Rows of `agent`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// A program at the customer's site that connects out and works for nodes of its group.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "agent")]
#[expect(missing_docs, reason = "columns are explained by the migration and by the room")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub group_id: Uuid,
    pub name: String,
    pub program_version: String,
    pub protocol: i32,
    pub hostname: String,
    pub os: String,
    pub arch: String,
    pub fingerprint: String,
    pub next_fingerprint: Option<String>,
    pub generation: i64,
    pub identity_not_after: DateTimeUtc,
    pub capabilities: Json,
    pub poll_session: Option<Uuid>,
    pub last_seen_at: Option<DateTimeUtc>,
    pub last_address: Option<String>,
    pub nodes_version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub banned_at: Option<DateTimeUtc>,
    pub ban_reason: Option<String>,
    pub retired_at: Option<DateTimeUtc>,
    pub former_sessions: Option<Json>,
    pub cloned_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("agent", Reach::Group("group_id"));
