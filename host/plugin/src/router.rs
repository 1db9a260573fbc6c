//! Calls routers, which assign tasks to agents. The types are those of the contract, because a decision is recorded exactly
//! as it was asked and answered.

use std::collections::{BTreeMap, HashSet};

use baton_core::excerpt::excerpt;
use baton_core::outcome::Outcome;
use baton_core::plan::Workstream;
use baton_core::task::Task;
use baton_core::task::policy::Effects;

use super::bindings::learner::LearnerPre;
use super::bindings::learner::exports::baton::router::learning;
use super::bindings::router::RouterPre;
use super::bindings::shared::baton::router::words as routing;
use super::loader::Loaded;
use super::{Engines, PluginError, Violation, convert};

pub use learning::{Experience, Lesson, Verdict};
pub use routing::{
    Agent, Answer, Assignment, Choice, Decision, Factor, Feature, Forecast, Request, RouteError, Score,
    SkillStats, Snapshot,
};

pub use super::bindings::shared::baton::types::core::{Attr, NewTask};

/// The most requests in one call, and the most attempts in one lesson.
pub const BATCH: usize = 256;
/// The largest difference between a total and the sum of its factors, and between 1.0 and the sum of propensities.
const TOLERANCE: f64 = 1e-6;
/// The most bytes of a router's state.
const STATE: usize = 64 << 10;
const HOUR_MS: u64 = 3_600_000;
const LEARNING: &str = "baton:router/learning@";

/// A loaded router. Each call runs on a fresh instance; what it remembers is in its state.
#[derive(Clone)]
pub struct Router {
    loaded: Loaded,
    pre: RouterPre<super::sandbox::Sandbox>,
    learner: Option<LearnerPre<super::sandbox::Sandbox>>,
    engines: Engines,
}

/// A checked answer, and what it cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Routed {
    /// Its decisions are in the order of the requests.
    pub answer: Answer,
    /// The fuel that the call used.
    pub fuel: u64,
}

impl Router {
    pub(super) fn new(loaded: Loaded, engines: &Engines) -> Result<Self, PluginError> {
        let pre = RouterPre::new(loaded.pre.clone()).map_err(|why| PluginError::Incompatible {
            plugin: loaded.identity.name.clone(),
            why: why.to_string(),
        })?;
        let learns = loaded.component.exports.iter().any(|export| export.starts_with(LEARNING));
        let learner = learns.then(|| LearnerPre::new(loaded.pre.clone())).transpose();
        let learner = learner.map_err(|why| PluginError::Incompatible {
            plugin: loaded.identity.name.clone(),
            why: why.to_string(),
        })?;
        Ok(Self { loaded, pre, learner, engines: engines.clone() })
    }

    /// Whether it learns from the results of attempts.
    #[must_use]
    pub fn learns(&self) -> bool {
        self.learner.is_some()
    }

    /// Calls the router with a lesson. Returns its new state and the fuel used. A router that does not learn keeps its state; one
    /// that rejects its state as foreign is called again with an empty one.
    ///
    /// # Errors
    /// Any [`PluginError`] but `Incompatible` and `NotGranted`.
    pub fn learn(&self, lesson: &Lesson) -> Result<(Vec<u8>, u64), PluginError> {
        let Some(learner) = &self.learner else { return Ok((lesson.state.clone(), 0)) };
        match self.teach(learner, lesson)? {
            Ok(learned) => Ok(learned),
            Err(RouteError::BadState(_)) if !lesson.state.is_empty() => {
                let fresh = Lesson { state: Vec::new(), ..lesson.clone() };
                self.teach(learner, &fresh)?.map_err(|error| self.refusal(error))
            }
            Err(error) => Err(self.refusal(error)),
        }
    }

    fn teach(
        &self,
        learner: &LearnerPre<super::sandbox::Sandbox>,
        lesson: &Lesson,
    ) -> Result<Result<(Vec<u8>, u64), RouteError>, PluginError> {
        let identity = &self.loaded.identity;
        let (_slot, mut store) = identity.pure_store(&self.engines)?;
        let learned = learner
            .instantiate(&mut store)
            .and_then(|instance| instance.baton_router_learning().call_learn(&mut store, lesson));
        let learned = learned.map_err(|error| identity.ended(&error, &store))?;
        let left = store.get_fuel().unwrap_or(0);
        let fuel = identity.limits.fuel.unwrap_or(0).saturating_sub(left);
        match learned {
            Ok(state) if state.len() > STATE => Err(identity.invalid_answer(too_large(state.len()))),
            Ok(state) => Ok(Ok((state, fuel))),
            Err(error) => Ok(Err(error)),
        }
    }

    /// The plugin's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.loaded.identity.name
    }

    /// The digest of its component.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.loaded.component.digest
    }

    /// Calls the router. One that rejects its state as foreign is called again with an empty one.
    ///
    /// # Errors
    /// Any [`PluginError`] but `Incompatible` and `NotGranted`.
    pub fn route(&self, snapshot: &Snapshot) -> Result<Routed, PluginError> {
        let routed = self.ask(snapshot)?;
        match routed {
            Ok(routed) => Ok(routed),
            Err(RouteError::BadState(_)) if !snapshot.state.is_empty() => {
                let fresh = Snapshot { state: Vec::new(), ..snapshot.clone() };
                self.ask(&fresh)?.map_err(|error| self.refusal(error))
            }
            Err(error) => Err(self.refusal(error)),
        }
    }

    fn refusal(&self, error: RouteError) -> PluginError {
        self.loaded.identity.refused(match error {
            RouteError::BadConfig(attr) => {
                format!("its configuration `{}`: {}", attr.name, attr.value)
            }
            RouteError::BadState(why) => format!("its state is not its own: {why}"),
            RouteError::Other(why) => why,
        })
    }

    fn ask(&self, snapshot: &Snapshot) -> Result<Result<Routed, RouteError>, PluginError> {
        let identity = &self.loaded.identity;
        let (_slot, mut store) = identity.pure_store(&self.engines)?;
        let answer = self
            .pre
            .instantiate(&mut store)
            .and_then(|instance| instance.baton_router_routing().call_route(&mut store, snapshot));
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(identity.ended(&error, &store)),
        };
        let left = store.get_fuel().unwrap_or(0);
        let fuel = identity.limits.fuel.unwrap_or(0).saturating_sub(left);
        match answer {
            Ok(answer) => {
                let answer = checked(snapshot, answer).map_err(|why| identity.invalid_answer(why))?;
                Ok(Ok(Routed { answer, fuel }))
            }
            Err(error) => Ok(Err(error)),
        }
    }
}

/// A task as routers see it. `candidates` is an index into the snapshot's sets, `queued_ms` how long the task has been ready,
/// `consulted` the outcome of the task that the router asked for.
#[must_use]
pub fn request(
    task: &Task,
    spec: &Workstream,
    feedback: Vec<String>,
    candidates: u32,
    queued_ms: u64,
    consulted: Option<&Outcome>,
) -> Request {
    Request {
        task: convert::task(task, spec, feedback),
        candidates,
        queued: queued_ms,
        features: features(spec, task.attempts),
        consulted: consulted.map(convert::outcome_out),
    }
}

/// The numeric features of a task. `attempts` are those before this one.
#[must_use]
pub fn features(spec: &Workstream, attempts: u32) -> Vec<Feature> {
    let named = baton_core::task::features::of(spec, attempts).into_iter();
    named.map(|(name, value)| Feature { name, value }).collect()
}

/// The task that a router wants done before it decides.
///
/// # Errors
/// What is wrong with it, as the reason of an invalid answer.
pub fn consultation(new: NewTask) -> Result<Workstream, Violation> {
    convert::new_task(new, Effects::Pure)
}

/// Checks an answer against the contract, and sorts its decisions by request.
///
/// # Errors
/// The first violation, as the reason of an invalid answer.
pub fn checked(snapshot: &Snapshot, mut answer: Answer) -> Result<Answer, Violation> {
    let requests = snapshot.requests.len();
    if answer.state.len() > STATE {
        return Err(Violation(too_large(answer.state.len())));
    }
    if let Some(factor) = answer.factors.iter().find(|factor| !factor.weight.is_finite()) {
        return Err(Violation(format!("the weight of factor {:?} is {}", factor.name, factor.weight)));
    }
    bound_texts(&mut answer)?;
    let mut seen = HashSet::new();
    for decision in &answer.decisions {
        let index = decision.request as usize;
        let Some(request) = snapshot.requests.get(index) else {
            return Err(Violation(format!("it decided on request {index} of {requests}")));
        };
        if !seen.insert(index) {
            return Err(Violation(format!("it decided twice on request {index}")));
        }
        choice(snapshot, request, &answer.factors, &decision.choice)
            .map_err(|why| Violation(format!("request {index}: {why}")))?;
    }
    if let Some(missing) = (0..requests).find(|index| !seen.contains(index)) {
        return Err(Violation(format!("it did not decide on request {missing}")));
    }
    answer.decisions.sort_by_key(|decision| decision.request);
    Ok(answer)
}

/// The most factors of one answer.
const FACTORS: usize = 256;
/// The most bytes of a factor's name and of the reason for one decision, which are recorded; more are cut off.
const NAME: usize = 128;
const REASON: usize = 1 << 10;

/// Cuts the texts of an answer to their limits.
fn bound_texts(answer: &mut Answer) -> Result<(), Violation> {
    if answer.factors.len() > FACTORS {
        return Err(Violation(format!(
            "it names {} factors, and {FACTORS} are allowed",
            answer.factors.len()
        )));
    }
    for factor in &mut answer.factors {
        factor.name = excerpt(std::mem::take(&mut factor.name), NAME);
    }
    for decision in &mut answer.decisions {
        match &mut decision.choice {
            Choice::Assign(assignment) => {
                assignment.reason = excerpt(std::mem::take(&mut assignment.reason), REASON);
            }
            Choice::Reject(why) => *why = excerpt(std::mem::take(why), REASON),
            Choice::Defer(_) | Choice::Consult(_) => {}
        }
    }
    Ok(())
}

fn too_large(bytes: usize) -> String {
    format!("its state has {bytes} bytes, and {STATE} are allowed")
}

fn choice(
    snapshot: &Snapshot,
    request: &Request,
    factors: &[Factor],
    choice: &Choice,
) -> Result<(), Violation> {
    let candidates = snapshot.candidate_sets.get(request.candidates as usize).map_or(&[][..], Vec::as_slice);
    match choice {
        Choice::Assign(assignment) => assigned(snapshot, candidates, factors, assignment),
        Choice::Defer(pause) if *pause > HOUR_MS => {
            Err(Violation(format!("it deferred for {pause} ms, and an hour is allowed")))
        }
        Choice::Defer(_) | Choice::Reject(_) => Ok(()),
        Choice::Consult(new) => convert::new_task(new.clone(), Effects::Pure).map(|_| ()),
    }
}

fn assigned(
    snapshot: &Snapshot,
    candidates: &[u32],
    factors: &[Factor],
    assignment: &Assignment,
) -> Result<(), Violation> {
    let fits = |agent: u32, what: &str| {
        let name = snapshot.agents.get(agent as usize).map(|agent| agent.id.as_str());
        match name {
            None => Err(Violation(format!("{what} agent {agent} of {}", snapshot.agents.len()))),
            Some(name) if candidates.binary_search(&agent).is_err() => {
                Err(Violation(format!("{what} {name}, which is no candidate")))
            }
            Some(_) => Ok(()),
        }
    };
    fits(assignment.agent, "it assigned")?;
    for (count, what) in [(assignment.scores.len(), "scored"), (assignment.fallbacks.len(), "falls back to")]
    {
        if count > candidates.len() {
            return Err(Violation(format!(
                "it {what} {count} agents, and there are {} candidates",
                candidates.len()
            )));
        }
    }
    assignment.fallbacks.iter().try_for_each(|agent| fits(*agent, "it falls back to"))?;
    for score in &assignment.scores {
        fits(score.agent, "it scored")?;
        scored(score, factors)?;
    }
    let all: f64 = assignment.scores.iter().map(|score| score.propensity).sum();
    let whole = assignment.scores.len() == candidates.len();
    if all > 1.0 + TOLERANCE || (whole && !candidates.is_empty() && all < 1.0 - TOLERANCE) {
        return Err(Violation(format!("its propensities add up to {all}, expected 1.0")));
    }
    Ok(())
}

fn scored(score: &Score, factors: &[Factor]) -> Result<(), Violation> {
    let agent = score.agent;
    if !score.total.is_finite() || score.values.iter().any(|value| !value.is_finite()) {
        return Err(Violation(format!("the score of agent {agent} is not a finite number")));
    }
    if !(0.0..=1.0).contains(&score.propensity) {
        let propensity = score.propensity;
        return Err(Violation(format!(
            "the propensity of agent {agent} is {propensity}, expected 0.0 to 1.0"
        )));
    }
    if score.values.len() != factors.len() {
        return Err(Violation(format!(
            "a score has {} values for {} factors",
            score.values.len(),
            factors.len()
        )));
    }
    let terms = score.values.iter().zip(factors).map(|(value, factor)| value * factor.weight);
    let (sum, size) = terms.fold((0.0, 1.0_f64), |(sum, size), term| (sum + term, size.max(term.abs())));
    if (sum - score.total).abs() > TOLERANCE * size {
        return Err(Violation(format!(
            "the total of agent {agent} is {}, and its factors give {sum}",
            score.total
        )));
    }
    match &score.forecast {
        Some(forecast) => foreseen(agent, forecast),
        None => Ok(()),
    }
}

fn foreseen(agent: u32, forecast: &Forecast) -> Result<(), Violation> {
    let named = [("p-success", forecast.p_success), ("confidence", forecast.confidence)];
    match named.iter().find(|(_, value)| !(0.0..=1.0).contains(value)) {
        Some((name, value)) => {
            Err(Violation(format!("the {name} of agent {agent} is {value}, expected 0.0 to 1.0")))
        }
        None => Ok(()),
    }
}

/// A router's configuration as attributes of the contract.
#[must_use]
pub fn attrs(config: &BTreeMap<String, String>) -> Vec<Attr> {
    convert::attrs(config)
}

/// The name under which the host's own choice is recorded. No plugin can have it.
pub const LEAST_LOADED: &str = "host:least-loaded";
/// The digest that is recorded with it.
pub const LEAST_LOADED_DIGEST: &str = "host";

/// The host's own decision, for when a router fails: each task goes to the candidate with the lowest share of its capacity
/// in use.
#[must_use]
pub fn least_loaded(snapshot: &Snapshot) -> Answer {
    let mut running: Vec<u32> = snapshot.agents.iter().map(|agent| agent.running).collect();
    let decisions = snapshot.requests.iter().zip(0_u32..).map(|(request, index)| {
        let candidates =
            snapshot.candidate_sets.get(request.candidates as usize).map_or(&[][..], Vec::as_slice);
        let load = |agent: u32| {
            let capacity = snapshot.agents.get(agent as usize).map_or(1, |agent| agent.capacity.max(1));
            u64::from(running.get(agent as usize).copied().unwrap_or(0)) * 1_000_000 / u64::from(capacity)
        };
        let choice = match candidates.iter().min_by_key(|&&agent| (load(agent), agent)) {
            Some(&agent) => {
                if let Some(running) = running.get_mut(agent as usize) {
                    *running += 1;
                }
                let reason = "the host's own choice: the least loaded candidate".to_owned();
                Choice::Assign(Assignment { agent, fallbacks: Vec::new(), scores: Vec::new(), reason })
            }
            None => Choice::Defer(1000),
        };
        Decision { request: index, choice }
    });
    Answer { decisions: decisions.collect(), factors: Vec::new(), state: snapshot.state.clone() }
}
