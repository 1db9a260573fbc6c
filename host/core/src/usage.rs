//! Usage of an attempt.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an attempt used, as its agent reports it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Cached ones included.
    #[serde(default)]
    pub input_tokens: u64,
    /// Tokens that the model generated.
    #[serde(default)]
    pub output_tokens: u64,
    /// In millionths of the operator's currency; none = not reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<u64>,
    /// Calls of the model's API.
    #[serde(default)]
    pub requests: u32,
    /// Input tokens that the server had cached.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached_input_tokens: u64,
    /// Steps of the agent, as it counts them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turns: u64,
    /// The model's name, as in the price table; none = not reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Usage {
    /// Whether nothing was reported.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// The larger of two cumulative readings, field by field.
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
