//! The page of alerts (R6-R8).

use crate::fleet::*;
use certyard_domain::clusters::{self, ClusterFilter, Counts};
use certyard_domain::inventory::{self, ExpiryStatus, InstallationFilter, InstallationRow, Sort};
use certyard_domain::{Error, Role};
use certyard_protocol::{Served, StoreKind};
use chrono::TimeDelta;
use uuid::Uuid;

/// `start_days` of a new organisation.
async fn start_days(fleet: &Fleet) -> i64 {
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    certyard_domain::orgs::get(&tx).await.unwrap().start_days.into()
}

async fn alerts(fleet: &Fleet, filter: &InstallationFilter) -> Vec<InstallationRow> {
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let page = inventory::alerts(&tx, filter, Sort::NotAfter, None, 200).await.unwrap();
    assert!(page.next.is_none());
    page.items
}

async fn names(fleet: &Fleet, filter: &InstallationFilter) -> Vec<String> {
    let rows = alerts(fleet, filter).await;
    rows.into_iter().map(|row| row.installation.common_name).collect()
}

/// Two clusters; the first node holds an expired and an expiring identity certificate and a valid one, the second trusts what
/// is expiring and what is valid.
async fn two_clusters(fleet: &Fleet) -> (Uuid, Uuid) {
    let days = start_days(fleet).await;
    let root = Ca::root("Root");
    let (alpha, beta) = (
        fleet.cluster("alpha").await.cluster.id,
        fleet.cluster("beta").await.cluster.id,
    );
    let (first, second) = (
        fleet.node(alpha, "a1").await.node.id,
        fleet.node(beta, "b1").await.node.id,
    );
    let entries = vec![
        identity_entry("tomcat", &root.leaf("ends-at-noon", 0), Served::Served),
        identity_entry("CallManager", &root.leaf("ends-at-the-edge", days), Served::Served),
        identity_entry("ipsec", &root.leaf("ends-later", days + 1), Served::Served),
    ];
    fleet.apply(first, &inventory("1", entries)).await;
    let entries = vec![
        trust_entry("tomcat-trust", "soon", &root.leaf("trusted-soon", 1)),
        trust_entry("CallManager-trust", "past", &root.leaf("trusted-past", -1)),
        trust_entry("tomcat-trust", "root", &root.certificate),
    ];
    fleet.apply(second, &inventory("1", entries)).await;
    (alpha, beta)
}

#[tokio::test]
async fn r06_r42_alerts_are_what_is_expired_or_expiring_exactly_to_the_edges() {
    let fleet = Fleet::new().await;
    two_clusters(&fleet).await;
    let told = async || -> Vec<(String, String, &'static str)> {
        let rows = alerts(&fleet, &InstallationFilter::default()).await;
        let row = |row: InstallationRow| (row.installation.common_name, row.cluster_name, row.status.as_str());
        rows.into_iter().map(row).collect()
    };
    let told_as = |rows: &[(&str, &str, &'static str)]| -> Vec<(String, String, &'static str)> {
        let own =
            |(name, cluster, status): &(&str, &str, &'static str)| (name.to_string(), cluster.to_string(), *status);
        rows.iter().map(own).collect()
    };
    // Identity and trust of both clusters, what ends first first; both edges belong to it.
    let at_noon = told_as(&[
        ("trusted-past", "beta", "expired"),
        ("ends-at-noon", "alpha", "expired"),
        ("trusted-soon", "beta", "expiring"),
        ("ends-at-the-edge", "alpha", "expiring"),
    ]);
    assert_eq!(told().await, at_noon);
    // A second earlier neither edge has come.
    fleet.test.db.fix_time(Some(noon() - TimeDelta::seconds(1)));
    let before = told_as(&[
        ("trusted-past", "beta", "expired"),
        ("ends-at-noon", "alpha", "expiring"),
        ("trusted-soon", "beta", "expiring"),
    ]);
    assert_eq!(told().await, before);
    // A day later the next one has.
    fleet.test.db.fix_time(Some(noon() + TimeDelta::days(1)));
    let after = told().await;
    assert_eq!(after.len(), 5);
    assert_eq!(after[2], told_as(&[("trusted-soon", "beta", "expired")])[0]);
    assert_eq!(after[4], told_as(&[("ends-later", "alpha", "expiring")])[0]);
}

#[tokio::test]
async fn r08_filters_of_alerts_are_lists_of_which_any_fits() {
    let fleet = Fleet::new().await;
    let (alpha, beta) = two_clusters(&fleet).await;
    let all = InstallationFilter::default;
    let only = |statuses: &[ExpiryStatus]| InstallationFilter {
        statuses: statuses.into(),
        ..all()
    };
    assert_eq!(
        names(&fleet, &only(&[ExpiryStatus::Expired])).await,
        ["trusted-past", "ends-at-noon"]
    );
    assert_eq!(
        names(&fleet, &only(&[ExpiryStatus::Expiring])).await,
        ["trusted-soon", "ends-at-the-edge"]
    );
    assert_eq!(
        names(&fleet, &only(&[ExpiryStatus::Expiring, ExpiryStatus::Expired]))
            .await
            .len(),
        4
    );
    let stores = |stores: &[&str]| InstallationFilter {
        stores: stores.iter().map(ToString::to_string).collect(),
        ..all()
    };
    assert_eq!(names(&fleet, &stores(&["tomcat"])).await, ["ends-at-noon"]);
    assert_eq!(
        names(&fleet, &stores(&["tomcat", "CallManager-trust"])).await,
        ["trusted-past", "ends-at-noon"]
    );
    // What is valid is in no list of alerts, whatever its store.
    assert!(names(&fleet, &stores(&["ipsec"])).await.is_empty());
    let products = |products: &[&str]| InstallationFilter {
        products: products.iter().map(ToString::to_string).collect(),
        ..all()
    };
    assert_eq!(names(&fleet, &products(&["cucm", "imp"])).await.len(), 4);
    assert!(names(&fleet, &products(&["imp"])).await.is_empty());
    let kind = |kind| InstallationFilter {
        kind: Some(kind),
        ..all()
    };
    assert_eq!(
        names(&fleet, &kind(StoreKind::Identity)).await,
        ["ends-at-noon", "ends-at-the-edge"]
    );
    let of = |clusters: Vec<Uuid>| InstallationFilter { clusters, ..all() };
    assert_eq!(names(&fleet, &of(vec![beta])).await, ["trusted-past", "trusted-soon"]);
    assert_eq!(names(&fleet, &of(vec![alpha, beta])).await.len(), 4);
    let groups = |groups: Vec<Uuid>| InstallationFilter { groups, ..all() };
    assert_eq!(names(&fleet, &groups(vec![fleet.group])).await.len(), 4);
    assert!(names(&fleet, &groups(vec![Uuid::now_v7()])).await.is_empty());
    let both = InstallationFilter {
        search: Some("ENDS-at".into()),
        ..only(&[ExpiryStatus::Expiring])
    };
    assert_eq!(names(&fleet, &both).await, ["ends-at-the-edge"]);

    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    let valid = inventory::alerts(&tx, &only(&[ExpiryStatus::Valid]), Sort::NotAfter, None, 10).await;
    assert!(
        matches!(&valid, Err(Error::Invalid(fields)) if fields[0].field == "status"),
        "{valid:?}"
    );
}

#[tokio::test]
async fn r06_pages_of_alerts_hold_each_once_in_either_order() {
    let fleet = Fleet::new().await;
    two_clusters(&fleet).await;
    let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
    for (sort, expected) in [
        (
            Sort::NotAfter,
            ["trusted-past", "ends-at-noon", "trusted-soon", "ends-at-the-edge"],
        ),
        (
            Sort::CommonName,
            ["ends-at-noon", "ends-at-the-edge", "trusted-past", "trusted-soon"],
        ),
    ] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = inventory::alerts(&tx, &InstallationFilter::default(), sort, after, 1)
                .await
                .unwrap();
            assert_eq!(page.items.len(), 1);
            seen.extend(page.items.into_iter().map(|row| row.installation.common_name));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected, "{sort:?}");
    }
}

#[tokio::test]
async fn r06_totals_are_those_of_the_summaries_by_kind_status_and_filter() {
    let fleet = Fleet::new().await;
    let (alpha, beta) = two_clusters(&fleet).await;
    let counts = |total, expired, expiring| Counts {
        total,
        expired,
        expiring,
    };
    let told = async |filter: ClusterFilter| {
        let tx = fleet.test.db.read(fleet.owner()).await.unwrap();
        let found = clusters::certificate_counts(&tx, &filter).await.unwrap();
        (found.identity, found.trust)
    };
    assert_eq!(told(ClusterFilter::default()).await, (counts(3, 1, 1), counts(3, 1, 1)));
    let ids = |ids: Vec<Uuid>| ClusterFilter {
        ids,
        ..Default::default()
    };
    assert_eq!(told(ids(vec![alpha])).await, (counts(3, 1, 1), counts(0, 0, 0)));
    assert_eq!(told(ids(vec![beta])).await, (counts(0, 0, 0), counts(3, 1, 1)));
    let imp = ClusterFilter {
        products: vec!["imp".into()],
        ..Default::default()
    };
    assert_eq!(told(imp).await, (counts(0, 0, 0), counts(0, 0, 0)));
    // The list and the counts agree when time has passed an edge and the worker has been there.
    fleet.test.db.fix_time(Some(noon() + TimeDelta::days(1)));
    inventory::refresh_due(&fleet.test.db).await.unwrap();
    let (identity, trust) = told(ClusterFilter::default()).await;
    let listed = alerts(&fleet, &InstallationFilter::default()).await.len();
    let sum = identity.expired + identity.expiring + trust.expired + trust.expiring;
    assert_eq!(usize::try_from(sum).unwrap(), listed);
    assert_eq!(identity, counts(3, 1, 2));
}

#[tokio::test]
async fn r06_a_role_bound_to_another_group_has_no_alerts() {
    let fleet = Fleet::new().await;
    two_clusters(&fleet).await;
    let south = group(&fleet.test, fleet.owner(), "South").await;
    for (groups, expected) in [(vec![south], 0), (vec![fleet.group], 4)] {
        let bound = fleet.org.member(Role::Viewer, Some(groups));
        let tx = fleet.test.db.read(&bound).await.unwrap();
        let page = inventory::alerts(&tx, &InstallationFilter::default(), Sort::NotAfter, None, 50)
            .await
            .unwrap();
        assert_eq!(page.items.len(), expected);
        let found = InstallationFilter {
            search: Some("ends-at".into()),
            ..Default::default()
        };
        let page = inventory::alerts(&tx, &found, Sort::NotAfter, None, 50).await.unwrap();
        assert_eq!(page.items.len(), expected / 2);
        let counts = clusters::certificate_counts(&tx, &ClusterFilter::default())
            .await
            .unwrap();
        assert_eq!(counts.identity.total + counts.trust.total == 0, expected == 0);
    }
}
