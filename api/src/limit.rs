//! Limits of rate: by address for whoever has shown no good credential, else by credential. Per process; quotas that
//! matter are rules of the domain.

use crate::config::Rates;
use crate::error::Problem;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::IpAddr;

/// The limits of one process.
pub(crate) struct Limits {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    credentials: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl Limits {
    pub(crate) fn new(rates: Rates) -> Self {
        Self {
            addresses: RateLimiter::keyed(Quota::per_minute(rates.address_per_minute)),
            credentials: RateLimiter::keyed(Quota::per_minute(rates.credential_per_minute)),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request of an address.
    pub(crate) fn address(&self, address: IpAddr) -> Result<(), Problem> {
        // A whole IPv6 network belongs to one customer.
        let key = match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
            address => address,
        };
        self.addresses
            .check_key(&key)
            .map_err(|not_until| Problem::throttled(seconds(not_until.wait_time_from(self.clock.now()))))
    }

    /// Counts a request of a credential.
    pub(crate) fn credential(&self, credential: &str) -> Result<(), Problem> {
        self.credentials
            .check_key(&credential.to_string())
            .map_err(|not_until| Problem::throttled(seconds(not_until.wait_time_from(self.clock.now()))))
    }

    /// Forgets whoever has not come for a while.
    pub(crate) fn tidy(&self) {
        self.addresses.retain_recent();
        self.addresses.shrink_to_fit();
        self.credentials.retain_recent();
        self.credentials.shrink_to_fit();
    }
}

fn seconds(wait: std::time::Duration) -> u64 {
    wait.as_secs() + 1
}
