//! What lists are found and sorted by: names of certificates by any part of them, installations by common name.

use crate::table::add_index_where;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261122_000004_lists"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_index_where(
            manager,
            "ix_installation_common_name_id",
            "installation",
            &["common_name", "id"],
            "gone_at IS NULL",
        )
        .await?;
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        manager.get_connection().execute_unprepared(SEARCH).await.map_err(|error| {
            DbErr::Custom(format!(
                "search needs the extensions pg_trgm and btree_gin, which come with PostgreSQL's contrib modules and which the \
                 owner of the database may create ({error})"
            ))
        })?;
        Ok(())
    }
}

/// LIKE is not leakproof: under row-level security no index would serve it. The function runs as the owner of the tables,
/// whom no policy restricts, names the organisation of the transaction by itself, and answers ids only.
const SEARCH: &str = "CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE INDEX ix_certificate_common_name_parts ON certificate USING gin (org_id, lower(common_name) gin_trgm_ops);
CREATE INDEX ix_certificate_name_value_parts ON certificate_name USING gin (org_id, lower(value) gin_trgm_ops);
CREATE FUNCTION certyard_named_certificates(pattern text, most bigint) RETURNS TABLE (id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET plan_cache_mode = force_custom_plan
AS $$
DECLARE mine uuid := NULLIF(current_setting('app.org', true), '')::uuid;
BEGIN
  RETURN QUERY (SELECT c.id FROM public.certificate c
                 WHERE c.org_id = mine AND lower(c.common_name) LIKE pattern LIMIT most)
     UNION ALL (SELECT n.certificate_id FROM public.certificate_name n
                 WHERE n.org_id = mine AND lower(n.value) LIKE pattern LIMIT most);
END $$;
REVOKE ALL ON FUNCTION certyard_named_certificates(text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION certyard_named_certificates(text, bigint) TO certyard_app, certyard_worker;";
