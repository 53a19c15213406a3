//! LISTENS: HTTP only. A handler extracts, asks the domain for one thing, and converts the answer.

#![expect(
    clippy::result_large_err,
    reason = "a problem is made once for a request, and a box around it would stand in every signature"
)]

mod acknowledgements;
mod agent_listener;
mod agents;
mod alerts;
mod audit;
mod body;
mod caller;
mod catalogue;
mod certificates;
mod channels;
mod clusters;
mod compliance;
mod config;
mod csrs;
mod csv;
mod dashboard;
mod docs;
mod error;
mod etag;
mod events;
mod expiries;
mod feeds;
mod gate;
mod groups;
mod health;
mod hygiene;
mod idempotency;
mod installations;
mod jobs;
mod limit;
mod list;
mod members;
mod messages;
mod metrics;
mod nodes;
mod openapi;
pub mod operations;
mod ops;
mod organisation;
mod origin;
mod overview;
mod page;
mod people;
mod plans;
mod profiles;
mod quarantine;
mod query;
mod root_changes;
mod routes;
mod rules;
mod search;
mod server;
mod settings;
mod setup;
mod state;
mod tls;
mod tokens;
mod upload;
mod usages;
mod waiters;
mod wrap;

pub use config::{Config, Network, Rates, Secret, TlsFiles};
pub use openapi::{openapi, openapi_json};
pub use server::{Addresses, Server, serve, serve_ops};
