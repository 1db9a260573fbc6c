//! Learns from the record which agent succeeds at what, starting from what agents declare, and chooses the best by the worth
//! of success, time and money; sometimes an agent that might be better.
//!
//! The probability of success is estimated from the discounted statistics of all agents (`fit`): by the agent's kind, the
//! agent, the skill, and how much better agents are that declare the skill. Several skills of one task are combined by the
//! mean of their log-odds. A task whose best agent is busy waits in line if that is worth the time (`patience`); the state
//! holds that line and nothing else.
//!
//! Configuration: `success`, `wait` or `minute`, `money`, `load`, `quality`, `explore`, `floor`, `patience`; ranges and
//! defaults are those of [`Preference`].
//!
//! State: empty, or the byte 1 and the line ([`Line`]).

mod cells;
mod fit;

use baton_sdk::router::{
    Answer, Chooser, Config, Known, Line, Pace, Preference, Prospect, RouteError, Router, Snapshot,
};

use cells::{Cells, Skill};
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
    let mut known = Known::new(snapshot.agents.len());
    let decisions = snapshot.decide(|request, candidates| {
        let prospects = known.of(request.task.wanted(), |skills, all| pool.prospects(skills, all));
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

/// What the record says of everybody.
struct Pool<'a> {
    cells: Cells<'a>,
    fit: Fit,
    pace: Pace<'a>,
}

impl<'a> Pool<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        let cells = Cells::of(&snapshot.agents);
        let fit = Fit::of(&cells);
        Self { cells, fit, pace: Pace::of(&snapshot.agents) }
    }

    /// Of all agents, on a task with these skills.
    fn prospects(&self, skills: &[&str], all: &mut Vec<Prospect>) {
        let known: Vec<(&str, Option<Skill>)> =
            skills.iter().map(|skill| (*skill, self.cells.skill(skill))).collect();
        let pace = self.pace.at(skills);
        all.extend((0..self.cells.kinds.len()).map(|agent| {
            let belief = match known.as_slice() {
                [] => self.fit.belief(&self.cells, agent, None),
                known => self.combined(agent, known),
            };
            Prospect {
                success: belief.chance,
                doubt: belief.variance.sqrt(),
                confidence: belief.confidence,
                expected: pace.expected(agent),
            }
        }));
    }

    /// The record counts a task for each of its skills, so a task of several is like the mean of them. What is unsure of
    /// one is mostly unsure of all, because it is the agent.
    fn combined(&self, agent: usize, skills: &[(&str, Option<Skill>)]) -> Belief {
        let share = 1.0 / skills.len() as f64;
        let (mut odds, mut variance, mut confidence) = (0.0, 0.0, 0.0);
        for skill in skills {
            let belief = self.fit.belief(&self.cells, agent, Some(*skill));
            odds += share * (belief.chance / (1.0 - belief.chance)).ln();
            variance += share * belief.variance;
            confidence += share * belief.confidence;
        }
        Belief { chance: logistic(odds), variance, confidence }
    }
}

baton_sdk::router!(Adaptive);

#[cfg(test)]
mod tests;
