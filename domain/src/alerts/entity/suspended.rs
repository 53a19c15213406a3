//! Rows of `suspended_recipient`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// A recipient whose server takes no mail for them.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "suspended_recipient")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub recipient: String,
    pub suspended_at: DateTimeUtc,
    pub reply: String,
    pub message_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("suspended_recipient", Reach::Unbound);
