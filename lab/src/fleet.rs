//! Which clusters and nodes a fleet of a given size has: names, products, versions and roles.
//!
//! The company is invented: Holmgard Logistics, `holmgard.example`, with three clusters at each of its sites. They have three, four and
//! five nodes, so that a fleet has four nodes for each cluster. Products and releases repeat every four sites.

use crate::{product::Product, version::Version};

/// The domain of all nodes.
pub(crate) const DOMAIN: &str = "holmgard.example";

const SITES: [&str; 50] = [
    "sto", "got", "mal", "osl", "ber", "tro", "cph", "aar", "ode", "hel", "tam", "tur", "tal", "rig", "vil", "ham",
    "kie", "bre", "bln", "muc", "fra", "cgn", "lej", "war", "gdn", "krk", "prg", "brq", "vie", "grz", "zrh", "gva",
    "ams", "rtm", "bru", "ant", "par", "lys", "mrs", "lon", "man", "edi", "dub", "mad", "bcn", "lis", "opo", "rom",
    "mil", "ath",
];

/// One cluster to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClusterPlan {
    /// Its place in the fleet.
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) product: Product,
    pub(crate) version: Version,
    /// Host names without domain, the publisher first.
    pub(crate) hosts: Vec<String>,
}

/// The first `count` clusters of the fleet. A larger fleet begins with the smaller one.
pub(crate) fn plan(count: usize) -> Vec<ClusterPlan> {
    (0..count).map(plan_cluster).collect()
}

fn plan_cluster(index: usize) -> ClusterPlan {
    let number = index / 3;
    let mut site = SITES.get(number % SITES.len()).copied().unwrap_or("hq").to_owned();
    if number >= SITES.len() {
        site.push_str(&(number / SITES.len() + 1).to_string());
    }
    let (kind, short, product, version) = match (number % 4, index % 3) {
        (0, 0) => ("voice", "cm", Product::Cucm, Version::V15),
        (0, 1) => ("presence", "im", Product::Imp, Version::V15),
        (0, _) => ("contact", "cc", Product::Cucm, Version::V14),
        (1, 0) => ("mail", "cx", Product::Cuc, Version::V15),
        (1, 1) => ("presence", "im", Product::Imp, Version::V14),
        (1, _) => ("voice", "cm", Product::Cucm, Version::V12_5),
        (2, 0) => ("emergency", "er", Product::Cer, Version::V14),
        (2, 1) => ("mail", "cx", Product::Cuc, Version::V12_5),
        (2, _) => ("voice", "cm", Product::Cucm, Version::V11_5),
        (_, 0) => ("emergency", "er", Product::Cer, Version::V12_5),
        (_, 1) => ("presence", "im", Product::Imp, Version::V12_5),
        (_, _) => ("mail", "cx", Product::Cuc, Version::V14),
    };
    let nodes = index % 3 + 3;
    let host = |node: usize| match node {
        0 => format!("{site}-{short}-pub"),
        node => format!("{site}-{short}-sub{node}"),
    };
    ClusterPlan {
        index,
        name: format!("{site}-{kind}"),
        product,
        version,
        hosts: (0..nodes).map(host).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn three_hundred_clusters_have_twelve_hundred_nodes_of_different_names() {
        let fleet = plan(300);
        let hosts: BTreeSet<_> = fleet.iter().flat_map(|cluster| &cluster.hosts).collect();
        let names: BTreeSet<_> = fleet.iter().map(|cluster| &cluster.name).collect();
        assert_eq!((names.len(), hosts.len()), (300, 1_200));
    }

    #[test]
    fn the_smallest_fleet_has_two_products_and_two_versions_and_twelve_clusters_have_all() {
        let has = |fleet: &[ClusterPlan], product, version| {
            fleet
                .iter()
                .any(|cluster| (cluster.product, cluster.version) == (product, version))
        };
        let small = plan(3);
        assert!(has(&small, Product::Imp, Version::V15));
        assert!(has(&small, Product::Cucm, Version::V14) && has(&small, Product::Cucm, Version::V15));
        assert!(small.iter().all(|cluster| cluster.version.has_rest()));
        let large = plan(12);
        for product in Product::ALL {
            assert!(large.iter().any(|cluster| cluster.product == product), "{product:?}");
            assert!(
                large
                    .iter()
                    .any(|cluster| cluster.product == product && !cluster.version.has_rest()),
                "{product:?} without REST"
            );
        }
        for version in Version::ALL {
            assert!(has(&large, Product::Cucm, version), "{version:?}");
        }
    }
}
