//! Certificates: each known once per organisation by the SHA-256 of its bytes, which are kept as received. A certificate
//! never changes; where it is installed is the inventory's to say.
//!
//! Reading and checking of certificates happens outside of transactions, on threads for blocking work and on no more of
//! them than there are processors; only rows that are ready go into the database.
//!
//! `details` of a row, for the API:
//! ```json
//! {"version": 3, "sans": [["dns", "www.example.org"]],
//!  "key": {"type": "EC", "bits": 256, "oid": "1.2.840.10045.2.1", "curve": "1.2.840.10045.3.1.7"},
//!  "key_usage": ["digitalSignature"], "extended_key_usage": ["serverAuth"],
//!  "basic_constraints": {"ca": false, "path_len": null}, "warnings": []}
//! ```
//! What a certificate does not say is `null`.

mod bulk;
pub(crate) mod entity;
mod find;
mod prepare;
mod read;
mod rows;
pub(crate) mod search;
mod store;

pub use bulk::{BulkRow, Outcome, Verdict, bulk, read_rows};
pub use entity::certificate::Model as Certificate;
pub use find::{CertificateCursor, CertificateFilter, StoredCertificate, der, get, list};
pub(crate) use find::{by_ids, ders};
pub use prepare::{Prepared, csr_details, off_thread, prepare};
pub(crate) use prepare::{indexable, shown_name, storable};
pub use read::{Imported, ImportedCertificate, import, inspect};
pub use rows::{Format, RawRow, Rows};
pub use store::{Source, Stored, ensure, ensure_prepared};

use crate::error::Error;

pub(crate) fn not_found() -> Error {
    Error::NotFound { what: "certificate" }
}
