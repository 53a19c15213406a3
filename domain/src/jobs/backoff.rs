//! How long to wait before a task is tried again.

use chrono::Duration;
use uuid::Uuid;

/// The first wait.
const BASE_MILLIS: f64 = 5_000.0;
/// No wait is longer: who looks at a page should see something happen.
const CAP_MILLIS: f64 = 300_000.0;

/// The wait after so many attempts: 5 s, 10 s, 20 s, … up to 5 minutes, each ± 50 % by `jitter` from 0 to 1, so that many
/// tasks that failed together do not come back together.
pub(super) fn delay(attempts: i32, jitter: f64) -> Duration {
    let doublings = (attempts - 1).clamp(0, 16);
    let plain = (BASE_MILLIS * f64::from(1 << doublings)).min(CAP_MILLIS);
    let millis = plain * (0.5 + jitter.clamp(0.0, 1.0));
    Duration::milliseconds(millis as i64)
}

/// A random number from 0 to 1.
pub(super) fn jitter() -> f64 {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    // The low bits of the first half hold the version: the upper 32 are random.
    (high >> 32) as f64 / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_minutes() {
        let table = [(1, 5), (2, 10), (3, 20), (7, 300), (1000, 300)];
        for (attempts, seconds) in table {
            assert_eq!(delay(attempts, 0.5), Duration::seconds(seconds), "after {attempts}");
        }
        assert_eq!(delay(0, 0.5), Duration::seconds(5));
        assert_eq!(delay(i32::MAX, 0.5), Duration::seconds(300));
    }

    #[test]
    fn jitter_is_half_the_wait_either_way() {
        assert_eq!(delay(1, 0.0), Duration::milliseconds(2_500));
        assert_eq!(delay(1, 1.0), Duration::milliseconds(7_500));
        for _ in 0..100 {
            assert!((0.0..=1.0).contains(&jitter()));
        }
    }
}
