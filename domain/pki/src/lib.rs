//! Certificates, requests, keys and chains: everything Certyard knows of X.509.
//!
//! Pure: no I/O, no clock, no database. What comes in are bytes and times, what goes out are records. The rooms:
//!
//! - [`Certificate`] and [`Csr`]: records of what a certificate or a request says, with its bytes kept as received
//! - [`upload`]: what a person or a program hands in (PEM, DER, PKCS#7), accepted or refused as a whole
//! - [`PrivateKey`], [`make_csr`], [`self_signed`], [`issue`], [`issue_from_csr`]: making keys, requests, certificates
//! - [`chain`]: from a certificate to its root; [`answer`]: a CA's answer against the request it answers
//! - [`pkcs7`], [`pem_text`]: the envelopes
//!
//! Parsing never panics: indexing, `unwrap` and `expect` are denied, nesting is bounded, and every length is checked.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod answer;
mod certificate;
pub mod chain;
mod csr;
mod error;
mod extensions;
mod fields;
mod issue;
mod key_info;
mod keys;
mod name;
mod oid;
pub mod pem_text;
pub mod pkcs7;
mod san;
mod signer;
mod text;
mod time;
mod tlv;
pub mod upload;
mod verify;

pub use certificate::Certificate;
pub use csr::Csr;
pub use error::PkiError;
pub use extensions::BasicConstraints;
pub use issue::{CsrRequest, Profile, issue, issue_from_csr, make_csr, self_signed};
pub use key_info::KeyInfo;
pub use keys::{KeySpec, PrivateKey};
pub use name::Subject;
pub use san::{San, SanKind};
pub use signer::Hash;
pub use verify::SignatureCheck;

/// What every function of this crate that can fail returns.
pub type Result<T, E = PkiError> = std::result::Result<T, E>;
