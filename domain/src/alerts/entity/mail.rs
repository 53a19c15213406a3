//! Rows of `mail_setting`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// The mail server.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mail_setting")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    pub host: String,
    pub port: i32,
    pub security: String,
    pub username: Option<String>,
    pub sealed_password: Option<Vec<u8>>,
    pub from_address: String,
    pub from_name: String,
    pub ca_pem: Option<String>,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("mail_setting", Reach::Unbound);
