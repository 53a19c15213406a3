//! Tests of the lab, each over the wire where a real node would be asked over the wire.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends with a panic")]

mod birth;
mod csr;
mod faults;
mod identity;
mod outside_ca;
mod persistence;
mod program;
mod renew;
mod restart;
mod scale;
mod shell;
mod ssh;
mod support;
mod trust;
mod wire;
