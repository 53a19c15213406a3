//! A large inventory, written by SQL: clusters, nodes, certificates, installations in the proportions of a real fleet.

use crate::program::Server;
use crate::report::Report;
use sea_orm::{ConnectOptions, ConnectionTrait, Database as SeaDatabase, DatabaseConnection, DbBackend, Statement};
use serde_json::json;
use std::time::Instant;
use tempfile::TempDir;
use uuid::Uuid;

/// A filled database.
pub struct Database {
    /// Its URL.
    pub url: String,
    /// The owner's connection.
    pub owner: DatabaseConnection,
    /// The organisation that everything belongs to.
    pub org: Uuid,
    /// Installations in it.
    pub installations: u64,
    admin_url: String,
    name: String,
}

impl Database {
    /// One text of the first row.
    pub async fn text(&self, sql: &str) -> String {
        text(&self.owner, sql).await
    }

    /// Runs statements.
    pub async fn run(&self, sql: &str) {
        let done = self.owner.execute_unprepared(sql).await;
        done.unwrap_or_else(|error| panic!("{error}: {sql}"));
    }

    /// Drops it.
    pub async fn drop(self) {
        let _ = self.owner.close().await;
        if let Ok(admin) = SeaDatabase::connect(&self.admin_url).await {
            let _ = admin
                .execute_unprepared(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name))
                .await;
        }
    }
}

async fn text(owner: &DatabaseConnection, sql: &str) -> String {
    let row = owner
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .expect(sql)
        .expect("a row");
    row.try_get_by_index(0).expect("a text")
}

/// Makes a database, lets the program migrate it, and gives it one node with one certificate that ends in 20 days. Gives the data
/// folder that holds its keys, too.
pub async fn empty(admin_url: &str) -> (Database, TempDir) {
    let (database, data) = made(admin_url, 20).await;
    let insert = "INSERT INTO node (org_id, id, cluster_id, name, address, role, connector, ready, inventory_at, version, created_at, updated_at) \
         SELECT org_id, id, id, 'node-1', 'node-1.bench.example:443', 'subscriber', 'cisco_uc', true, now(), 1, now(), now() FROM cluster; \
         INSERT INTO installation (org_id, id, node_id, cluster_id, certificate_id, kind, store, entry, product, common_name, issuer, serial_hex, \
         sha256, self_signed, not_after, issued_at, installed_at, served_state, created_at, updated_at) \
         SELECT n.org_id, n.id, n.id, n.cluster_id, c.id, 'identity', 'tomcat', 'tomcat', 'cucm', c.common_name, c.issuer, c.serial_hex, c.sha256, \
         true, c.not_after, now(), now(), 'not_observable', now(), now() FROM node n, certificate c";
    database.run(insert).await;
    (database, data)
}

/// As [`empty`], with a large inventory.
pub async fn fill(admin_url: &str, installations: u64, report: &mut Report) -> (Database, TempDir) {
    let started = Instant::now();
    let (mut database, data) = made(admin_url, 365).await;
    database.installations = installations;
    let (clusters, nodes, certificates) = (
        (installations / 100).max(1),
        (installations / 20).max(1),
        (installations * 3 / 10).max(1),
    );
    for sql in statements(database.org, clusters, nodes, certificates, installations) {
        database.run(&sql).await;
    }
    report.add(
        "filled by SQL (not a figure of the product)",
        format!(
            "{:.0} s: {clusters} clusters, {nodes} nodes, {certificates} certificates",
            started.elapsed().as_secs_f64()
        ),
        String::new(),
        "",
        installations,
    );
    (database, data)
}

/// A database with the schema, a cluster and a certificate that ends in some days.
async fn made(admin_url: &str, days: i64) -> (Database, TempDir) {
    let name = format!("bench_{}", Uuid::now_v7().simple());
    let admin = SeaDatabase::connect(admin_url).await.expect("TEST_PG_URL connects");
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .expect("a database is made");
    let url = admin_url.replacen("/postgres?", &format!("/{name}?"), 1);
    assert_ne!(url, admin_url, "TEST_PG_URL names the database postgres");
    // The program makes the schema and the organisation, and one real certificate that the others are copies of.
    let server = Server::start(Some(&url)).await;
    let cluster = json!({ "name": "seed", "product": "cucm", "version": "15" });
    server.post("/api/v1/clusters", &cluster).await;
    let key = certyard_pki::PrivateKey::generate(certyard_pki::KeySpec::P256).expect("a key is made");
    let now = chrono::Utc::now();
    let profile = certyard_pki::Profile::end_entity(
        certyard_pki::Subject::common_name("node.bench.example"),
        vec![certyard_pki::San::dns("node.bench.example")],
        now,
        now + chrono::Duration::days(days),
    );
    let seed = certyard_pki::self_signed(&key, &profile).expect("a certificate is made");
    let part = reqwest::multipart::Part::bytes(seed.to_pem().into_bytes()).file_name("seed.pem");
    let form = reqwest::multipart::Form::new().part("file", part);
    let request = server
        .client()
        .post(server.url("/api/v1/certificates/import"))
        .bearer_auth(crate::program::TOKEN)
        .multipart(form);
    let answer = request.send().await.expect("an answer comes");
    assert!(
        answer.status().is_success(),
        "the seed is imported: {:?}",
        answer.text().await
    );
    let data = server.stop();

    // One connection, which measures others and is not counted itself.
    let mut options = ConnectOptions::new(&url);
    options.max_connections(1).sqlx_logging(false);
    let owner = SeaDatabase::connect(options).await.expect("the owner connects");
    let org: Uuid = text(&owner, "SELECT id::text FROM org").await.parse().expect("an id");
    let database = Database {
        url,
        owner,
        org,
        installations: 1,
        admin_url: admin_url.into(),
        name,
    };
    (database, data)
}

fn statements(org: Uuid, clusters: u64, nodes: u64, certificates: u64, installations: u64) -> Vec<String> {
    let id = |kind: &str, number: &str| format!("md5('{kind}' || ({number}))::uuid");
    let (cluster, node, certificate) = (id("c", "i"), id("n", "i"), id("x", "i"));
    let (cluster_of_node, node_of, certificate_of) = (
        id("c", &format!("i % {clusters}")),
        id("n", &format!("i % {nodes}")),
        id("x", &format!("(i * 7919) % {certificates}")),
    );
    let cluster_of = id("c", &format!("(i % {nodes}) % {clusters}"));
    let product = |number: &str| format!("(ARRAY['cucm','imp','cuc','cer'])[1 + ({number}) % 4]");
    let ends =
        |number: &str| format!("now() - interval '30 days' + (({number}) * 7919 % 1000000) * interval '94 seconds'");
    vec![
        format!(
            "INSERT INTO cluster (org_id, id, group_id, name, product, product_version, enabled, description, version, created_at, updated_at) \
             SELECT '{org}', {cluster}, (SELECT id FROM cluster_group LIMIT 1), 'bench-' || lpad(i::text, 6, '0'), {}, '15', true, '', 1, now(), now() \
             FROM generate_series(0::bigint, {clusters} - 1) i",
            product("i")
        ),
        format!(
            "INSERT INTO node (org_id, id, cluster_id, name, address, role, connector, ready, inventory_at, version, created_at, updated_at) \
             SELECT '{org}', {node}, {cluster_of_node}, 'node-' || i, 'node-' || i || '.bench.example:443', 'subscriber', 'cisco_uc', true, now(), 1, now(), now() \
             FROM generate_series(0::bigint, {nodes} - 1) i"
        ),
        format!(
            "INSERT INTO certificate SELECT c.org_id, {certificate}, encode(sha256(('x' || i)::bytea), 'hex'), c.sha1, upper(to_hex(i + 4096)), \
             'CN=node-' || i || '.bench.example', c.issuer, 'node-' || i || '.bench.example', encode(sha256(('s' || i)::bytea), 'hex'), c.issuer_hash, \
             c.ski, c.aki, c.not_before, {}, c.key_type, c.key_bits, c.signature_algorithm, false, false, c.details, c.source, c.created_at \
             FROM (SELECT * FROM certificate LIMIT 1) c, generate_series(0::bigint, {certificates} - 1) i",
            ends("i")
        ),
        format!(
            "INSERT INTO installation (org_id, id, node_id, cluster_id, certificate_id, kind, store, entry, product, common_name, issuer, serial_hex, \
             sha256, self_signed, not_after, issued_at, installed_at, served_state, created_at, updated_at) \
             SELECT '{org}', {}, {node_of}, {cluster_of}, {certificate_of}, CASE WHEN i % 10 < 2 THEN 'identity' ELSE 'trust' END, \
             CASE WHEN i % 10 < 2 THEN 'tomcat-' || i / {nodes} ELSE 'tomcat-trust' END, 'e' || i, {}, 'node-' || (i * 7919) % {certificates} || '.bench.example', \
             'CN=Bench CA', upper(to_hex((i * 7919) % {certificates} + 4096)), encode(sha256(('x' || (i * 7919) % {certificates})::bytea), 'hex'), false, {}, \
             now(), now(), 'not_observable', now(), now() FROM generate_series(0::bigint, {installations} - 1) i",
            id("i", "i"),
            product(&format!("(i % {nodes}) % {clusters}")),
            ends(&format!("(i * 7919) % {certificates}"))
        ),
        "INSERT INTO cluster_summary (org_id, cluster_id, kind, total, expired, expiring, next_edge, updated_at) \
         SELECT org_id, cluster_id, kind, count(*), count(*) FILTER (WHERE not_after <= now()), \
         count(*) FILTER (WHERE not_after > now() AND not_after <= now() + interval '60 days'), now() + interval '1 day', now() \
         FROM installation GROUP BY 1, 2, 3"
            .into(),
        "VACUUM ANALYZE".into(),
    ]
}
