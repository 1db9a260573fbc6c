//! Outcomes that agents report, and the checks of validators.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::Fault;
use crate::usage::Usage;

/// The result of an attempt as its agent reports it: a claim until it is accepted. The fields are those of
/// `baton:types/core.outcome`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// A few sentences for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The result for programs; null = none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub output: Value,
    /// Named results, such as files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// As the agent reports it.
    #[serde(default, skip_serializing_if = "Usage::is_zero")]
    pub usage: Usage,
    /// Further attributes. Those that the host sets begin with `baton.` or `workspace.`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attrs: BTreeMap<String, String>,
    /// Why the agent stopped; none = `end-turn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<String>,
}

/// A named result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    /// Unique in its outcome.
    pub name: String,
    /// Such as `text/plain`.
    pub media_type: String,
    /// Inline, or by digest.
    pub content: Content,
}

/// An artifact's bytes, or where they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// Small contents.
    Inline(Vec<u8>),
    /// Contents that are passed by reference.
    Stored {
        /// Digest of the content, in hex.
        digest: String,
        /// In bytes.
        size: u64,
    },
}

/// The result of one check by a validator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// The validator's plugin.
    pub validator: String,
    /// The validator's position among those of the task, from 0.
    #[serde(default)]
    pub place: usize,
    /// What was checked.
    pub name: String,
    /// 0.0 to 1.0.
    pub score: f64,
    /// Whether the validator accepts it.
    pub passed: bool,
    /// A short verdict, such as `ok`.
    pub label: String,
    /// For people; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub explanation: String,
}

/// What is stored of an attempt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// None if the attempt claimed nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Those of all validators that ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// Why it failed; none = it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

impl Report {
    /// The mean score of its checks, 0.0 to 1.0; none without checks.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        mean_score(&self.checks)
    }
}

/// The mean score, 0.0 to 1.0; none without checks.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "there are never so many checks")]
pub fn mean_score(checks: &[Check]) -> Option<f64> {
    let count = checks.len();
    (count > 0).then(|| checks.iter().map(|check| check.score).sum::<f64>() / count as f64)
}
