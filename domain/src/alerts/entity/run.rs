//! Rows of `alert_run`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// What is told at once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "alert_run")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub rule_id: Uuid,
    pub state: String,
    pub alert_count: i64,
    pub created_at: DateTimeUtc,
    pub closed_at: Option<DateTimeUtc>,
    pub kind: String,
    pub of_rule_id: Option<Uuid>,
    pub rule_name: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("alert_run", Reach::Unbound);
