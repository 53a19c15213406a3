//! Rows of `join_token`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// What an agent spends to get its first identity.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "join_token")]
#[expect(missing_docs, reason = "columns are explained by the migration and by the room")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub group_id: Uuid,
    pub name: String,
    pub token_hash: String,
    pub uses_left: i32,
    pub expires_at: DateTimeUtc,
    pub created_by: Option<Uuid>,
    pub created_by_name: String,
    pub created_at: DateTimeUtc,
    pub revoked_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("join_token", Reach::Group("group_id"));
