//! In which clusters a root change is made.

use crate::catalogue::product;
use crate::clusters;
use crate::db::OrgTx;
use crate::error::Result;
use crate::fields::Fields;
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use uuid::Uuid;

/// Clusters, or groups, by their ids at most.
const MAX_NAMED: usize = 500;

/// Clusters; what is empty does not matter, so that nothing means all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Within {
    /// Only these clusters; empty: all.
    pub cluster_ids: Vec<Uuid>,
    /// Only clusters of these groups; empty: all.
    pub group_ids: Vec<Uuid>,
    /// Only clusters of this product.
    pub product: Option<String>,
}

impl Within {
    /// Whether all clusters of the organisation are meant.
    pub fn is_everywhere(&self) -> bool {
        self.cluster_ids.is_empty() && self.group_ids.is_empty() && self.product.is_none()
    }

    /// What it asks of the row of `cluster` in a statement.
    pub(super) fn condition(&self) -> Condition {
        let cluster = |column: &'static str| Expr::col(("cluster", column));
        let mut all = Condition::all().add(cluster("retired_at").is_null());
        if !self.cluster_ids.is_empty() {
            all = all.add(cluster("id").is_in(self.cluster_ids.iter().copied()));
        }
        if !self.group_ids.is_empty() {
            all = all.add(cluster("group_id").is_in(self.group_ids.iter().copied()));
        }
        if let Some(product) = &self.product {
            all = all.add(cluster("product").eq(product.as_str()));
        }
        all
    }

    /// The clusters that it leaves out, asked of the row of `cluster` in a statement.
    pub(super) fn others(&self) -> Condition {
        Condition::all()
            .add(Expr::col(("cluster", "retired_at")).is_null())
            .add(self.condition().not())
    }

    /// Checks that what is named is there: a name that fits nothing would pass for clusters that are done.
    pub(super) async fn check(&self, tx: &OrgTx, fields: &mut Fields) -> Result<()> {
        for (field, ids) in [
            ("scope.cluster_ids", &self.cluster_ids),
            ("scope.group_ids", &self.group_ids),
        ] {
            if ids.len() > MAX_NAMED {
                fields.refuse(
                    field,
                    "too_many",
                    format!("at most {MAX_NAMED} by their ids: use groups or a product"),
                );
                return Ok(());
            }
        }
        let known = clusters::by_ids(tx, self.cluster_ids.iter().copied()).await?;
        if self
            .cluster_ids
            .iter()
            .any(|id| known.get(id).is_none_or(|cluster| cluster.retired_at.is_some()))
        {
            fields.refuse("scope.cluster_ids", "unknown", "one of the clusters is not there");
        }
        if !self.group_ids.is_empty() {
            let select = Query::select()
                .column(("cluster_group", "id"))
                .from("cluster_group")
                .and_where(Expr::col(("cluster_group", "org_id")).eq(tx.org_id()))
                .and_where(Expr::col(("cluster_group", "retired_at")).is_null())
                .and_where(Expr::col(("cluster_group", "id")).is_in(self.group_ids.iter().copied()))
                .take();
            let mut groups: HashSet<Uuid> = HashSet::new();
            for row in tx.query_all(&select).await? {
                groups.insert(row.try_get("", "id")?);
            }
            if self.group_ids.iter().any(|id| !groups.contains(id)) {
                fields.refuse("scope.group_ids", "unknown", "one of the groups is not there");
            }
        }
        if let Some(code) = &self.product
            && product(code).is_none()
        {
            fields.refuse("scope.product", "unknown", format!("there is no product `{code}`"));
        }
        Ok(())
    }
}
