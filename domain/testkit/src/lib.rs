//! For tests only: throw-away databases, and an organisation with people in it.
//!
//! Without `TEST_PG_URL` each test gets a SQLite file of its own; with it (`postgres://…` of a server where databases may be
//! made) a database cloned from a template that was migrated once for the process.

use certyard_domain::db::{DbOptions, PoolSizes};
use certyard_domain::keys::Keys;
use certyard_domain::orgs::{self, Org};
use certyard_domain::{Actor, ActorKind, Db, Role, Scope};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::OnceCell;
use uuid::Uuid;

/// A database of one test; gone when it is dropped.
pub struct TestDb {
    /// The database as the product sees it.
    pub db: Db,
    /// Keys made for this test.
    pub keys: Arc<Keys>,
    /// How to open it once more.
    pub options: DbOptions,
    bare: BareDb,
}

/// A migrated database without keys, for a program under test that brings its own; gone when it is dropped.
pub struct BareDb {
    /// How to open it.
    pub options: DbOptions,
    dropper: Dropper,
}

impl BareDb {
    /// A migrated, empty database.
    pub async fn new() -> Self {
        let _ = rustls_provider();
        let (options, dropper) = match postgres_url() {
            Some(url) => postgres(&url).await,
            None => sqlite().await,
        };
        Self { options, dropper }
    }

    /// Whether it is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        matches!(self.dropper, Dropper::Postgres { .. })
    }
}

enum Dropper {
    Folder { _folder: tempfile::TempDir },
    Postgres { admin_url: String, name: String },
}

static TEMPLATE_FILE: OnceCell<(tempfile::TempDir, PathBuf)> = OnceCell::const_new();
static TEMPLATE_DATABASE: OnceCell<String> = OnceCell::const_new();

/// URL of the PostgreSQL server for tests, when the suite runs on PostgreSQL.
pub fn postgres_url() -> Option<String> {
    std::env::var("TEST_PG_URL").ok().filter(|url| !url.is_empty())
}

impl TestDb {
    /// A migrated, empty database with keys.
    pub async fn new() -> Self {
        let bare = BareDb::new().await;
        let db = Db::open(&bare.options).await.expect("the test database opens");
        let keys = Arc::new(Keys::ephemeral(&db).await.expect("keys are made"));
        Self {
            db,
            keys,
            options: bare.options.clone(),
            bare,
        }
    }

    /// Whether the test runs on PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.bare.is_postgres()
    }

    /// A connection of the owner, which no policy restricts.
    pub async fn owner(&self) -> DatabaseConnection {
        Db::open_owner(&self.options).await.expect("the owner connects")
    }

    /// A new organisation.
    pub async fn org(&self, name: &str) -> TestOrg {
        let org = orgs::create_any(&self.db, &self.keys, name)
            .await
            .expect("an organisation is made");
        TestOrg {
            id: org.id,
            owner: scope(org.id, Role::Owner, None),
            org,
        }
    }
}

/// An organisation of a test.
pub struct TestOrg {
    /// Its id.
    pub id: Uuid,
    /// The scope of its owner.
    pub owner: Scope,
    /// Its row.
    pub org: Org,
}

impl TestOrg {
    /// The scope of a member with a role, bound to `groups` or to none.
    pub fn member(&self, role: Role, groups: Option<Vec<Uuid>>) -> Scope {
        scope(self.id, role, groups)
    }
}

fn scope(org: Uuid, role: Role, groups: Option<Vec<Uuid>>) -> Scope {
    let actor = Actor {
        kind: ActorKind::User,
        id: Some(Uuid::now_v7()),
        name: format!("{} of the test", role.as_str()),
        address: Some("127.0.0.1".into()),
        request_id: Some("test".into()),
    };
    Scope::new(org, actor, role, groups)
}

fn rustls_provider() -> Result<(), ()> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| ())
}

async fn sqlite() -> (DbOptions, Dropper) {
    let (_, template) = TEMPLATE_FILE
        .get_or_init(|| async {
            let folder = tempfile::tempdir().expect("a folder for the template");
            let file = folder.path().join("template.db");
            let options = DbOptions {
                url: None,
                file: file.clone(),
                pools: PoolSizes::default(),
            };
            let owner = Db::open_owner(&options).await.expect("the template opens");
            certyard_migrations::migrate(&owner)
                .await
                .expect("the template migrates");
            owner
                .execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)")
                .await
                .expect("the template is complete");
            owner.close().await.expect("the template closes");
            (folder, file)
        })
        .await;
    let folder = tempfile::tempdir().expect("a folder for the database");
    let file = folder.path().join("certyard.db");
    std::fs::copy(template, &file).expect("the template is copied");
    let options = DbOptions {
        url: None,
        file,
        pools: PoolSizes { app: 4, survey: 1 },
    };
    (options, Dropper::Folder { _folder: folder })
}

async fn postgres(url: &str) -> (DbOptions, Dropper) {
    let template = TEMPLATE_DATABASE
        .get_or_init(|| async {
            let name = format!("template_{}", Uuid::now_v7().simple());
            let admin = Database::connect(url).await.expect("TEST_PG_URL connects");
            admin
                .execute_unprepared(&format!("CREATE DATABASE {name}"))
                .await
                .expect("a template is made");
            admin.close().await.expect("the connection closes");
            let options = DbOptions {
                url: Some(with_database(url, &name)),
                file: PathBuf::new(),
                pools: PoolSizes::default(),
            };
            let owner = Db::open_owner(&options).await.expect("the template opens");
            certyard_migrations::migrate(&owner)
                .await
                .expect("the template migrates");
            owner.close().await.expect("the template closes");
            name
        })
        .await;
    let name = format!("test_{}", Uuid::now_v7().simple());
    let admin = Database::connect(url).await.expect("TEST_PG_URL connects");
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
        .await
        .expect("a database is cloned");
    admin.close().await.expect("the connection closes");
    let options = DbOptions {
        url: Some(with_database(url, &name)),
        file: PathBuf::new(),
        pools: PoolSizes { app: 8, survey: 1 },
    };
    (
        options,
        Dropper::Postgres {
            admin_url: url.into(),
            name,
        },
    )
}

/// Replaces the database in a URL: `postgres://user@host/old?host=/dir` becomes `postgres://user@host/new?host=/dir`.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url
        .split_once('?')
        .map_or((url, None), |(base, query)| (base, Some(query)));
    let scheme = base.find("://").map_or(0, |at| at + 3);
    let path = base[scheme..].find('/').map_or(base.len(), |at| scheme + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{name}{query}", &base[..path])
}

impl Drop for BareDb {
    fn drop(&mut self) {
        let Dropper::Postgres { admin_url, name } = &self.dropper else {
            return;
        };
        let (url, sql) = (
            admin_url.clone(),
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        );
        // The runtime of the test may be at its end, so the database is dropped on a thread with one of its own.
        let done = std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
                return;
            };
            runtime.block_on(async {
                if let Ok(admin) = Database::connect(url).await {
                    let _ = admin.execute_unprepared(&sql).await;
                    let _ = admin.close().await;
                }
            });
        });
        let _ = done.join();
    }
}
