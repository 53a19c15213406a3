//! Rows of `cluster_group`, `cluster` and `cluster_summary`.

pub mod cluster;
pub mod group;
pub mod summary;
