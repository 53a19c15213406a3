//! Changes that take many rows on PostgreSQL take them in one order: none is ended because of a deadlock.

use crate::machine;
use crate::profiles::{assign, profile, self_signed};
use certyard_domain::agents::AgentIdentity;
use certyard_domain::clusters::{self, ClusterChange};
use certyard_domain::plans::Order;
use certyard_domain::profiles::{self, Assignment, BUILT_IN, NewProfile, ProfileChange};
use certyard_domain::{Result, inventory, jobs};
use certyard_protocol::{ConnectorKind, NodeDeclaration, NodesRequest};
use certyard_testkit::TestDb;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use std::sync::Arc;
use uuid::Uuid;

const ROUNDS: usize = 30;

/// SQLite has one writer: nobody waits for another in a circle.
fn has_row_locks(test: &TestDb) -> bool {
    test.is_postgres()
}

async fn fleet_of(count: usize) -> (Arc<crate::fleet::Fleet>, Vec<Uuid>) {
    let fleet = crate::fleet::Fleet::new().await;
    let mut ids = Vec::with_capacity(count);
    for index in 0..count {
        ids.push(fleet.cluster(&format!("cluster-{index:02}")).await.cluster.id);
    }
    ids.sort_unstable();
    (Arc::new(fleet), ids)
}

async fn change(fleet: &crate::fleet::Fleet, id: Uuid, round: usize, is_default: Option<bool>) -> Result<()> {
    let change = ProfileChange {
        settings: Some(vec![self_signed(
            "imp",
            "cup",
            if round.is_multiple_of(2) { 5 } else { 10 },
        )]),
        is_default,
        ..ProfileChange::default()
    };
    let tx = fleet.test.db.write(fleet.owner()).await?;
    profiles::update(&tx, id, None, change).await?;
    tx.commit().await
}

async fn set_default(fleet: &crate::fleet::Fleet, id: Uuid) -> Result<()> {
    let tx = fleet.test.db.write(fleet.owner()).await?;
    profiles::set_default(&tx, id).await?;
    tx.commit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_profile_changes_while_clusters_are_given_others() {
    let (fleet, clusters) = fleet_of(40).await;
    if !has_row_locks(&fleet.test) {
        return;
    }
    let default = profile(&fleet, "Usual", Vec::new()).await.id;
    let other = profile(&fleet, "Other", Vec::new()).await.id;
    set_default(&fleet, default).await.unwrap();
    let changing = {
        let fleet = fleet.clone();
        tokio::spawn(async move {
            for round in 0..ROUNDS * 3 {
                change(&fleet, default, round, None).await.unwrap();
            }
        })
    };
    for _ in 0..ROUNDS {
        // The last cluster has the default profile of its own, and then all are given another one.
        assign(&fleet, &clusters, Assignment::Default).await.unwrap();
        assign(&fleet, &clusters[39..], Assignment::Own(default)).await.unwrap();
        assign(&fleet, &clusters, Assignment::Own(other)).await.unwrap();
    }
    changing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_of_the_default_goes_around_while_profiles_change() {
    let (fleet, _) = fleet_of(2).await;
    if !has_row_locks(&fleet.test) {
        return;
    }
    let first = profile(&fleet, "First", Vec::new()).await.id;
    let last = profile(&fleet, "Last", Vec::new()).await.id;
    let changing = {
        let fleet = fleet.clone();
        tokio::spawn(async move {
            for round in 0..ROUNDS * 2 {
                change(&fleet, last, round, Some(round % 2 == 0)).await.unwrap();
            }
        })
    };
    for _ in 0..ROUNDS {
        set_default(&fleet, first).await.unwrap();
        set_default(&fleet, last).await.unwrap();
    }
    changing.await.unwrap();
}

/// Changes a cluster and has what is due compared, as a request does.
async fn patch(fleet: &machine::Fleet, cluster: Uuid, round: usize) -> Result<()> {
    let change = ClusterChange {
        description: Some(format!("round {round}")),
        ..ClusterChange::default()
    };
    let tx = fleet.test.db.write(&fleet.org.owner).await?;
    clusters::update(&tx, cluster, None, change).await?;
    tx.commit().await?;
    let tx = fleet.test.db.write(&fleet.org.owner).await?;
    inventory::settle_compliance(&tx).await?;
    tx.commit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters_change_while_a_job_over_them_is_cancelled() {
    let fleet = Arc::new(machine::Fleet::new().await);
    if !has_row_locks(&fleet.test) {
        return;
    }
    let agent = fleet.agent(fleet.group).await;
    let (mut clusters, mut nodes) = (Vec::new(), Vec::new());
    for index in 0..6 {
        let name = format!("servers-{index}");
        let cluster = fleet.cluster(fleet.group, &name, "server", "").await;
        nodes.extend(fleet.nodes(cluster, ConnectorKind::Nginx, 2, agent, None).await);
        clusters.push(cluster);
    }
    let tx = fleet.test.db.write(&fleet.org.owner).await.unwrap();
    let new = NewProfile {
        name: "Campus".into(),
        ..NewProfile::default()
    };
    let campus = profiles::create(&tx, new).await.unwrap().id;
    tx.commit().await.unwrap();
    for round in 0..ROUNDS {
        let job = fleet.refresh(&nodes, Order::default()).await.id;
        // All clusters are due.
        let tx = fleet.test.db.write(&fleet.org.owner).await.unwrap();
        let next = if round % 2 == 0 { campus } else { BUILT_IN };
        profiles::set_default(&tx, next).await.unwrap();
        tx.commit().await.unwrap();
        let patches: Vec<_> = clusters
            .iter()
            .map(|cluster| {
                let (fleet, cluster) = (fleet.clone(), *cluster);
                tokio::spawn(async move { patch(&fleet, cluster, round).await })
            })
            .collect();
        let done = jobs::cancel(&fleet.test.db, &fleet.org.owner, job).await.unwrap();
        assert_eq!(done.counts.cancelled, nodes.len() as i64);
        for patched in patches {
            patched.await.unwrap().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_passes_over_the_counts_that_somebody_holds() {
    let fleet = Arc::new(machine::Fleet::new().await);
    if !has_row_locks(&fleet.test) {
        return;
    }
    let agent = fleet.agent(fleet.group).await;
    let (mut clusters, mut nodes) = (Vec::new(), Vec::new());
    for index in 0..3 {
        let name = format!("servers-{index}");
        let cluster = fleet.cluster(fleet.group, &name, "server", "").await;
        nodes.extend(fleet.nodes(cluster, ConnectorKind::Nginx, 1, agent, None).await);
        clusters.push(cluster);
    }
    fleet.refresh(&nodes, Order::default()).await;
    let owner = fleet.test.owner().await;
    let held = owner.begin().await.unwrap();
    let lock = |cluster: Uuid| format!("SELECT 1 FROM job_cluster WHERE cluster_id = '{cluster}' FOR UPDATE");
    held.execute_unprepared(&lock(clusters[0])).await.unwrap();
    let claimed = fleet.claim(agent, 100).await;
    let taken: Vec<Uuid> = claimed.iter().map(|task| machine::payload(task).node_id).collect();
    assert!(taken.len() == 2 && !taken.contains(&nodes[0]), "{taken:?}");

    // With nothing else to take it waits, and does not say that there is no work.
    let waiting = {
        let fleet = fleet.clone();
        tokio::spawn(async move { fleet.claim(agent, 100).await })
    };
    let watched =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while count(&owner, watched).await == 0 {
        assert!(!waiting.is_finished(), "the claim did not wait");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    held.rollback().await.unwrap();
    let claimed = waiting.await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(machine::payload(&claimed[0]).node_id, nodes[0]);
}

async fn count(connection: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_declare_nodes_of_the_same_clusters_in_opposite_orders() {
    let (fleet, _) = fleet_of(6).await;
    if !has_row_locks(&fleet.test) {
        return;
    }
    let declare = async |agent: AgentIdentity, reversed: bool| {
        for round in 0..ROUNDS {
            let mut declared: Vec<NodeDeclaration> = (0..6)
                .map(|index| NodeDeclaration {
                    node_id: None,
                    changed: true,
                    cluster: format!("cluster-{index:02}"),
                    product: "cucm".into(),
                    version: "14".into(),
                    name: format!("{}-{round}", agent.agent_id.simple()),
                    address: "n:443".into(),
                    role: "subscriber".into(),
                    connector: ConnectorKind::CiscoUc,
                })
                .collect();
            if reversed {
                declared.reverse();
            }
            let request = NodesRequest {
                declared,
                ready: Vec::new(),
            };
            let tx = fleet.test.db.write(&agent.scope()).await.unwrap();
            let answer = jobs::declare_nodes(&tx, agent.agent_id, &request).await.unwrap();
            tx.commit().await.unwrap();
            assert!(answer.refused.is_empty(), "{answer:?}");
        }
    };
    let settle = async || {
        for _ in 0..ROUNDS {
            let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
            inventory::settle_compliance(&tx).await.unwrap();
            tx.commit().await.unwrap();
        }
    };
    let (first, _) = fleet.agent("first").await;
    let (last, _) = fleet.agent("last").await;
    tokio::join!(declare(first, false), declare(last, true), settle());
}
