//! Calls executors, which divide a composite task into children and decide how it goes on as they end.

use std::collections::BTreeMap;

use baton_core::clock::Time;
use baton_core::fault::Fault;
use baton_core::op::Until;
use baton_core::outcome::Outcome;
use baton_core::plan::Workstream;
use baton_core::seed::Seed;
use baton_core::task::Task;
use baton_core::task::child::Child;
use baton_core::task::policy::Effects;

use super::bindings::executor::ExecutorPre;
use super::bindings::executor::exports::baton::executor::execution::{
    ExecutionError, Request, Step as Answer, Wait,
};
use super::limits::LimitKind;
use super::loader::Loaded;
use super::{Engines, PluginError, Violation, convert};

/// A loaded executor. Each call runs on a fresh instance.
#[derive(Clone)]
pub struct Executor {
    loaded: Loaded,
    pre: ExecutorPre<super::sandbox::Sandbox>,
    engines: Engines,
}

/// The arguments of one call.
pub struct AdvanceRequest<'a> {
    /// The composite task's state.
    pub task: &'a Task,
    /// The composite task as the plan has it.
    pub spec: &'a Workstream,
    /// Why earlier attempts were not accepted, oldest first.
    pub feedback: Vec<String>,
    /// The children of this attempt, ended or not.
    pub children: &'a [Child],
    /// When the host asks.
    pub now: Time,
    /// Seed of the executor's random numbers.
    pub seed: Seed,
    /// The operator's configuration of the plugin.
    pub config: &'a BTreeMap<String, String>,
    /// Earlier calls about this attempt.
    pub rounds: u32,
}

/// How the composite task goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Add children, and call the executor again once `until` holds.
    Spawn {
        /// The new children, at least one.
        children: Vec<Workstream>,
        /// When to call the executor again.
        until: Until,
    },
    /// Call the executor again once this holds.
    Wait(Until),
    /// The task is done; this is the claim.
    Finish(Outcome),
    /// The attempt failed.
    Fail(Fault),
}

impl Executor {
    pub(super) fn new(loaded: Loaded, engines: &Engines) -> Result<Self, PluginError> {
        let pre = ExecutorPre::new(loaded.pre.clone()).map_err(|why| PluginError::Incompatible {
            plugin: loaded.identity.name.clone(),
            why: why.to_string(),
        })?;
        Ok(Self { loaded, pre, engines: engines.clone() })
    }

    /// Calls the executor once, on a fresh instance.
    ///
    /// # Errors
    /// Any [`PluginError`] but `Incompatible` and `NotGranted`. `OverLimit` also where the call would exceed the limit on
    /// rounds or on children.
    pub fn advance(&self, question: &AdvanceRequest<'_>) -> Result<Step, PluginError> {
        let identity = &self.loaded.identity;
        let asks = identity.limits.asks;
        if asks.rounds.is_some_and(|most| question.rounds >= most) {
            return Err(identity.over(LimitKind::Rounds));
        }
        let request = Request {
            task: convert::task(question.task, question.spec, question.feedback.clone()),
            children: question.children.iter().map(convert::child).collect(),
            now: question.now.millis(),
            seed: question.seed.0,
            config: convert::attrs(question.config),
        };
        let (_slot, mut store) = identity.pure_store(&self.engines)?;
        let answer = self
            .pre
            .instantiate(&mut store)
            .and_then(|instance| instance.baton_executor_execution().call_advance(&mut store, &request))
            .map_err(|error| identity.ended(&error, &store))?;
        let ended = question.children.iter().filter(|child| {
            use baton_core::task::StateName::{Cancelled, Failed, Skipped, Succeeded};
            matches!(child.state, Succeeded | Failed | Cancelled | Skipped)
        });
        let progress = ChildProgress {
            ended: ended.count(),
            children: question.children.len(),
            now: question.now,
            effects: question.spec.effects,
        };
        if let Ok(Answer::Spawn(spawn)) = &answer {
            let children = question.children.len().saturating_add(spawn.children.len());
            if asks.children.is_some_and(|most| children > most as usize) {
                return Err(identity.over(LimitKind::Children));
            }
        }
        match answer {
            Ok(answer) => step(answer, &progress).map_err(|why| identity.invalid_answer(why)),
            Err(error) => Err(identity.refused(match error {
                ExecutionError::BadInput(why) => why,
                ExecutionError::BadConfig(attr) => {
                    format!("its configuration `{}`: {}", attr.name, attr.value)
                }
                ExecutionError::Other(why) => why,
            })),
        }
    }
}

/// What an answer is checked against.
struct ChildProgress {
    ended: usize,
    children: usize,
    now: Time,
    /// The parent's own effects: a child may have no more unless it says so.
    effects: Effects,
}

impl ChildProgress {
    /// Refuses a wait whose condition holds already: the executor would be called again at once, without end.
    fn check(&self, wait: Wait) -> Result<Until, Violation> {
        match wait {
            Wait::AtLeast(count) if count as usize <= self.ended => {
                Err(Violation(format!("it waits for {count} ended children, and {} have", self.ended)))
            }
            Wait::Until(at) if at <= self.now.millis() => {
                Err(Violation("it waits for a time that has passed".into()))
            }
            wait => Ok(until(wait)),
        }
    }
}

fn step(answer: Answer, progress: &ChildProgress) -> Result<Step, Violation> {
    Ok(match answer {
        Answer::Spawn(spawn) if spawn.children.is_empty() => {
            return Err(Violation("it spawned no children".into()));
        }
        Answer::Spawn(spawn) => {
            let task = |new| convert::new_task(new, progress.effects);
            let children = spawn.children.into_iter().map(task).collect::<Result<_, _>>()?;
            Step::Spawn { children, until: progress.check(spawn.then)? }
        }
        Answer::Wait(_) if progress.ended == progress.children => {
            return Err(Violation("it waits, and all of its children have ended".into()));
        }
        Answer::Wait(wait) => Step::Wait(progress.check(wait)?),
        Answer::Finish(outcome) => Step::Finish(convert::outcome_in(outcome)?),
        Answer::Fail(fault) => Step::Fail(convert::fault_in(fault, convert::RETRY_AFTER)),
    })
}

fn until(wait: Wait) -> Until {
    match wait {
        Wait::Any => Until::Any,
        Wait::All => Until::All,
        Wait::AtLeast(count) => Until::AtLeast(count),
        Wait::Until(at) => Until::Time(Time(i64::try_from(at).unwrap_or(i64::MAX))),
    }
}
