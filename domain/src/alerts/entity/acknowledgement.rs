//! Rows of `acknowledgement`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// Somebody knows of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "acknowledgement")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub certificate_id: Uuid,
    pub common_name: String,
    pub sha256: String,
    pub reason: String,
    pub until_at: DateTimeUtc,
    pub created_by_name: String,
    pub created_at: DateTimeUtc,
    pub ended_at: Option<DateTimeUtc>,
    pub ended_by_name: Option<String>,
    pub bound: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("acknowledgement", Reach::Installed("certificate_id"));
