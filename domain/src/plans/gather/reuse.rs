//! Which purposes use the certificates of which others (R12).

use super::Gathered;
use crate::catalogue::REUSES;
use crate::plans::facts::Node;
use std::collections::HashSet;

impl Gathered {
    /// Purposes of a node that use the certificate of this one.
    pub(super) fn takers(&self, node: &Node, purpose: &str) -> Vec<&'static str> {
        let sha256 = |purpose: &str| {
            let installed = self.installed.get(&(node.id, purpose.to_string()));
            installed.map(|one| one.sha256.as_str())
        };
        let own = sha256(purpose);
        REUSES
            .iter()
            .filter(|row| row.of == purpose && row.product == node.product)
            .filter(|row| row.versions.contains(&node.product_version))
            .filter(|row| own.is_some() && sha256(row.purpose) == own)
            .map(|row| row.purpose)
            .collect()
    }
}

/// The purposes whose certificates some others may take over.
pub(super) fn sources_of(purposes: &HashSet<&str>) -> Vec<&'static str> {
    let rows = REUSES.iter().filter(|row| purposes.contains(row.purpose));
    rows.map(|row| row.of).collect()
}

/// The purposes that may have taken over the certificates of these.
pub(super) fn takers_of(purposes: &HashSet<&str>) -> Vec<&'static str> {
    let rows = REUSES.iter().filter(|row| purposes.contains(row.of));
    rows.map(|row| row.purpose).collect()
}
