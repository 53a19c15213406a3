//! Agents: joining, identity, decisions.

use crate::fleet::*;
use certyard_domain::agents::{self, AgentFilter, AgentStatus, NewJoinToken, Purpose};
use certyard_domain::{Error, Role, jobs};
use certyard_pki::{KeySpec, PrivateKey};
use certyard_protocol::{Capability, ConnectorKind, RenewRequest};
use chrono::TimeDelta;
use std::sync::Arc;

#[tokio::test]
async fn an_agent_joins_with_a_token_and_is_known_by_its_certificate() {
    let fleet = Fleet::new().await;
    let (identity, _) = join(&fleet.test, fleet.owner(), fleet.group, "edge-1").await;
    assert_eq!((identity.org_id, identity.generation), (fleet.org.id, 1));
    let agent = identify(&fleet.test, &identity).await.unwrap();
    assert_eq!((agent.agent_id, agent.group_id), (identity.agent_id, fleet.group));
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let row = agents::get(&tx, identity.agent_id).await.unwrap();
    assert_eq!((row.status, row.group_name.as_str()), (AgentStatus::Online, "Site 1"));
    assert_eq!(row.agent.hostname, "edge-1");
    drop(tx);
    let log = audited(&fleet.test, fleet.owner()).await;
    assert!(
        log.ends_with(&["join_token.create".into(), "agent.enroll".into()]),
        "{log:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_uses_of_one_token_exactly_one_gets_an_agent() {
    let fleet = Arc::new(Fleet::new().await);
    let (_, token) = join_token(&fleet.test, fleet.owner(), fleet.group, None).await;
    let key = key();
    let request = Arc::new(enrolment(&token, "edge", &key));
    let racers: Vec<_> = (0..50)
        .map(|_| {
            let (fleet, request) = (fleet.clone(), request.clone());
            tokio::spawn(async move { agents::enroll(&fleet.test.db, &fleet.test.keys, &request, None).await })
        })
        .collect();
    let mut joined = 0;
    for racer in racers {
        match racer.await.unwrap() {
            Ok(_) => joined += 1,
            Err(Error::Unauthenticated { code, .. }) => assert_eq!(code, "join_token_invalid"),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(joined, 1);
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let page = agents::list(&tx, &AgentFilter::default(), None, 200).await.unwrap();
    assert_eq!(page.items.len(), 1);
}

#[tokio::test]
async fn a_token_that_cannot_be_used_tells_nothing_but_that() {
    let fleet = Fleet::new().await;
    let key = key();
    let enroll = async |token: &str| {
        let result = agents::enroll(&fleet.test.db, &fleet.test.keys, &enrolment(token, "edge", &key), None).await;
        result.map(drop)
    };
    let refused = |result: Result<(), Error>| {
        matches!(
            result,
            Err(Error::Unauthenticated {
                code: "join_token_invalid",
                ..
            })
        )
    };
    let (id, revoked) = join_token(&fleet.test, fleet.owner(), fleet.group, None).await;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    agents::revoke_join_token(&tx, id).await.unwrap();
    agents::revoke_join_token(&tx, id).await.unwrap();
    tx.commit().await.unwrap();
    assert!(refused(enroll(&revoked).await));
    let (_, late) = join_token(&fleet.test, fleet.owner(), fleet.group, None).await;
    let foreign = late.replace(
        &fleet.org.id.simple().to_string(),
        &uuid::Uuid::now_v7().simple().to_string(),
    );
    assert!(refused(enroll(&foreign).await), "an unknown organisation");
    assert!(refused(enroll("cyj_nothing").await));
    fleet.test.db.fix_time(Some(noon() + TimeDelta::minutes(60)));
    assert!(refused(enroll(&late).await), "an hour is over");
}

#[tokio::test]
async fn a_weak_key_is_refused_and_spends_nothing() {
    let fleet = Fleet::new().await;
    let (_, token) = join_token(&fleet.test, fleet.owner(), fleet.group, None).await;
    let strong = PrivateKey::generate(KeySpec::P384).unwrap();
    let mut request = enrolment(&token, "edge", &strong);
    let good = request.csr_pem.clone();
    // RSA with 1,024 bits, made by `openssl req -new -newkey rsa:1024`.
    request.csr_pem = include_str!("weak_key.csr.pem").into();
    let weak = agents::enroll(&fleet.test.db, &fleet.test.keys, &request, None).await;
    assert!(
        matches!(&weak, Err(Error::Invalid(fields)) if fields[0].code == "weak_key"),
        "{weak:?}"
    );
    request.csr_pem = good.replace("MII", "MIJ");
    let broken = agents::enroll(&fleet.test.db, &fleet.test.keys, &request, None).await;
    assert!(matches!(broken, Err(Error::Invalid(_))), "{broken:?}");
    request.csr_pem = good;
    request.protocol = 99;
    let newer = agents::enroll(&fleet.test.db, &fleet.test.keys, &request, None).await;
    assert!(matches!(
        newer,
        Err(Error::Refused {
            code: "protocol_unsupported",
            ..
        })
    ));
    request.protocol = certyard_protocol::PROTOCOL_VERSION;
    agents::enroll(&fleet.test.db, &fleet.test.keys, &request, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_old_identity_is_good_until_the_next_one_is_used() {
    let fleet = Fleet::new().await;
    let (first, _) = join(&fleet.test, fleet.owner(), fleet.group, "edge").await;
    let agent = identify(&fleet.test, &first).await.unwrap();
    let renew = async || {
        let request = RenewRequest {
            csr_pem: csr(&key(), "edge").to_pem(),
            version: "0.1.1".into(),
        };
        agents::renew(&fleet.test.db, &fleet.test.keys, &agent, &request)
            .await
            .unwrap()
    };
    let lost = renew().await;
    let second = renew().await;
    assert_eq!((lost.generation, second.generation), (2, 3));
    let log = audited(&fleet.test, fleet.owner()).await;
    assert!(log.ends_with(&["agent.renew".into(), "agent.renew".into()]), "{log:?}");
    identify(&fleet.test, &first)
        .await
        .expect("the answer may have been lost");
    let unknown = identify(&fleet.test, &lost).await;
    assert!(matches!(
        unknown,
        Err(Error::Unauthenticated {
            code: "identity_unknown",
            ..
        })
    ));
    identify(&fleet.test, &second).await.expect("the newest is good");
    identify(&fleet.test, &second).await.expect("and stays so");
    let unknown = identify(&fleet.test, &first).await;
    assert!(matches!(
        unknown,
        Err(Error::Unauthenticated {
            code: "identity_unknown",
            ..
        })
    ));
}

#[tokio::test]
async fn an_identity_ends_even_on_a_connection_that_outlives_it_and_is_renewed_for_a_month() {
    let fleet = Fleet::new().await;
    let (identity, _) = join(&fleet.test, fleet.owner(), fleet.group, "edge").await;
    let is_expired = |found: Result<_, Error>| {
        matches!(
            found,
            Err(Error::Unauthenticated {
                code: "identity_expired",
                ..
            })
        )
    };
    // It lives for seven days.
    for (day, renewable) in [(8, true), (7 + 29, true), (7 + 31, false)] {
        fleet.test.db.fix_time(Some(noon() + TimeDelta::days(day)));
        assert!(is_expired(identify(&fleet.test, &identity).await), "day {day}");
        let renewal = identify_for(&fleet.test, &identity, Purpose::Renewal).await;
        assert_eq!(renewal.is_ok(), renewable, "day {day}");
    }
    // A ban holds for renewals as well.
    fleet.test.db.fix_time(Some(noon() + TimeDelta::days(8)));
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    jobs::ban_agent(&tx, identity.agent_id, "stolen").await.unwrap();
    tx.commit().await.unwrap();
    let banned = identify_for(&fleet.test, &identity, Purpose::Renewal).await;
    assert!(matches!(banned, Err(Error::Forbidden { .. })), "{banned:?}");
}

#[tokio::test]
async fn a_banned_agent_is_forbidden_and_a_retired_one_is_gone() {
    let fleet = Fleet::new().await;
    let (identity, _) = join(&fleet.test, fleet.owner(), fleet.group, "edge").await;
    let id = identity.agent_id;
    let agent = identify(&fleet.test, &identity).await.unwrap();
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    assert_eq!(
        jobs::ban_agent(&tx, id, "stolen").await.unwrap().status,
        AgentStatus::Banned
    );
    assert!(matches!(
        jobs::ban_agent(&tx, id, "").await,
        Err(Error::Conflict { .. })
    ));
    tx.commit().await.unwrap();
    let banned = identify(&fleet.test, &identity).await;
    assert!(
        matches!(&banned, Err(Error::Forbidden { message }) if message.contains("stolen")),
        "{banned:?}"
    );
    let request = RenewRequest {
        csr_pem: csr(&key(), "edge").to_pem(),
        version: "0.1.1".into(),
    };
    let renewed = agents::renew(&fleet.test.db, &fleet.test.keys, &agent, &request).await;
    assert!(renewed.is_err(), "a ban holds between recognition and renewal");
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    assert_eq!(jobs::unban_agent(&tx, id).await.unwrap().status, AgentStatus::Online);
    tx.commit().await.unwrap();
    identify(&fleet.test, &identity).await.unwrap();
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    jobs::retire_agent(&tx, id).await.unwrap();
    assert!(matches!(jobs::retire_agent(&tx, id).await, Err(Error::NotFound { .. })));
    assert!(
        agents::list(&tx, &AgentFilter::default(), None, 50)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    tx.commit().await.unwrap();
    let gone = identify(&fleet.test, &identity).await;
    assert!(matches!(
        gone,
        Err(Error::Gone {
            code: "agent_retired",
            ..
        })
    ));
    let log = audited(&fleet.test, fleet.owner()).await;
    assert!(
        log.ends_with(&["agent.ban".into(), "agent.unban".into(), "agent.retire".into()]),
        "{log:?}"
    );
}

#[tokio::test]
async fn a_session_that_comes_back_raises_the_alarm_of_a_copied_identity_once() {
    let fleet = Fleet::new().await;
    let (identity, _) = join(&fleet.test, fleet.owner(), fleet.group, "edge").await;
    let poll = async |session: u128| {
        let agent = identify(&fleet.test, &identity).await.unwrap();
        let mut beat = heartbeat();
        beat.session = uuid::Uuid::from_u128(session);
        agents::touch(&fleet.test.db, &agent, &beat).await.unwrap();
        let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
        agents::get(&tx, identity.agent_id).await.unwrap().agent.cloned_at
    };
    for start in [1, 1, 2, 3, 3, 4] {
        assert_eq!(poll(start).await, None, "start {start} is an honest one");
    }
    // A copy that is older than two starts.
    fleet.test.db.fix_time(Some(noon() + TimeDelta::hours(1)));
    assert_eq!(poll(2).await, Some(noon() + TimeDelta::hours(1)));
    fleet.test.db.fix_time(Some(noon() + TimeDelta::hours(2)));
    for turn in [4, 2, 4] {
        assert_eq!(
            poll(turn).await,
            Some(noon() + TimeDelta::hours(1)),
            "since the first time"
        );
    }
    let alarms = |log: Vec<String>| log.iter().filter(|action| *action == "agent.cloned").count();
    assert_eq!(alarms(audited(&fleet.test, fleet.owner()).await), 1);
    // Somebody looked at it.
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    jobs::ban_agent(&tx, identity.agent_id, "two of them").await.unwrap();
    jobs::unban_agent(&tx, identity.agent_id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(poll(4).await, None);
    assert_eq!(poll(5).await, None, "it was started again");
    assert!(poll(4).await.is_some(), "the copy is still there");
    assert_eq!(alarms(audited(&fleet.test, fleet.owner()).await), 2);
}

#[tokio::test]
async fn last_seen_is_written_once_a_minute_and_when_something_changed() {
    let fleet = Fleet::new().await;
    let (identity, _) = join(&fleet.test, fleet.owner(), fleet.group, "edge").await;
    let poll = async |at: i64, session: u128| {
        fleet.test.db.fix_time(Some(noon() + TimeDelta::seconds(at)));
        let agent = identify(&fleet.test, &identity).await.unwrap();
        let mut beat = heartbeat();
        beat.session = uuid::Uuid::from_u128(session);
        beat.capabilities = vec![Capability {
            connector: ConnectorKind::Nginx,
            steps: Vec::new(),
        }];
        agents::touch(&fleet.test.db, &agent, &beat).await.unwrap()
    };
    assert!(poll(1, 1).await, "a new session");
    assert!(!poll(2, 1).await);
    assert!(!poll(60, 1).await);
    assert!(poll(61, 1).await);
    assert!(poll(62, 2).await, "the agent was started again");
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let row = agents::get(&tx, identity.agent_id).await.unwrap();
    assert_eq!(row.agent.last_seen_at, Some(noon() + TimeDelta::seconds(62)));
    assert_eq!(row.agent.last_address.as_deref(), Some("192.0.2.9"));
    assert_eq!(agents::capabilities(&row.agent)[0].connector, ConnectorKind::Nginx);
    drop(tx);
    fleet.test.db.fix_time(Some(noon() + TimeDelta::seconds(62 + 180)));
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let offline = AgentFilter {
        statuses: vec![AgentStatus::Offline],
        ..Default::default()
    };
    assert_eq!(agents::list(&tx, &offline, None, 50).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn join_tokens_and_agents_stay_within_their_group_and_organisation() {
    let fleet = Fleet::new().await;
    let other_group = group(&fleet.test, fleet.owner(), "Site 2").await;
    let (identity, _) = join(&fleet.test, fleet.owner(), other_group, "edge").await;
    let bound = fleet.org.member(Role::Admin, Some(vec![fleet.group]));
    let other = fleet.test.org("South").await;
    for scope in [&bound, &other.owner] {
        let tx = fleet.test.db.write(scope).await.unwrap();
        assert!(
            agents::list(&tx, &AgentFilter::default(), None, 50)
                .await
                .unwrap()
                .items
                .is_empty()
        );
        assert!(agents::list_join_tokens(&tx, None, 50).await.unwrap().items.is_empty());
        assert!(matches!(
            agents::get(&tx, identity.agent_id).await,
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(
            jobs::ban_agent(&tx, identity.agent_id, "").await,
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(
            jobs::retire_agent(&tx, identity.agent_id).await,
            Err(Error::NotFound { .. })
        ));
        let new = NewJoinToken {
            group_id: other_group,
            name: "mine".into(),
            uses: None,
            lifetime: None,
            ca_sha256: None,
        };
        assert!(matches!(
            agents::create_join_token(&tx, new).await,
            Err(Error::NotFound { .. })
        ));
    }
    let tx = fleet.test.db.read(&fleet.org.member(Role::Viewer, None)).await.unwrap();
    assert!(matches!(
        agents::list_join_tokens(&tx, None, 50).await,
        Err(Error::Forbidden { .. })
    ));
}

#[tokio::test]
async fn the_text_of_a_token_is_kept_nowhere() {
    let fleet = Fleet::new().await;
    let (_, token) = join_token(&fleet.test, fleet.owner(), fleet.group, Some(3)).await;
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let rows = agents::list_join_tokens(&tx, None, 50).await.unwrap();
    assert!(rows.items[0].usable);
    // `cyj_`, the organisation, the secret, which may have the sign in it too.
    let secret = token.splitn(3, '_').nth(2).unwrap();
    assert!(secret.len() > 30, "{} characters", secret.len());
    assert!(!format!("{rows:?}").contains(secret));
    let log = certyard_domain::audit::list(&tx, &Default::default(), None, 50)
        .await
        .unwrap();
    assert!(!format!("{log:?}").contains(secret));
}
