//! Rows of `job`, `job_cluster`, `task` and `aftercare`.

pub(super) mod aftercare;
pub(super) mod job;
pub(super) mod job_cluster;
pub(super) mod task;
