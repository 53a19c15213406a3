//! Tests of the lab, each over the wire where a real node would be asked over the wire.

mod birth;
mod csr;
mod faults;
mod identity;
mod outside_ca;
mod persistence;
mod program;
mod restart;
mod scale;
mod support;
mod trust;
mod wire;
