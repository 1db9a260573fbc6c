//! What the record teaches: bottlenecks, patterns, anomalies, pairs, drift, gaps, teams.

mod text;

use std::collections::BTreeMap;

use baton_core::seed::Seed;
use baton_engine::learning::consolidation;
use baton_learn::Insights;
use baton_store::read::{self, live};

use crate::runs::Nothing;
use crate::{App, AppError, notes};

pub use text::{Section, evidence};

/// All insights, from the newest attempts. What is new in the record is consolidated first.
///
/// # Errors
/// The store can't be read, or not be written to.
pub(crate) fn insights(app: &App, _: &Nothing) -> Result<Insights, AppError> {
    let reader = &notes::consolidated(app)?;
    let episodes = read::insight::episodes(reader, consolidation::MEMORY).map_err(AppError::unreadable)?;
    let agents = live::agents(reader).map_err(AppError::unreadable)?;
    let declared: BTreeMap<String, Vec<String>> =
        agents.into_iter().map(|agent| (agent.card.name, agent.card.skills)).collect();
    Ok(baton_learn::insights(&episodes, &declared, Seed(0)))
}
