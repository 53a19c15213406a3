//! What was taken from trust stores, and is kept.

use crate::table::*;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000015_quarantine"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One for each place that a certificate has left; closed once it is there again. The names are copied, so that lists find them.
        tenant_table("quarantine")
            .col(uuid("certificate_id"))
            .col(uuid("node_id"))
            .col(uuid("cluster_id"))
            .col(text("product"))
            .col(text("store"))
            .col(text("entry"))
            .col(text("sha256"))
            .col(text("common_name"))
            .col(time("removed_at"))
            .col(uuid_null("job_id"))
            .col(text_null("by_name"))
            .col(time_null("restored_at"))
            .col(uuid_null("restored_job_id"))
            .col(text_null("restored_by_name"))
            .reference("certificate_id", "certificate", false)
            .reference("node_id", "node", false)
            .reference("cluster_id", "cluster", false)
            .index_where(&["node_id", "store", "certificate_id"], true, "restored_at IS NULL")
            .index(&["node_id"])
            .index(&["certificate_id"])
            .index(&["cluster_id", "removed_at", "id"])
            .index(&["removed_at", "id"])
            .make(manager)
            .await?;
        // What had gone before is kept as well; who took it stands in its history.
        manager
            .get_connection()
            .execute_unprepared(
                "INSERT INTO quarantine (org_id, id, certificate_id, node_id, cluster_id, product, store, entry, sha256, common_name, removed_at)
                 SELECT i.org_id, i.id, i.certificate_id, i.node_id, i.cluster_id, i.product, i.store, i.entry, i.sha256, i.common_name, i.gone_at
                   FROM installation i JOIN node n ON n.org_id = i.org_id AND n.id = i.node_id
                  WHERE i.kind = 'trust' AND i.gone_at IS NOT NULL AND n.retired_at IS NULL
                    AND NOT EXISTS (SELECT 1 FROM installation h WHERE h.org_id = i.org_id AND h.node_id = i.node_id AND h.store = i.store
                                       AND h.certificate_id = i.certificate_id AND (h.gone_at IS NULL OR h.id > i.id))",
            )
            .await
            .map(|_| ())
    }
}
