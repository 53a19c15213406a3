//! Rows of the room.

pub mod csr;
pub mod expiry;
pub mod history;
pub mod installation;
