//! How long to wait before the next try.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
/// Ten minutes: an agent that was cut off for a day is back soon after the network is.
pub const LONGEST: Duration = Duration::from_secs(600);

/// A random part of a duration: full jitter, so that thousands of agents do not come back at once.
pub fn jitter(most: Duration) -> Duration {
    let mut bytes = [0u8; 4];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        return most;
    }
    most.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}

/// Exponential back-off with full jitter, 1 second to 10 minutes.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure.
    pub fn next_wait(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let ceiling = FIRST
            .saturating_mul(2u32.saturating_pow(self.failures.min(16)))
            .min(LONGEST);
        jitter(ceiling).max(Duration::from_millis(50))
    }

    /// A try succeeded.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_ten_minutes_and_never_past() {
        let mut backoff = Backoff::default();
        assert!(backoff.next_wait() <= Duration::from_secs(2));
        let longest = (0..2000).map(|_| backoff.next_wait()).max().unwrap();
        assert!(longest <= LONGEST && longest > Duration::from_secs(300));
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_secs(2));
    }
}
