//! The agent against real parts: a real nginx, the lab's nodes, and a server of the tests' own that can be hostile.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

mod command_line;
mod conformance;
mod kill_points;
mod lifecycle;
mod multi_server;
mod nginx;
mod nginx_faults;
mod nodes;
mod own_steps;
mod program;
mod refusals;
mod stub;
mod uc;
