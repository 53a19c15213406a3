//! Changes that must not be made in one go.

use super::{Proof, certain, source};

/// Two purposes of a product whose certificates must not be changed together: phones trust the one by the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsafeTogether {
    /// The product's code.
    pub product: &'static str,
    /// The purpose that goes first.
    pub one: &'static str,
    /// The purpose that waits until the phones have taken the first.
    pub other: &'static str,
    /// What happens otherwise.
    pub note: &'static str,
    /// Source and evidence.
    pub proof: Proof,
}

const NOTE: &str =
    "phones that trust neither the old nor the new certificate any more have to be reset by hand, one by one";

const fn unsafe_together(one: &'static str, other: &'static str) -> UnsafeTogether {
    UnsafeTogether {
        product: "cucm",
        one,
        other,
        note: NOTE,
        proof: certain(source::SECURITY_14),
    }
}

/// Every pair (cisco.md 2.6). Sources differ on whether TVS or CallManager goes last; the vendor's security guide has
/// CallManager last, and so have these rows.
pub const UNSAFE_TOGETHER: &[UnsafeTogether] = &[
    unsafe_together("TVS", "CallManager"),
    unsafe_together("TVS", "CallManager-ECDSA"),
    unsafe_together("ITLRecovery", "CallManager"),
    unsafe_together("ITLRecovery", "CallManager-ECDSA"),
];
