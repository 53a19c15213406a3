//! Rows of the room.

pub mod agent;
pub mod join_token;
