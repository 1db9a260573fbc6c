//! `[agents.NAME]`: who there is to do the work.

use std::collections::BTreeMap;

use baton_core::agent::Card;
use baton_core::budget::{Cap, Money};
use serde::Deserialize;

use super::scalar::{Scalar, texts};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct AgentTable {
    adapter: String,
    #[serde(default)]
    skills: Vec<String>,
    #[serde(default)]
    tracks: Vec<String>,
    #[serde(default = "one")]
    capacity: u32,
    #[serde(default)]
    config: BTreeMap<String, Scalar>,
    #[serde(default)]
    input: Option<serde_json::Value>,
    #[serde(default)]
    output: Option<serde_json::Value>,
    #[serde(default)]
    budget: Cap,
    #[serde(default)]
    cost: Option<Money>,
}

fn one() -> u32 {
    1
}

impl AgentTable {
    /// # Errors
    /// What is wrong with it.
    pub(super) fn resolve(self, name: String) -> Result<Card, String> {
        if self.capacity == 0 {
            return Err(format!("agent {name}: capacity must be at least 1"));
        }
        for (which, schema) in [("input", &self.input), ("output", &self.output)] {
            if let Some(why) = schema.as_ref().and_then(|schema| jsonschema::validator_for(schema).err()) {
                return Err(format!("agent {name}: {which} is no JSON Schema: {why}"));
            }
        }
        let sorted = |mut words: Vec<String>| {
            words.sort();
            words.dedup();
            words
        };
        Ok(Card {
            name,
            adapter: self.adapter,
            skills: sorted(self.skills),
            tracks: sorted(self.tracks),
            capacity: self.capacity,
            config: texts(self.config),
            input: self.input,
            output: self.output,
            budget: self.budget,
            cost: self.cost,
        })
    }
}
