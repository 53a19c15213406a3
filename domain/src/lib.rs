//! certyard-domain
