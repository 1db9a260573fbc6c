//! Hosting a store with what a configuration says.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_engine::{Host, Options};
use baton_plugin::library::Library;
use baton_store::{Home, Store};

use crate::AppError;
use crate::config::Config;

/// Agents whose adapter is not there, by name, and why: they are given nothing, and everybody else goes on.
#[must_use]
pub fn unusable(config: &Config, library: &Library) -> BTreeMap<String, String> {
    let broken = |card: &baton_core::agent::Card| {
        let why = library.agent(&card.adapter).err()?;
        Some((card.name.clone(), why.to_string()))
    };
    config.agents.iter().filter_map(broken).collect()
}

/// Starts a host with what the configuration says. `unusable` are the agents that are left out, and why.
///
/// # Errors
/// The store can't be read or written, or another host has it.
pub async fn start(
    config: &Config,
    home: &Home,
    store: Store,
    library: Library,
    unusable: BTreeMap<String, String>,
) -> Result<Host, AppError> {
    let options = Options {
        unusable,
        offer: config.offer.clone(),
        budget: config.budget.clone(),
        people: config.people.clone(),
        workspace: config.workspace.clone(),
        limits: config.limits.clone(),
        supervisor: std::env::current_exe().ok(),
        breaker: config.breaker,
    };
    let host = Host::start(store, home, Arc::new(library), options).await?;
    host.live().register(config.agents.clone()).await?;
    Ok(host)
}
