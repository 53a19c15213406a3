//! Bulk import of PEM: parsed, deduplicated, stored, audited; against COPY of the same rows into the same indexed tables.

use crate::load::Database;
use crate::program::{Server, TOKEN};
use crate::report::Report;
use certyard_pki::{KeySpec, PrivateKey, Profile, San, Subject, issue, self_signed};
use chrono::{Duration, Utc};
use sea_orm::ConnectionTrait;
use std::time::Instant;

pub async fn measure(server: &Server, database: &Database, count: usize, report: &mut Report) {
    let pem = tokio::task::spawn_blocking(move || certificates(count))
        .await
        .expect("certificates are made");
    let before = database.text("SELECT count(*)::text FROM certificate").await;
    let started = Instant::now();
    let request = server
        .client()
        .post(server.url("/api/v1/certificates/bulk"))
        .bearer_auth(TOKEN)
        .header("Content-Type", "application/x-pem-file")
        .body(pem);
    let answer = request.send().await.expect("an answer comes");
    assert!(answer.status().is_success(), "the import is taken: {}", answer.status());
    let text = answer.text().await.expect("the answer is whole");
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(
        text.lines().filter(|line| line.contains("\"ok\":true")).count(),
        count,
        "every row is stored"
    );
    let rate = count as f64 / seconds;
    let copied = copy(database, &before).await;
    report.add(
        "bulk import of PEM",
        format!("{rate:.0} certificates/s ({count} in {seconds:.1} s)"),
        format!("COPY into the same tables {copied:.0}/s: ratio {:.2}", rate / copied),
        "10,000/s; ratio 0.5",
        database.installations,
    );
}

fn certificates(count: usize) -> String {
    let (ca_key, key) = (
        PrivateKey::generate(KeySpec::P256).expect("a key is made"),
        PrivateKey::generate(KeySpec::P256).expect("a key is made"),
    );
    let now = Utc::now();
    let mut profile = Profile::end_entity(
        Subject::common_name("Bench Import CA"),
        Vec::new(),
        now,
        now + Duration::days(3650),
    );
    profile.ca = Some(None);
    let ca = self_signed(&ca_key, &profile).expect("a CA is made");
    let mut pem = String::new();
    for index in 0..count {
        let name = format!("import-{index}.bench.example");
        let sans = vec![San::dns(&name), San::dns(format!("www.{name}"))];
        let profile = Profile::end_entity(Subject::common_name(name), sans, now, now + Duration::days(365));
        pem += &issue(&ca, &ca_key, key.spki_der(), &profile)
            .expect("a certificate is issued")
            .to_pem();
    }
    pem
}

/// Rows a second of COPY, for the rows that were just imported, into copies of the three tables with all their indexes.
async fn copy(database: &Database, before: &str) -> f64 {
    use sea_orm::sqlx::postgres::PgPoolCopyExt;
    let pool = database.owner.get_postgres_connection_pool();
    let tables = ["certificate", "certificate_der", "certificate_name"];
    let mut rows = Vec::new();
    let imported = format!(
        "(SELECT c.id FROM certificate c WHERE c.org_id = '{}' AND c.common_name LIKE 'import-%' ORDER BY c.id)",
        database.org
    );
    for table in tables {
        let id = if table == "certificate_name" {
            "certificate_id"
        } else {
            "id"
        };
        let sql = format!("COPY (SELECT * FROM {table} WHERE {id} IN {imported}) TO STDOUT");
        let mut stream = pool.copy_out_raw(&sql).await.expect("rows are copied out");
        let mut bytes = Vec::new();
        while let Some(part) = futures_util::StreamExt::next(&mut stream).await {
            bytes.extend_from_slice(&part.expect("a part comes"));
        }
        rows.push(bytes);
        database
            .owner
            .execute_unprepared(&format!(
                "CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL); INSERT INTO bench_{table} SELECT * FROM {table} WHERE {id} NOT IN {imported} LIMIT {before}"
            ))
            .await
            .expect("a copy of the table is made");
    }
    let count = rows[1].iter().filter(|byte| **byte == b'\n').count();
    let started = Instant::now();
    for (table, bytes) in tables.iter().zip(&rows) {
        let mut copy = pool
            .copy_in_raw(&format!("COPY bench_{table} FROM STDIN"))
            .await
            .expect("COPY begins");
        copy.send(bytes.as_slice()).await.expect("rows are sent");
        copy.finish().await.expect("COPY ends");
    }
    let seconds = started.elapsed().as_secs_f64();
    for table in tables {
        let _ = database
            .owner
            .execute_unprepared(&format!("DROP TABLE bench_{table}"))
            .await;
    }
    count as f64 / seconds
}
