//! The one error of the domain. What it means over HTTP is decided in one place of api.

use sea_orm::{DbErr, RuntimeErr, SqlErr};
use std::fmt;

/// Result of domain functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A field of a request that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field in the request, for instance `recipients[3]`.
    pub field: String,
    /// Stable code, `snake_case`.
    pub code: &'static str,
    /// One sentence that says what is wrong and what would be right.
    pub message: String,
}

/// Why something was not done. Messages are for users: lower case, no final period, they name the thing and the way out.
#[derive(Debug)]
pub enum Error {
    /// There is no such thing, or the caller may not know that there is.
    NotFound {
        /// The kind of thing, for instance `cluster`.
        what: &'static str,
    },
    /// The request itself is wrong.
    Invalid(Vec<FieldError>),
    /// A rule of the product refuses it as things stand now.
    Refused {
        /// Stable code, `snake_case`.
        code: &'static str,
        /// Why, and the way out.
        message: String,
    },
    /// Somebody else was faster, or the caller's picture is out of date.
    Conflict {
        /// Stable code, `snake_case`.
        code: &'static str,
        /// Why, and the way out.
        message: String,
        /// What differs, for programs.
        detail: Option<serde_json::Value>,
    },
    /// No valid credential.
    Unauthenticated {
        /// Stable code, `snake_case`.
        code: &'static str,
        /// Why, without telling which part was wrong.
        message: String,
    },
    /// The caller's role does not allow it.
    Forbidden {
        /// What would be needed.
        message: String,
    },
    /// Too often.
    Throttled {
        /// Seconds to wait.
        retry_after_seconds: u64,
    },
    /// A thing that is gone for good.
    Gone {
        /// Stable code, `snake_case`.
        code: &'static str,
        /// Why.
        message: String,
    },
    /// The database is busy or away; the same request may succeed later.
    Unavailable {
        /// What happened, for the log.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A fault of ours. The message is for the log and is never returned.
    Internal {
        /// What happened, for the log.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// One field is wrong.
    pub fn field(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError {
            field: field.into(),
            code,
            message: message.into(),
        }])
    }

    /// A rule refuses.
    pub fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused {
            code,
            message: message.into(),
        }
    }

    /// Things moved meanwhile.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict {
            code,
            message: message.into(),
            detail: None,
        }
    }

    /// A fault of ours.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal { source: source.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { what } => write!(f, "there is no such {what}"),
            Self::Invalid(errors) => {
                for (index, error) in errors.iter().enumerate() {
                    write!(
                        f,
                        "{}{}: {}",
                        if index == 0 { "" } else { "; " },
                        error.field,
                        error.message
                    )?;
                }
                Ok(())
            }
            Self::Refused { message, .. }
            | Self::Conflict { message, .. }
            | Self::Unauthenticated { message, .. }
            | Self::Forbidden { message }
            | Self::Gone { message, .. } => f.write_str(message),
            Self::Throttled { retry_after_seconds } => write!(f, "too many tries: wait {retry_after_seconds} seconds"),
            Self::Unavailable { .. } => f.write_str("the database is busy or away: try again"),
            Self::Internal { .. } => f.write_str("an internal error happened"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unavailable { source } | Self::Internal { source } => Some(source.as_ref()),
            Self::NotFound { .. }
            | Self::Invalid(_)
            | Self::Refused { .. }
            | Self::Conflict { .. }
            | Self::Unauthenticated { .. }
            | Self::Forbidden { .. }
            | Self::Throttled { .. }
            | Self::Gone { .. } => None,
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if is_busy(&error) {
            Self::Unavailable { source: error.into() }
        } else {
            Self::Internal { source: error.into() }
        }
    }
}

/// The statement broke a unique key. Statements are written so that only one unique key can be meant: names of
/// constraints do not survive every database.
pub(crate) fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// What a refused statement means that gave a thing its name: where it broke a unique key, the name is taken.
pub(crate) fn name_taken(error: DbErr, message: impl FnOnce() -> String) -> Error {
    if is_unique_violation(&error) {
        Error::field("name", "taken", message())
    } else {
        error.into()
    }
}

/// SQLSTATE of PostgreSQL, or the extended result code of SQLite in decimal.
pub(crate) fn sql_state(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(runtime) | DbErr::Query(runtime) | DbErr::Conn(runtime)) = error else {
        return None;
    };
    let RuntimeErr::SqlxError(error) = runtime else {
        return None;
    };
    error.as_database_error()?.code().map(|code| code.into_owned())
}

/// Deadlock, serialisation failure, lock or statement time-out, server going down, SQLite busy or locked, disk full, no
/// connection to be had.
fn is_busy(error: &DbErr) -> bool {
    if matches!(error, DbErr::ConnectionAcquire(_)) {
        return true;
    }
    if let DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))
    | DbErr::Conn(RuntimeErr::SqlxError(error)) = error
        && error.as_database_error().is_none()
    {
        return matches!(
            error.as_ref(),
            sea_orm::SqlxError::Io(_)
                | sea_orm::SqlxError::PoolTimedOut
                | sea_orm::SqlxError::PoolClosed
                | sea_orm::SqlxError::WorkerCrashed
                | sea_orm::SqlxError::Protocol(_)
        );
    }
    sql_state(error).is_some_and(|code| {
        [
            "40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "53100", "53200", "53300", "08006", "08003",
            "5", "6", "13", "261", "517",
        ]
        .contains(&code.as_str())
    })
}
