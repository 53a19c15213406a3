//! Walks the catalogue of the database itself: whatever a migration makes has to keep the rules of tables of an
//! organisation.

use certyard_testkit::TestDb;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

/// Tables that belong to no organisation, each with its reason. This list may only shrink.
const GLOBAL: [(&str, &str); 8] = [
    ("org", "is the organisation"),
    ("user_account", "a person may belong to several organisations"),
    ("user_org", "finds the organisations of a person"),
    ("server_state", "the server's own"),
    ("server_key", "the server's own"),
    ("setup_code", "there is no organisation yet"),
    ("sign_in_throttle", "counts before anybody is known"),
    ("seaql_migrations", "what has run"),
];

async fn rows(owner: &DatabaseConnection, sql: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let backend = owner.get_database_backend();
    let rows = owner
        .query_all_raw(Statement::from_string(backend, sql.to_string()))
        .await
        .unwrap();
    rows.iter()
        .map(|row| {
            columns
                .iter()
                .map(|column| row.try_get::<Option<String>>("", column).unwrap().unwrap_or_default())
                .collect()
        })
        .collect()
}

async fn tables(owner: &DatabaseConnection) -> Vec<String> {
    let sql = match owner.get_database_backend() {
        DbBackend::Postgres => "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
        _ => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1",
    };
    let found: Vec<String> = rows(owner, sql, &["name"]).await.into_iter().flatten().collect();
    assert!(found.len() > 20, "{found:?}");
    found
}

/// `(table, index, first column, unique, primary)`.
async fn indexes(owner: &DatabaseConnection, table: &str) -> Vec<(String, String)> {
    let sql = match owner.get_database_backend() {
        DbBackend::Postgres => format!(
            "SELECT c.relname::text AS name, a.attname::text AS first FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
             JOIN pg_class t ON t.oid = i.indrelid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0] \
             WHERE t.relname = '{table}' ORDER BY 1"
        ),
        _ => format!(
            "SELECT l.name AS name, x.name AS first FROM pragma_index_list('{table}') l, pragma_index_info(l.name) x \
             WHERE x.seqno = 0 ORDER BY 1"
        ),
    };
    rows(owner, &sql, &["name", "first"])
        .await
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect()
}

/// `(from column, to column, parent)` of each foreign key, first column first.
async fn foreign_keys(owner: &DatabaseConnection, table: &str) -> Vec<Vec<String>> {
    let sql = match owner.get_database_backend() {
        DbBackend::Postgres => format!(
            "SELECT c.conname::text AS id, p.relname::text AS parent, c.confdeltype::text AS del, \
             (SELECT string_agg(a.attname::text, ',' ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY k(att, n) \
              JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.att) AS cols \
             FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class p ON p.oid = c.confrelid \
             WHERE c.contype = 'f' AND t.relname = '{table}'"
        ),
        _ => format!(
            "SELECT CAST(id AS TEXT) AS id, \"table\" AS parent, on_delete AS del, group_concat(\"from\", ',') AS cols \
             FROM (SELECT * FROM pragma_foreign_key_list('{table}') ORDER BY id, seq) GROUP BY id"
        ),
    };
    rows(owner, &sql, &["id", "parent", "del", "cols"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_an_organisation_keeps_the_rules() {
    let test = TestDb::new().await;
    let owner = test.owner().await;
    for table in tables(&owner).await {
        if GLOBAL.iter().any(|(name, _)| *name == table) {
            continue;
        }
        let indexes = indexes(&owner, &table).await;
        assert!(!indexes.is_empty(), "{table} has no key");
        for (name, first) in &indexes {
            assert_eq!(
                first, "org_id",
                "the index {name} of {table} does not begin with org_id"
            );
        }
        for key in foreign_keys(&owner, &table).await {
            let (parent, on_delete, columns) = (&key[1], &key[2], &key[3]);
            assert!(
                columns.starts_with("org_id"),
                "a foreign key of {table} to {parent} begins with {columns}"
            );
            assert!(
                !["n", "d", "SET NULL", "SET DEFAULT"].contains(&on_delete.as_str()),
                "{table} to {parent}: {on_delete}"
            );
            assert!(
                parent == "org" || !GLOBAL.iter().any(|(name, _)| name == parent),
                "{table} refers to {parent}, which belongs to no organisation"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_has_an_index_of_its_own() {
    let test = TestDb::new().await;
    let owner = test.owner().await;
    if owner.get_database_backend() != DbBackend::Postgres {
        return;
    }
    for table in tables(&owner).await {
        let definitions = rows(
            &owner,
            &format!("SELECT indexdef::text AS def FROM pg_indexes WHERE tablename = '{table}'"),
            &["def"],
        )
        .await;
        for key in foreign_keys(&owner, &table).await {
            let columns = key[3].replace(',', ", ");
            let found = definitions
                .iter()
                .flatten()
                .any(|def| def.contains(&format!("({columns}")));
            assert!(found, "no index of {table} begins with {columns}");
        }
    }
}

async fn unprotected(owner: &DatabaseConnection) -> Vec<String> {
    let sql = "SELECT c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = 'public' AND c.relkind = 'r' AND NOT (c.relrowsecurity \
          AND (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL \
               AND EXISTS (SELECT 1 FROM pg_roles r WHERE r.oid = ANY(p.polroles) AND r.rolname IN ('certyard_app', 'certyard_worker'))) = 2) \
        ORDER BY 1";
    let names = rows(owner, sql, &["name"]).await;
    names
        .into_iter()
        .flatten()
        .filter(|name| !GLOBAL.iter().any(|(global, _)| global == name))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_an_organisation_has_its_policies_and_a_dropped_one_is_noticed() {
    let test = TestDb::new().await;
    if !test.is_postgres() {
        return;
    }
    let owner = test.owner().await;
    assert_eq!(unprotected(&owner).await, Vec::<String>::new());
    owner
        .execute_unprepared("DROP POLICY installation_app ON installation")
        .await
        .unwrap();
    assert_eq!(unprotected(&owner).await, ["installation"]);
    owner
        .execute_unprepared("ALTER TABLE node DISABLE ROW LEVEL SECURITY")
        .await
        .unwrap();
    assert_eq!(unprotected(&owner).await, ["installation", "node"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_distributed_postgresql_refuses_is_in_the_schema() {
    let test = TestDb::new().await;
    if !test.is_postgres() {
        return;
    }
    let owner = test.owner().await;
    let triggers = rows(
        &owner,
        "SELECT tgname::text AS name FROM pg_trigger WHERE NOT tgisinternal",
        &["name"],
    )
    .await;
    assert!(triggers.is_empty(), "{triggers:?}");
    let deferrable = rows(
        &owner,
        "SELECT conname::text AS name FROM pg_constraint WHERE condeferrable",
        &["name"],
    )
    .await;
    assert!(deferrable.is_empty(), "{deferrable:?}");
    let sequences = rows(
        &owner,
        "SELECT relname::text AS name FROM pg_class WHERE relkind = 'S'",
        &["name"],
    )
    .await;
    assert!(sequences.is_empty(), "{sequences:?}");
}
