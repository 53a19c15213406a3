//! Rows of `certificate`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// One certificate, known once per organisation by its SHA-256. Immutable.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "certificate")]
#[expect(missing_docs, reason = "columns are explained by the migration and by the room")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub sha256: String,
    pub sha1: String,
    pub serial_hex: String,
    pub subject: String,
    pub issuer: String,
    pub common_name: String,
    pub subject_hash: String,
    pub issuer_hash: String,
    pub ski: Option<String>,
    pub aki: Option<String>,
    pub not_before: DateTimeUtc,
    pub not_after: DateTimeUtc,
    pub key_type: String,
    pub key_bits: Option<i32>,
    pub signature_algorithm: String,
    pub is_ca: bool,
    pub self_signed: bool,
    pub details: Json,
    pub source: String,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("certificate", Reach::Installed("id"));
