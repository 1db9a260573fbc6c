//! Whether an agent could work now, by its adapter's word.

use baton_core::agent::Card;
use baton_core::clock::Clock;
use baton_engine::attempt::HostContext;
use baton_engine::probe;
use baton_plugin::agent::ProbeResult;
use baton_plugin::capability::StateClient;
use baton_plugin::conformance::RuleResult;
use baton_plugin::lease::HostLease;
use baton_plugin::library::Library;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agents::trial;
use crate::config::Config;
use crate::{App, AppError, target};

/// Asks the adapter's probe, with the profiles that the agent would have.
///
/// # Errors
/// The adapter can't be loaded; this machine can't start what it takes to ask it.
pub fn health(config: &Config, library: &Library, card: &Card) -> Result<ProbeResult, AppError> {
    let adapter = library.agent(&card.adapter)?;
    let (attempt_events, _) = tokio::sync::mpsc::unbounded_channel();
    let around = HostContext {
        clock: Clock::system(),
        offer: config.offer.clone(),
        supervisor: std::env::current_exe().ok(),
        lease: HostLease::unlimited(),
        attempt_events,
        state_client: StateClient::closed(),
        workspaces: None,
        store: Some(config.store.clone()),
        under_way: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut card = card.clone();
    card.config.insert("baton.probe".into(), "thorough".into());
    Ok(runtime.block_on(probe::probe(&around, &adapter, &card, probe::LONG_TIMEOUT))?)
}

/// An agent that is to be tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentTest {
    /// A configured or registered agent.
    pub name: String,
    /// Also give it two small tasks, in a store of their own. Whatever they cost is spent.
    #[serde(default)]
    pub work: bool,
}

/// Whether an agent could work, and how it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AgentTested {
    /// Its name.
    pub agent: String,
    /// By its adapter's word.
    pub health: HealthName,
    /// What is wrong, if anything is.
    pub why: String,
    /// How it did the small tasks; empty if it was given none.
    pub findings: Vec<RuleResult>,
}

/// [`ProbeResult`] without its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HealthName {
    /// It could work now.
    Ready,
    /// It could, though not as well as it should.
    Degraded,
    /// It could not.
    Unreachable,
}

impl HealthName {
    /// The word that people and programs read.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::Unreachable => "unreachable",
        }
    }
}

impl AgentTested {
    /// Whether it is ready and did all that it was given.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.health == HealthName::Ready && self.findings.iter().all(|finding| finding.passed)
    }
}

/// Asks an agent's adapter whether it could work now, and gives it work if it could and that is wanted.
///
/// # Errors
/// There is no such agent, or its adapter can't be loaded; the store can't be read.
pub(crate) fn test(app: &App, asked: &AgentTest) -> Result<AgentTested, AppError> {
    let card = card(app, &asked.name)?;
    let (health, why) = match health(&app.config, &*app.library()?, &card)? {
        ProbeResult::Ready => (HealthName::Ready, String::new()),
        ProbeResult::Degraded(why) => (HealthName::Degraded, why),
        ProbeResult::Unreachable(why) => (HealthName::Unreachable, why),
    };
    let works = asked.work && health == HealthName::Ready;
    let findings = if works { trial::run(app, card)? } else { Vec::new() };
    Ok(AgentTested { agent: asked.name.clone(), health, why, findings })
}

/// The card of the configuration, or else the one that is registered.
fn card(app: &App, name: &str) -> Result<Card, AppError> {
    if let Some(card) = app.config.agents.iter().find(|card| card.name == name) {
        return Ok(card.clone());
    }
    match app.reader_if_any()? {
        Some(reader) => Ok(target::agent(&reader, name)?.card),
        None => Err(AppError::not_found(format!("there is no agent {name:?}"))),
    }
}
