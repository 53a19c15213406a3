//! The agent: touches nodes, and keeps keys and credentials at the site.
//!
//! It connects out to the server, waits for work in a long poll, verifies what it is given, and runs steps through a
//! [`connector`]. Reading order: [`run`] (the loops) → [`tasks`](crate::verify) (one claimed task: verify, admit, run) →
//! [`execute`] (steps between two lines of the [`journal`]) → [`connectors`] (what a step means on a kind of node).

#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agent;
pub mod backoff;
pub mod cli;
pub mod connector;
pub mod connectors;
pub mod execute;
pub mod failpoint;
pub mod folder;
pub mod identity;
pub mod journal;
pub mod nodes;
mod pem_blocks;
mod report;
mod run;
pub mod sealed;
pub mod server;
mod tasks;
mod tls;
pub mod verify;
pub mod wire;

pub use agent::{Agent, Options, Stop};
pub use report::difference;
pub use run::run;
