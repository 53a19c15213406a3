//! Making a cluster.

use super::entity::cluster;
use super::{Cluster, ClusterRow, groups};
use crate::Permission;
use crate::audit;
use crate::catalogue;
use crate::db::OrgTx;
use crate::error::{Result, name_taken};
use crate::fields::Fields;
use crate::ids::new_id;
use sea_orm::{ActiveModelTrait, Set};
use serde_json::{Value, json};
use uuid::Uuid;

/// A cluster to make.
#[derive(Clone, Debug)]
pub struct NewCluster {
    /// Its group.
    pub group_id: Uuid,
    /// Name, unique among the clusters in use.
    pub name: String,
    /// Product, by its code in the catalogue.
    pub product: String,
    /// Version of the product; may be empty.
    pub product_version: String,
    /// Whether the service is switched on for it (R2).
    pub enabled: bool,
    /// Description; may be empty.
    pub description: String,
}

/// What audit rows tell of a cluster.
pub(super) fn told(cluster: &Cluster) -> Value {
    json!({
        "name": cluster.name,
        "group_id": cluster.group_id,
        "product": cluster.product,
        "product_version": cluster.product_version,
        "enabled": cluster.enabled,
        "description": cluster.description,
    })
}

pub(super) fn taken(name: &str) -> String {
    format!("there is a cluster `{name}` already")
}

/// Longest version of a product, in characters.
const MAX_VERSION: usize = 60;

/// A version of a product that can be kept.
pub(super) fn version(fields: &mut Fields, text: &str) -> String {
    let text = text.trim();
    if text.chars().count() > MAX_VERSION || text.chars().any(char::is_control) {
        fields.refuse(
            "product_version",
            "malformed",
            format!("must be one line of at most {MAX_VERSION} characters"),
        );
    }
    text.into()
}

/// A product of the catalogue.
pub(super) fn product(fields: &mut Fields, code: &str) {
    if catalogue::product(code).is_none() {
        let known: Vec<&str> = catalogue::PRODUCTS.iter().map(|product| product.code).collect();
        fields.refuse("product", "unknown", format!("must be one of {}", known.join(", ")));
    }
}

/// Makes a cluster.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NotFound`] for the group, [`Error::Forbidden`] without [`Permission::ManageFleet`].
pub async fn create(tx: &OrgTx, new: NewCluster) -> Result<ClusterRow> {
    tx.scope().require(Permission::ManageFleet)?;
    let cluster = insert(tx, new).await?;
    super::get(tx, cluster.id).await
}

/// Makes a cluster, for whoever has checked that the actor may.
pub(crate) async fn insert(tx: &OrgTx, new: NewCluster) -> Result<Cluster> {
    let mut fields = Fields::default();
    let name = fields.name("name", &new.name);
    let description = fields.description("description", &new.description);
    let product_version = version(&mut fields, &new.product_version);
    product(&mut fields, &new.product);
    fields.finish()?;
    let group = groups::lock(tx, new.group_id).await?;
    let cluster = cluster::ActiveModel {
        org_id: Set(tx.org_id()),
        id: Set(new_id()),
        group_id: Set(group.id),
        name: Set(name.clone()),
        product: Set(new.product),
        product_version: Set(product_version),
        enabled: Set(new.enabled),
        description: Set(description),
        version: Set(1),
        created_at: Set(tx.now()),
        updated_at: Set(tx.now()),
        retired_at: Set(None),
    }
    .insert(tx)
    .await
    .map_err(|error| name_taken(error, || taken(&name)))?;
    audit::record(
        tx,
        audit::Entry {
            action: "cluster.create",
            object_kind: "cluster",
            object_id: Some(cluster.id),
            object_name: &cluster.name,
            before: None,
            after: Some(told(&cluster)),
        },
    )
    .await?;
    Ok(cluster)
}
