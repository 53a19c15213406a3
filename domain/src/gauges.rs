//! Gauges of an organisation, for systems that watch it: how many certificates are valid, expiring and expired, and how many end within
//! a week, a month and a quarter. They come from kept counts, and from what ends within the longest window.

use crate::Permission;
use crate::clusters::{self, ClusterCounts, ProductCounts};
use crate::db::OrgTx;
use crate::error::Result;
use crate::inventory::{self, EndsWithin};

/// Days of the windows in which ends are counted.
pub const WINDOWS: [i64; 3] = [7, 30, 90];

/// The gauges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Counts by product and kind.
    pub products: Vec<ProductCounts>,
    /// What ends within each of [`WINDOWS`], by product and kind.
    pub ends: Vec<EndsWithin>,
    /// Counts by cluster and kind, where they were asked for.
    pub clusters: Vec<ClusterCounts>,
}

/// Reads the gauges, as far as the scope sees the fleet.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::ReadMetrics`].
pub async fn gauges(tx: &OrgTx, per_cluster: bool) -> Result<Gauges> {
    tx.scope().require(Permission::ReadMetrics)?;
    Ok(Gauges {
        products: clusters::product_counts(tx).await?,
        ends: inventory::ends_within(tx, WINDOWS).await?,
        clusters: match per_cluster {
            true => clusters::cluster_counts(tx).await?,
            false => Vec::new(),
        },
    })
}
