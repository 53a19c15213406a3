//! LISTENS: HTTP only. A handler extracts, asks the domain for one thing, and converts the answer.

mod agents;
mod audit;
mod body;
mod catalogue;
mod certificates;
mod clusters;
mod csrs;
mod error;
mod events;
mod groups;
mod health;
mod installations;
mod jobs;
mod members;
mod nodes;
mod openapi;
pub mod operations;
mod organisation;
mod overview;
mod page;
mod people;
mod plans;
mod routes;
mod setup;
mod tokens;

pub use openapi::{openapi, openapi_json};
