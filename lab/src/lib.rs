//! certyard-lab
