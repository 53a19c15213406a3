//! A simulated fleet of Cisco UC nodes, for demo and tests.
//!
//! Every node is a TLS server on a port of its own that speaks the certificate management REST API of real nodes and keeps their rules.
//! **It is a simulation**: it was written after the vendor's documents and public clients of the API, not after the product, and no page
//! says otherwise.
//!
//! | room | what it holds |
//! |---|---|
//! | `product`, `version`, `rules` | what a node has and how it decides; pure |
//! | `fleet`, `mix`, `birth`, `world` | what a new fleet looks like, the same for the same seed |
//! | `state`, `keys`, `files`, `cluster` | what is on disk; a change is there before it is seen |
//! | `rest`, `shell`, `ssh`, `node`, `faults`, `record` | the node on the wire, its troubles, and what it was asked |
//! | `stores` | what a node holds, for tests |
//! | `lab`, `control`, `cli` | the running fleet, and how people and programs speak to it |
//! | `outside_ca` | the CA that signs what nodes ask for, with the mistakes that real ones make |

mod birth;
mod cli;
mod cluster;
mod control;
mod faults;
mod files;
mod fleet;
mod keys;
mod lab;
mod mix;
mod node;
mod outside_ca;
mod product;
mod record;
mod rest;
mod rules;
mod shell;
mod ssh;
mod state;
mod stores;
mod version;
mod world;

pub use cli::{LabArgs, run};
pub use faults::{BadFault, Failure, Fault, Trouble};
pub use lab::{Lab, LabFile, LabOptions, NodeInfo};
pub use outside_ca::{Answer, Mistake, OutsideCa};
pub use product::{Holder, Product, Service, Store};
pub use record::{Operation, Request};
pub use stores::NodeStores;
pub use version::Version;
