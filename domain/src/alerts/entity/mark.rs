//! Rows of `alert_mark`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// How far the warnings of a certificate have come.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "alert_mark")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub certificate_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub rule_id: Uuid,
    pub alert_id: Option<Uuid>,
    pub slot_at: Option<DateTimeUtc>,
    pub raised_at: DateTimeUtc,
    pub schedule: String,
    pub next_at: Option<DateTimeUtc>,
    pub first_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("alert_mark", Reach::Unbound);
