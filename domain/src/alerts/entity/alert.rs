//! Rows of `alert`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// One warning of one certificate.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "alert")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub run_id: Uuid,
    pub certificate_id: Uuid,
    pub rule_id: Uuid,
    pub slot_at: DateTimeUtc,
    pub stage: String,
    pub not_after: DateTimeUtc,
    pub common_name: String,
    pub serial_hex: String,
    pub sha256: String,
    pub node_count: i64,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("alert", Reach::Unbound);
