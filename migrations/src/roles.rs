//! Roles of PostgreSQL. The owner makes the tables and bypasses the policies; the program works as one of two roles that
//! do not: `certyard_app` for one organisation at a time, `certyard_worker` for loops over all of them.

use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, DbErr};

/// Makes the two roles where they are missing and lets the present user act as them. Roles belong to the whole server, so
/// two databases may race: "exists already" is success.
///
/// # Errors
/// The user may not create roles: run the printed [`SQL`] as an administrator once.
pub async fn create(owner: &DatabaseConnection) -> Result<(), DbErr> {
    owner.execute_unprepared(SQL).await.map(|_| ()).map_err(|error| {
        DbErr::Custom(format!(
            "the roles certyard_app and certyard_worker cannot be made ({error}); run as an administrator:\n{SQL}"
        ))
    })
}

/// What `certyard migrate --print-roles` prints.
pub const SQL: &str = "DO $$
DECLARE wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['certyard_app', 'certyard_worker'] LOOP
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = wanted) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', wanted);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
      END;
    END IF;
    IF NOT pg_has_role(current_user, wanted, 'MEMBER') THEN
      BEGIN
        EXECUTE format('GRANT %I TO %I', wanted, current_user);
      EXCEPTION WHEN unique_violation THEN NULL;
      END;
    END IF;
  END LOOP;
END $$;";

/// Grants on all tables. History is append-only for requests: audit rows are only ever inserted and read by the program.
pub(crate) async fn grant(owner: &DatabaseConnection) -> Result<(), DbErr> {
    let sql = "GRANT USAGE ON SCHEMA public TO certyard_app, certyard_worker;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO certyard_app, certyard_worker;
        REVOKE UPDATE, DELETE ON audit FROM certyard_app;
        REVOKE INSERT, UPDATE, DELETE ON seaql_migrations FROM certyard_app, certyard_worker;";
    owner.execute_unprepared(sql).await.map(|_| ())
}
