//! Nodes: entering, declaring, assigning.

use crate::fleet::*;
use certyard_domain::agents::Heartbeat;
use certyard_domain::clusters::{self, ClusterChange, ClusterFilter};
use certyard_domain::nodes::{self, NewNode, NodeChange, NodeFilter, NodeStatus};
use certyard_domain::{Error, Role, agents, jobs};
use certyard_protocol::{Capability, ConnectorKind, NodeDeclaration, NodesAnswer, NodesRequest};
use uuid::Uuid;

fn declared(cluster: &str, name: &str) -> NodeDeclaration {
    NodeDeclaration {
        node_id: None,
        changed: true,
        cluster: cluster.into(),
        product: "cucm".into(),
        version: "15".into(),
        name: name.into(),
        address: format!("{name}:8443"),
        role: "publisher".into(),
        connector: ConnectorKind::CiscoUc,
    }
}

#[tokio::test]
async fn a_declared_node_gets_its_cluster_and_is_ready() {
    let fleet = Fleet::new().await;
    let (agent, _) = fleet.agent("edge").await;
    let request = NodesRequest {
        declared: vec![declared("lab", "pub"), declared("lab", "sub")],
        ready: Vec::new(),
    };
    for _ in 0..2 {
        let tx = fleet.test.db.write(&agent.scope()).await.unwrap();
        let answer = jobs::declare_nodes(&tx, agent.agent_id, &request).await.unwrap();
        tx.commit().await.unwrap();
        assert!(answer.refused.is_empty(), "{answer:?}");
        let names: Vec<&str> = answer.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["pub", "sub"]);
        assert_eq!(
            (answer.nodes[0].version.as_str(), answer.nodes[0].cluster.as_str()),
            ("15", "lab")
        );
    }
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let page = nodes::list(&tx, &NodeFilter::default(), None, 50).await.unwrap();
    assert_eq!(page.items.len(), 2, "twice is as good as once");
    assert!(
        page.items
            .iter()
            .all(|row| row.node.ready && row.status == NodeStatus::Waiting)
    );
    drop(tx);
    let log = audited(&fleet.test, fleet.owner()).await;
    assert_eq!(log.iter().filter(|action| *action == "node.create").count(), 2);
    assert_eq!(log.iter().filter(|action| *action == "node.update").count(), 0);
}

#[tokio::test]
async fn declarations_that_cannot_be_taken_are_refused_with_the_reason_and_the_rest_is_taken() {
    let fleet = Fleet::new().await;
    let (agent, _) = fleet.agent("edge").await;
    let (other, _) = fleet.agent("other").await;
    let mine = fleet.cluster("mine").await.cluster.id;
    fleet.node_of(mine, "theirs", Some(other.agent_id)).await;
    let far = group(&fleet.test, fleet.owner(), "Site 2").await;
    cluster(&fleet.test, fleet.owner(), far, "far").await;
    let mut wrong_product = declared("mine", "x");
    wrong_product.product = "imp".into();
    let mut wrong_connector = declared("mine", "y");
    wrong_connector.connector = ConnectorKind::Nginx;
    let mut nowhere = declared("mine", "z");
    nowhere.address = "https://z/".into();
    let request = NodesRequest {
        declared: vec![
            declared("mine", "theirs"),
            declared("far", "n"),
            wrong_product,
            wrong_connector,
            nowhere,
            declared("mine", "good"),
        ],
        ready: Vec::new(),
    };
    let tx = fleet.test.db.write(&agent.scope()).await.unwrap();
    let answer = jobs::declare_nodes(&tx, agent.agent_id, &request).await.unwrap();
    tx.commit().await.unwrap();
    let reason = |name: &str| {
        let found = answer.refused.iter().find(|refused| refused.name == name);
        found.map(|refused| refused.reason.clone()).unwrap_or_default()
    };
    assert!(reason("theirs").contains("`other`"), "{}", reason("theirs"));
    assert!(reason("n").contains("another group"), "{}", reason("n"));
    assert!(reason("x").contains("product"), "{}", reason("x"));
    assert!(reason("y").contains("cisco_uc"), "{}", reason("y"));
    assert!(reason("z").contains("address"), "{}", reason("z"));
    assert_eq!(
        answer.nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(),
        ["good"]
    );
}

/// Declares one node of an agent and gives the answer.
async fn tell(fleet: &Fleet, agent: &agents::AgentIdentity, declaration: &NodeDeclaration) -> NodesAnswer {
    let request = NodesRequest {
        declared: vec![declaration.clone()],
        ready: Vec::new(),
    };
    let tx = fleet.test.db.write(&agent.scope()).await.unwrap();
    let answer = jobs::declare_nodes(&tx, agent.agent_id, &request).await.unwrap();
    tx.commit().await.unwrap();
    answer
}

#[tokio::test]
async fn what_was_edited_on_the_server_wins_over_what_was_declared_before() {
    let fleet = Fleet::new().await;
    let (agent, _) = fleet.agent("edge").await;
    let (second, _) = join(&fleet.test, fleet.owner(), fleet.group, "second").await;
    let mut declaration = declared("lab", "pub");
    let answer = tell(&fleet, &agent, &declaration).await;
    let taken = answer.taken[0].clone();
    assert_eq!((taken.name.as_str(), taken.node_id), ("pub", answer.nodes[0].node_id));
    declaration.node_id = Some(taken.node_id);
    declaration.changed = false;

    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let edit = NodeChange {
        name: Some("publisher-1".into()),
        address: Some("192.0.2.7:443".into()),
        role: Some("subscriber".into()),
        second_agent_id: Some(Some(second.agent_id)),
        ..Default::default()
    };
    let cluster = jobs::update_node(&tx, taken.node_id, None, edit)
        .await
        .unwrap()
        .cluster
        .id;
    let renamed = ClusterChange {
        name: Some("production".into()),
        ..Default::default()
    };
    clusters::update(&tx, cluster, None, renamed).await.unwrap();
    tx.commit().await.unwrap();

    let answer = tell(&fleet, &agent, &declaration).await;
    assert_eq!(answer.taken, std::slice::from_ref(&taken));
    let node = &answer.nodes[0];
    assert_eq!(
        [&node.cluster, &node.name, &node.address, &node.role],
        ["production", "publisher-1", "192.0.2.7:443", "subscriber"]
    );
    assert_eq!(answer.nodes.len(), 1, "it did not come back by its old name");
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let all = clusters::list(&tx, &ClusterFilter::default(), None, 50).await.unwrap();
    assert_eq!(all.items.len(), 1);
    drop(tx);

    // A command of the agent gives it another address.
    let heard = async || identify(&fleet.test, &second).await.unwrap().nodes_changed;
    let second_agent = identify(&fleet.test, &second).await.unwrap();
    let tx = fleet.test.db.write(&second_agent.scope()).await.unwrap();
    jobs::declare_nodes(&tx, second.agent_id, &NodesRequest::default())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(!heard().await);
    declaration.changed = true;
    declaration.address = "192.0.2.8:443".into();
    let answer = tell(&fleet, &agent, &declaration).await;
    let node = &answer.nodes[0];
    assert_eq!([&node.name, &node.address], ["publisher-1", "192.0.2.8:443"]);
    assert!(heard().await, "the second agent reaches it there, too");
    let log = audited(&fleet.test, fleet.owner()).await;
    assert_eq!(log.iter().filter(|action| *action == "node.create").count(), 1);
    assert_eq!(log.iter().filter(|action| *action == "node.update").count(), 2);
}

#[tokio::test]
async fn a_node_that_was_taken_from_an_agent_stays_away_until_a_command_asks_for_it() {
    let fleet = Fleet::new().await;
    let (agent, _) = fleet.agent("edge").await;
    let mut declaration = declared("lab", "pub");
    let id = tell(&fleet, &agent, &declaration).await.taken[0].node_id;
    declaration.node_id = Some(id);
    declaration.changed = false;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let alone = NodeChange {
        agent_id: Some(None),
        ..Default::default()
    };
    jobs::update_node(&tx, id, None, alone).await.unwrap();
    tx.commit().await.unwrap();
    let answer = tell(&fleet, &agent, &declaration).await;
    assert!(answer.nodes.is_empty() && answer.taken.is_empty() && answer.refused.is_empty());
    declaration.changed = true;
    assert_eq!(tell(&fleet, &agent, &declaration).await.nodes[0].node_id, id);

    // An id means nothing in the hands of another agent.
    let (other, _) = fleet.agent("other").await;
    let answer = tell(&fleet, &other, &declaration).await;
    assert!(answer.nodes.is_empty() && answer.taken.is_empty());
    assert!(answer.refused[0].reason.contains("`edge`"), "{answer:?}");
    let far = group(&fleet.test, fleet.owner(), "Site 2").await;
    let (stranger, _) = join(&fleet.test, fleet.owner(), far, "stranger").await;
    let stranger = identify(&fleet.test, &stranger).await.unwrap();
    let answer = tell(&fleet, &stranger, &declaration).await;
    assert!(answer.nodes.is_empty() && answer.taken.is_empty());
    assert!(answer.refused[0].reason.contains("another group"), "{answer:?}");
}

#[tokio::test]
async fn a_retired_node_comes_back_only_where_somebody_enters_it_again() {
    let fleet = Fleet::new().await;
    let (agent, _) = fleet.agent("edge").await;
    let mut declaration = declared("lab", "pub");
    let answer = tell(&fleet, &agent, &declaration).await;
    let id = answer.taken[0].node_id;
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let cluster = nodes::get(&tx, id).await.unwrap().cluster.id;
    drop(tx);
    jobs::retire_node(&fleet.test.db, fleet.owner(), id, None)
        .await
        .unwrap();
    for (node_id, changed) in [(Some(id), false), (Some(id), true), (None, true)] {
        (declaration.node_id, declaration.changed) = (node_id, changed);
        let answer = tell(&fleet, &agent, &declaration).await;
        assert!(answer.refused[0].reason.contains("was retired"), "{answer:?}");
        assert!(answer.nodes.is_empty() && answer.taken.is_empty());
    }
    let again = fleet.node_of(cluster, "pub", Some(agent.agent_id)).await.node;
    (declaration.node_id, declaration.changed) = (Some(id), false);
    let answer = tell(&fleet, &agent, &declaration).await;
    assert_eq!(answer.taken[0].node_id, again.id);
    assert_eq!(answer.nodes[0].address, again.address);

    // An id that nobody knows, as after a restore of an older database: it is declared as for the first time.
    declaration.name = "sub".into();
    declaration.node_id = Some(Uuid::new_v4());
    let answer = tell(&fleet, &agent, &declaration).await;
    assert_ne!(Some(answer.taken[0].node_id), declaration.node_id);
    assert_eq!(answer.nodes.len(), 2);
}

#[tokio::test]
async fn an_agent_speaks_for_itself_only() {
    let fleet = Fleet::new().await;
    let (agent, _) = fleet.agent("edge").await;
    let (other, _) = fleet.agent("other").await;
    let cluster = fleet.cluster("mine").await.cluster.id;
    let node = fleet.node_of(cluster, "n1", Some(other.agent_id)).await.node.id;
    let request = NodesRequest {
        declared: Vec::new(),
        ready: vec![node],
    };
    let tx = fleet.test.db.write(&agent.scope()).await.unwrap();
    assert!(
        jobs::declare_nodes(&tx, agent.agent_id, &request)
            .await
            .unwrap()
            .nodes
            .is_empty()
    );
    assert!(matches!(
        jobs::declare_nodes(&tx, other.agent_id, &request).await,
        Err(Error::Forbidden { .. })
    ));
    assert!(matches!(
        nodes::of_agent(&tx, agent.agent_id, node).await,
        Err(Error::NotFound { .. })
    ));
    tx.commit().await.unwrap();
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    assert_eq!(
        nodes::get(&tx, node).await.unwrap().status,
        NodeStatus::CredentialsMissing
    );
}

#[tokio::test]
async fn the_first_agent_decides_whether_credentials_are_missing() {
    let fleet = Fleet::new().await;
    let (first, _) = fleet.agent("first").await;
    let (second, _) = fleet.agent("second").await;
    let cluster = fleet.cluster("mine").await.cluster.id;
    let mut new = new_node(cluster, "n1", Some(first.agent_id));
    new.second_agent_id = Some(second.agent_id);
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let node = nodes::create(&tx, new).await.unwrap().node.id;
    tx.commit().await.unwrap();
    let tell = async |agent: &agents::AgentIdentity, ready: Vec<Uuid>| {
        let request = NodesRequest {
            declared: Vec::new(),
            ready,
        };
        let tx = fleet.test.db.write(&agent.scope()).await.unwrap();
        let answer = jobs::declare_nodes(&tx, agent.agent_id, &request).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(answer.nodes.len(), 1, "both work for it");
        let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
        nodes::get(&tx, node).await.unwrap().node.ready
    };
    assert!(tell(&second, vec![node]).await);
    assert!(tell(&second, Vec::new()).await, "the second one's no is not enough");
    assert!(!tell(&first, Vec::new()).await);
    assert!(tell(&first, vec![node]).await);
}

#[tokio::test]
async fn agents_hear_of_changes_until_they_were_told() {
    let fleet = Fleet::new().await;
    let (identity, _) = join(&fleet.test, fleet.owner(), fleet.group, "edge").await;
    let changed = async || identify(&fleet.test, &identity).await.unwrap().nodes_changed;
    assert!(!changed().await);
    let cluster = fleet.cluster("mine").await.cluster.id;
    let node = fleet.node_of(cluster, "n1", Some(identity.agent_id)).await.node.id;
    assert!(changed().await);
    let told = async || {
        let agent = identify(&fleet.test, &identity).await.unwrap();
        let tx = fleet.test.db.write(&agent.scope()).await.unwrap();
        let answer = jobs::declare_nodes(&tx, agent.agent_id, &NodesRequest::default())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        answer.nodes.len()
    };
    assert_eq!(told().await, 1);
    assert!(!changed().await);
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let off = ClusterChange {
        enabled: Some(false),
        ..Default::default()
    };
    clusters::update(&tx, cluster, None, off).await.unwrap();
    tx.commit().await.unwrap();
    assert!(changed().await);
    assert_eq!(told().await, 0, "a cluster that is switched off is not read");
    jobs::retire_node(&fleet.test.db, fleet.owner(), node, None)
        .await
        .unwrap();
    assert!(changed().await);
}

#[tokio::test]
async fn nodes_are_checked_versioned_and_bound_to_the_group_of_their_agents() {
    let fleet = Fleet::new().await;
    let (agent, _) = fleet.agent("edge").await;
    let far = group(&fleet.test, fleet.owner(), "Site 2").await;
    let far_cluster = cluster(&fleet.test, fleet.owner(), far, "far").await.cluster.id;
    let cluster = fleet.cluster("mine").await.cluster.id;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let mut new = new_node(far_cluster, "two words", Some(agent.agent_id));
    new.role = "king".into();
    new.connector = ConnectorKind::Nginx;
    let Err(Error::Invalid(fields)) = nodes::create(&tx, new).await else {
        panic!("it is refused");
    };
    let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(names, ["name", "address", "role", "connector", "agent_id"]);
    let node = nodes::create(&tx, new_node(cluster, "n1", Some(agent.agent_id)))
        .await
        .unwrap()
        .node;
    tx.commit().await.unwrap();
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let away = ClusterChange {
        group_id: Some(far),
        ..Default::default()
    };
    let refused = clusters::update(&tx, cluster, None, away.clone()).await;
    assert!(
        matches!(
            refused,
            Err(Error::Refused {
                code: "agents_of_other_group",
                ..
            })
        ),
        "{refused:?}"
    );
    let alone = NodeChange {
        agent_id: Some(None),
        ..Default::default()
    };
    let after = jobs::update_node(&tx, node.id, Some(1), alone.clone()).await.unwrap();
    assert_eq!((after.node.version, after.status), (2, NodeStatus::NoAgent));
    assert!(matches!(
        jobs::update_node(&tx, node.id, Some(1), alone).await,
        Err(Error::Conflict { .. })
    ));
    clusters::update(&tx, cluster, None, away).await.unwrap();
    tx.commit().await.unwrap();
    let bound = fleet.org.member(Role::Admin, Some(vec![fleet.group]));
    let other = fleet.test.org("South").await;
    for scope in [&bound, &other.owner] {
        let tx = fleet.test.db.write(scope).await.unwrap();
        assert!(
            nodes::list(&tx, &NodeFilter::default(), None, 50)
                .await
                .unwrap()
                .items
                .is_empty()
        );
        assert!(matches!(nodes::get(&tx, node.id).await, Err(Error::NotFound { .. })));
        assert!(matches!(
            jobs::update_node(&tx, node.id, None, NodeChange::default()).await,
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(
            nodes::create(&tx, new_node(cluster, "n2", None)).await,
            Err(Error::NotFound { .. })
        ));
        drop(tx);
        assert!(matches!(
            jobs::retire_node(&fleet.test.db, scope, node.id, None).await,
            Err(Error::NotFound { .. })
        ));
    }
}

#[tokio::test]
async fn an_agent_is_told_only_of_nodes_whose_connector_its_program_knows() {
    let fleet = Fleet::new().await;
    let (identity, _) = join(&fleet.test, fleet.owner(), fleet.group, "edge").await;
    let agent = identify(&fleet.test, &identity).await.unwrap();
    let cluster = fleet.cluster("mine").await.cluster.id;
    fleet.node_of(cluster, "new", Some(agent.agent_id)).await;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let old = NewNode {
        cluster_id: cluster,
        name: "old".into(),
        address: "old:22".into(),
        role: "subscriber".into(),
        connector: ConnectorKind::CiscoCli,
        agent_id: Some(agent.agent_id),
        second_agent_id: None,
    };
    nodes::create(&tx, old).await.unwrap();
    tx.commit().await.unwrap();
    // As the listener does it: a poll, then, where the list has changed, the list.
    let told = async |heartbeat: Heartbeat| {
        let agent = identify(&fleet.test, &identity).await.unwrap();
        agents::touch(&fleet.test.db, &agent, &heartbeat).await.unwrap();
        let changed = identify(&fleet.test, &identity).await.unwrap().nodes_changed;
        let tx = fleet.test.db.write(&agent.scope()).await.unwrap();
        let answer = jobs::declare_nodes(&tx, agent.agent_id, &NodesRequest::default())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let names: Vec<String> = answer.nodes.into_iter().map(|node| node.name).collect();
        (changed, names)
    };
    let former = Heartbeat {
        protocol: 1,
        ..heartbeat()
    };
    assert_eq!(told(heartbeat()).await.1, ["new", "old"]);
    assert_eq!(told(former.clone()).await, (true, vec!["new".to_string()]));
    assert_eq!(told(former.clone()).await, (false, vec!["new".to_string()]));
    // It says itself that it can.
    let able = Heartbeat {
        capabilities: vec![Capability {
            connector: ConnectorKind::CiscoCli,
            steps: Vec::new(),
        }],
        ..former
    };
    assert_eq!(told(able).await, (true, vec!["new".to_string(), "old".to_string()]));
    assert_eq!(
        told(heartbeat()).await,
        (false, vec!["new".to_string(), "old".to_string()]),
        "an update of the program changes nothing of that"
    );
}
