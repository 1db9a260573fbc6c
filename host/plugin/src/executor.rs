//! Executors: how a composite task is divided.

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
    ExecutionError, Request, Step as Said, Wait,
};
use super::limits::Name;
use super::loader::Loaded;
use super::{Engines, PluginError, convert};

#[derive(Clone)]
pub struct Executor {
    loaded: Loaded,
    pre: ExecutorPre<super::sandbox::Sandbox>,
    engines: Engines,
}

/// What an executor is asked about.
pub struct Question<'a> {
    pub task: &'a Task,
    pub spec: &'a Workstream,
    pub feedback: Vec<String>,
    pub children: &'a [Child],
    pub now: Time,
    pub seed: Seed,
    pub config: &'a BTreeMap<String, String>,
    /// How often it was asked before about this attempt.
    pub rounds: u32,
}

/// What it wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Spawn { children: Vec<Workstream>, until: Until },
    Wait(Until),
    Finish(Outcome),
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

    /// Asks once, on a fresh instance.
    ///
    /// # Errors
    /// Why there is no usable answer.
    pub fn advance(&self, question: &Question<'_>) -> Result<Step, PluginError> {
        let identity = &self.loaded.identity;
        let asks = identity.limits.asks;
        if asks.rounds.is_some_and(|most| question.rounds >= most) {
            return Err(identity.over(Name::Rounds));
        }
        let request = Request {
            task: convert::task(question.task, question.spec, question.feedback.clone()),
            children: question.children.iter().map(convert::child).collect(),
            now: question.now.millis(),
            seed: question.seed.0,
            config: convert::attrs(question.config),
        };
        let mut store = identity.pure_store(&self.engines.pure)?;
        let said = self
            .pre
            .instantiate(&mut store)
            .and_then(|instance| instance.baton_executor_execution().call_advance(&mut store, &request))
            .map_err(|error| identity.ended(&error, &store))?;
        let ended = question.children.iter().filter(|child| {
            use baton_core::task::StateName::{Cancelled, Failed, Skipped, Succeeded};
            matches!(child.state, Succeeded | Failed | Cancelled | Skipped)
        });
        let stand = Stand {
            ended: ended.count(),
            children: question.children.len(),
            now: question.now,
            effects: question.spec.effects,
        };
        if let Ok(Said::Spawn(spawn)) = &said {
            let children = question.children.len().saturating_add(spawn.children.len());
            if asks.children.is_some_and(|most| children > most as usize) {
                return Err(identity.over(Name::Children));
            }
        }
        match said {
            Ok(said) => step(said, &stand).map_err(|why| identity.nonsense(why)),
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

/// Where a composite task's children stand when its executor is asked.
struct Stand {
    ended: usize,
    children: usize,
    now: Time,
    /// What the parent may change.
    effects: Effects,
}

impl Stand {
    /// A wait for what is there already would be over at once, and asked about again without end.
    fn check(&self, wait: Wait) -> Result<Until, String> {
        match wait {
            Wait::AtLeast(count) if count as usize <= self.ended => {
                Err(format!("it waits for {count} ended children, and {} have", self.ended))
            }
            Wait::Until(at) if at <= self.now.millis() => Err("it waits for a moment that has passed".into()),
            wait => Ok(until(wait)),
        }
    }
}

fn step(said: Said, stand: &Stand) -> Result<Step, String> {
    Ok(match said {
        Said::Spawn(spawn) if spawn.children.is_empty() => return Err("it spawned no children".into()),
        Said::Spawn(spawn) => {
            let task = |new| convert::new_task(new, stand.effects);
            let children = spawn.children.into_iter().map(task).collect::<Result<_, _>>()?;
            Step::Spawn { children, until: stand.check(spawn.then)? }
        }
        Said::Wait(_) if stand.ended == stand.children => {
            return Err("it waits, and all of its children have ended".into());
        }
        Said::Wait(wait) => Step::Wait(stand.check(wait)?),
        Said::Finish(outcome) => Step::Finish(convert::outcome_in(outcome)?),
        Said::Fail(fault) => Step::Fail(convert::fault_in(fault, convert::RETRY_AFTER)),
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
