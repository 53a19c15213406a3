//! Rows of `job`, `job_cluster` and `task`.

pub(super) mod job;
pub(super) mod job_cluster;
pub(super) mod task;
