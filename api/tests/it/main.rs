//! Claims about the API, against a real server on a real database: SQLite, and PostgreSQL with `TEST_PG_URL`.

mod agents;
mod authorization;
mod dashboard;
mod events;
mod feeds;
mod house;
mod limits;
mod lists;
mod notifications;
mod numbers;
mod openapi;
mod organisation;
mod profiles;
mod requests;
mod root_changes;
mod tls;
mod uploads;
