//! certyard-api
