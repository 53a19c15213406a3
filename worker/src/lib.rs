//! certyard-worker
