//! certyard-agent
