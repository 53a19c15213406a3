//! Limits of rate: by address for whoever has shown no good credential, else by credential. Per process; quotas that
//! matter are rules of the domain.

use crate::config::Rates;
use crate::error::Problem;
use aws_lc_rs::digest::{SHA256, digest};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A credential that was accepted is let through a throttled address for so long after its last use: a session's whole life
/// would keep rows of people who have left, and a minute would lock out whoever pauses to read.
const REMEMBERED: Duration = Duration::from_secs(30 * 60);

/// A credential as this process remembers it: its SHA-256, never its text.
pub(crate) struct Shown([u8; 32]);

impl Shown {
    /// The text of a session or token.
    pub(crate) fn new(text: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(hash)
    }
}

/// The limits of one process.
pub(crate) struct Limits {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    credentials: DefaultKeyedRateLimiter<String>,
    /// Addresses that have used up what they may, and until when.
    throttled: Mutex<HashMap<IpAddr, Instant>>,
    /// Credentials that were accepted, and when last.
    accepted: Mutex<HashMap<[u8; 32], Instant>>,
    clock: DefaultClock,
}

impl Limits {
    pub(crate) fn new(rates: Rates) -> Self {
        Self {
            addresses: RateLimiter::keyed(Quota::per_minute(rates.address_per_minute)),
            credentials: RateLimiter::keyed(Quota::per_minute(rates.credential_per_minute)),
            throttled: Mutex::default(),
            accepted: Mutex::default(),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request of an address that has shown no good credential.
    pub(crate) fn address(&self, address: IpAddr) -> Result<(), Problem> {
        let key = customer(address);
        self.addresses.check_key(&key).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            locked(&self.throttled).insert(key, Instant::now() + wait);
            Problem::throttled(seconds(wait))
        })
    }

    /// Refuses a credential from a throttled address before anything is looked up for it. One that was accepted lately
    /// passes: whoever guesses behind the same address shuts nobody out who is in.
    pub(crate) fn unknown(&self, address: IpAddr, shown: &Shown) -> Result<(), Problem> {
        let now = Instant::now();
        let until = locked(&self.throttled).get(&customer(address)).copied();
        match until.filter(|until| *until > now) {
            Some(until) if !locked(&self.accepted).contains_key(&shown.0) => {
                Err(Problem::throttled(seconds(until - now)))
            }
            _ => Ok(()),
        }
    }

    /// A credential was found good.
    pub(crate) fn accept(&self, shown: &Shown) {
        locked(&self.accepted).insert(shown.0, Instant::now());
    }

    /// A credential was refused, whatever it was before.
    pub(crate) fn forget(&self, shown: &Shown) {
        locked(&self.accepted).remove(&shown.0);
    }

    /// Counts a request of a credential.
    pub(crate) fn credential(&self, credential: &str) -> Result<(), Problem> {
        self.credentials
            .check_key(&credential.to_string())
            .map_err(|not_until| Problem::throttled(seconds(not_until.wait_time_from(self.clock.now()))))
    }

    /// Forgets whoever has not come for a while.
    pub(crate) fn tidy(&self) {
        let now = Instant::now();
        locked(&self.throttled).retain(|_, until| *until > now);
        locked(&self.accepted).retain(|_, used| now.duration_since(*used) < REMEMBERED);
        self.addresses.retain_recent();
        self.addresses.shrink_to_fit();
        self.credentials.retain_recent();
        self.credentials.shrink_to_fit();
    }
}

/// A whole IPv6 network belongs to one customer.
fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        address => address,
    }
}

/// What is kept in the maps is whole at any time, so a panic elsewhere leaves nothing half done.
fn locked<T>(map: &Mutex<T>) -> MutexGuard<'_, T> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    #[test]
    fn a_throttled_address_shuts_strangers_out_and_nobody_who_is_in() {
        let few = NonZeroU32::new(2).expect("a number");
        let limits = Limits::new(Rates {
            address_per_minute: few,
            credential_per_minute: few,
        });
        let (here, neighbour, elsewhere) = ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1");
        let address = |text: &str| text.parse::<IpAddr>().expect(text);
        let (known, stranger) = (Shown::new("known"), Shown::new("stranger"));
        limits.accept(&known);
        for _ in 0..2 {
            limits.unknown(address(here), &stranger).expect("not throttled yet");
            limits.address(address(here)).expect("within the limit");
        }
        limits
            .unknown(address(here), &stranger)
            .expect("the last one was allowed");
        assert!(limits.address(address(here)).is_err());
        assert!(limits.unknown(address(here), &stranger).is_err());
        assert!(
            limits.unknown(address(neighbour), &stranger).is_err(),
            "the same network"
        );
        limits.unknown(address(elsewhere), &stranger).expect("another network");
        limits.unknown(address(here), &known).expect("it was accepted");
        limits.tidy();
        assert!(
            limits.unknown(address(here), &stranger).is_err(),
            "tidying forgives nobody"
        );
        limits.forget(&known);
        assert!(limits.unknown(address(here), &known).is_err());
    }
}
