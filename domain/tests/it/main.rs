//! The rooms of the domain on a real database: SQLite, or PostgreSQL with `TEST_PG_URL`.

mod catalogue_of_the_database;
mod floor;
mod people;
mod rules;
mod traps;
