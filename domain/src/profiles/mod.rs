//! Profiles: what is wanted of identity certificates, for each product and purpose (R33 to R38). A profile decides what a
//! request for a certificate asks for, which actions are offered, and what compliance compares.
//!
//! ```text
//! settings of a profile ── effective(product, version) ──▶ what a node of that version can have of it
//!                                                            │
//!                installed certificate ── compare ───────────┴──▶ a difference for each field
//! ```
//!
//! What may be chosen is in the catalogue. A field that a profile leaves open wants what is installed; the built-in profile
//! ([`BUILT_IN`]) leaves all of them open, so that a cluster without a profile of its own can always do both: sign for
//! itself, or make a request for a CA. It is no row and cannot be edited (R34).
//!
//! A cluster has a profile of its own or follows the organisation's default, which is the built-in one unless another has
//! taken its place (R36). Whoever changes what is wanted of clusters marks them as due; the inventory compares them.

mod assign;
mod check;
mod compare;
mod edit;
mod effective;
pub(crate) mod entity;
mod list;
mod options;
mod setting;
mod subject;

pub use assign::{Assignment, MAX_CLUSTERS, assign};
pub use compare::{Compared, Difference, Seen, compare};
pub use edit::{NewProfile, ProfileChange, copy, create, retire, set_default, update};
pub use effective::{Effective, Gate, effective};
pub use list::{Attached, Attachments, ProfileCursor, ProfileRow, attached, get, list};
pub use options::{KeyOption, PurposeOptions, SelfSignedOption, options};
pub use setting::{Field, ProfileWarning, Setting, Signing, warnings};

pub(crate) use assign::{due, settled};

use crate::error::Error;
use uuid::Uuid;

/// The id of the built-in profile, in every organisation.
pub const BUILT_IN: Uuid = Uuid::nil();
/// The name of the built-in profile.
pub const BUILT_IN_NAME: &str = "Default";

pub(crate) fn not_found() -> Error {
    Error::NotFound { what: "profile" }
}
