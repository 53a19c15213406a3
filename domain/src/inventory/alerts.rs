//! The page of alerts (R6-R8): what is expired or expiring, identity and trust, over all clusters in scope.
//!
//! All of it ends before one time, so that the index by the end serves a page, whatever the size of the fleet; the totals
//! are read from the summaries of clusters.

use super::list::{ExpiryStatus, InstallationCursor, InstallationFilter, Sort, installations};
use super::rows::InstallationRow;
use crate::db::OrgTx;
use crate::error::{Error, Result};
use crate::lists::Page;

/// What makes an installation an alert.
const DUE: [ExpiryStatus; 2] = [ExpiryStatus::Expired, ExpiryStatus::Expiring];

/// One page of what is expired or expiring; without statuses in the filter, of both.
///
/// # Errors
/// [`Error::Invalid`] on `status` for [`ExpiryStatus::Valid`], which is no alert, and as for [`installations`].
pub async fn alerts(
    tx: &OrgTx,
    filter: &InstallationFilter,
    sort: Sort,
    after: Option<InstallationCursor>,
    limit: u64,
) -> Result<Page<InstallationRow, InstallationCursor>> {
    if filter.statuses.contains(&ExpiryStatus::Valid) {
        return Err(Error::field(
            "status",
            "no_alert",
            "is `expired` or `expiring`: what is valid is no alert",
        ));
    }
    let mut filter = filter.clone();
    if filter.statuses.is_empty() {
        filter.statuses = DUE.into();
    }
    installations(tx, &filter, sort, after, limit).await
}
