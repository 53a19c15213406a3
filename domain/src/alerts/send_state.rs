//! How far a message has come.

/// State of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SendState {
    /// It waits for its first try.
    Due,
    /// A worker talks to the mail server.
    Sending,
    /// The mail server put it off, or could not be reached: it is tried again.
    Deferred,
    /// The mail server said 250, or the receiver of a call 2xx: it has taken it over.
    Accepted,
    /// The mail server said that it will never take it.
    Refused,
    /// It was tried for 48 hours in vain; the last try failed.
    Dead,
    /// Nothing of it was true any more, or its recipient was taken from the list.
    Cancelled,
}

impl SendState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Due,
        Self::Sending,
        Self::Deferred,
        Self::Accepted,
        Self::Refused,
        Self::Dead,
        Self::Cancelled,
    ];

    /// Its name in the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Sending => "sending",
            Self::Deferred => "deferred",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}
