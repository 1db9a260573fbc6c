//! Who can do what, by what was accepted.

use std::collections::{BTreeMap, BTreeSet};

use baton_core::agent::Agent;
use baton_core::knowledge::Trend;
use baton_core::nearest::did_you_mean;
use baton_learn::pooled::Expectation;
use baton_learn::skills::{Ability, Proposal};
use baton_store::read::live;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agents::Records;
use super::insights;
use crate::runs::Nothing;
use crate::{App, AppError};

/// Which skill is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SkillQuery {
    /// Only this one; without it all that are declared or were tried.
    pub skill: Option<String>,
}

/// Who can do what.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SkillTable {
    /// By skill, those first of whom most is to be expected.
    pub skills: BTreeMap<String, Vec<Holder>>,
    /// Proven, and not declared.
    pub discovered: Vec<Ability>,
    /// Declared, and refuted.
    pub refuted: Vec<Ability>,
    /// Skills that nobody has a name for yet.
    pub proposals: Vec<Proposal>,
}

/// An agent that declares a skill or was tried on it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Holder {
    /// Its name.
    pub agent: String,
    /// Whether it declares the skill.
    pub declared: bool,
    /// Attempts at tasks that ask for the skill.
    pub attempts: u32,
    /// The share of its attempts that will be accepted.
    pub expected: Expectation,
    /// Whether its last attempts went better or worse than those before.
    pub trend: Trend,
}

/// Who can do what. What is new in the record is consolidated first.
///
/// # Errors
/// Nobody declares the skill or was tried on it; the store can't be read, or not be written to.
pub(crate) fn skills(app: &App, query: &SkillQuery) -> Result<SkillTable, AppError> {
    let found = insights::insights(app, &Nothing {})?.skills;
    let reader = &app.reader()?;
    let agents = live::agents(reader).map_err(AppError::unreadable)?;
    let records = Records::of(reader, &agents)?;
    let mut names: BTreeSet<&String> = agents.iter().flat_map(|agent| &agent.card.skills).collect();
    names.extend(records.tried());
    if let Some(wanted) = &query.skill {
        if !names.contains(wanted) {
            let hint = did_you_mean(wanted, names.iter().map(|name| name.as_str()));
            return Err(AppError::not_found(format!("nobody declares {wanted:?} or was tried on it{hint}")));
        }
        names.retain(|name| *name == wanted);
    }
    let skills = names.into_iter().map(|name| (name.clone(), holders(&records, &agents, name))).collect();
    Ok(SkillTable {
        skills,
        discovered: found.discovered,
        refuted: found.refuted,
        proposals: found.proposals,
    })
}

fn holders(records: &Records, agents: &[Agent], skill: &str) -> Vec<Holder> {
    let holder = |agent: &Agent| {
        let record = records.on(agent, skill)?;
        Some(Holder {
            agent: agent.card.name.clone(),
            declared: record.declared,
            attempts: record.tally.attempts(),
            expected: record.expected,
            trend: record.trend,
        })
    };
    let mut holders: Vec<Holder> = agents.iter().filter_map(holder).collect();
    let share = |holder: &Holder| holder.expected.share.estimate;
    holders.sort_by(|one, other| share(other).total_cmp(&share(one)));
    holders
}

#[cfg(test)]
mod tests {
    use baton_core::knowledge::Tally;

    use super::*;
    use crate::view::agents::tests::agent;

    #[test]
    fn holders_come_by_what_is_to_be_expected_and_others_are_left_out() {
        let agents = [agent(1, "ann", &["rust"]), agent(2, "bob", &[]), agent(3, "eve", &["docs"])];
        let mut tally = Tally { accepted: 20, ..Tally::default() };
        (tally.acceptance.weight, tally.acceptance.sum) = (20.0, 20.0);
        let records = Records::from_tallies(vec![(agents[1].id, "rust".into(), tally)], &agents);
        let found = holders(&records, &agents, "rust");
        let shown = found.iter().map(|holder| (holder.agent.as_str(), holder.declared, holder.attempts));
        assert_eq!(shown.collect::<Vec<_>>(), [("bob", false, 20), ("ann", true, 0)]);
    }
}
