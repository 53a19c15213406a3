//! The whole house, as its users run it: real programs, real nodes of the lab, a real nginx, and the openssl command as
//! second opinion. On SQLite, and on PostgreSQL with `TEST_PG_URL`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

mod actions;
mod api;
mod catalogue;
mod failures;
mod fleet;
mod house;
mod kill_points;
mod mail_kill_points;
mod main_job;
mod mixed_fleet;
mod multi_server;
mod outside_ca;
mod reference;
mod root_change;
mod server_kill_points;
mod start;
mod web_server;
