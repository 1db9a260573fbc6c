//! `baton skills`: who can do what, by what was accepted.

use baton_app::operation;
use baton_app::view::skills::{SkillQuery, SkillTable};

use super::{Done, Global, Outcome, screen, shown};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this one, with everybody who was tried
    skill: Option<String>,
}

/// How many agents are named for a skill in the list of all.
const NAMED: usize = 3;

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let query = SkillQuery { skill: args.skill.clone() };
    shown(global, &operation::SKILLS, &query, |table| print(table, args.skill.is_some()))?;
    Ok(Done::Well)
}

fn print(shown: &SkillTable, all: bool) {
    let mut rows = Vec::new();
    for (skill, holders) in &shown.skills {
        let named = if all { holders.len() } else { NAMED };
        for (place, holder) in holders.iter().take(named).enumerate() {
            rows.push(vec![
                if place == 0 { skill.clone() } else { String::new() },
                holder.agent.clone(),
                if holder.declared { "yes".into() } else { String::new() },
                holder.attempts.to_string(),
                screen::percent(holder.expected.share.points()),
                screen::trend(holder.trend).to_owned(),
            ]);
        }
        if holders.len() > named {
            rows.push(vec![String::new(), format!("and {} more", holders.len() - named)]);
        }
    }
    screen::table(&["skill", "agent", "declared", "attempts", "to expect", "trend"], &rows);
    for found in &shown.discovered {
        screen::line(&format!(
            "{} can do {} and does not declare it: {} of {} accepted",
            found.agent, found.skill, found.accepted, found.attempts
        ));
    }
    for found in &shown.refuted {
        screen::line(&format!(
            "{} declares {} and has {} of {} accepted",
            found.agent, found.skill, found.accepted, found.attempts
        ));
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
