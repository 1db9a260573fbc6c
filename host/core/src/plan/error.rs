//! Errors in plans, with their places.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::excerpt::excerpt;

/// Maximum size of each of an error's texts, in bytes: they may quote a value of any size.
const MAX_TEXT: usize = 1024;

/// An error at one place of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// Where it is.
    pub file: PathBuf,
    /// A JSON pointer into the file; empty for the file as a whole.
    pub pointer: String,
    /// What was expected and found.
    pub what: String,
    /// A suggestion, such as the nearest known word.
    pub hint: Option<String>,
}

impl PlanError {
    pub(super) fn at(file: &Path, pointer: &str, what: String, hint: Option<String>) -> Self {
        let bounded = |text: String| excerpt(text, MAX_TEXT);
        Self {
            file: file.to_owned(),
            pointer: bounded(pointer.to_owned()),
            what: bounded(what),
            hint: hint.map(bounded),
        }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "" } else { &self.pointer };
        write!(
            f,
            "{}{}{place}: {}",
            self.file.display(),
            if place.is_empty() { "" } else { "#" },
            self.what
        )?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// All errors of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanErrors(pub Vec<PlanError>);

impl fmt::Display for PlanErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.0 {
            writeln!(f, "{error}")?;
        }
        let count = self.0.len();
        write!(f, "the plan has {count} error{}", if count == 1 { "" } else { "s" })
    }
}

impl std::error::Error for PlanErrors {}
