//! How many rows a page reads: no more than about what it shows, whatever the size of the fleet. PostgreSQL counts them; on SQLite
//! the same pages have to be right.

use crate::machine::{Fleet, noon, own_certificate};
use certyard_domain::certificates::{self, CertificateFilter};
use certyard_domain::inventory::{self, InstallationFilter, Sort};
use certyard_domain::{OrgTx, Timestamp};
use certyard_protocol::ConnectorKind;
use chrono::Duration;
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

/// Certificates with a name of their own, each in one trust store.
const FLEET: usize = 6_000;
/// Of these, how many are expired or expiring.
const DUE: usize = 300;
/// Rows of a page.
const PAGE: u64 = 50;

/// Rows of a table that this connection has read lately: two looks tell what was read between them.
async fn rows_read(tx: &OrgTx, table: &str) -> Option<i64> {
    if tx.get_database_backend() != DbBackend::Postgres {
        return None;
    }
    let sql = format!(
        "SELECT (seq_tup_read + COALESCE(idx_tup_fetch, 0))::bigint AS rows FROM pg_stat_xact_user_tables WHERE relname = '{table}'"
    );
    let row = tx
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .unwrap()
        .unwrap();
    Some(row.try_get("", "rows").unwrap())
}

/// Rows of a table that were read since a look.
async fn since(before: Option<i64>, tx: &OrgTx, table: &str) -> Option<i64> {
    Some(rows_read(tx, table).await? - before?)
}

/// A fleet in which the first [`DUE`] certificates end soon, one a minute, and the others next year.
async fn large_fleet() -> Fleet {
    let fleet = Fleet::new().await;
    let agent = fleet.agent(fleet.group).await;
    let cluster = fleet.cluster(fleet.group, "large", "cucm", "14").await;
    let node = fleet.nodes(cluster, ConnectorKind::CiscoUc, 1, agent, None).await[0];
    let sample = own_certificate("sample", 300);
    fleet.install(cluster, node, "trust", "other-trust", &sample).await;
    let (mut certificates, mut installations) = (Vec::new(), Vec::new());
    for index in 0..FLEET {
        let (id, name) = (Uuid::now_v7(), format!("host-{index:05}.example.org"));
        let minutes = Duration::minutes(i64::try_from(index).unwrap());
        let not_after: Timestamp = match index < DUE {
            true => noon() + minutes,
            false => noon() + Duration::days(400) + minutes,
        };
        let (serial, sha256) = (format!("{:016X}", index + 1), format!("{:064x}", index + 1));
        certificates.push(vec![
            ("id", id.into()),
            ("sha256", sha256.clone().into()),
            ("sha1", format!("{index:040x}").into()),
            ("serial_hex", serial.clone().into()),
            ("subject", format!("CN={name}").into()),
            ("issuer", "CN=Root".into()),
            ("common_name", name.clone().into()),
            ("subject_hash", sha256.clone().into()),
            ("issuer_hash", "00".into()),
            ("not_before", noon().into()),
            ("not_after", not_after.into()),
            ("key_type", "EC".into()),
            ("signature_algorithm", "ecdsa-with-SHA256".into()),
            ("is_ca", false.into()),
            ("self_signed", false.into()),
            ("details", serde_json::json!({}).into()),
            ("source", "test".into()),
            ("created_at", noon().into()),
        ]);
        let row: Vec<(&'static str, Expr)> = vec![
            ("id", Uuid::now_v7().into()),
            ("node_id", node.into()),
            ("cluster_id", cluster.into()),
            ("certificate_id", id.into()),
            ("kind", "trust".into()),
            ("store", "tomcat-trust".into()),
            ("entry", name.clone().into()),
            ("product", "cucm".into()),
            ("common_name", name.into()),
            ("issuer", "CN=Root".into()),
            ("serial_hex", serial.into()),
            ("sha256", sha256.into()),
            ("self_signed", false.into()),
            ("not_after", not_after.into()),
            ("issued_at", noon().into()),
            ("installed_at", noon().into()),
            ("served_state", "not_observable".into()),
            ("created_at", noon().into()),
            ("updated_at", noon().into()),
        ];
        installations.push(row);
    }
    fleet.insert("certificate", certificates).await;
    fleet.insert("installation", installations).await;
    // As autovacuum does: what is new in an index of parts of names is merged into it.
    let settle = match fleet.rows.get_database_backend() {
        DbBackend::Postgres => "VACUUM ANALYZE",
        _ => "ANALYZE",
    };
    fleet.rows.execute_unprepared(settle).await.unwrap();
    fleet
}

#[tokio::test]
async fn r06_a_page_of_alerts_reads_what_it_shows_and_not_the_fleet() {
    let fleet = large_fleet().await;
    // The first page and the last but one read alike, with and without filters.
    let filters = [
        InstallationFilter::default(),
        InstallationFilter {
            products: vec!["cucm".into()],
            ..Default::default()
        },
        InstallationFilter {
            stores: vec!["tomcat-trust".into(), "CallManager-trust".into()],
            ..Default::default()
        },
    ];
    for filter in filters {
        let (mut after, mut pages, mut seen) = (None, 0, 0);
        loop {
            let tx = fleet.test.db.read(&fleet.org.owner).await.unwrap();
            let before = rows_read(&tx, "installation").await;
            let page = inventory::alerts(&tx, &filter, Sort::NotAfter, after, PAGE)
                .await
                .unwrap();
            if let Some(read) = since(before, &tx, "installation").await {
                assert!(
                    read <= 2 * i64::try_from(PAGE).unwrap(),
                    "page {pages} read {read} rows: {filter:?}"
                );
            }
            seen += page.items.len();
            pages += 1;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, DUE);
        assert_eq!(pages, DUE.div_ceil(usize::try_from(PAGE).unwrap()));
    }
}

#[tokio::test]
async fn r08_a_search_reads_what_fits_where_little_does_and_a_page_where_much_does() {
    let fleet = large_fleet().await;
    let find = async |text: &str, most: i64, most_certificates: i64| -> Vec<String> {
        let search = Some(text.to_string());
        let filter = InstallationFilter {
            search: search.clone(),
            ..Default::default()
        };
        let tx = fleet.test.db.read(&fleet.org.owner).await.unwrap();
        let before = rows_read(&tx, "installation").await;
        let page = inventory::installations(&tx, &filter, Sort::NotAfter, None, PAGE)
            .await
            .unwrap();
        if let Some(read) = since(before, &tx, "installation").await {
            assert!(read <= most, "{text}: {read} installations were read");
        }
        let names: Vec<String> = page.items.into_iter().map(|row| row.installation.common_name).collect();
        let filter = CertificateFilter {
            search,
            ..Default::default()
        };
        let tx = fleet.test.db.read(&fleet.org.owner).await.unwrap();
        let before = rows_read(&tx, "certificate").await;
        let page = certificates::list(&tx, &filter, None, PAGE).await.unwrap();
        if let Some(read) = since(before, &tx, "certificate").await {
            assert!(read <= most_certificates, "{text}: {read} certificates were read");
        }
        let same: Vec<String> = page.items.into_iter().map(|row| row.common_name).collect();
        assert_eq!(names, same, "{text}");
        names
    };
    // One of all, by name, serial number and fingerprint: found by keys.
    let one = ["host-04321.example.org"];
    assert_eq!(find("ST-04321.ex", 10, 10).await, one);
    assert_eq!(find(&format!("{:016X}", 4322), 10, 10).await, one);
    assert_eq!(find(&format!("{:064x}", 4322), 10, 10).await, one);
    assert!(find("no such host", 10, 10).await.is_empty());
    // Ten of all.
    assert_eq!(find("host-0555", 40, 40).await.len(), 10);
    // All of them: too many to be named, and a page is full at once.
    let first = find("example.org", 2 * i64::try_from(PAGE).unwrap(), 1_500).await;
    assert_eq!(first.len(), usize::try_from(PAGE).unwrap());
    assert_eq!(first[0], "host-00000.example.org");
}
