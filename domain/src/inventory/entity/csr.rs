//! Rows of `csr`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// A certificate signing request that a node made, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "csr")]
#[expect(missing_docs, reason = "columns are explained by the migration and by the room")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub node_id: Uuid,
    pub cluster_id: Uuid,
    pub purpose: String,
    pub state: String,
    pub der: Vec<u8>,
    pub sha256: String,
    pub spki_sha256: String,
    pub subject: String,
    pub common_name: String,
    pub details: Json,
    pub job_id: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("csr", Reach::Cluster("cluster_id"));
