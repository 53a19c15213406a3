//! Claims about the API, against a real server on a real database: SQLite, and PostgreSQL with `TEST_PG_URL`.

mod agents;
mod authorization;
mod events;
mod house;
mod openapi;
mod requests;
mod uploads;
