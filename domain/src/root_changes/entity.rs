//! Rows of `root_change`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// The certificate of a CA that makes way for another.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "root_change")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub note: String,
    pub old_certificate_id: Uuid,
    pub new_certificate_id: Uuid,
    pub within: Json,
    pub state: String,
    pub reason: String,
    pub created_by: Option<Uuid>,
    pub created_by_name: String,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub closed_at: Option<DateTimeUtc>,
    pub closed_by_name: Option<String>,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("root_change", Reach::Unbound);
