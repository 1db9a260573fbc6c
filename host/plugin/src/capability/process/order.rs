//! What a supervisor needs to know of the program that it starts, as JSON on its command line.

use std::path::PathBuf;

use baton_core::span::Span;
use serde::{Deserialize, Serialize};

use crate::confine::Confinement;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub graces: Graces,
    /// Made for the program alone, and gone with it.
    pub temporary: Option<PathBuf>,
    /// None = it is not confined.
    pub confinement: Option<Confinement>,
}

/// How long what is to end has after each signal, before the next one; after the last it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graces {
    /// After SIGINT, on which agents end the commands that they started.
    pub interrupt: Span,
    /// After SIGTERM.
    pub terminate: Span,
}

impl Default for Graces {
    fn default() -> Self {
        Self { interrupt: Span::from_secs(1), terminate: Span::from_secs(1) }
    }
}
