//! certyard-migrations
