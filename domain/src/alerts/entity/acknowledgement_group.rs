//! Rows of `acknowledgement_group`.

use crate::db::{Reach, tenant_entity};
use sea_orm::entity::prelude::*;

/// A group for which an acknowledgement speaks that was given by somebody who is bound to groups.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "acknowledgement_group")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub org_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub acknowledgement_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub group_id: Uuid,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

tenant_entity!("acknowledgement_group", Reach::Group("group_id"));
