//! What an attempt used up.

use serde::{Deserialize, Serialize};

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
