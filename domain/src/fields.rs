//! Checks of what people and programs type into fields.

use crate::error::{Error, FieldError, Result};

/// Longest name of a thing, in characters.
pub const MAX_NAME: usize = 200;
/// Longest description, in characters.
pub const MAX_DESCRIPTION: usize = 2000;

/// Gathers what is wrong with the fields of a request, so that all of it is told at once.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    errors: Vec<FieldError>,
}

impl Fields {
    /// One more thing is wrong.
    pub fn refuse(&mut self, field: &str, code: &'static str, message: impl Into<String>) {
        self.errors.push(FieldError {
            field: field.into(),
            code,
            message: message.into(),
        });
    }

    /// A name: not empty, on one line, without spaces around it.
    pub fn name(&mut self, field: &str, text: &str) -> String {
        let name = text.trim();
        if name.is_empty() {
            self.refuse(field, "required", "must not be empty");
        } else if name.chars().count() > MAX_NAME {
            self.refuse(field, "too_long", format!("has more than {MAX_NAME} characters"));
        } else if name.chars().any(char::is_control) {
            self.refuse(
                field,
                "control_character",
                "must be one line without control characters",
            );
        }
        name.into()
    }

    /// A text of several lines, which may be empty.
    pub fn description(&mut self, field: &str, text: &str) -> String {
        let text = text.trim();
        if text.chars().count() > MAX_DESCRIPTION {
            self.refuse(field, "too_long", format!("has more than {MAX_DESCRIPTION} characters"));
        } else if text.contains('\0') {
            self.refuse(field, "control_character", "must not contain the character NUL");
        }
        text.into()
    }

    /// Whether anything is wrong.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all of it.
    pub fn finish(self) -> Result<()> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.errors))
        }
    }
}
