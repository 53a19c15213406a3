//! Rows of the room.

pub mod certificate;
pub mod der;
pub mod name;
