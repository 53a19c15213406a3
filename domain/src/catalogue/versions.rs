//! Versions of products, as far as the catalogue tells them apart.

/// A version such as `12.5`, `14`, `14SU2`, `15.0.1.12900-234`. Text that says nothing is the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u16,
    minor: u16,
    service_update: u16,
}

impl Version {
    /// A version by its numbers.
    pub const fn new(major: u16, minor: u16, service_update: u16) -> Self {
        Self {
            major,
            minor,
            service_update,
        }
    }

    /// Reads a version; `None` for empty or unknown text.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (major, rest) = number(text)?;
        let (minor, rest) = match rest.strip_prefix('.').and_then(number) {
            Some((minor, rest)) => (minor, rest),
            None => (0, rest),
        };
        let upper = rest.to_ascii_uppercase();
        let service_update = upper
            .find("SU")
            .and_then(|at| number(upper.get(at + 2..)?.trim_start()))
            .map_or(0, |(update, _)| update);
        Some(Self::new(major, minor, service_update))
    }
}

fn number(text: &str) -> Option<(u16, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

/// A range of versions: from the first, before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Its first version; `None`: from the beginning.
    pub from: Option<Version>,
    /// The first version after it; `None`: without an end.
    pub until: Option<Version>,
}

impl Versions {
    /// Every version.
    pub const ALL: Self = Self {
        from: None,
        until: None,
    };
    /// From release 12.5 on.
    pub const FROM_12_5: Self = Self {
        from: Some(Version::new(12, 5, 0)),
        until: None,
    };
    /// From release 14 on.
    pub const FROM_14: Self = Self {
        from: Some(Version::new(14, 0, 0)),
        until: None,
    };
    /// From release 14SU1 on.
    pub const FROM_14_SU1: Self = Self {
        from: Some(Version::new(14, 0, 1)),
        until: None,
    };
    /// From release 14SU2 on.
    pub const FROM_14_SU2: Self = Self {
        from: Some(Version::new(14, 0, 2)),
        until: None,
    };
    /// Before release 14.
    pub const BEFORE_14: Self = Self {
        from: None,
        until: Some(Version::new(14, 0, 0)),
    };
    /// Before release 14SU1.
    pub const BEFORE_14_SU1: Self = Self {
        from: None,
        until: Some(Version::new(14, 0, 1)),
    };

    /// Before release 14SU2.
    pub const BEFORE_14_SU2: Self = Self {
        from: None,
        until: Some(Version::new(14, 0, 2)),
    };

    /// Whether a version, as a cluster tells it, is in the range. Unknown text counts as the newest.
    pub fn contains(&self, version: &str) -> bool {
        match Version::parse(version) {
            Some(version) => {
                self.from.is_none_or(|from| version >= from) && self.until.is_none_or(|until| version < until)
            }
            None => self.until.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_in_the_spellings_in_use() {
        for (text, wanted) in [
            ("14", Version::new(14, 0, 0)),
            ("12.5", Version::new(12, 5, 0)),
            ("12.5(1)SU6", Version::new(12, 5, 6)),
            ("14SU2", Version::new(14, 0, 2)),
            ("14 SU 3a", Version::new(14, 0, 3)),
            ("15.0.1.12900-234", Version::new(15, 0, 0)),
        ] {
            assert_eq!(Version::parse(text), Some(wanted), "{text}");
        }
        assert_eq!(Version::parse("newest"), None);
        assert!(Versions::FROM_14.contains("15"));
        assert!(Versions::FROM_14.contains(""));
        assert!(!Versions::FROM_14.contains("12.5"));
        assert!(Versions::BEFORE_14.contains("12.5(1)SU6"));
        assert!(!Versions::BEFORE_14.contains(""));
    }
}
