//! Rows of `plan` and `plan_target`.

pub(super) mod plan;
pub(super) mod plan_target;
