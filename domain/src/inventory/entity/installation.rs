//! Rows of `installation`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// One certificate in one store of one node.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "installation")]
#[expect(missing_docs, reason = "columns are explained by the migration and by the room")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub node_id: Uuid,
    pub cluster_id: Uuid,
    pub certificate_id: Uuid,
    pub kind: String,
    pub store: String,
    pub entry: String,
    pub product: String,
    pub common_name: String,
    pub issuer: String,
    pub serial_hex: String,
    pub sha256: String,
    pub self_signed: bool,
    pub not_after: DateTimeUtc,
    pub issued_at: DateTimeUtc,
    pub installed_at: DateTimeUtc,
    pub served_state: String,
    pub served_at: Option<DateTimeUtc>,
    pub served_note: Option<String>,
    pub job_id: Option<Uuid>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub gone_at: Option<DateTimeUtc>,
    pub wanted: Option<String>,
    pub difference_count: Option<i32>,
    pub differences: Option<Json>,
    pub warnings: Option<Json>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("installation", Reach::Cluster("cluster_id"));
