//! DECIDES: rules and storage, one folder per noun. No HTTP, no mail, no ACME, no node access.
//!
//! Each noun is a room with its rules, its private entity and its queries, over a floor: [`db`], [`digest`], [`ids`], [`clock`],
//! [`error`], [`failpoint`], [`scope`], [`signal`]. Rooms import the floor and the rooms above them in the list of
//! `lib.rs`, never below.

pub mod clock;
pub mod db;
pub mod digest;
pub mod error;
pub mod failpoint;
mod fields;
pub mod ids;
pub mod lists;
pub mod scope;
pub mod signal;

pub mod audit;
pub mod idempotency;

pub mod agents;
pub mod alerts;
pub mod catalogue;
pub mod certificates;
pub mod clusters;
pub mod gauges;
pub mod inventory;
pub mod jobs;
pub mod keys;
pub mod nodes;
pub mod orgs;
pub mod people;
pub mod plans;
pub mod profiles;
pub mod root_changes;

pub use clock::Timestamp;
pub use db::{Db, OrgTx};
pub use error::{Error, FieldError, Result};
pub use lists::{MAX_LIMIT, Page};
pub use scope::{Actor, ActorKind, Permission, Role, Scope};
