//! Rows of the room.

pub mod cluster_profile;
pub mod profile;
