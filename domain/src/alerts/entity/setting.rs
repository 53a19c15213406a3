//! Rows of `notification_setting`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// When certificates are warned of, and whom.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notification_setting")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    pub frequency_days: i32,
    pub recipients: Json,
    pub has_recipients: bool,
    pub time_zone: String,
    pub hour: i32,
    pub language: String,
    pub include_trust: bool,
    pub repeat_expired_days: i32,
    pub repeat_expired_until_days: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub swept_at: Option<DateTimeUtc>,
    pub sweeping_until: Option<DateTimeUtc>,
    pub swept_as: Option<String>,
    pub looked_at: Option<DateTimeUtc>,
    pub keep_days: i32,
    pub attach_calendar: bool,
    pub sweep_token: Option<Uuid>,
    pub sweep_failures: Option<Json>,
    pub escalation: Option<Json>,
    pub digest_weekday: Option<i32>,
    pub digest_empty: bool,
    pub digested_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("notification_setting", Reach::Unbound);
