//! certyard-testkit
