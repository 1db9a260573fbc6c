//! A note: what a refusal taught, for the next task of its kind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Time;

/// A lesson.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// The kind of task that it is about.
    pub kind: String,
    /// The check that refused, with digits, paths and quotations left out.
    pub check: String,
    /// In the words of the newest refusal, at most 400 characters.
    pub text: String,
    /// Tasks that taught it.
    pub tasks: usize,
    /// Refusals.
    pub count: usize,
    /// When it was taught last.
    pub newest: Time,
    /// Refusals, each counting half as much for every 14 days that it is older than the newest episode.
    pub weight: f64,
    pub evidence: Vec<i64>,
}
