//! The rooms of the domain on a real database: SQLite, or PostgreSQL with `TEST_PG_URL`.

mod catalogue_of_the_database;
mod floor;
mod jobs;
mod jobs_at_random;
mod machine;
mod people;
mod plans;
mod rules;
mod traps;
