//! Root changes: the certificate of a CA makes way for another one in all trust stores that hold it, in an order in which no node meets a
//! certificate that it does not trust.
//!
//! ```text
//!  distribute ──▶ verify ──▶ switch ──▶ retire ──▶ completed
//!      ▲            │        (CSR, answer of the CA)
//!      └── missing ─┘                   open ─────▶ cancelled
//! ```
//!
//! Stored are what becomes what, where, and how it ended. How far it is follows from the inventory at each look ([`progress`]): a place is
//! covered once a reading of its node has found the new certificate in it, whoever put it there. A phase that must not begin yet says
//! why ([`Block`]). What a phase does is an ordinary plan, which `plans` makes.
//!
//! A root change is of the organisation as a whole: whoever is bound to some groups does not see what hangs on the others.

mod check;
mod coverage;
mod edit;
pub(crate) mod entity;
mod identities;
mod lineage;
mod list;
mod progress;
mod within;

pub use check::Caution;
pub use coverage::{CoverCounts, CoverRow, CoverState, CoverageCursor, CoverageFilter, coverage};
pub(crate) use coverage::{holding_places, lacking_places, nodes_to_read};
pub use edit::{NewAuthority, NewRootChange, RootChangeUpdate, close, create, update};
pub(crate) use identities::identities_on_old;
pub use identities::{IdentityCounts, IdentityCursor, IdentityFilter, IdentityRow, IdentityState, identities};
pub use list::{RootChange, State, get, list};
pub use progress::{Block, Next, Phase, PhaseState, Progress, progress};
pub(crate) use progress::{Undistributed, undistributed};
pub use within::Within;

use crate::error::Error;

fn not_found() -> Error {
    Error::NotFound { what: "root change" }
}
