//! What an agent claims to have done, and what checks say of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Time;
use crate::fault::Fault;
use crate::id::TaskId;
use crate::task::StateName;

/// A claim until it is accepted. The fields are those of `baton:types/core.outcome`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub output: Value,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    #[serde(default, skip_serializing_if = "Usage::is_zero")]
    pub usage: Usage,
    /// More that the agent or the host says of it. What the host says begins with `baton.` or `workspace.`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attrs: BTreeMap<String, String>,
    /// `end-turn` unless the agent says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    pub name: String,
    pub media_type: String,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    Inline(Vec<u8>),
    Stored { digest: String, size: u64 },
}

/// What an attempt used up, as its agent says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    #[serde(default)]
    pub input_tokens: u64,
    #[serde(default)]
    pub output_tokens: u64,
    /// None = unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<u64>,
    #[serde(default)]
    pub requests: u32,
    /// Of the input tokens, those that the far side had kept from before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached_input_tokens: u64,
    /// Steps of the agent, in its own count.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turns: u64,
    /// Who did the work, in the words of the price table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Usage {
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// The larger of two readings, field by field.
    #[must_use]
    pub fn most(&self, other: &Self) -> Self {
        Self {
            input_tokens: self.input_tokens.max(other.input_tokens),
            output_tokens: self.output_tokens.max(other.output_tokens),
            cost_micros: self.cost_micros.max(other.cost_micros),
            requests: self.requests.max(other.requests),
            cached_input_tokens: self.cached_input_tokens.max(other.cached_input_tokens),
            turns: self.turns.max(other.turns),
            model: self.model.clone().or_else(|| other.model.clone()),
        }
    }
}

/// What one check of a validator found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// The validator that made it, and its place among those of the task.
    pub validator: String,
    #[serde(default)]
    pub place: usize,
    pub name: String,
    /// 0.0 to 1.0.
    pub score: f64,
    pub passed: bool,
    pub label: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub explanation: String,
}

/// What is kept of an attempt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// A child as its parent's strategy sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    pub task: TaskId,
    /// As its parent called it.
    pub name: String,
    pub state: StateName,
    pub report: Report,
    pub facts: Facts,
}

/// What the host knows of a task's attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Who made the last one.
    pub agent: Option<String>,
    /// When the first began and the last ended.
    pub started: Option<Time>,
    pub ended: Option<Time>,
    pub attempts: u32,
    /// How long agents worked on it and on all that was done for it, attempts that came to nothing included.
    pub work_ms: u64,
    /// What that cost, as far as it is known, in millionths.
    pub cost_micros: u64,
    /// Whether the cost of each of these attempts is known.
    pub cost_known: bool,
}

impl Report {
    /// The mean of what its checks came to; none when nothing was checked.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        mean_score(&self.checks)
    }
}

/// None when nothing was checked.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "there are never so many checks")]
pub fn mean_score(checks: &[Check]) -> Option<f64> {
    let count = checks.len();
    (count > 0).then(|| checks.iter().map(|check| check.score).sum::<f64>() / count as f64)
}
