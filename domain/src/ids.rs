//! Identifiers.

use uuid::Uuid;

/// A new identifier: UUID v7, so that rows made later sort later on both databases.
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}
