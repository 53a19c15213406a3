//! Time: UTC in microseconds, the finest that both databases keep.

use chrono::{DateTime, SubsecRound, TimeZone, Utc};

/// A point in time. Always cut by [`cut`] before it is stored, or what is read differs from what was written.
pub type Timestamp = DateTime<Utc>;

/// Cuts a time to the microseconds that PostgreSQL keeps, and to the years 0000-9999 in which SQLite's text sorts.
pub fn cut(time: Timestamp) -> Timestamp {
    let last = Utc
        .with_ymd_and_hms(9999, 12, 31, 23, 59, 59)
        .single()
        .unwrap_or(DateTime::<Utc>::MAX_UTC);
    let first = Utc
        .with_ymd_and_hms(0, 1, 1, 0, 0, 0)
        .single()
        .unwrap_or(DateTime::<Utc>::MIN_UTC);
    time.clamp(first, last).trunc_subsecs(6)
}

/// The time of this process. Rules take the time as a parameter; writing transactions read the database's clock.
pub fn process_now() -> Timestamp {
    cut(Utc::now())
}
