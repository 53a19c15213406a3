//! Bodies of requests: what serde cannot say by itself.

use serde::{Deserialize, Deserializer};

/// Tells a member that is null from one that is absent: absent is `None`, null is `Some(None)`.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
