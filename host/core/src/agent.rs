//! Agents: registered workers that tasks are assigned to.

pub mod breaker;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::budget::{Cap, Money};
use crate::id::AgentId;
use crate::task::TaskPolicy;

/// A registered agent. Its load isn't stored: it is derived from the running tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agent {
    /// The row's id. Names are what people use; see [`Card::name`].
    pub id: AgentId,
    /// Its operator's declaration.
    pub card: Card,
    /// Whether it is given new work.
    pub standing: Standing,
    /// Its circuit breaker.
    pub breaker: breaker::Breaker,
}

/// What an operator declares about an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Card {
    /// Unique among the agents.
    pub name: String,
    /// The plugin of kind `agent` that drives it.
    pub adapter: String,
    /// Sorted.
    pub skills: Vec<String>,
    /// Sorted; empty = serves every track.
    pub tracks: Vec<String>,
    /// Maximum number of concurrent attempts, at least 1.
    pub capacity: u32,
    /// Settings for the adapter.
    pub config: BTreeMap<String, String>,
    /// JSON Schema that a task's `input` must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// The schema that an outcome's `output` must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Its budget for one day (UTC).
    #[serde(default, skip_serializing_if = "Cap::is_none")]
    pub budget: Cap,
    /// A flat cost per attempt; none = costs are reported or computed from the price table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
}

/// Whether an agent takes new work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It may be given tasks.
    Active,
    /// It finishes its attempts and is given nothing new.
    Draining,
}

/// Why an agent can never do a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsuited {
    /// The task names another agent.
    NotAsked,
    /// Required skills that it doesn't declare.
    LacksSkills(Vec<String>),
    /// It is confined to other tracks.
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
    /// Agents of the same kind share statistics as a prior: the adapter, with the configured `model` or else
    /// `profile`.
    #[must_use]
    pub fn kind(&self) -> String {
        let named = self.config.get("model").or_else(|| self.config.get("profile"));
        named.map_or_else(|| self.adapter.clone(), |name| format!("{}:{name}", self.adapter))
    }

    /// Whether the agent is eligible for such a task, whatever its load.
    ///
    /// # Errors
    /// The first requirement that it doesn't meet: the agent's name, then skills, then the track.
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

    /// Whether it may work on this track; `None` is a task without one.
    #[must_use]
    pub fn serves(&self, track: Option<&str>) -> bool {
        track.is_none_or(|track| self.tracks.is_empty() || self.tracks.iter().any(|own| own == track))
    }
}
