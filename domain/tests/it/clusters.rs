//! Groups and clusters.

use crate::fleet::*;
use certyard_domain::clusters::{self, ClusterChange, ClusterFilter, ClusterStatus, GroupChange};
use certyard_domain::{Error, Role, agents};
use chrono::TimeDelta;

#[tokio::test]
async fn a_group_with_clusters_cannot_be_retired() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let refused = clusters::retire_group(&tx, fleet.group, None).await;
    assert!(
        matches!(
            refused,
            Err(Error::Refused {
                code: "group_in_use",
                ..
            })
        ),
        "{refused:?}"
    );
    drop(tx);

    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    clusters::retire(&tx, cluster.cluster.id, None).await.unwrap();
    clusters::retire_group(&tx, fleet.group, None).await.unwrap();
    tx.commit().await.unwrap();
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    assert!(
        clusters::list_groups(&tx, None, None, 50)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let gone = clusters::get(&tx, cluster.cluster.id).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })));
    drop(tx);
    let log = audited(&fleet.test, fleet.owner()).await;
    assert!(
        log.ends_with(&["cluster.retire".into(), "group.retire".into()]),
        "{log:?}"
    );
}

#[tokio::test]
async fn a_name_is_free_again_after_its_cluster_is_retired() {
    let fleet = Fleet::new().await;
    let first = fleet.cluster("alpha").await;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let taken = clusters::create(&tx, new_cluster(fleet.group, " alpha ")).await;
    assert!(
        matches!(&taken, Err(Error::Invalid(fields)) if fields[0].code == "taken"),
        "{taken:?}"
    );
    drop(tx);
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    clusters::retire(&tx, first.cluster.id, Some(1)).await.unwrap();
    clusters::create(&tx, new_cluster(fleet.group, "alpha")).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn an_edit_on_an_old_version_is_a_conflict() {
    let fleet = Fleet::new().await;
    let id = fleet.cluster("alpha").await.cluster.id;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let change = ClusterChange {
        enabled: Some(false),
        ..Default::default()
    };
    let after = clusters::update(&tx, id, Some(1), change.clone()).await.unwrap();
    assert_eq!((after.cluster.version, after.status), (2, ClusterStatus::Disabled));
    let late = clusters::update(&tx, id, Some(1), change).await;
    assert!(
        matches!(&late, Err(Error::Conflict { detail: Some(detail), .. }) if detail["version"] == 2),
        "{late:?}"
    );
    let late = clusters::retire(&tx, id, Some(1)).await;
    assert!(matches!(late, Err(Error::Conflict { .. })));
    let change = GroupChange {
        name: Some("Site one".into()),
        ..Default::default()
    };
    let group = clusters::update_group(&tx, fleet.group, Some(1), change.clone())
        .await
        .unwrap();
    assert_eq!((group.group.version, group.clusters), (2, 1));
    let late = clusters::update_group(&tx, fleet.group, Some(1), change).await;
    assert!(matches!(late, Err(Error::Conflict { .. })));
}

#[tokio::test]
async fn bad_fields_are_all_named_at_once() {
    let fleet = Fleet::new().await;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let mut new = new_cluster(fleet.group, "  ");
    new.product = "windows".into();
    new.product_version = "x".repeat(100);
    let Err(Error::Invalid(fields)) = clusters::create(&tx, new).await else {
        panic!("it is refused");
    };
    let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(names, ["name", "product_version", "product"]);
}

#[tokio::test]
async fn pages_hold_each_cluster_once_whatever_their_size() {
    let fleet = Fleet::new().await;
    for index in 0..7 {
        fleet.cluster(&format!("cluster {index}")).await;
    }
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    for size in [1, 3, 7, 200] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = clusters::list(&tx, &ClusterFilter::default(), after, size)
                .await
                .unwrap();
            seen.extend(page.items.into_iter().map(|row| row.cluster.name));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let all: Vec<String> = (0..7).map(|index| format!("cluster {index}")).collect();
        assert_eq!(seen, all, "pages of {size}");
    }
}

#[tokio::test]
async fn filters_find_by_part_of_the_name_product_and_status() {
    let fleet = Fleet::new().await;
    fleet.cluster("Alpha 100%").await;
    let mut imp = new_cluster(fleet.group, "beta_1");
    imp.product = "imp".into();
    imp.enabled = false;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    clusters::create(&tx, imp).await.unwrap();
    let find = async |filter: ClusterFilter| -> Vec<String> {
        let page = clusters::list(&tx, &filter, None, 50).await.unwrap();
        page.items.into_iter().map(|row| row.cluster.name).collect()
    };
    let search = |text: &str| ClusterFilter {
        search: Some(text.into()),
        ..Default::default()
    };
    assert_eq!(find(search("ALPHA")).await, ["Alpha 100%"]);
    assert_eq!(find(search("%")).await, ["Alpha 100%"]);
    assert_eq!(find(search("a_1")).await, ["beta_1"]);
    assert_eq!(find(search(" ")).await.len(), 2);
    let product = |product: &str| ClusterFilter {
        products: vec![product.into()],
        ..Default::default()
    };
    assert_eq!(find(product("imp")).await, ["beta_1"]);
    assert_eq!(find(product("cer")).await, Vec::<String>::new());
    let status = |status| ClusterFilter {
        statuses: vec![status],
        ..Default::default()
    };
    assert_eq!(find(status(ClusterStatus::Disabled)).await, ["beta_1"]);
    assert_eq!(find(status(ClusterStatus::Empty)).await, ["Alpha 100%"]);
}

#[tokio::test]
async fn the_status_of_a_cluster_is_told_by_its_nodes() {
    let fleet = Fleet::new().await;
    let id = fleet.cluster("alpha").await.cluster.id;
    let (agent, _) = fleet.agent("a1").await;
    let node = fleet.node_of(id, "n1", Some(agent.agent_id)).await.node.id;
    let status = async || {
        let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
        let row = clusters::get(&tx, id).await.unwrap();
        for status in ClusterStatus::ALL {
            let filter = ClusterFilter {
                statuses: vec![status],
                ..Default::default()
            };
            let found = !clusters::list(&tx, &filter, None, 50).await.unwrap().items.is_empty();
            assert_eq!(found, status == row.status, "the filter {status:?} agrees with {row:?}");
        }
        (row.status, row.nodes.total, row.nodes.unreachable)
    };
    assert_eq!(status().await, (ClusterStatus::Ok, 1, 0));
    fleet.node(id, "n2").await;
    assert_eq!(status().await, (ClusterStatus::Attention, 2, 1), "a node without agent");
    fleet.test.db.fix_time(Some(noon() + TimeDelta::minutes(4)));
    assert_eq!(
        status().await,
        (ClusterStatus::Unreachable, 2, 2),
        "the agent is offline"
    );
    agents::touch(&fleet.test.db, &agent, &heartbeat()).await.unwrap();
    assert_eq!(status().await, (ClusterStatus::Attention, 2, 1));
    let scope = certyard_domain::Scope::system(fleet.org.id, "test");
    let tx = fleet.test.db.write(&scope).await.unwrap();
    certyard_domain::inventory::failed(&tx, node, "node_unreachable", "no answer")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(status().await, (ClusterStatus::Unreachable, 2, 2));
}

#[tokio::test]
async fn roles_bound_to_a_group_see_and_touch_nothing_else() {
    let fleet = Fleet::new().await;
    let mine = fleet.cluster("alpha").await.cluster.id;
    let other_group = group(&fleet.test, fleet.owner(), "Site 2").await;
    let other = cluster(&fleet.test, fleet.owner(), other_group, "beta")
        .await
        .cluster
        .id;
    let bound = fleet.org.member(Role::Admin, Some(vec![fleet.group]));
    let tx = fleet.test.db.write(&bound).await.unwrap();
    let page = clusters::list(&tx, &ClusterFilter::default(), None, 50).await.unwrap();
    assert_eq!(page.items.iter().map(|row| row.cluster.id).collect::<Vec<_>>(), [mine]);
    assert_eq!(clusters::list_groups(&tx, None, None, 50).await.unwrap().items.len(), 1);
    let not_found = |result: Result<_, Error>| matches!(result, Err(Error::NotFound { .. }));
    assert!(not_found(clusters::get(&tx, other).await.map(drop)));
    assert!(not_found(clusters::get_group(&tx, other_group).await.map(drop)));
    assert!(not_found(
        clusters::create(&tx, new_cluster(other_group, "x")).await.map(drop)
    ));
    assert!(not_found(
        clusters::update(&tx, other, None, ClusterChange::default())
            .await
            .map(drop)
    ));
    let move_out = ClusterChange {
        group_id: Some(other_group),
        ..Default::default()
    };
    assert!(not_found(clusters::update(&tx, mine, None, move_out).await.map(drop)));
    assert!(not_found(clusters::retire(&tx, other, None).await));
    assert!(not_found(clusters::retire_group(&tx, other_group, None).await));
    assert!(matches!(
        clusters::create_group(&tx, "new", "").await,
        Err(Error::Forbidden { .. })
    ));
}

#[tokio::test]
async fn another_organisation_sees_nothing_of_a_fleet() {
    let fleet = Fleet::new().await;
    let id = fleet.cluster("alpha").await.cluster.id;
    let other = fleet.test.org("South").await;
    let tx = fleet.test.db.write(&other.owner).await.unwrap();
    assert!(
        clusters::list(&tx, &ClusterFilter::default(), None, 50)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(matches!(clusters::get(&tx, id).await, Err(Error::NotFound { .. })));
    assert!(matches!(
        clusters::create(&tx, new_cluster(fleet.group, "x")).await,
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        clusters::update_group(&tx, fleet.group, None, GroupChange::default()).await,
        Err(Error::NotFound { .. })
    ));
    // The same names are free there.
    let group = clusters::create_group(&tx, "Site 1", "").await.unwrap();
    clusters::create(&tx, new_cluster(group.group.id, "alpha"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn lesser_roles_may_read_and_not_change() {
    let fleet = Fleet::new().await;
    let id = fleet.cluster("alpha").await.cluster.id;
    for role in [Role::Operator, Role::Viewer, Role::Auditor] {
        let tx = fleet.test.db.write(&fleet.org.member(role, None)).await.unwrap();
        clusters::get(&tx, id).await.unwrap();
        let forbidden = clusters::update(&tx, id, None, ClusterChange::default()).await;
        assert!(matches!(forbidden, Err(Error::Forbidden { .. })), "{role:?}");
        assert!(matches!(
            clusters::retire(&tx, id, None).await,
            Err(Error::Forbidden { .. })
        ));
    }
}

#[tokio::test]
async fn a_product_is_fixed_once_there_are_nodes() {
    let fleet = Fleet::new().await;
    let id = fleet.cluster("alpha").await.cluster.id;
    let to_imp = ClusterChange {
        product: Some("imp".into()),
        ..Default::default()
    };
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    assert_eq!(
        clusters::update(&tx, id, None, to_imp.clone())
            .await
            .unwrap()
            .cluster
            .product,
        "imp"
    );
    drop(tx);
    fleet.node(id, "n1").await;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let refused = clusters::update(&tx, id, None, to_imp).await;
    assert!(matches!(
        refused,
        Err(Error::Refused {
            code: "product_fixed",
            ..
        })
    ));
    let refused = clusters::retire(&tx, id, None).await;
    assert!(matches!(
        refused,
        Err(Error::Refused {
            code: "cluster_in_use",
            ..
        })
    ));
}
