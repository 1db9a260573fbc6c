//! `baton skills`: who can do what, by what was accepted.

use std::collections::{BTreeMap, BTreeSet};

use baton_core::knowledge::Trend;
use baton_core::nearest::nearest;
use baton_learn::pooled::{Expectation, Pooled};
use baton_learn::skills::{Ability, Proposal};
use baton_store::read::live;
use serde::Serialize;

use super::{Done, Failure, Global, Outcome, insights, screen, unreadable};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this one, with everybody who was tried
    skill: Option<String>,
}

#[derive(Serialize)]
struct Shown {
    skills: BTreeMap<String, Vec<Holder>>,
    /// Proven and not declared, declared and refuted, and skills that nobody has a name for yet.
    discovered: Vec<Ability>,
    refuted: Vec<Ability>,
    proposals: Vec<Proposal>,
}

/// An agent that declares a skill or was tried on it.
#[derive(Serialize)]
struct Holder {
    agent: String,
    declared: bool,
    attempts: u32,
    expected: Expectation,
    trend: Trend,
}

/// How many agents are named for a skill in the list of all.
const NAMED: usize = 3;

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let found = insights::drawn(global)?.skills;
    let conn = global.reader()?;
    let agents = live::agents(&conn).map_err(unreadable)?;
    let tallies = live::tallies(&conn).map_err(unreadable)?;
    let pooled = Pooled::of(&agents, &tallies);
    let mut names: BTreeSet<&String> = agents.iter().flat_map(|agent| &agent.card.skills).collect();
    names.extend(tallies.iter().map(|(_, skill, _)| skill).filter(|skill| !skill.is_empty()));
    if let Some(wanted) = args.skill.as_ref().filter(|wanted| !names.contains(wanted)) {
        let hint = nearest(wanted, names.iter().map(|name| name.as_str()));
        let hint = hint.map(|word| format!(" (did you mean {word:?}?)")).unwrap_or_default();
        return Err(Failure::Usage(format!("nobody declares {wanted:?} or was tried on it{hint}")));
    }
    let mut skills = BTreeMap::new();
    for name in names.into_iter().filter(|name| args.skill.as_ref().is_none_or(|only| only == *name)) {
        let mut holders: Vec<Holder> = Vec::new();
        for agent in &agents {
            let tally = tallies.iter().find(|(id, skill, _)| *id == agent.id && skill == name);
            let declared = agent.card.skills.contains(name);
            if declared || tally.is_some() {
                let expected = pooled.expect(agent, name);
                let (attempts, trend) =
                    tally.map_or((0, Trend::Steady), |(.., tally)| (tally.attempts(), tally.trend()));
                holders.push(Holder { agent: agent.card.name.clone(), declared, attempts, expected, trend });
            }
        }
        let share = |holder: &Holder| holder.expected.share.estimate;
        holders.sort_by(|one, other| share(other).total_cmp(&share(one)));
        skills.insert(name.clone(), holders);
    }
    let shown =
        Shown { skills, discovered: found.discovered, refuted: found.refuted, proposals: found.proposals };
    if global.json {
        screen::json(&shown);
        return Ok(Done::Well);
    }
    print(&shown, args.skill.is_some());
    Ok(Done::Well)
}

fn print(shown: &Shown, all: bool) {
    let mut rows = Vec::new();
    for (skill, holders) in &shown.skills {
        let named = if all { holders.len() } else { NAMED };
        for (place, holder) in holders.iter().take(named).enumerate() {
            rows.push(vec![
                if place == 0 { skill.clone() } else { String::new() },
                holder.agent.clone(),
                if holder.declared { "yes".into() } else { String::new() },
                holder.attempts.to_string(),
                screen::percent(holder.expected.share),
                screen::trend(holder.trend).to_owned(),
            ]);
        }
        if holders.len() > named {
            rows.push(vec![String::new(), format!("and {} more", holders.len() - named)]);
        }
    }
    screen::table(&["skill", "agent", "declared", "attempts", "to expect", "trend"], &rows);
    for Ability { agent, skill, attempts, accepted, .. } in &shown.discovered {
        screen::line(&format!(
            "{agent} can do {skill} and does not declare it: {accepted} of {attempts} accepted"
        ));
    }
    for Ability { agent, skill, attempts, accepted, .. } in &shown.refuted {
        screen::line(&format!("{agent} declares {skill} and has {accepted} of {attempts} accepted"));
    }
    for proposal in &shown.proposals {
        let holders: Vec<&str> = proposal.holders.iter().map(|holder| holder.agent.as_str()).collect();
        screen::line(&format!(
            "{} might be a skill ({}): {} does well with it, {} of {} accepted",
            proposal.name,
            proposal.patterns.join(", "),
            holders.join(", "),
            proposal.accepted,
            proposal.attempts
        ));
    }
}
