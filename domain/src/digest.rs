//! SHA-256 as the program stores and shows it.

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 in lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}
