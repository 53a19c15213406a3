//! Traps of the two databases and of the libraries over them, each held shut by a test.

use certyard_domain::audit::{self, Entry};
use certyard_domain::clock::cut;
use certyard_domain::db::dialect::{MAX_BINDS, rows_per_insert};
use certyard_domain::idempotency::{self, Answer, Begin};
use certyard_domain::signal::Topic;
use certyard_domain::{Db, Scope, Timestamp};
use certyard_testkit::TestDb;
use chrono::{Duration, TimeZone, Utc};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

async fn one_text(test: &TestDb, scope: &Scope, sql: &str, column: &str) -> String {
    let tx = test.db.read(scope).await.unwrap();
    let backend = tx.get_database_backend();
    let row = tx
        .query_one_raw(Statement::from_string(backend, sql.to_string()))
        .await
        .unwrap()
        .unwrap();
    match row.try_get::<String>("", column) {
        Ok(text) => text,
        Err(_) => row.try_get::<i64>("", column).map(|number| number.to_string()).unwrap(),
    }
}

#[test]
fn times_keep_what_both_databases_keep() {
    let fine = Utc.timestamp_nanos(1_700_000_000_123_456_789);
    assert_eq!(cut(fine).timestamp_subsec_nanos(), 123_456_000);
    assert_eq!(cut(Timestamp::MAX_UTC).format("%Y").to_string(), "9999");
    assert_eq!(cut(Timestamp::MIN_UTC).format("%Y").to_string(), "0000");
}

#[test]
fn no_insert_binds_more_than_the_smaller_database_takes() {
    for columns in 1..200 {
        assert!(rows_per_insert(columns) * columns <= MAX_BINDS);
        assert!(rows_per_insert(columns) >= 1);
    }
    const { assert!(MAX_BINDS < 32_766) };
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_database_survives_a_power_cut_and_checks_references() {
    let test = TestDb::new().await;
    if test.is_postgres() {
        return;
    }
    let org = test.org("Ours").await;
    for (pragma, column, wanted) in [
        ("PRAGMA journal_mode", "journal_mode", "wal"),
        ("PRAGMA synchronous", "synchronous", "2"),
        ("PRAGMA foreign_keys", "foreign_keys", "1"),
    ] {
        // Every connection of the pool, not only the first.
        let mut open = Vec::new();
        for _ in 0..3 {
            open.push(test.db.read(&org.owner).await.unwrap());
            assert_eq!(one_text(&test, &org.owner, pragma, column).await, wanted, "{pragma}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_a_connection_hold_although_set_role_does_not_apply_those_of_a_role() {
    let test = TestDb::new().await;
    if !test.is_postgres() {
        return;
    }
    let org = test.org("Ours").await;
    for (setting, wanted) in [
        ("plan_cache_mode", "force_custom_plan"),
        ("statement_timeout", "30s"),
        ("lock_timeout", "10s"),
    ] {
        let sql = format!("SELECT current_setting('{setting}') AS value, 1 AS org_id");
        assert_eq!(one_text(&test, &org.owner, &sql, "value").await, wanted, "{setting}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_organisation_of_a_transaction_does_not_stay_on_its_connection() {
    let test = TestDb::new().await;
    if !test.is_postgres() {
        return;
    }
    let options = certyard_domain::db::DbOptions {
        pools: certyard_domain::db::PoolSizes { app: 1, survey: 1 },
        ..test.options.clone()
    };
    let db = Db::open(&options).await.unwrap();
    let (ours, theirs) = (test.org("Ours").await, test.org("Theirs").await);
    for round in 0..200 {
        let (scope, id) = if round % 2 == 0 {
            (&ours.owner, ours.id)
        } else {
            (&theirs.owner, theirs.id)
        };
        let tx = db.read(scope).await.unwrap();
        let rows = tx
            .query_all_raw(Statement::from_string(
                DbBackend::Postgres,
                "SELECT DISTINCT org_id FROM audit",
            ))
            .await
            .unwrap();
        let seen: Vec<Uuid> = rows.iter().map(|row| row.try_get("", "org_id").unwrap()).collect();
        assert_eq!(seen, [id]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_statement_does_not_spoil_the_answer_of_a_repeated_request() {
    let test = TestDb::new().await;
    let org = test.org("Ours").await;
    let key = idempotency::key_hash("u1", "POST", "/api/v1/clusters", "k");
    let Begin::New(ticket) = idempotency::begin(&test.db, &org.owner, &key, "body").await.unwrap() else {
        panic!("not new")
    };
    let busy = idempotency::begin(&test.db, &org.owner, &key, "body").await;
    assert!(matches!(
        busy,
        Err(certyard_domain::Error::Conflict {
            code: "idempotency_in_flight",
            ..
        })
    ));
    let answer = Answer {
        status: 201,
        content_type: Some("application/json".into()),
        location: None,
        body: b"{}".to_vec(),
    };
    idempotency::finish(&test.db, &org.owner, &ticket, answer.clone())
        .await
        .unwrap();
    let Begin::Replay(again) = idempotency::begin(&test.db, &org.owner, &key, "body").await.unwrap() else {
        panic!("not kept")
    };
    assert_eq!(again, answer);
    let other = idempotency::begin(&test.db, &org.owner, &key, "another body").await;
    assert!(matches!(other, Err(certyard_domain::Error::Invalid(_))));
    // Another organisation's key of the same text is another key.
    let theirs = test.org("Theirs").await;
    assert!(matches!(
        idempotency::begin(&test.db, &theirs.owner, &key, "x").await,
        Ok(Begin::New(_))
    ));
    // A program that died over its request leaves a ticket that is taken over later.
    let lost = idempotency::key_hash("u1", "POST", "/api/v1/jobs", "lost");
    idempotency::begin(&test.db, &org.owner, &lost, "body").await.unwrap();
    test.db
        .fix_time(Some(test.db.now().await.unwrap() + Duration::minutes(6)));
    assert!(matches!(
        idempotency::begin(&test.db, &org.owner, &lost, "body").await,
        Ok(Begin::New(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_with_one_key_have_one_effect() {
    let test = std::sync::Arc::new(TestDb::new().await);
    let org = test.org("Ours").await;
    let key = idempotency::key_hash("u1", "POST", "/x", "k");
    let mut tries = Vec::new();
    for _ in 0..50 {
        let (test, scope, key) = (test.clone(), org.owner.clone(), key.clone());
        tries.push(tokio::spawn(async move {
            matches!(idempotency::begin(&test.db, &scope, &key, "b").await, Ok(Begin::New(_)))
        }));
    }
    let mut first = 0;
    for one in tries {
        first += u32::from(one.await.unwrap());
    }
    assert_eq!(first, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_rows_with_equal_times_lose_none_and_repeat_none() {
    let test = TestDb::new().await;
    let org = test.org("Ours").await;
    test.db.fix_time(Some(test.db.now().await.unwrap()));
    let tx = test.db.write(&org.owner).await.unwrap();
    for index in 0..57 {
        let name = format!("{index}");
        let entry = Entry {
            action: "test.note",
            object_kind: "test",
            object_id: None,
            object_name: &name,
            before: None,
            after: None,
        };
        audit::record(&tx, entry).await.unwrap();
    }
    tx.commit().await.unwrap();
    let filter = audit::Filter {
        action: Some("test.note".into()),
        ..Default::default()
    };
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let tx = test.db.read(&org.owner).await.unwrap();
        let page = audit::list(&tx, &filter, after, 10).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.at, last.id));
        seen.extend(page.iter().map(|row| row.object_name.parse::<u32>().unwrap()));
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..57).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn wake_ups_reach_another_server_over_one_database() {
    let test = TestDb::new().await;
    let other = if test.is_postgres() {
        Db::open(&test.options).await.unwrap()
    } else {
        test.db.clone()
    };
    let mut heard = other.signal().subscribe();
    let wanted = Topic::Agent(Uuid::now_v7());
    assert_eq!(Topic::decode(&wanted.encode()), Some(wanted));
    // The listener of the other server may still be connecting: a lost wake-up is allowed, so it is sent until heard.
    let limit = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        test.db.signal().wake(wanted);
        match tokio::time::timeout(std::time::Duration::from_millis(500), heard.recv()).await {
            Ok(Ok(topic)) => {
                assert_eq!(topic, wanted);
                return;
            }
            Ok(Err(error)) => panic!("{error}"),
            Err(_) => assert!(tokio::time::Instant::now() < limit, "no wake-up arrived"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_while_it_is_used_is_refused_on_both() {
    let test = TestDb::new().await;
    let org = test.org("Ours").await;
    let owner = test.owner().await;
    let id = |uuid: Uuid| match owner.get_database_backend() {
        DbBackend::Postgres => format!("'{uuid}'"),
        // UUIDs are 16 bytes there: text would find nothing.
        _ => format!("x'{}'", uuid.simple()),
    };
    let (group, agent) = (Uuid::now_v7(), Uuid::now_v7());
    let at = "'2026-01-01T00:00:00+00:00'";
    owner
        .execute_unprepared(&format!(
            "INSERT INTO cluster_group (org_id, id, name, description, version, created_at, updated_at) \
             VALUES ({}, {}, 'g', '', 1, {at}, {at})",
            id(org.id),
            id(group)
        ))
        .await
        .unwrap();
    owner
        .execute_unprepared(&format!(
            "INSERT INTO join_token (org_id, id, group_id, name, token_hash, uses_left, expires_at, created_by_name, created_at) \
             VALUES ({}, {}, {}, 't', 'h', 1, {at}, 'x', {at})",
            id(org.id),
            id(agent),
            id(group)
        ))
        .await
        .unwrap();
    let refused = owner
        .execute_unprepared(&format!("DELETE FROM cluster_group WHERE id = {}", id(group)))
        .await;
    assert!(refused.is_err());
    // A reference into another organisation is refused as well.
    let theirs = test.org("Theirs").await;
    let crossed = owner
        .execute_unprepared(&format!(
            "INSERT INTO join_token (org_id, id, group_id, name, token_hash, uses_left, expires_at, created_by_name, created_at) \
             VALUES ({}, {}, {}, 't', 'h', 1, {at}, 'x', {at})",
            id(theirs.id),
            id(Uuid::now_v7()),
            id(group)
        ))
        .await;
    assert!(crossed.is_err());
}
