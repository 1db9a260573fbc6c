//! Notes: what a refused attempt teaches the next task of its kind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Time;

/// What refusals by one check teach about one kind of task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// The kind of task, as in [`crate::episode::Episode::kind`].
    pub kind: String,
    /// The check that refused, with digits, paths and quotations left out.
    pub check: String,
    /// The newest refusal's explanation, at most 400 characters.
    pub text: String,
    /// Number of tasks that were refused.
    pub tasks: usize,
    /// Number of refusals.
    pub count: usize,
    /// End of the newest refused attempt.
    pub newest: Time,
    /// Refusals, each counting half as much for every 14 days that it is older than the newest episode.
    pub weight: f64,
    /// Numbers of the events that it rests on, most telling first.
    pub evidence: Vec<i64>,
}
