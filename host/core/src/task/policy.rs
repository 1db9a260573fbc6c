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
    /// Attempts in all, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub attempts: u32,
    pub base: Span,
    pub cap: Span,
    /// Attempts that may end in a crash before the task counts as poison, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub crashes: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, base: Span::from_secs(1), cap: Span::from_secs(60), crashes: 10 }
    }
}

/// Three clocks: an attempt's length, the silence within it, and the whole task's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// How long one attempt may take.
    pub attempt: Span,
    /// How long an attempt may go without a sign of progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Span>,
    /// How long after the run's start the task must be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Span>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { attempt: Span::from_secs(1800), progress: None, deadline: None }
    }
}

/// When an outcome may stand although not every validator passed it. With neither, all must.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Acceptance {
    /// So many validators must pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub quorum: Option<u32>,
    /// The weighted mean of their scores must be at least this, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub threshold: Option<f64>,
}
