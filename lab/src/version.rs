//! Releases of the products that the lab plays.

use serde::{Deserialize, Serialize};

/// A release. What a node has and allows depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Spelling", into = "String")]
pub enum Version {
    /// 11.5.
    V11_5,
    /// 12.5.
    V12_5,
    /// 14.
    V14,
    /// 15.
    V15,
}

impl Version {
    /// Every release, the oldest first.
    pub const ALL: [Self; 4] = [Self::V11_5, Self::V12_5, Self::V14, Self::V15];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V11_5 => "11.5",
            Self::V12_5 => "12.5",
            Self::V14 => "14",
            Self::V15 => "15",
        }
    }

    /// As `show version active` spells it.
    pub(crate) fn build(self) -> &'static str {
        match self {
            Self::V11_5 => "11.5.1.18900-97",
            Self::V12_5 => "12.5.1.15900-66",
            Self::V14 => "14.0.1.13900-155",
            Self::V15 => "15.0.1.12900-234",
        }
    }

    /// The nodes have the REST API for certificates; older ones have the command line alone.
    pub fn has_rest(self) -> bool {
        self >= Self::V14
    }
}

/// A release in a file: the lab wrote numbers before it knew half releases.
#[derive(Deserialize)]
#[serde(untagged)]
enum Spelling {
    Number(u8),
    Text(String),
}

impl From<Spelling> for Version {
    fn from(spelling: Spelling) -> Self {
        let text = match spelling {
            Spelling::Number(number) => number.to_string(),
            Spelling::Text(text) => text,
        };
        Self::ALL
            .into_iter()
            .find(|version| version.as_str() == text)
            .unwrap_or(Self::V15)
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_reads_as_it_is_written_and_as_the_number_that_it_was() {
        for version in Version::ALL {
            let text = serde_json::to_string(&version).unwrap();
            assert_eq!(serde_json::from_str::<Version>(&text).unwrap(), version);
        }
        assert_eq!(serde_json::from_str::<Version>("14").unwrap(), Version::V14);
    }
}
