//! What every room stands on: transactions, scopes, row-level security, keys.

use certyard_domain::audit::{self, Entry, Filter};
use certyard_domain::keys::{KeyFiles, Keys};
use certyard_domain::{Error, Role, orgs};
use certyard_testkit::TestDb;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

async fn note(test: &TestDb, scope: &certyard_domain::Scope, name: &str) {
    let tx = test.db.write(scope).await.unwrap();
    let entry = Entry {
        action: "test.note",
        object_kind: "test",
        object_id: None,
        object_name: name,
        before: None,
        after: None,
    };
    audit::record(&tx, entry).await.unwrap();
    tx.commit().await.unwrap();
}

async fn names(test: &TestDb, scope: &certyard_domain::Scope) -> Vec<String> {
    let tx = test.db.read(scope).await.unwrap();
    let filter = Filter {
        action: Some("test.note".into()),
        ..Default::default()
    };
    audit::list(&tx, &filter, None, 50)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.object_name)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_organisation_never_sees_rows_of_another() {
    let test = TestDb::new().await;
    let (ours, theirs) = (test.org("Ours").await, test.org("Theirs").await);
    note(&test, &ours.owner, "ours").await;
    note(&test, &theirs.owner, "theirs").await;
    assert_eq!(names(&test, &ours.owner).await, ["ours"]);
    assert_eq!(names(&test, &theirs.owner).await, ["theirs"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_committed_is_not_kept() {
    let test = TestDb::new().await;
    let org = test.org("Ours").await;
    let tx = test.db.write(&org.owner).await.unwrap();
    let entry = Entry {
        action: "test.note",
        object_kind: "test",
        object_id: None,
        object_name: "lost",
        before: None,
        after: None,
    };
    audit::record(&tx, entry).await.unwrap();
    drop(tx);
    assert!(names(&test, &org.owner).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_queue_and_none_is_lost() {
    let test = std::sync::Arc::new(TestDb::new().await);
    let org = test.org("Ours").await;
    let mut writers = Vec::new();
    for index in 0..40 {
        let (test, scope) = (test.clone(), org.owner.clone());
        writers.push(tokio::spawn(
            async move { note(&test, &scope, &index.to_string()).await },
        ));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(names(&test, &org.owner).await.len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn times_come_back_as_they_were_written() {
    let test = TestDb::new().await;
    let org = test.org("Ours").await;
    let tx = test.db.read(&org.owner).await.unwrap();
    assert_eq!(orgs::get(&tx).await.unwrap(), org.org);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_for_those_who_may_read_it() {
    let test = TestDb::new().await;
    let org = test.org("Ours").await;
    for (role, groups, may) in [
        (Role::Owner, None, true),
        (Role::Admin, None, true),
        (Role::Auditor, None, true),
        (Role::Operator, None, false),
        (Role::Viewer, None, false),
        (Role::Auditor, Some(vec![uuid::Uuid::now_v7()]), false),
    ] {
        let tx = test.db.read(&org.member(role, groups.clone())).await.unwrap();
        let listed = audit::list(&tx, &Filter::default(), None, 10).await;
        assert_eq!(listed.is_ok(), may, "{role:?} bound to {groups:?}");
        if !may {
            assert!(matches!(listed, Err(Error::Forbidden { .. })));
        }
    }
}

/// The second wall. On SQLite there is none, which is why the embedded database holds one organisation.
#[tokio::test(flavor = "multi_thread")]
async fn requests_work_as_certyard_app_and_policies_hide_other_organisations() {
    let test = TestDb::new().await;
    if !test.is_postgres() {
        let refused = orgs::create(&test.db, &test.keys, "First").await;
        assert!(refused.is_ok());
        let second = orgs::create(&test.db, &test.keys, "Second").await;
        assert!(matches!(
            second,
            Err(Error::Refused {
                code: "one_organisation",
                ..
            })
        ));
        return;
    }
    let (ours, theirs) = (test.org("Ours").await, test.org("Theirs").await);
    note(&test, &theirs.owner, "theirs").await;
    let tx = test.db.read(&ours.owner).await.unwrap();
    let text = |sql: &str| Statement::from_string(DbBackend::Postgres, sql.to_string());
    let row = tx
        .query_one_raw(text(
            "SELECT current_user::text AS who, current_setting('plan_cache_mode') AS plans, 'org_id' AS x",
        ))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.try_get::<String>("", "who").unwrap(), "certyard_app");
    assert_eq!(row.try_get::<String>("", "plans").unwrap(), "force_custom_plan");
    // A statement that forgets its organisation meets the policy.
    let rows = tx.query_all_raw(text("SELECT org_id FROM audit")).await.unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        assert_eq!(row.try_get::<uuid::Uuid>("", "org_id").unwrap(), ours.id);
    }
    drop(tx);
    let tx = test.db.write(&ours.owner).await.unwrap();
    let stolen = tx
        .execute_unprepared(&format!(
            "INSERT INTO cluster_group (org_id, id, name, description, version, created_at, updated_at) \
             VALUES ('{}', '{}', 'x', '', 1, now(), now())",
            theirs.id,
            uuid::Uuid::now_v7()
        ))
        .await;
    assert!(stolen.unwrap_err().to_string().contains("row-level security"));
    drop(tx);
    let tx = test.db.write(&ours.owner).await.unwrap();
    assert!(
        tx.execute_unprepared("UPDATE audit SET action = 'x' WHERE org_id IS NOT NULL")
            .await
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_kek_is_noticed_at_start_and_the_right_one_opens_again() {
    let test = TestDb::new().await;
    let folder = tempfile::tempdir().unwrap();
    // A database of its own, as the testkit has made keys for its one.
    let options = certyard_domain::db::DbOptions {
        file: folder.path().join("x.db"),
        url: None,
        ..test.options.clone()
    };
    certyard_migrations::migrate(&certyard_domain::Db::open_owner(&options).await.unwrap())
        .await
        .unwrap();
    let db = certyard_domain::Db::open(&options).await.unwrap();
    let files = KeyFiles {
        dir: folder.path().join("keys"),
        kek: None,
        previous_kek: None,
    };
    let first = Keys::load(&db, &files).await.unwrap();
    let again = Keys::load(&db, &files).await.unwrap();
    assert_eq!(first.bundle_pem(), again.bundle_pem());
    assert_eq!(first.task_keys(), again.task_keys());
    let other = KeyFiles {
        kek: Some("00".repeat(32)),
        ..files.clone()
    };
    assert!(matches!(
        Keys::load(&db, &other).await,
        Err(Error::Refused { code: "wrong_kek", .. })
    ));

    // With the former one beside it, all is sealed anew with the new one, and the former one is not needed any more.
    orgs::create(&db, &first, "Ours").await.unwrap();
    let former = std::fs::read_to_string(files.dir.join("kek")).unwrap();
    let both = KeyFiles {
        previous_kek: Some(former.clone()),
        ..other.clone()
    };
    let keys = Keys::load(&db, &both).await.unwrap();
    assert_eq!(orgs::reseal(&db, &keys).await.unwrap(), 3);
    assert_eq!(orgs::reseal(&db, &keys).await.unwrap(), 0);
    let keys = Keys::load(&db, &other).await.unwrap();
    assert_eq!(keys.bundle_pem(), first.bundle_pem());
    // All of it opens, or it could not be sealed back; and the former one alone opens nothing any more.
    let back = KeyFiles {
        kek: Some(former),
        previous_kek: other.kek.clone(),
        ..files.clone()
    };
    assert!(orgs::reseal(&db, &first).await.is_err());
    assert_eq!(
        orgs::reseal(&db, &Keys::load(&db, &back).await.unwrap()).await.unwrap(),
        3
    );
}

#[tokio::test]
async fn a_server_with_another_task_signing_key_does_not_start_unless_it_has_the_former_one() {
    let test = TestDb::new().await;
    let folder = tempfile::tempdir().unwrap();
    let options = certyard_domain::db::DbOptions {
        file: folder.path().join("x.db"),
        url: None,
        ..test.options.clone()
    };
    certyard_migrations::migrate(&certyard_domain::Db::open_owner(&options).await.unwrap())
        .await
        .unwrap();
    let db = certyard_domain::Db::open(&options).await.unwrap();
    let server = |name: &str| KeyFiles {
        dir: folder.path().join(name),
        kek: Some("00".repeat(32)),
        previous_kek: None,
    };
    let (one, two) = (server("one"), server("two"));
    let key = |of: &KeyFiles, name: &str| of.dir.join(name);
    let refused = async |files: &KeyFiles| match Keys::load(&db, files).await {
        Err(Error::Refused { code, message }) => {
            assert_eq!(code, "wrong_task_key");
            assert!(message.contains("replace-task-key"), "{message}");
        }
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it starts"),
    };
    let first = Keys::load(&db, &one).await.unwrap().task_keys();
    refused(&two).await;
    // The same file, as the message says.
    std::fs::copy(key(&one, "task-signing-key"), key(&two, "task-signing-key")).unwrap();
    assert_eq!(Keys::load(&db, &two).await.unwrap().task_keys(), first);

    // A change: the former key beside the new one, which the server makes; then the other server gets both.
    std::fs::rename(key(&one, "task-signing-key"), key(&one, "task-signing-key.previous")).unwrap();
    let both = Keys::load(&db, &one).await.unwrap().task_keys();
    assert_eq!((both.len(), &both[1]), (2, &first[0]));
    refused(&two).await;
    for name in ["task-signing-key", "task-signing-key.previous"] {
        std::fs::copy(key(&one, name), key(&two, name)).unwrap();
    }
    assert_eq!(Keys::load(&db, &two).await.unwrap().task_keys(), both);
    std::fs::remove_file(key(&one, "task-signing-key.previous")).unwrap();
    assert_eq!(Keys::load(&db, &one).await.unwrap().task_keys(), both[..1]);

    // A key that is lost is replaced by hand.
    std::fs::remove_file(key(&one, "task-signing-key")).unwrap();
    refused(&one).await;
    let id = Keys::replace_task_key(&db, &one).await.unwrap();
    assert_eq!(Keys::load(&db, &one).await.unwrap().task_keys()[0].id, id);
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_may_be_started_by_several_servers_at_once() {
    let Some(url) = certyard_testkit::postgres_url() else {
        return;
    };
    let test = TestDb::new().await;
    let owner = test.owner().await;
    owner
        .execute_unprepared("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        .await
        .unwrap();
    drop(url);
    let mut servers = Vec::new();
    for _ in 0..4 {
        let owner = test.owner().await;
        servers.push(tokio::spawn(async move { certyard_migrations::migrate(&owner).await }));
    }
    for server in servers {
        server.await.unwrap().unwrap();
    }
    assert_eq!(certyard_migrations::pending(&owner).await.unwrap(), 0);
}

#[test]
fn every_migration_has_a_name_of_its_own_that_sorts_by_its_date() {
    use sea_orm_migration::MigratorTrait;
    let names: Vec<String> = certyard_migrations::Migrator::migrations()
        .iter()
        .map(|one| one.name().to_string())
        .collect();
    let mut sorted = names.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(names, sorted);
    for name in names {
        assert!(name.starts_with("m20") && name.len() > 17, "{name}");
    }
}
