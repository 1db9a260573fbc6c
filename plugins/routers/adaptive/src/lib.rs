//! Learns from the record who succeeds at what, starting from what agents declare, and chooses the best by what success,
//! time and money are worth; now and then who might be better.
//!
//! The chance of success comes from the discounted statistics of all agents (`fit`): what is known of an agent's kind,
//! of the agent, of the skill, and how much better those who declare a skill really are at it. Several skills of one task
//! are combined by the mean of their log-odds. A task whose best agent is busy waits if that is worth the time
//! (`defer`), in line with others that do; the state holds that line and nothing else.
//!
//! Configuration: `success`, `wait` or `minute`, `money`, `load`, `quality`, `explore`, `floor`, `defer`; ranges and
//! defaults are those of [`Preference`].
//!
//! State: empty, or the byte 1 and the line ([`Line`]).

mod cells;
mod fit;

use std::collections::BTreeMap;

use baton_sdk::router::{
    Answer, Chooser, Config, Line, Pace, Preference, Prospect, RouteError, Router, Snapshot, Task,
};

use cells::Cells;
use fit::{Belief, Fit, logistic};

/// The router of this crate.
pub struct Adaptive;

const VERSION: u8 = 1;

impl Router for Adaptive {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        decide(&snapshot)
    }
}

fn decide(snapshot: &Snapshot) -> Result<Answer, RouteError> {
    let config = Config(&snapshot.config);
    config.only(&Preference::KEYS)?;
    let preference = Preference::read(config)?;
    let line = line(&snapshot.state)?;
    let pool = Pool::of(snapshot);
    let mut chooser = Chooser::new(snapshot, &preference, pool.pace.usual(), line);
    let mut known: BTreeMap<Vec<&str>, Vec<Prospect>> = BTreeMap::new();
    let decisions = snapshot.decide(|request, candidates| {
        let prospects =
            known.entry(wanted(&request.task)).or_insert_with_key(|skills| pool.prospects(skills));
        chooser.choose(request, candidates, prospects)
    });
    let factors = chooser.factors();
    let mut state = vec![VERSION];
    chooser.into_line().write(&mut state);
    Ok(Answer::from(decisions).with_factors(factors).with_state(state))
}

/// Who stood in line after the last answer.
fn line(state: &[u8]) -> Result<Line, RouteError> {
    let bad = |why: String| Err(RouteError::BadState(why));
    match state.split_first() {
        None => Ok(Line::default()),
        Some((&VERSION, rest)) => match Line::read(rest) {
            Some((line, [])) => Ok(line),
            Some(_) | None => bad(String::from("what follows its version is no line of tasks")),
        },
        Some((version, _)) => bad(format!("its version is {version}, this router writes {VERSION}")),
    }
}

/// The skills that a task requires or prefers, sorted, each once.
fn wanted(task: &Task) -> Vec<&str> {
    let mut skills: Vec<&str> = task.skills.iter().chain(&task.prefers).map(String::as_str).collect();
    skills.sort_unstable();
    skills.dedup();
    skills
}

/// What the record says of everybody.
struct Pool<'a> {
    cells: Cells<'a>,
    fit: Fit,
    pace: Pace<'a>,
    agents: u32,
}

impl<'a> Pool<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        let cells = Cells::of(&snapshot.agents);
        let fit = Fit::of(&cells);
        Self { cells, fit, pace: Pace::of(&snapshot.agents), agents: snapshot.agents.len() as u32 }
    }

    /// Of all agents, on a task with these skills.
    fn prospects(&self, skills: &[&str]) -> Vec<Prospect> {
        (0..self.agents).map(|agent| self.prospect(agent, skills)).collect()
    }

    fn prospect(&self, agent: u32, skills: &[&str]) -> Prospect {
        let at = agent as usize;
        let belief = match skills {
            [] => self.fit.belief(&self.cells, at, None),
            skills => combined(skills.iter().map(|skill| self.fit.belief(&self.cells, at, Some(skill)))),
        };
        Prospect {
            success: belief.chance,
            doubt: belief.variance.sqrt(),
            confidence: belief.confidence,
            quality: self.pace.quality(agent, skills),
            latency: self.pace.latency(agent, skills),
            cost: self.pace.cost(agent, skills),
        }
    }
}

/// The record counts a task for each of its skills, so a task of several is like the mean of them. What is unsure of one
/// is mostly unsure of all, because it is the agent.
fn combined(beliefs: impl ExactSizeIterator<Item = Belief>) -> Belief {
    let count = beliefs.len() as f64;
    let mut sum = Belief { chance: 0.0, variance: 0.0, confidence: 0.0 };
    for belief in beliefs {
        sum.chance += (belief.chance / (1.0 - belief.chance)).ln();
        sum.variance += belief.variance;
        sum.confidence += belief.confidence;
    }
    Belief {
        chance: logistic(sum.chance / count),
        variance: sum.variance / count,
        confidence: sum.confidence / count,
    }
}

baton_sdk::router!(Adaptive);

#[cfg(test)]
mod tests;
