//! The catalogue beside the lab: both say what a node of each product and release has, and neither may say it alone.

use certyard_domain::catalogue::{
    self, KeyFamily, Replication, purpose_info, purposes_of, spelling, trust_store_of, trust_stores_of,
};
use certyard_lab::{Holder, Product, Version};
use std::collections::BTreeSet;

fn each() -> impl Iterator<Item = (Product, Version)> {
    let of = |product| Version::ALL.into_iter().map(move |version| (product, version));
    Product::ALL.into_iter().flat_map(of)
}

#[test]
fn r01_each_release_of_each_product_has_the_same_purposes_in_the_catalogue_and_in_the_lab() {
    for (product, version) in each() {
        let known: BTreeSet<&str> = purposes_of(product.as_str(), version.as_str())
            .map(|row| row.code)
            .collect();
        let held: BTreeSet<&str> = product
            .services(version)
            .iter()
            .map(|service| spelling(service.name))
            .collect();
        assert_eq!(known, held, "{product:?} {version:?}");
    }
}

#[test]
fn a_purpose_is_held_signed_and_trusted_in_the_lab_as_the_catalogue_says() {
    for (product, version) in each() {
        let release = version.as_str();
        for service in product.services(version) {
            let what = format!("{} of {product:?} {release}", service.name);
            let row = purpose_info(product.as_str(), release, spelling(service.name)).unwrap();
            let in_release =
                |versions: Option<catalogue::Versions>| versions.is_some_and(|range| range.contains(release));
            assert_eq!(row.key == KeyFamily::Ec, service.elliptic, "key of {what}");
            assert_eq!(row.csr, service.trust.is_some(), "CSR of {what}");
            let store = service.trust.map(|name| format!("{name}-trust"));
            let known = trust_store_of(product.as_str(), release, row.code);
            assert_eq!(known, store.as_deref(), "trust store of {what}");
            assert_eq!(
                row.takes_multi_server(release),
                service.multi_server(),
                "multi-server {what}"
            );
            assert_eq!(
                in_release(row.cluster_wide),
                service.holder == Holder::Cluster,
                "one {what} for all nodes"
            );
            // The key that signs OAuth tokens is made anew by a command of its own.
            if row.code != "authz" {
                assert_eq!(
                    in_release(row.publisher_only),
                    matches!(service.holder, Holder::Publisher | Holder::Cluster),
                    "who makes {what}"
                );
            }
        }
    }
}

#[test]
fn r22_trust_stores_of_the_lab_spread_and_are_kept_from_subscribers_as_the_catalogue_says() {
    for product in Product::ALL {
        let known: BTreeSet<&str> = trust_stores_of(product.as_str()).map(|row| row.name).collect();
        let held: BTreeSet<String> = product
            .stores()
            .iter()
            .map(|store| format!("{}-trust", store.name))
            .collect();
        assert_eq!(known, held.iter().map(String::as_str).collect(), "{product:?}");
        for row in trust_stores_of(product.as_str()) {
            let what = format!("{} of {product:?}", row.name);
            let store = product.store(row.name).unwrap();
            assert_eq!(
                row.import == Replication::Cluster,
                store.replicated,
                "import into {what}"
            );
            let everywhere = row.delete == Replication::Cluster;
            assert_eq!(everywhere, store.deleted_everywhere, "deletion from {what}");
            assert_eq!(row.publisher_only, store.publisher_only, "who changes {what}");
        }
    }
}
