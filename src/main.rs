//! The program `certyard`.

fn main() {}
