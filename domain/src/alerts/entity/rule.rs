//! Rows of `alert_rule`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// A rule beside the default.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "alert_rule")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub enabled: bool,
    pub scope: Json,
    pub start_days: Option<i32>,
    pub start_percent: Option<i32>,
    pub frequency_days: Option<i32>,
    pub frequency_percent: Option<i32>,
    pub mode: String,
    pub digest_weekday: Option<i32>,
    pub digest_empty: bool,
    pub digested_at: Option<DateTimeUtc>,
    pub recipients: Json,
    pub channels: Json,
    pub instead_of_default: bool,
    pub escalation: Option<Json>,
    pub escalation_id: Uuid,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("alert_rule", Reach::Unbound);
