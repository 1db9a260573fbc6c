//! An agent: a registered worker that may be handed tasks.

pub mod breaker;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::budget::{Cap, Money};
use crate::id::AgentId;
use crate::task::TaskPolicy;

/// What is registered of an agent. Its load is derived from the tasks that run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agent {
    pub id: AgentId,
    pub card: Card,
    pub standing: Standing,
    pub breaker: breaker::Breaker,
}

/// What an operator declares of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Active,
    /// Finishes what it has and is given nothing.
    Draining,
}

/// Why an agent can't ever do a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsuited {
    /// Another agent is asked for by name.
    NotAsked,
    LacksSkills(Vec<String>),
    OffTrack,
}

impl fmt::Display for Unsuited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("is not the agent that the task asks for"),
            Self::LacksSkills(skills) => write!(f, "does not declare {}", skills.join(", ")),
            Self::OffTrack => f.write_str("does not serve the track"),
        }
    }
}

impl Card {
    /// What it is at bottom: its adapter, with the model, or else the profile, that its configuration names.
    #[must_use]
    pub fn kind(&self) -> String {
        let named = self.config.get("model").or_else(|| self.config.get("profile"));
        named.map_or_else(|| self.adapter.clone(), |name| format!("{}:{name}", self.adapter))
    }

    /// Whether it could ever do such a task.
    ///
    /// # Errors
    /// What stands against it.
    pub fn suits(&self, terms: &TaskPolicy) -> Result<(), Unsuited> {
        if terms.agent.as_ref().is_some_and(|wanted| *wanted != self.name) {
            return Err(Unsuited::NotAsked);
        }
        if !self.has_skills(&terms.skills) {
            let lacks = terms.skills.iter().filter(|skill| self.skills.binary_search(skill).is_err());
            return Err(Unsuited::LacksSkills(lacks.cloned().collect()));
        }
        if !self.serves(terms.scope.track.as_deref()) {
            return Err(Unsuited::OffTrack);
        }
        Ok(())
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
