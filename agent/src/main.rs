//! The program `certyard-agent`.
fn main() {}
