//! Rows of `channel`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// A receiver of calls.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "channel")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub kind: String,
    pub origin: String,
    pub sealed_url: Vec<u8>,
    pub sealed_secret: Option<Vec<u8>>,
    pub ca_pem: Option<String>,
    pub enabled: bool,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub rules_only: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("channel", Reach::Unbound);
