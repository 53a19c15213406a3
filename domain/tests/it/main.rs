//! The rooms of the domain on a real database: SQLite, or PostgreSQL with `TEST_PG_URL`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

mod acknowledgements;
mod agents;
mod alerts;
mod catalogue_of_the_database;
mod certificates;
mod clusters;
mod compliance;
mod distribute;
mod drift;
mod fleet;
mod floor;
mod follow;
mod hygiene;
mod inventory;
mod jobs;
mod jobs_at_random;
mod large_job;
mod lists;
mod lock_order;
mod machine;
mod nodes;
mod notification_rules;
mod numbers;
mod people;
mod plans;
mod profiles;
mod root_changes;
mod rounds;
mod rules;
mod sweeps;
mod traps;
