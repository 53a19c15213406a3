//! Languages of mails and calls.

use serde::{Deserialize, Serialize};

/// Language of the mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Swedish.
    Sv,
    /// German.
    De,
    /// Czech.
    Cs,
    /// Ukrainian.
    Uk,
    /// Russian.
    Ru,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 6] = [Self::En, Self::Sv, Self::De, Self::Cs, Self::Uk, Self::Ru];

    /// Its code (ISO 639-1).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Sv => "sv",
            Self::De => "de",
            Self::Cs => "cs",
            Self::Uk => "uk",
            Self::Ru => "ru",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == text)
    }
}
