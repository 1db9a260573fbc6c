//! What can be wrong with a plan.

use std::fmt;
use std::path::PathBuf;

/// What is wrong at one place of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    pub file: PathBuf,
    /// A JSON pointer into the file; empty for the file as a whole.
    pub pointer: String,
    /// What was expected and found.
    pub what: String,
    /// The nearest right word or another way to fix it.
    pub hint: Option<String>,
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

/// Everything that is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanErrors(pub Vec<PlanError>);

impl fmt::Display for PlanErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for flaw in &self.0 {
            writeln!(f, "{flaw}")?;
        }
        let count = self.0.len();
        write!(f, "the plan has {count} error{}", if count == 1 { "" } else { "s" })
    }
}

impl std::error::Error for PlanErrors {}
