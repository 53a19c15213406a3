//! Rows of the room.

pub mod compliance;
pub mod csr;
pub mod expiry;
pub mod history;
pub mod installation;
pub mod quarantine;
