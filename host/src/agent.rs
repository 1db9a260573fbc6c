//! An agent: a registered worker that may be handed tasks.

pub mod breaker;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::budget::{Cap, Money};
use crate::id::AgentId;

/// What is registered of an agent. Its load is derived from the tasks that run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    pub id: AgentId,
    pub card: Card,
    pub standing: Standing,
    pub breaker: breaker::Breaker,
}

/// What an operator declares of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    pub name: String,
    /// The plugin of kind `agent` that drives it.
    pub adapter: String,
    /// Sorted.
    pub skills: Vec<String>,
    /// Sorted; empty = serves every track.
    pub tracks: Vec<String>,
    /// Attempts that it may run at once, at least 1.
    pub capacity: u32,
    /// Handed to the adapter.
    pub config: BTreeMap<String, String>,
    /// JSON Schemas: what it takes, and what it promises to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// What it may use up in one day (UTC).
    #[serde(default, skip_serializing_if = "Cap::is_none")]
    pub budget: Cap,
    /// What each attempt costs, whatever it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Active,
    /// Finishes what it has and is given nothing.
    Draining,
}

impl Card {
    /// What it is at bottom: its adapter, with the model, or else the profile, that its configuration names.
    #[must_use]
    pub fn kind(&self) -> String {
        let named = self.config.get("model").or_else(|| self.config.get("profile"));
        named.map_or_else(|| self.adapter.clone(), |name| format!("{}:{name}", self.adapter))
    }

    /// Whether the agent declares all of these skills.
    #[must_use]
    pub fn has_skills(&self, wanted: &[String]) -> bool {
        wanted.iter().all(|skill| self.skills.binary_search(skill).is_ok())
    }

    #[must_use]
    pub fn serves(&self, track: Option<&str>) -> bool {
        track.is_none_or(|track| self.tracks.is_empty() || self.tracks.iter().any(|own| own == track))
    }
}
