//! What nodes hold: reports, history, clocks, counts, lists.

use crate::fleet::*;
use certyard_domain::clusters::{self, Counts};
use certyard_domain::inventory::{
    self, Cause, CsrFilter, CsrState, ExpiryStatus, InstallationFilter, InstallationRow, Sort, TrustFilter,
};
use certyard_domain::{Error, Role, Scope, certificates, jobs, nodes, orgs};
use certyard_protocol::{InventoryAnswer, InventoryReport, NodeInventory, Served, StoreKind};
use chrono::TimeDelta;
use uuid::Uuid;

async fn all(fleet: &Fleet, node: Uuid) -> Vec<InstallationRow> {
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let filter = InstallationFilter {
        node_id: Some(node),
        ..Default::default()
    };
    inventory::installations(&tx, &filter, Sort::NotAfter, None, 200)
        .await
        .unwrap()
        .items
}

async fn events(fleet: &Fleet, installation: Uuid) -> Vec<String> {
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let mut rows = inventory::history(&tx, installation, None, 200).await.unwrap().items;
    rows.reverse();
    rows.into_iter().map(|row| row.event).collect()
}

async fn counts(fleet: &Fleet, cluster: Uuid) -> (Counts, Counts) {
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let row = clusters::get(&tx, cluster).await.unwrap();
    (row.identity, row.trust)
}

fn numbers(counts: Counts) -> (i64, i64, i64) {
    (counts.total, counts.expired, counts.expiring)
}

#[tokio::test]
async fn the_three_clocks_and_the_history_tell_one_story() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let root = Ca::root("Root");
    let old = root.leaf("n1", 20);
    fleet
        .apply(
            node,
            &inventory("1", vec![identity_entry("tomcat", &old, Served::Served)]),
        )
        .await;
    let first = all(&fleet, node).await.remove(0);
    assert_eq!(first.installation.issued_at, old.not_before);
    assert_eq!(first.installation.installed_at, noon());
    assert_eq!(first.installation.served_at, Some(noon()));

    // A CSR, and its answer by a job; the node goes on serving the old one.
    let key = key();
    let request = csr(&key, "n1");
    fleet.test.db.fix_time(Some(noon() + TimeDelta::hours(1)));
    let with = with_csr(
        inventory("2", vec![identity_entry("tomcat", &old, Served::Served)]),
        "tomcat",
        &request,
    );
    assert_eq!(fleet.apply(node, &with).await.csrs.len(), 1);
    fleet.test.db.fix_time(Some(noon() + TimeDelta::hours(2)));
    let new = root.leaf_for(&key, "n1", 300);
    let pending = Served::RestartPending {
        served_sha256: old.sha256_hex(),
    };
    let cause = Cause {
        job_id: Some(Uuid::from_u128(5)),
        actor_name: Some("Ann".into()),
    };
    let applied = fleet
        .apply_for(
            node,
            &inventory("3", vec![identity_entry("tomcat", &new, pending)]),
            &cause,
        )
        .await;
    assert_eq!((applied.replaced, applied.installed, applied.removed), (1, 0, 0));
    let second = all(&fleet, node).await.remove(0);
    assert_eq!(second.installation.id, first.installation.id);
    assert_eq!(second.installation.sha256, new.sha256_hex());
    assert_eq!(second.installation.served_state, "restart_pending");
    assert_eq!(second.installation.served_note, Some(old.sha256_hex()));
    assert_eq!(second.installation.served_at, None, "the new one was never served");
    assert_eq!(second.installation.installed_at, noon() + TimeDelta::hours(2));
    assert_eq!(second.installation.job_id, cause.job_id);

    // The restart.
    fleet.test.db.fix_time(Some(noon() + TimeDelta::hours(3)));
    fleet
        .apply(
            node,
            &inventory("4", vec![identity_entry("tomcat", &new, Served::Served)]),
        )
        .await;
    let third = all(&fleet, node).await.remove(0);
    assert_eq!(third.installation.served_at, Some(noon() + TimeDelta::hours(3)));
    assert_eq!(third.installation.installed_at, noon() + TimeDelta::hours(2));
    // A look that fails vouches for nothing: what was seen, and when, is told as that.
    for (hours, digest, reason) in [(4, "5", "timed out"), (5, "6", "refused")] {
        fleet.test.db.fix_time(Some(noon() + TimeDelta::hours(hours)));
        let unknown = Served::Unknown { reason: reason.into() };
        fleet
            .apply(node, &inventory(digest, vec![identity_entry("tomcat", &new, unknown)]))
            .await;
        let failed = all(&fleet, node).await.remove(0).installation;
        assert_eq!(failed.served_state, "unknown");
        assert_eq!(
            failed.served_note.as_deref(),
            Some("timed out (last seen served on 2026-11-22 15:00 UTC)")
        );
        assert_eq!(failed.served_at, third.installation.served_at, "the clock stays");
    }
    fleet.test.db.fix_time(Some(noon() + TimeDelta::hours(6)));
    fleet
        .apply(
            node,
            &inventory("7", vec![identity_entry("tomcat", &new, Served::Served)]),
        )
        .await;
    let seen = all(&fleet, node).await.remove(0).installation;
    assert_eq!((seen.served_state.as_str(), seen.served_note), ("served", None));
    assert_eq!(seen.served_at, third.installation.served_at, "history told of it once");
    assert_eq!(
        events(&fleet, first.installation.id).await,
        [
            "installed",
            "served",
            "csr_created",
            "replaced",
            "restart_pending",
            "served"
        ]
    );
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let history = inventory::history(&tx, first.installation.id, None, 3).await.unwrap();
    assert_eq!(history.items[2].actor_name.as_deref(), Some("Ann"));
    let rest = inventory::history(&tx, first.installation.id, history.next, 200)
        .await
        .unwrap();
    assert_eq!(rest.items.len(), 3);
    let answered = CsrFilter {
        node_id: Some(node),
        states: vec![CsrState::Answered],
        ..Default::default()
    };
    let csrs = inventory::csrs(&tx, &answered, None, 50).await.unwrap().items;
    assert_eq!(inventory::csr_pem(&csrs[0].csr), request.to_pem());
}

#[tokio::test]
async fn csrs_are_open_replaced_or_gone() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let leaf = Ca::root("Root").leaf("n1", 20);
    let holds = |digest: &str| inventory(digest, vec![identity_entry("tomcat", &leaf, Served::Served)]);
    let (one, two) = (csr(&key(), "n1"), csr(&key(), "n1"));
    let first = fleet.apply(node, &with_csr(holds("1"), "tomcat", &one)).await.csrs[0];
    assert!(
        fleet
            .apply(node, &with_csr(holds("2"), "tomcat", &one))
            .await
            .csrs
            .is_empty(),
        "it is the same"
    );
    let row = all(&fleet, node).await.remove(0);
    assert_eq!(row.csr.unwrap().id, first);
    let second = fleet.apply(node, &with_csr(holds("3"), "tomcat", &two)).await.csrs[0];
    let broken = NodeInventory {
        csrs: vec![certyard_protocol::InventoryCsr {
            purpose: "tomcat".into(),
            csr_pem: "rubbish".into(),
        }],
        ..holds("4")
    };
    fleet.apply(node, &broken).await;
    let state = async |id| {
        let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
        inventory::get_csr(&tx, id).await.unwrap().csr.state
    };
    assert_eq!(
        (state(first).await, state(second).await),
        ("replaced".into(), "open".into())
    );
    fleet.apply(node, &holds("5")).await;
    assert_eq!(state(second).await, "gone");
    assert!(all(&fleet, node).await.remove(0).csr.is_none());
}

#[tokio::test]
async fn what_cannot_be_read_is_noted_and_stays() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let (agent, _) = fleet.agent("edge").await;
    let node = fleet.node_of(cluster, "n1", Some(agent.agent_id)).await.node.id;
    let tx = fleet.test.db.write(&agent.scope()).await.unwrap();
    let ready = certyard_protocol::NodesRequest {
        declared: Vec::new(),
        ready: vec![node],
    };
    jobs::declare_nodes(&tx, agent.agent_id, &ready).await.unwrap();
    tx.commit().await.unwrap();
    let root = Ca::root("Root");
    let entries = vec![
        identity_entry("tomcat", &root.leaf("n1", 20), Served::Served),
        trust_entry("tomcat-trust", "root.pem", &root.certificate),
    ];
    fleet.apply(node, &inventory("1", entries.clone())).await;
    let mut broken = entries.clone();
    broken[1].certificate_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into();
    let applied = fleet.apply(node, &inventory("2", broken)).await;
    assert_eq!(applied.removed, 0);
    assert_eq!(all(&fleet, node).await.len(), 2);
    let told = async || {
        let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
        let row = nodes::get(&tx, node).await.unwrap();
        (row.status.as_str(), row.node.fault_message.unwrap_or_default())
    };
    let (status, message) = told().await;
    assert_eq!(status, "attention");
    assert!(message.contains("tomcat-trust/root.pem"), "{message}");
    let scope = Scope::system(fleet.org.id, "test");
    let tx = fleet.test.db.write(&scope).await.unwrap();
    assert_eq!(
        inventory::unchanged(&tx, node, "2").await.unwrap(),
        InventoryAnswer::Stored
    );
    tx.commit().await.unwrap();
    assert_eq!(told().await.0, "attention", "an unchanged report does not forget it");
    fleet.apply(node, &inventory("3", entries)).await;
    assert_eq!(told().await, ("ok", String::new()));
}

#[tokio::test]
async fn counts_follow_what_is_installed_and_the_time() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let root = Ca::root("Root");
    // The organisation's start days are 60.
    let (expired, soon, later) = (root.leaf("a", -1), root.leaf("b", 20), root.leaf("c", 62));
    let entries = vec![
        identity_entry("tomcat", &expired, Served::Served),
        identity_entry("CallManager", &soon, Served::NotObservable),
        identity_entry("ipsec", &later, Served::NotObservable),
        trust_entry("tomcat-trust", "root.pem", &root.certificate),
        trust_entry("ipsec-trust", "root.pem", &root.certificate),
    ];
    fleet.apply(node, &inventory("1", entries.clone())).await;
    let (identity, trust) = counts(&fleet, cluster).await;
    assert_eq!((numbers(identity), numbers(trust)), ((3, 1, 1), (2, 0, 0)));
    assert_eq!(identity.valid(), 1);
    assert_eq!(inventory::refresh_due(&fleet.test.db).await.unwrap(), 0);
    // `c` begins to expire, then `b` has expired; nobody touched the node.
    for (days, wanted) in [(2, (3, 1, 2)), (20, (3, 2, 1)), (62, (3, 3, 0))] {
        fleet.test.db.fix_time(Some(noon() + TimeDelta::days(days)));
        let due = inventory::edges_due(&fleet.test.db).await.unwrap();
        assert_eq!(due[0].clusters, [cluster], "day {days}");
        assert_eq!(inventory::refresh_due(&fleet.test.db).await.unwrap(), 1);
        assert_eq!(numbers(counts(&fleet, cluster).await.0), wanted, "day {days}");
        assert!(inventory::edges_due(&fleet.test.db).await.unwrap().is_empty());
    }
    fleet.apply(node, &inventory("2", entries[3..].to_vec())).await;
    let (identity, trust) = counts(&fleet, cluster).await;
    assert_eq!((numbers(identity), numbers(trust)), ((0, 0, 0), (2, 0, 0)));
}

#[tokio::test]
async fn another_number_of_start_days_is_counted_by_the_worker() {
    let fleet = Fleet::new().await;
    let root = Ca::root("Root");
    let mut clusters = Vec::new();
    for name in ["alpha", "beta"] {
        let cluster = fleet.cluster(name).await.cluster.id;
        let node = fleet.node(cluster, "n1").await.node.id;
        let entries = vec![identity_entry("tomcat", &root.leaf("a", 90), Served::Served)];
        fleet.apply(node, &inventory("1", entries)).await;
        assert_eq!(numbers(counts(&fleet, cluster).await.0), (1, 0, 0));
        clusters.push(cluster);
    }
    for (days, expiring) in [(120, 1), (60, 0)] {
        let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
        let change = orgs::Change {
            start_days: Some(days),
            ..Default::default()
        };
        orgs::update(&tx, &change).await.unwrap();
        inventory::outdate_all(&tx).await.unwrap();
        tx.commit().await.unwrap();
        let before = numbers(counts(&fleet, clusters[0]).await.0).2;
        assert_ne!(before, expiring, "the request itself counts nothing");
        assert_eq!(inventory::refresh_due(&fleet.test.db).await.unwrap(), 2);
        for cluster in &clusters {
            assert_eq!(
                numbers(counts(&fleet, *cluster).await.0),
                (1, 0, expiring),
                "{days} days"
            );
        }
        assert_eq!(inventory::refresh_due(&fleet.test.db).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_place_that_was_empty_keeps_its_history() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let root = Ca::root("Root");
    let there = vec![trust_entry("tomcat-trust", "root.pem", &root.certificate)];
    fleet.apply(node, &inventory("1", there.clone())).await;
    let id = all(&fleet, node).await[0].installation.id;
    assert_eq!(fleet.apply(node, &inventory("2", Vec::new())).await.removed, 1);
    assert!(all(&fleet, node).await.is_empty());
    assert_eq!(fleet.apply(node, &inventory("3", there)).await.installed, 1);
    assert_eq!(all(&fleet, node).await[0].installation.id, id);
    assert_eq!(events(&fleet, id).await, ["installed", "removed", "installed"]);
}

#[tokio::test]
async fn reports_come_whole_as_a_difference_unchanged_or_failed() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let (agent, _) = fleet.agent("edge").await;
    let (other, _) = fleet.agent("other").await;
    let node = fleet.node_of(cluster, "n1", Some(agent.agent_id)).await.node.id;
    let root = Ca::root("Root");
    let send = async |report| inventory::report(&fleet.test.db, &agent, node, report).await;
    let delta = |base: &str| InventoryReport::Delta {
        base_digest: base.into(),
        digest: "2".into(),
        observed_at: noon(),
        add: vec![trust_entry("tomcat-trust", "b", &root.leaf("b", 3))],
        remove: vec![("tomcat-trust".into(), "a".into())],
        csrs: Vec::new(),
    };
    let unchanged = |digest: &str| InventoryReport::Unchanged {
        digest: digest.into(),
        observed_at: noon(),
    };
    assert_eq!(send(unchanged("1")).await.unwrap(), InventoryAnswer::FullWanted);
    assert_eq!(send(delta("1")).await.unwrap(), InventoryAnswer::FullWanted);
    let entries = vec![
        trust_entry("tomcat-trust", "a", &root.leaf("a", 1)),
        trust_entry("tomcat-trust", "c", &root.leaf("c", 2)),
    ];
    let full = InventoryReport::Full(inventory("1", entries));
    assert_eq!(send(full.clone()).await.unwrap(), InventoryAnswer::Stored);
    assert_eq!(send(delta("1")).await.unwrap(), InventoryAnswer::Stored);
    let names: Vec<String> = all(&fleet, node)
        .await
        .into_iter()
        .map(|row| row.certificate.common_name)
        .collect();
    assert_eq!(names, ["c", "b"]);
    assert_eq!(
        send(delta("1")).await.unwrap(),
        InventoryAnswer::FullWanted,
        "the base has moved"
    );
    fleet.test.db.fix_time(Some(noon() + TimeDelta::minutes(1)));
    let failed = InventoryReport::Failed {
        observed_at: noon(),
        code: "node_unreachable".into(),
        message: "connection refused".into(),
    };
    assert_eq!(send(failed).await.unwrap(), InventoryAnswer::Stored);
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let row = nodes::get(&tx, node).await.unwrap().node;
    assert_eq!(row.fault_message.as_deref(), Some("connection refused"));
    assert_eq!(
        (row.inventory_at, row.tried_at),
        (Some(noon()), Some(noon() + TimeDelta::minutes(1)))
    );
    drop(tx);
    assert_eq!(send(unchanged("2")).await.unwrap(), InventoryAnswer::Stored);
    let seen = all(&fleet, node).await[0].seen_at;
    assert_eq!(
        seen,
        Some(noon() + TimeDelta::minutes(1)),
        "every installation was seen again"
    );
    let foreign = inventory::report(&fleet.test.db, &other, node, full).await;
    assert!(matches!(foreign, Err(Error::NotFound { what: "node" })));
}

#[tokio::test]
async fn a_cluster_that_is_switched_off_is_not_read() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let tx = fleet.test.db.write(fleet.owner()).await.unwrap();
    let off = clusters::ClusterChange {
        enabled: Some(false),
        ..Default::default()
    };
    clusters::update(&tx, cluster, None, off).await.unwrap();
    tx.commit().await.unwrap();
    let parsed = inventory::parse(&inventory("1", Vec::new())).unwrap();
    let tx = fleet.test.db.write(&Scope::system(fleet.org.id, "test")).await.unwrap();
    let refused = inventory::apply(&tx, node, &parsed, &Cause::default()).await;
    assert!(
        matches!(
            refused,
            Err(Error::Refused {
                code: "cluster_disabled",
                ..
            })
        ),
        "{refused:?}"
    );
}

fn inventory(digest: &str, entries: Vec<certyard_protocol::InventoryEntry>) -> NodeInventory {
    crate::fleet::inventory(digest, entries)
}

#[tokio::test]
async fn lists_filter_and_page_and_the_trust_tab_has_one_row_for_each_certificate() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let root = Ca::root("Root");
    let (expired, soon, later) = (
        root.leaf("gone.example.org", -1),
        root.leaf("soon", 20),
        root.leaf("later", 300),
    );
    let mut nodes = Vec::new();
    for name in ["n1", "n2"] {
        let node = fleet.node(cluster, name).await.node.id;
        nodes.push(node);
        let entries = vec![
            identity_entry("tomcat", &root.leaf(name, 90), Served::Served),
            trust_entry("tomcat-trust", "root", &root.certificate),
            trust_entry("ipsec-trust", "root", &root.certificate),
            trust_entry("tomcat-trust", "expired", &expired),
            trust_entry("tomcat-trust", "soon", &soon),
            trust_entry("ipsec-trust", "later", &later),
        ];
        fleet.apply(node, &inventory(name, entries)).await;
    }
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let find = async |filter: InstallationFilter| {
        let page = inventory::installations(&tx, &filter, Sort::CommonName, None, 200)
            .await
            .unwrap();
        page.items.len()
    };
    let base = || InstallationFilter {
        clusters: vec![cluster],
        ..Default::default()
    };
    assert_eq!(find(base()).await, 12);
    let identity = InstallationFilter {
        kind: Some(StoreKind::Identity),
        ..base()
    };
    assert_eq!(find(identity).await, 2);
    let expired_only = InstallationFilter {
        statuses: vec![ExpiryStatus::Expired, ExpiryStatus::Expiring],
        ..base()
    };
    assert_eq!(find(expired_only).await, 4);
    let stores = InstallationFilter {
        stores: vec!["ipsec-trust".into()],
        node_id: Some(nodes[0]),
        ..base()
    };
    assert_eq!(find(stores).await, 2);
    for text in [
        "GONE.example",
        expired.sha256_hex().as_str(),
        expired.serial_hex.as_str(),
    ] {
        let search = InstallationFilter {
            search: Some(text.into()),
            ..base()
        };
        assert_eq!(find(search).await, 2, "{text}");
    }
    let product = InstallationFilter {
        products: vec!["imp".into()],
        ..base()
    };
    assert_eq!(find(product).await, 0);
    for sort in [Sort::NotAfter, Sort::CommonName] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = inventory::installations(&tx, &base(), sort, after, 5).await.unwrap();
            seen.extend(page.items.into_iter().map(|row| row.installation.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut once = seen.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!((seen.len(), once.len()), (12, 12), "{sort:?}");
    }

    let page = inventory::trust(&tx, cluster, &TrustFilter::default(), None, 50)
        .await
        .unwrap();
    let told: Vec<(&str, i64, i64, &str)> = page
        .items
        .iter()
        .map(|row| {
            (
                row.certificate.common_name.as_str(),
                row.nodes,
                row.installations,
                row.status.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("gone.example.org", 2, 2, "expired"),
            ("soon", 2, 2, "expiring"),
            ("later", 2, 2, "valid"),
            ("Root", 2, 4, "valid"),
        ]
    );
    assert_eq!(page.items[3].stores, ["ipsec-trust", "tomcat-trust"]);
    let first = inventory::trust(&tx, cluster, &TrustFilter::default(), None, 3)
        .await
        .unwrap();
    let second = inventory::trust(&tx, cluster, &TrustFilter::default(), first.next, 3)
        .await
        .unwrap();
    assert_eq!((first.items.len(), second.items.len()), (3, 1));
    let filter = TrustFilter {
        search: Some("oo".into()),
        stores: vec!["tomcat-trust".into()],
        statuses: vec![ExpiryStatus::Expiring],
    };
    let page = inventory::trust(&tx, cluster, &filter, None, 50).await.unwrap();
    assert_eq!(page.items.len(), 1);

    let detail = inventory::certificate(&tx, page.items[0].certificate.id).await.unwrap();
    assert_eq!((detail.installation_count, detail.installations.len()), (2, 2));
}

#[tokio::test]
async fn a_retired_node_holds_nothing_and_its_history_stays() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let leaf = Ca::root("Root").leaf("n1", 20);
    fleet
        .apply(
            node,
            &inventory("1", vec![identity_entry("tomcat", &leaf, Served::Served)]),
        )
        .await;
    let id = all(&fleet, node).await[0].installation.id;
    jobs::retire_node(&fleet.test.db, fleet.owner(), node, None)
        .await
        .unwrap();
    assert!(all(&fleet, node).await.is_empty());
    assert_eq!(numbers(counts(&fleet, cluster).await.0), (0, 0, 0));
    assert_eq!(events(&fleet, id).await, ["installed", "served", "removed"]);
    // The same name is free again.
    fleet.node(cluster, "n1").await;
    assert!(
        audited(&fleet.test, fleet.owner())
            .await
            .contains(&"node.retire".into())
    );
}

#[tokio::test]
async fn roles_bound_to_a_group_and_other_organisations_see_nothing_of_a_node() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let leaf = Ca::root("Root").leaf("n1", 20);
    let held = with_csr(
        inventory("1", vec![identity_entry("tomcat", &leaf, Served::Served)]),
        "tomcat",
        &csr(&key(), "n1"),
    );
    let csr_id = fleet.apply(node, &held).await.csrs[0];
    let row = all(&fleet, node).await.remove(0);
    let (installation, certificate) = (row.installation.id, row.certificate.id);
    let elsewhere = group(&fleet.test, fleet.owner(), "Site 2").await;
    let bound = fleet.org.member(Role::Operator, Some(vec![elsewhere]));
    let other = fleet.test.org("South").await;
    for scope in [&bound, &other.owner] {
        let tx = fleet.test.db.read(scope).await.unwrap();
        let page = inventory::installations(&tx, &InstallationFilter::default(), Sort::NotAfter, None, 50).await;
        assert!(page.unwrap().items.is_empty());
        assert!(
            inventory::csrs(&tx, &CsrFilter::default(), None, 50)
                .await
                .unwrap()
                .items
                .is_empty()
        );
        assert!(matches!(
            inventory::get(&tx, installation).await,
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(
            inventory::history(&tx, installation, None, 50).await,
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(
            inventory::get_csr(&tx, csr_id).await,
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(
            inventory::certificate(&tx, certificate).await,
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(
            certificates::der(&tx, certificate).await,
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(
            inventory::trust(&tx, cluster, &TrustFilter::default(), None, 50).await,
            Err(Error::NotFound { .. })
        ));
        assert!(
            inventory::of_certificate(&tx, certificate, None, 50)
                .await
                .unwrap()
                .items
                .is_empty()
        );
    }
    let mine = fleet.org.member(Role::Viewer, Some(vec![fleet.group]));
    let tx = fleet.test.db.read(&mine).await.unwrap();
    inventory::get(&tx, installation).await.unwrap();
    inventory::certificate(&tx, certificate).await.unwrap();
    certificates::der(&tx, certificate).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_the_nodes_of_one_cluster_at_once_count_right() {
    let fleet = std::sync::Arc::new(Fleet::new().await);
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let root = Ca::root("Root");
    let shared: Vec<_> = (0..5)
        .map(|index| root.leaf(&format!("ca {index}"), 100 + index))
        .collect();
    let mut racers = Vec::new();
    for index in 0..8 {
        let node = fleet.node(cluster, &format!("n{index}")).await.node.id;
        let mut entries = vec![identity_entry("tomcat", &root.leaf("n", 20), Served::Served)];
        for (at, certificate) in shared.iter().enumerate() {
            entries.push(trust_entry("tomcat-trust", &format!("{at}"), certificate));
        }
        let fleet = fleet.clone();
        racers.push(tokio::spawn(async move {
            fleet.apply(node, &inventory("1", entries)).await
        }));
    }
    for racer in racers {
        assert_eq!(racer.await.unwrap().installed, 6);
    }
    let (identity, trust) = counts(&fleet, cluster).await;
    assert_eq!((numbers(identity), numbers(trust)), ((8, 0, 8), (40, 0, 0)));
}

#[tokio::test]
async fn names_of_nodes_are_kept_in_the_spelling_of_the_catalogue() {
    let fleet = Fleet::new().await;
    let cluster = fleet.cluster("alpha").await.cluster.id;
    let node = fleet.node(cluster, "n1").await.node.id;
    let root = Ca::root("Root");
    let (token, leaf) = (root.leaf("oauth", 20), root.leaf("n1", 20));
    let held = || {
        vec![
            identity_entry("AUTHZ", &token, Served::NotObservable),
            identity_entry("Tomcat", &leaf, Served::NotObservable),
            trust_entry("TOMCAT-trust", "Root.pem", &root.certificate),
        ]
    };
    let places = async || {
        let mut places: Vec<(String, String)> = all(&fleet, node)
            .await
            .into_iter()
            .map(|row| (row.installation.store, row.installation.entry))
            .collect();
        places.sort();
        places
    };
    let wanted = [("authz", "authz"), ("tomcat", "tomcat"), ("tomcat-trust", "Root.pem")];
    let wanted = wanted.map(|(store, entry)| (store.to_string(), entry.to_string()));
    fleet
        .apply(node, &with_csr(inventory("1", held()), "Tomcat", &csr(&key(), "n1")))
        .await;
    assert_eq!(places().await, wanted);
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let open = inventory::csrs(&tx, &CsrFilter::default(), None, 10).await.unwrap();
    assert_eq!(open.items[0].csr.purpose, "tomcat");
    drop(tx);
    // Another spelling is no other place.
    let mut other = held();
    other[0] = identity_entry("authz", &token, Served::NotObservable);
    fleet.apply(node, &inventory("2", other)).await;
    assert_eq!(places().await, wanted);
    // What has after-care and is not renewed is known by that name.
    assert_eq!(
        certyard_domain::catalogue::not_renewed("cucm", &wanted[0].0).map(|row| row.how),
        Some("set key regen authz signing")
    );
    assert!(!certyard_domain::catalogue::restarts("cucm", "14", &wanted[0].0).is_empty());
}
