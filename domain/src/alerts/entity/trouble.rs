//! Rows of `trouble`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// Something that keeps people from being told, or did so lately.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "trouble")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
    pub since_at: DateTimeUtc,
    pub told_at: Option<DateTimeUtc>,
    pub ended_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("trouble", Reach::Unbound);
