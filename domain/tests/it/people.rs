//! Sign-in, sessions, tokens, members and set-up.

use certyard_domain::people::{
    Invitation, MemberChange, NewToken, Origin, SetUp, SignIn, SignedIn, add_member, authenticate_session,
    authenticate_token, change_password, create_token, end_session, list_members, new_setup_code, retire_member,
    revoke_token, set_up, sign_in, update_member,
};
use certyard_domain::{Error, Permission, Role};
use certyard_testkit::{TestDb, TestOrg};
use chrono::Duration;
use zeroize::Zeroizing;

const PASSWORD: &str = "correct horse battery";

fn origin() -> Origin {
    Origin {
        address: "192.0.2.7".into(),
        user_agent: "test".into(),
        request_id: "r1".into(),
    }
}

fn secret(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.into())
}

fn request(email: &str, password: &str) -> SignIn {
    SignIn {
        email: email.into(),
        password: secret(password),
        organisation: None,
    }
}

fn invitation(email: &str, role: Role) -> Invitation {
    Invitation {
        email: email.into(),
        name: "Ann".into(),
        password: secret(PASSWORD),
        role,
        group_ids: None,
    }
}

async fn signed_in(test: &TestDb, email: &str) -> (certyard_domain::people::Principal, Zeroizing<String>) {
    match sign_in(&test.db, &request(email, PASSWORD), &origin()).await.unwrap() {
        SignedIn::In { principal, session } => (*principal, session),
        SignedIn::Choose(choices) => panic!("asked to choose among {choices:?}"),
    }
}

async fn with_owner(test: &TestDb) -> TestOrg {
    let org = test.org("Ours").await;
    add_member(&test.db, &org.owner, &invitation("ann@example.org", Role::Owner))
        .await
        .unwrap();
    org
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_up_code_makes_one_owner_and_is_spent() {
    let test = TestDb::new().await;
    let code = new_setup_code(&test.db).await.unwrap().unwrap();
    let request = |code: &str, email: &str| SetUp {
        code: code.into(),
        organisation: "Ours".into(),
        name: "Ann".into(),
        email: email.into(),
        password: secret(PASSWORD),
    };
    let wrong = set_up(
        &test.db,
        &test.keys,
        &request("AAAA-BBBB-CCCC-DDDD", "ann@example.org"),
        &origin(),
    )
    .await;
    assert!(matches!(wrong, Err(Error::Invalid(_))));
    let (principal, session) = set_up(
        &test.db,
        &test.keys,
        &request(&code.to_lowercase(), "Ann@Example.org"),
        &origin(),
    )
    .await
    .unwrap();
    assert_eq!(principal.role, Role::Owner);
    assert_eq!(principal.email.as_deref(), Some("ann@example.org"));
    assert!(authenticate_session(&test.db, &session, &origin()).await.is_ok());
    let again = set_up(&test.db, &test.keys, &request(&code, "bob@example.org"), &origin()).await;
    assert!(matches!(again, Err(Error::Invalid(_))));
    assert!(new_setup_code(&test.db).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_refused_in_one_voice_and_then_throttled() {
    let test = TestDb::new().await;
    with_owner(&test).await;
    let unknown = sign_in(&test.db, &request("nobody@example.org", "x"), &origin())
        .await
        .err()
        .unwrap()
        .to_string();
    let wrong = sign_in(&test.db, &request("ann@example.org", "x"), &origin())
        .await
        .err()
        .unwrap()
        .to_string();
    assert_eq!(unknown, wrong);
    for _ in 0..4 {
        let _ = sign_in(&test.db, &request("ann@example.org", "x"), &origin()).await;
    }
    let right = sign_in(&test.db, &request("ann@example.org", PASSWORD), &origin()).await;
    assert!(matches!(right, Err(Error::Throttled { .. })));
    test.db
        .fix_time(Some(test.db.now().await.unwrap() + Duration::minutes(16)));
    signed_in(&test, "ann@example.org").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_idle_after_twelve_hours_on_sign_out_and_with_the_membership() {
    let test = TestDb::new().await;
    let org = with_owner(&test).await;
    let start = test.db.now().await.unwrap();
    let (_, idle) = signed_in(&test, "ann@example.org").await;
    test.db.fix_time(Some(start + Duration::minutes(31)));
    assert!(authenticate_session(&test.db, &idle, &origin()).await.is_err());
    test.db.fix_time(Some(start));
    let (_, busy) = signed_in(&test, "ann@example.org").await;
    for step in 1..=36 {
        test.db.fix_time(Some(start + Duration::minutes(20 * step)));
        let live = authenticate_session(&test.db, &busy, &origin()).await.is_ok();
        assert_eq!(live, step < 36, "after {} minutes", 20 * step);
    }
    test.db.fix_time(None);
    let (principal, left) = signed_in(&test, "ann@example.org").await;
    let tx = test.db.write(&principal.scope).await.unwrap();
    end_session(&tx, principal.session_id.unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    assert!(authenticate_session(&test.db, &left, &origin()).await.is_err());
    let bob = add_member(&test.db, &org.owner, &invitation("bob@example.org", Role::Viewer))
        .await
        .unwrap();
    let (_, session) = signed_in(&test, "bob@example.org").await;
    let tx = test.db.write(&org.owner).await.unwrap();
    retire_member(&tx, bob.id).await.unwrap();
    tx.commit().await.unwrap();
    assert!(authenticate_session(&test.db, &session, &origin()).await.is_err());
    assert!(
        sign_in(&test.db, &request("bob@example.org", PASSWORD), &origin())
            .await
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_role_holds_at_the_next_request_and_a_new_password_ends_other_sessions() {
    let test = TestDb::new().await;
    let org = with_owner(&test).await;
    let bob = add_member(&test.db, &org.owner, &invitation("bob@example.org", Role::Admin))
        .await
        .unwrap();
    let (principal, kept) = signed_in(&test, "bob@example.org").await;
    let (_, ended) = signed_in(&test, "bob@example.org").await;
    let tx = test.db.write(&org.owner).await.unwrap();
    let change = MemberChange {
        role: Some(Role::Viewer),
        ..Default::default()
    };
    update_member(&tx, bob.id, Some(bob.updated_at), &change).await.unwrap();
    let stale = update_member(&tx, bob.id, Some(bob.updated_at - Duration::seconds(1)), &change).await;
    assert!(matches!(
        stale,
        Err(Error::Conflict {
            code: "version_mismatch",
            ..
        })
    ));
    tx.commit().await.unwrap();
    let now = authenticate_session(&test.db, &kept, &origin()).await.unwrap();
    assert!(!now.scope.allows(Permission::Operate));
    assert!(
        change_password(&test.db, &principal, "wrong", "another good password")
            .await
            .is_err()
    );
    change_password(&test.db, &principal, PASSWORD, "another good password")
        .await
        .unwrap();
    assert!(authenticate_session(&test.db, &kept, &origin()).await.is_ok());
    assert!(authenticate_session(&test.db, &ended, &origin()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_stays_and_admins_make_no_owners() {
    let test = TestDb::new().await;
    let org = with_owner(&test).await;
    let tx = test.db.write(&org.owner).await.unwrap();
    let owner = list_members(&tx, None, 10).await.unwrap().remove(0);
    assert!(matches!(
        retire_member(&tx, owner.id).await,
        Err(Error::Refused { code: "last_owner", .. })
    ));
    let demote = MemberChange {
        role: Some(Role::Admin),
        ..Default::default()
    };
    assert!(matches!(
        update_member(&tx, owner.id, None, &demote).await,
        Err(Error::Refused { code: "last_owner", .. })
    ));
    drop(tx);
    let admin = org.member(Role::Admin, None);
    let made = add_member(&test.db, &admin, &invitation("eve@example.org", Role::Owner)).await;
    assert!(matches!(made, Err(Error::Forbidden { .. })));
    let tx = test.db.write(&admin).await.unwrap();
    assert!(matches!(
        retire_member(&tx, owner.id).await,
        Err(Error::Forbidden { .. })
    ));
    let token = NewToken {
        name: "t".into(),
        role: Role::Owner,
        group_ids: None,
        expires_at: None,
    };
    assert!(matches!(create_token(&tx, &token).await, Err(Error::Forbidden { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_works_until_it_ends_or_is_revoked_and_is_not_stored_in_clear() {
    let test = TestDb::new().await;
    let org = test.org("Ours").await;
    let now = test.db.now().await.unwrap();
    let tx = test.db.write(&org.owner).await.unwrap();
    let new = NewToken {
        name: "ci".into(),
        role: Role::Operator,
        group_ids: None,
        expires_at: Some(now + Duration::days(1)),
    };
    let (row, text) = create_token(&tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!text.contains(&row.token_hash) && !row.token_hash.contains(text.as_str()));
    let principal = authenticate_token(&test.db, &text, &origin()).await.unwrap();
    assert_eq!((principal.role, principal.scope.org_id()), (Role::Operator, org.id));
    test.db.fix_time(Some(now + Duration::days(2)));
    assert!(authenticate_token(&test.db, &text, &origin()).await.is_err());
    test.db.fix_time(None);
    let tx = test.db.write(&org.owner).await.unwrap();
    revoke_token(&tx, row.id).await.unwrap();
    tx.commit().await.unwrap();
    assert!(authenticate_token(&test.db, &text, &origin()).await.is_err());
    let unknown = NewToken {
        group_ids: Some(vec![uuid::Uuid::now_v7()]),
        ..new
    };
    let tx = test.db.write(&org.owner).await.unwrap();
    assert!(matches!(create_token(&tx, &unknown).await, Err(Error::Invalid(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_in_two_organisations_chooses_one() {
    let test = TestDb::new().await;
    let (first, second) = (test.org("First").await, test.org("Second").await);
    for org in [&first, &second] {
        add_member(&test.db, &org.owner, &invitation("ann@example.org", Role::Viewer))
            .await
            .unwrap();
    }
    let SignedIn::Choose(choices) = sign_in(&test.db, &request("ann@example.org", PASSWORD), &origin())
        .await
        .unwrap()
    else {
        panic!("nobody asked");
    };
    assert_eq!(choices.len(), 2);
    let chosen = SignIn {
        organisation: Some(second.id),
        ..request("ann@example.org", PASSWORD)
    };
    let SignedIn::In { principal, .. } = sign_in(&test.db, &chosen, &origin()).await.unwrap() else {
        panic!("asked again")
    };
    assert_eq!(principal.scope.org_id(), second.id);
    let elsewhere = SignIn {
        organisation: Some(uuid::Uuid::now_v7()),
        ..request("ann@example.org", PASSWORD)
    };
    assert!(sign_in(&test.db, &elsewhere, &origin()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_one_organisation_opens_no_other() {
    let test = TestDb::new().await;
    let (first, second) = (test.org("First").await, test.org("Second").await);
    add_member(&test.db, &first.owner, &invitation("ann@example.org", Role::Viewer))
        .await
        .unwrap();
    let theirs = Invitation {
        password: secret("a password of the second"),
        ..invitation("ann@example.org", Role::Owner)
    };
    add_member(&test.db, &second.owner, &theirs).await.unwrap();
    // The admin of the first knows this one: it leads into the first alone.
    let SignedIn::In { principal, .. } = sign_in(&test.db, &request("ann@example.org", PASSWORD), &origin())
        .await
        .unwrap()
    else {
        panic!("asked to choose");
    };
    assert_eq!(principal.scope.org_id(), first.id);
    let stolen = SignIn {
        organisation: Some(second.id),
        ..request("ann@example.org", PASSWORD)
    };
    assert!(sign_in(&test.db, &stolen, &origin()).await.is_err());
}
