//! Operations on the registry of agents.

pub mod trial;

use std::collections::BTreeMap;

use baton_core::agent::{Card, Standing};
use baton_core::budget::Cap;
use baton_core::command::Command;
use baton_core::id::AgentId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{App, AppError, target};

/// An agent to register, or its new card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentCard {
    /// Unique in the store.
    pub name: String,
    /// The plugin that drives it.
    pub adapter: String,
    /// What it can do.
    #[serde(default)]
    pub skills: Vec<String>,
    /// The tracks that it serves; none = all.
    #[serde(default)]
    pub tracks: Vec<String>,
    /// Attempts that it may run at once, at least 1.
    pub capacity: u32,
    /// Handed to the adapter.
    #[serde(default)]
    pub config: BTreeMap<String, String>,
}

/// An agent by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentName {
    /// As `baton agents list` shows it.
    pub name: String,
}

/// An agent that an operation changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentChanged {
    /// As it was called in the request.
    pub name: String,
}

pub(crate) fn add(app: &App, new: &AgentCard) -> Result<AgentChanged, AppError> {
    app.library()?.agent(&new.adapter)?;
    let card = Card {
        name: new.name.clone(),
        adapter: new.adapter.clone(),
        skills: new.skills.clone(),
        tracks: new.tracks.clone(),
        capacity: new.capacity,
        config: new.config.clone(),
        input: None,
        output: None,
        budget: Cap::default(),
        cost: None,
    };
    app.command(Command::PutAgent { card: Box::new(card) })?;
    Ok(AgentChanged { name: new.name.clone() })
}

pub(crate) fn drain(app: &App, agent: &AgentName) -> Result<AgentChanged, AppError> {
    change(app, agent, |agent| Command::SetStanding { agent, standing: Standing::Draining })
}

pub(crate) fn resume(app: &App, agent: &AgentName) -> Result<AgentChanged, AppError> {
    change(app, agent, |agent| Command::SetStanding { agent, standing: Standing::Active })
}

pub(crate) fn remove(app: &App, agent: &AgentName) -> Result<AgentChanged, AppError> {
    change(app, agent, |agent| Command::RemoveAgent { agent })
}

fn change(
    app: &App,
    agent: &AgentName,
    command: impl FnOnce(AgentId) -> Command,
) -> Result<AgentChanged, AppError> {
    let id = target::agent(&app.reader()?, &agent.name)?.id;
    app.command(command(id))?;
    Ok(AgentChanged { name: agent.name.clone() })
}
