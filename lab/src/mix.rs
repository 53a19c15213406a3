//! The mix of certificates that a fleet is born with: how old each is and who signed it. The same seed gives the same mix.

use chrono::{DateTime, Duration, Utc};

/// Numbers that look random and are the same for the same seed and text.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64, text: &str) -> Self {
        // FNV-1a, then the steps of splitmix64.
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(seed ^ hash)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` up to and with `high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.saturating_sub(low).unsigned_abs() + 1;
        low + i64::try_from(self.next() % span).unwrap_or_default()
    }

    /// True in that many cases of a hundred.
    pub(crate) fn percent(&mut self, percent: i64) -> bool {
        self.between(0, 99) < percent
    }
}

/// How near a certificate is to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// More than 90 days are left.
    Valid,
    /// It ends within 90 days.
    Quarter,
    /// It ends within 30 days.
    Month,
    /// It ends within 7 days.
    Week,
    /// It has ended.
    Expired,
}

impl Age {
    /// An age as a fleet has it: most are valid.
    pub(crate) fn roll(dice: &mut Dice) -> Self {
        match dice.between(0, 99) {
            0..76 => Self::Valid,
            76..84 => Self::Quarter,
            84..91 => Self::Month,
            91..95 => Self::Week,
            _ => Self::Expired,
        }
    }

    /// First and last moment of a certificate of that age that was made for `days` days.
    pub(crate) fn dates(self, dice: &mut Dice, now: DateTime<Utc>, days: i64) -> (DateTime<Utc>, DateTime<Utc>) {
        let left = match self {
            Self::Valid => dice.between(120.min(days), days - 5),
            Self::Quarter => dice.between(32, 88),
            Self::Month => dice.between(9, 28),
            Self::Week => dice.between(2, 6),
            Self::Expired => -dice.between(1, 400),
        };
        let end = now + Duration::days(left) - Duration::minutes(dice.between(0, 600));
        (end - Duration::days(days), end)
    }
}

/// What one identity certificate is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) age: Age,
    /// A CA signed it; the node itself otherwise.
    pub(crate) signed: bool,
    pub(crate) oddity: Option<Oddity>,
}

/// Things that stand on real nodes and that a program must bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// Valid for twenty years.
    TwentyYears,
    /// A subject with several OUs, commas and letters outside ASCII.
    RichSubject,
    /// An address and the parent domain among the names.
    MoreNames,
    /// A longer key than the others.
    LongKey,
    /// A multi-server certificate that does not know the newest node.
    NodeMissing,
    /// No host names, only a common name.
    NoNames,
}

impl Kind {
    pub(crate) fn roll(dice: &mut Dice, ca_possible: bool) -> Self {
        let age = Age::roll(dice);
        let signed = ca_possible && dice.percent(28);
        let oddity = match dice.between(0, 99) {
            0..2 => Some(Oddity::TwentyYears),
            2..4 => Some(Oddity::RichSubject),
            4..6 => Some(Oddity::MoreNames),
            6..8 => Some(Oddity::LongKey),
            8..12 => Some(Oddity::NodeMissing),
            12..14 => Some(Oddity::NoNames),
            _ => None,
        };
        Self { age, signed, oddity }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_mix_and_another_seed_another() {
        let roll = |seed| {
            (0..50)
                .map(|n| Kind::roll(&mut Dice::new(seed, &n.to_string()), true))
                .collect::<Vec<_>>()
        };
        assert_eq!(roll(7), roll(7));
        assert_ne!(roll(7), roll(8));
    }

    #[test]
    fn dates_keep_what_the_age_says() {
        let now = Utc::now();
        let mut dice = Dice::new(1, "dates");
        for _ in 0..500 {
            let mut left = |age: Age| (age.dates(&mut dice, now, 1_825).1 - now).num_hours();
            assert!(left(Age::Expired) < 0);
            assert!((1..7 * 24).contains(&left(Age::Week)));
            assert!((7 * 24..30 * 24).contains(&left(Age::Month)));
            assert!((30 * 24..90 * 24).contains(&left(Age::Quarter)));
            assert!(left(Age::Valid) > 90 * 24);
        }
    }
}
