//! Helpers with which migrations write tables: the same definitions make the same schema on SQLite and PostgreSQL.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// A table of an organisation, under construction.
pub struct TenantTable {
    name: &'static str,
    create: TableCreateStatement,
    indexes: Vec<IndexCreateStatement>,
}

/// Begins a table of an organisation with the primary key `(org_id, id)`.
pub fn tenant_table(name: &'static str) -> TenantTable {
    tenant_table_keyed(name, &["id"])
}

/// Begins a table of an organisation whose primary key is `org_id` and then `key`. The key columns are UUIDs unless the
/// caller adds them as something else with [`TenantTable::col`]: those named `id` or ending in `_id` are made here.
pub fn tenant_table_keyed(name: &'static str, key: &[&'static str]) -> TenantTable {
    let mut create = Table::create();
    create.table(name).col(uuid("org_id"));
    let mut primary = Index::create();
    primary.name(format!("{name}_pkey")).col("org_id");
    for column in key {
        if *column == "id" || column.ends_with("_id") {
            create.col(uuid(column));
        }
        primary.col(*column);
    }
    create.primary_key(&mut primary);
    create.foreign_key(
        ForeignKey::create()
            .name(format!("fk_{name}_org"))
            .from(name, "org_id")
            .to("org", "id")
            .on_delete(ForeignKeyAction::Cascade),
    );
    TenantTable {
        name,
        create,
        indexes: Vec::new(),
    }
}

impl TenantTable {
    /// Adds a column.
    pub fn col(mut self, column: ColumnDef) -> Self {
        self.create.col(column);
        self
    }

    /// Adds a reference `(org_id, column)` to `(org_id, id)` of `parent`, and the index that it needs. The column must
    /// have been added. What is deleted is refused while it is referenced, or takes its children along with `cascade`.
    pub fn reference(mut self, column: &'static str, parent: &'static str, cascade: bool) -> Self {
        let name = self.name;
        self.create.foreign_key(
            ForeignKey::create()
                .name(format!("fk_{name}_{column}"))
                .from(name, ("org_id", column))
                .to(parent, ("org_id", "id"))
                .on_delete(if cascade {
                    ForeignKeyAction::Cascade
                } else {
                    ForeignKeyAction::Restrict
                }),
        );
        self
    }

    /// Adds an index on `org_id` and then `columns`.
    pub fn index(self, columns: &[&'static str]) -> Self {
        self.add_index(columns, false)
    }

    /// Adds a unique index on `org_id` and then `columns`.
    pub fn unique(self, columns: &[&'static str]) -> Self {
        self.add_index(columns, true)
    }

    /// Adds a partial index on `org_id` and then `columns` for rows where `condition` holds.
    pub fn index_where(mut self, columns: &[&'static str], unique: bool, condition: &'static str) -> Self {
        let mut index = self.new_index(columns, unique);
        index.and_where(Expr::cust(condition));
        self.indexes.push(index);
        self
    }

    fn add_index(mut self, columns: &[&'static str], unique: bool) -> Self {
        let index = self.new_index(columns, unique);
        self.indexes.push(index);
        self
    }

    fn new_index(&self, columns: &[&'static str], unique: bool) -> IndexCreateStatement {
        let kind = if unique { "uq" } else { "ix" };
        let mut index = Index::create();
        index
            .name(format!("{kind}_{}_{}", self.name, columns.join("_")))
            .table(self.name)
            .col("org_id");
        for column in columns {
            index.col(*column);
        }
        if unique {
            index.unique();
        }
        index
    }

    /// Makes the table, its indexes and its row-level security.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub async fn make(self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        manager.create_table(self.create).await?;
        for index in self.indexes {
            manager.create_index(index).await?;
        }
        enable_row_level_security(manager, self.name).await
    }
}

/// Row-level security: the role of requests sees the organisation of its transaction, the role of loops sees all.
async fn enable_row_level_security(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    // After a transaction the setting is '' and not NULL, hence NULLIF.
    let mine = "org_id = NULLIF(current_setting('app.org', true), '')::uuid";
    let sql = format!(
        "ALTER TABLE \"{table}\" ENABLE ROW LEVEL SECURITY;
         CREATE POLICY {table}_app ON \"{table}\" TO certyard_app USING ({mine}) WITH CHECK ({mine});
         CREATE POLICY {table}_worker ON \"{table}\" TO certyard_worker USING (true) WITH CHECK (true);"
    );
    manager.get_connection().execute_unprepared(&sql).await.map(|_| ())
}

/// Adds a column to a table. It may be missing in rows: those that are there have no value for it.
///
/// # Errors
/// Whatever the database refuses.
pub async fn add_column(manager: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    manager
        .alter_table(Table::alter().table(table).add_column(column).to_owned())
        .await
}

/// Adds a partial index on `org_id` and then `columns` to a table, for rows where `condition` holds.
///
/// # Errors
/// Whatever the database refuses.
pub async fn add_index_where(
    manager: &SchemaManager<'_>,
    name: &'static str,
    table: &'static str,
    columns: &[&'static str],
    condition: &'static str,
) -> Result<(), DbErr> {
    let mut index = Index::create();
    index.name(name).table(table).col("org_id");
    for column in columns {
        index.col(*column);
    }
    index.and_where(Expr::cust(condition));
    manager.create_index(index).await
}

/// Text that must be there.
pub fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().take()
}

/// Text that may be missing.
pub fn text_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().null().take()
}

/// UUID that must be there.
pub fn uuid(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).uuid().not_null().take()
}

/// UUID that may be missing.
pub fn uuid_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).uuid().null().take()
}

/// Point in time, UTC, in microseconds.
pub fn time(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).timestamp_with_time_zone().not_null().take()
}

/// Point in time that may be missing.
pub fn time_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).timestamp_with_time_zone().null().take()
}

/// Truth value.
pub fn boolean(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().take()
}

/// Whole number of 32 bits.
pub fn integer(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().not_null().take()
}

/// Whole number of 32 bits that may be missing.
pub fn integer_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().null().take()
}

/// Whole number of 64 bits.
pub fn long(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

/// Bytes.
pub fn bytes(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).blob().not_null().take()
}

/// Bytes that may be missing.
pub fn bytes_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).blob().null().take()
}

/// Opaque JSON: never searched, so that the two databases need not agree on operators.
pub fn json(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).json_binary().not_null().take()
}

/// Opaque JSON that may be missing.
pub fn json_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).json_binary().null().take()
}

/// Makes a table that belongs to no organisation.
///
/// # Errors
/// Whatever the database refuses.
pub async fn global_table(
    manager: &SchemaManager<'_>,
    name: &'static str,
    key: ColumnDef,
    columns: Vec<ColumnDef>,
) -> Result<(), DbErr> {
    let mut create = Table::create();
    create.table(name).col(key.clone().primary_key().take());
    for column in columns {
        create.col(column);
    }
    manager.create_table(create.to_owned()).await
}
