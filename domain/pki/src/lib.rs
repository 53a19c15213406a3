//! certyard-pki
