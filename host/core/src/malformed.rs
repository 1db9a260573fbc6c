//! A text that can't be read as what it should be.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

/// Write it as expected.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Malformed {
    /// What is wrong with it; none = it is something else altogether.
    reason: Option<&'static str>,
    /// The form that was expected, with an example.
    expected: Cow<'static, str>,
    found: String,
}

impl Malformed {
    /// `expected` is the form, with an example.
    #[must_use]
    pub fn new(expected: impl Into<Cow<'static, str>>, found: &str) -> Self {
        Self { reason: None, expected: expected.into(), found: found.to_owned() }
    }

    /// The same, where one reason can be named.
    #[must_use]
    pub fn because(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, not {:?}", self.expected, self.found)?;
        match self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}
