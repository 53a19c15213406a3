//! Rows of `node`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// One host of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "node")]
#[expect(missing_docs, reason = "columns are explained by the migration and by the room")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub cluster_id: Uuid,
    pub name: String,
    pub address: String,
    pub role: String,
    pub connector: String,
    pub agent_id: Option<Uuid>,
    pub second_agent_id: Option<Uuid>,
    pub ready: bool,
    pub inventory_digest: Option<String>,
    pub inventory_at: Option<DateTimeUtc>,
    pub tried_at: Option<DateTimeUtc>,
    pub fault_code: Option<String>,
    pub fault_message: Option<String>,
    pub reported_version: Option<String>,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub retired_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("node", Reach::Cluster("cluster_id"));
