//! Learns from every result which agent succeeds at which task, and predicts the probability.
//!
//! A logistic regression on agent and task (`terms`): the agent, its kind, the skill, agent and kind at the skill, whether
//! it declares the skill, and the task's own features, such as its estimate, on a common scale (`scale`). It is learned
//! online, with a normal distribution for each weight, and forgets gradually (`model`). Its predictions are calibrated by
//! the results of earlier ones (`calibration`). At first it learns from the host's statistics (`record`). Expected time and
//! cost are computed from these statistics, too.
//!
//! It chooses as the router `adaptive` does, with the same configuration: `success`, `wait` or `minute`, `money`, `load`,
//! `quality`, `explore`, `floor`, `patience`; ranges and defaults are those of [`Preference`].
//!
//! State: see `state`. One that it did not write is refused.

mod calibration;
mod declared;
mod model;
mod name;
mod record;
mod scale;
mod state;
mod terms;

use baton_sdk::router::{
    Agent, Answer, Chooser, Config, Expected, Experience, Known, Learner, Lesson, Pace, Preference, Prospect,
    RouteError, Router, Snapshot, Verdict,
};

use declared::Declared;
use model::{Sum, expected};
use name::Name;
use state::State;
use terms::{of_agent, of_task};

/// The router of this crate.
pub struct Predictive;

impl Router for Predictive {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        decide(&snapshot)
    }
}

impl Learner for Predictive {
    fn learn(lesson: Lesson) -> Result<Vec<u8>, RouteError> {
        let mut state = read(&lesson.state)?;
        for experience in &lesson.experiences {
            state.learn(experience);
        }
        state.model.prune();
        Ok(state.write())
    }
}

fn read(bytes: &[u8]) -> Result<State, RouteError> {
    if bytes.is_empty() {
        return Ok(State::default());
    }
    let foreign = || RouteError::BadState(String::from("this version of this router did not write it"));
    State::read(bytes).ok_or_else(foreign)
}

impl State {
    fn learn(&mut self, experience: &Experience) {
        let Experience { skills, features, agent, agent_kind, verdict, .. } = experience;
        let skills = Name::all(skills.iter().map(String::as_str));
        self.scale.learn(features);
        let mut terms = of_task(&skills, &self.scale.scaled(features));
        terms.extend(of_agent(&self.declared, Name::of(agent), Name::of(agent_kind), &skills));
        let outcome = match verdict {
            Verdict::Accepted => 1.0,
            Verdict::Refused | Verdict::Failed => 0.0,
        };
        let sum = self.model.sum(&terms);
        self.calibration.learn(expected(sum.mean, sum.variance), outcome);
        self.model.fade(&terms);
        self.model.learn(&terms, outcome, 1.0);
    }

    /// Brings what is remembered of the pool up to date.
    fn look_at(&mut self, snapshot: &Snapshot) {
        self.declared = Declared::by(&snapshot.agents);
        if !self.began {
            record::learn(&mut self.model, &self.declared, &snapshot.agents);
            self.began = true;
        }
    }
}

fn decide(snapshot: &Snapshot) -> Result<Answer, RouteError> {
    let config = Config(&snapshot.config);
    config.only(&Preference::KEYS)?;
    let preference = Preference::read(config)?;
    let mut state = read(&snapshot.state)?;
    state.look_at(snapshot);
    let pace = Pace::of(&snapshot.agents);
    let mut chooser = Chooser::new(snapshot, &preference, pace.usual(), std::mem::take(&mut state.line));
    let named = |agent: &Agent| (Name::of(&agent.id), Name::of(&agent.kind));
    let agents: Vec<(Name, Name)> = snapshot.agents.iter().map(named).collect();
    let mut known = Known::new(agents.len());
    let mut prospects = Vec::new();
    let decisions = snapshot.decide(|request, candidates| {
        let skills = request.task.wanted();
        let names = Name::all(skills.iter().copied());
        let task = state.model.sum(&of_task(&names, &state.scale.scaled(&request.features)));
        let everybody = known.of(skills, |skills, all| {
            let pace = pace.at(skills);
            let one = |(at, agent): (usize, &_)| Candidate::of(*agent, &state, &names, pace.expected(at));
            all.extend(agents.iter().enumerate().map(one));
        });
        prospects.clear();
        prospects.extend(everybody.iter().map(|candidate| candidate.prospect(&state, &task)));
        chooser.choose(request, candidates, &prospects)
    });
    let factors = chooser.factors();
    state.line = chooser.into_line();
    Ok(Answer::from(decisions).with_factors(factors).with_state(state.write()))
}

/// What is expected of an agent at some skills, whatever the task.
struct Candidate {
    sum: Sum,
    expected: Expected,
}

impl Candidate {
    /// Of an agent with this name and kind.
    fn of((agent, kind): (Name, Name), state: &State, skills: &[Name], expected: Expected) -> Self {
        Self { sum: state.model.sum(&of_agent(&state.declared, agent, kind, skills)), expected }
    }

    fn prospect(&self, state: &State, task: &Sum) -> Prospect {
        let variance = self.sum.variance + task.variance;
        let chance = state.calibration.chance(expected(self.sum.mean + task.mean, variance));
        Prospect {
            success: chance,
            doubt: self.sum.variance.sqrt() * chance * (1.0 - chance),
            confidence: 1.0 - variance / (self.sum.unknown + task.unknown),
            expected: self.expected,
        }
    }
}

baton_sdk::learning_router!(Predictive);

#[cfg(test)]
mod tests;
