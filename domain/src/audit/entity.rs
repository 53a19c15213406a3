//! Rows of `audit`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// One decision, as it was written down.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
#[expect(missing_docs, reason = "columns are explained by the migration and by `Entry`")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: DateTimeUtc,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub actor_name: String,
    pub address: Option<String>,
    pub request_id: Option<String>,
    pub action: String,
    pub object_kind: String,
    pub object_id: Option<Uuid>,
    pub object_name: String,
    pub before: Option<Json>,
    pub after: Option<Json>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("audit", Reach::Unbound);
