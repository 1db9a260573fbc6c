//! How a task is to be run: effects, retries, timeouts and acceptance.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::span::Span;

/// What running a task may change, and so whether it may be run twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effects {
    /// Nothing outside its answer.
    Pure,
    /// Files inside its paths.
    #[default]
    Workspace,
    /// The world.
    External,
}

/// How failures are dealt with. Delays grow as base × 2ⁿ up to the cap, with full jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// Maximum number of attempts, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub attempts: u32,
    /// The delay before the first retry, at most; the ones after it double.
    pub base: Span,
    /// The longest delay.
    pub cap: Span,
    /// Attempts that may crash before the task becomes a dead letter, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub crashes: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, base: Span::from_secs(1), cap: Span::from_secs(60), crashes: 10 }
    }
}

/// Time limits: of an attempt, of the idle time within it, and of the whole task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// Timeout of one attempt.
    pub attempt: Span,
    /// Idle timeout: how long an attempt may go without reporting progress; none = unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Span>,
    /// Deadline of the task, counted from the run's start; none = unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Span>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { attempt: Span::from_secs(1800), progress: None, deadline: None }
    }
}

/// When an outcome is accepted although not every validator passes it. With neither, all must pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Acceptance {
    /// Minimum number of validators that must pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub quorum: Option<u32>,
    /// The weighted mean of their scores must be at least this, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub threshold: Option<f64>,
}
