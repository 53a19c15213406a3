//! What nodes hold: which certificate is installed in which store of which node, what it was before, and whether it is
//! served. Written by reports of agents and results of tasks, under the lock of the cluster's row; read by the lists of the
//! pages.
//!
//! An installation has three clocks: *issued* is the certificate's own begin, *installed* is when it was first seen in the
//! store, *served* is when it was first seen over the wire. `served_state` is one of [`ServedState`]; `served_note` is the
//! SHA-256 of the certificate that is served instead while a restart is pending, and the reason while it is unknown.
//!
//! ```text
//! (store, entry) of a node:  ──installed──▶ present ──replaced──▶ present
//!                                             │  ▲
//!                                          removed └──installed── gone
//! CSR of a purpose:  open ──▶ answered (its key is installed) | replaced (by a newer CSR) | gone
//! ```

mod alerts;
mod apply;
mod certificate;
mod compliance;
mod counts;
mod csrs;
mod diff;
mod drift;
mod endings;
pub(crate) mod entity;
mod expiries;
mod holders;
mod hygiene;
mod list;
mod matrix;
mod own;
mod parse;
mod quarantine;
mod read_csrs;
mod report;
mod rows;
mod trust;
mod usages;

pub use alerts::alerts;
pub use apply::{Applied, Cause, apply};
pub use certificate::{CertificateDetail, certificate, of_certificate};
pub use compliance::{settle_after_change, settle_compliance, settle_due};
pub use counts::{EdgesDue, edges_due, outdate_all, refresh_due, refresh_summaries};
pub use diff::{Event, ServedState};
pub use drift::{InstallationWarning, WarningCode, drifted};
pub(crate) use endings::ends_within;
pub use endings::{Ending, EndsWithin, endings};
pub use entity::csr::Model as Csr;
pub use entity::history::Model as HistoryRow;
pub use entity::installation::Model as Installation;
pub use entity::quarantine::Model as Kept;
pub use expiries::{DayOfEnds, expiries};
pub use holders::{Holder, holders};
pub(crate) use hygiene::weakness;
pub use hygiene::{Clutter, ClutterFilter, ClutterRow, clutter};
pub use list::{
    ExpiryStatus, InstallationCursor, InstallationFilter, Sort, certificate_history, get, history, installations,
};
pub use matrix::{ComplianceRow, RuleCount, compliance};
pub use parse::{Parsed, ParsedCsr, ParsedEntry, Unreadable, parse, parse_off_thread};
pub use quarantine::{KeptFilter, KeptRow, kept};
pub use read_csrs::{CsrFilter, CsrRow, CsrState, csr_pem, csrs, get_csr, open_csrs};
pub(crate) use report::retire_node;
pub use report::{failed, report, unchanged};
pub use rows::{CsrBrief, InstallationRow};
pub use trust::{TrustFilter, TrustRow, trust};
pub use usages::{UsageRow, server_only};
