//! What an agent claims to have done, and what checks say of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::Fault;
use crate::usage::Usage;

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
