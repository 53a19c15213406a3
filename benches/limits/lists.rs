//! Lists, single certificates, and the counts of the first page.

use crate::cpu;
use crate::load::Database;
use crate::program::Server;
use crate::report::{Report, Times};
use sea_orm::{ConnectOptions, ConnectionTrait, Database as SeaDatabase, DbBackend, Statement};
use std::time::Instant;

const ROUNDS: usize = 400;
const DEEP: usize = 1000;
const LIST: &str = "/api/v1/installations?kind=trust&product=cucm&sort=not_after&limit=50";

pub async fn measure(server: &Server, database: &Database, report: &mut Report) {
    let first = page(server, database, LIST).await;
    let deep_path = walk(server).await;
    let deep = page(server, database, &deep_path).await;
    let same = same_sql(database).await;
    let cpu = |page: &Page| {
        format!(
            "CPU {:.2} ms, of the same SQL {same:.2} ms: ratio {:.2}",
            page.cpu_ms,
            page.cpu_ms / same
        )
    };
    report.add(
        "list of 50 with filter and sort, page 1",
        first.times.text(),
        cpu(&first),
        "p50 5 ms, p99 25 ms; ratio 1.25",
        database.installations,
    );
    report.add(
        &format!("the same, page {DEEP}"),
        deep.times.text(),
        format!("{:.2} x page 1", deep.times.at(0.5) / first.times.at(0.5)),
        "1.05 x page 1",
        database.installations,
    );
    let id = database
        .text("SELECT certificate_id::text FROM installation LIMIT 1")
        .await;
    let one = page(server, database, &format!("/api/v1/certificates/{id}")).await;
    let floor = floor(server, database).await;
    report.add(
        "one certificate with its first 50 installations",
        one.times.text(),
        format!(
            "empty request and point select {floor:.2} ms: ratio {:.2}",
            one.times.at(0.5) / floor
        ),
        "p50 1 ms; ratio 4",
        database.installations,
    );
    for (what, path) in [
        ("overview", "/api/v1/overview"),
        ("list of clusters with counts", "/api/v1/clusters?limit=50"),
    ] {
        let page = page(server, database, path).await;
        report.add(
            what,
            page.times.text(),
            format!("CPU {:.2} ms", page.cpu_ms),
            "p99 50 ms",
            database.installations,
        );
    }
}

struct Page {
    times: Times,
    cpu_ms: f64,
}

async fn page(server: &Server, database: &Database, path: &str) -> Page {
    for _ in 0..20 {
        server.timed(path).await;
    }
    let before = cpu::seconds(server.pid()) + cpu::of_database(&database.owner).await;
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        times.push(server.timed(path).await);
    }
    let used = cpu::seconds(server.pid()) + cpu::of_database(&database.owner).await - before;
    Page {
        times: Times::new(times),
        cpu_ms: used * 1000.0 / ROUNDS as f64,
    }
}

/// Follows `next` to the deep page, as a program would.
async fn walk(server: &Server) -> String {
    let mut path = LIST.to_string();
    for _ in 1..DEEP {
        match server.get(&path).await["next"].as_str() {
            Some(next) => path = format!("{LIST}&cursor={next}"),
            None => return path,
        }
    }
    path
}

/// CPU milliseconds of PostgreSQL for the bare statement of page 1, under the same role and policies.
async fn same_sql(database: &Database) -> f64 {
    let mut options = ConnectOptions::new(&database.url);
    options
        .max_connections(1)
        .min_connections(1)
        .sqlx_logging(false)
        .test_before_acquire(false);
    let bare = SeaDatabase::connect(options).await.expect("a connection is made");
    bare.execute_unprepared("SET ROLE certyard_app; SET plan_cache_mode = force_custom_plan")
        .await
        .expect("the role is taken");
    let org = database.org;
    let sql = format!(
        "SELECT i.*, n.name AS node_name, c.name AS cluster_name, x.subject, x.key_type, x.key_bits, x.not_before FROM installation i \
         JOIN node n ON n.org_id = i.org_id AND n.id = i.node_id JOIN cluster c ON c.org_id = i.org_id AND c.id = i.cluster_id \
         JOIN certificate x ON x.org_id = i.org_id AND x.id = i.certificate_id \
         WHERE i.org_id = '{org}' AND i.gone_at IS NULL AND i.kind = 'trust' AND i.product = 'cucm' ORDER BY i.not_after, i.id LIMIT 51"
    );
    let round = || async {
        bare.execute_unprepared(&format!("BEGIN; SET LOCAL app.org = '{org}'"))
            .await
            .expect("begins");
        let rows = bare
            .query_all_raw(Statement::from_string(DbBackend::Postgres, sql.clone()))
            .await
            .expect("rows come");
        assert!(!rows.is_empty());
        bare.execute_unprepared("ROLLBACK").await.expect("ends");
    };
    for _ in 0..20 {
        round().await;
    }
    let before = cpu::of_database(&database.owner).await;
    for _ in 0..ROUNDS {
        round().await;
    }
    let used = cpu::of_database(&database.owner).await - before;
    let _ = bare.close().await;
    used * 1000.0 / ROUNDS as f64
}

/// Milliseconds of an empty request and of one point select.
async fn floor(server: &Server, database: &Database) -> f64 {
    let mut empty = Vec::new();
    for _ in 0..ROUNDS {
        empty.push(server.timed("/healthz").await);
    }
    let sql = format!(
        "SELECT * FROM certificate WHERE org_id = '{}' AND id = (SELECT certificate_id FROM installation LIMIT 1)",
        database.org
    );
    let mut select = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        database
            .owner
            .query_one_raw(Statement::from_string(DbBackend::Postgres, sql.clone()))
            .await
            .expect("a row comes");
        select.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Times::new(empty).at(0.5) + Times::new(select).at(0.5)
}
