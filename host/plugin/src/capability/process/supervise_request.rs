//! The request to a supervisor, passed as JSON on its command line.

use std::path::PathBuf;

use baton_core::span::Span;
use serde::{Deserialize, Serialize};

use crate::confine::Confinement;

/// How to run and end a program. Host and supervisor are one binary, so the format may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuperviseRequest {
    /// How long the program has to end after a signal.
    pub grace_periods: GracePeriods,
    /// A folder for temporary files, created for the program and removed after it.
    pub temporary: Option<PathBuf>,
    /// What the program may access; none = it is not confined.
    pub confinement: Option<Confinement>,
}

/// The time that a program has to end after each signal before the next one is sent. After the last one it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GracePeriods {
    /// After SIGINT, on which agents stop the commands that they started.
    pub interrupt: Span,
    /// After SIGTERM.
    pub terminate: Span,
}

impl Default for GracePeriods {
    fn default() -> Self {
        Self { interrupt: Span::from_secs(1), terminate: Span::from_secs(1) }
    }
}
