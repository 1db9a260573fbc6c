//! Asking executors how a composite task goes on.

use baton_core::fault::{ErrorClass, Fault};
use baton_core::op::{End, Op};
use baton_core::task::child::Child;
use baton_core::task::{StateName, Task, WaitingOn};
use baton_plugin::PluginError;
use baton_plugin::executor::Step;

use crate::land;
use crate::workspace::attr;

/// What an executor's answer comes to.
#[must_use]
pub fn act(task: &Task, validated: bool, step: Result<Step, PluginError>) -> Op {
    let (id, epoch) = (task.id, task.epoch);
    let failed = |fault| Op::Finish { task: id, epoch, end: End::Failed { fault, checks: Vec::new() } };
    match step {
        Ok(Step::Spawn { children, until }) => {
            Op::Spawn { task: id, epoch, stage: WaitingOn::Executor, children, until }
        }
        Ok(Step::Wait(until)) => {
            Op::Spawn { task: id, epoch, stage: WaitingOn::Executor, children: Vec::new(), until }
        }
        Ok(Step::Finish(outcome)) if validated => Op::Claim { task: id, epoch, outcome },
        Ok(Step::Finish(outcome)) => {
            let end = End::Accepted { outcome: Some(outcome), checks: Vec::new() };
            Op::Finish { task: id, epoch, end }
        }
        Ok(Step::Fail(fault)) => failed(fault),
        Err(error) => failed(Fault::new(class(&error), error.to_string())),
    }
}

/// Gives a finished composite task the tree of the child that its executor chose. Says whether there is one.
pub fn adopt(step: &mut Result<Step, PluginError>, children: &[Child]) -> bool {
    let Ok(Step::Finish(outcome)) = step else { return false };
    let chosen =
        outcome.attrs.get("chosen").and_then(|name| children.iter().find(|child| child.name == *name));
    let Some(theirs) = chosen.and_then(|child| child.report.outcome.as_ref()) else { return false };
    land::inherit(outcome, theirs);
    land::claim(outcome).is_some()
}

/// Notes whether any part of a finished composite task changed a file, and says so.
pub fn note_changes(step: &mut Result<Step, PluginError>, children: &[Child]) -> bool {
    let Ok(Step::Finish(outcome)) = step else { return true };
    let succeeded = children.iter().filter(|child| child.state == StateName::Succeeded);
    let changed = succeeded.filter_map(|child| child.report.outcome.as_ref()).any(land::has_changed);
    if changed {
        outcome.attrs.insert(attr::BELOW.into(), "true".into());
    }
    changed
}

/// The end of a composite task that should have changed files, when no part of it did.
#[must_use]
pub fn idle(task: &Task) -> Op {
    let why = "it says that it is done, and no part of it has changed a file";
    let end = End::Failed { fault: Fault::new(ErrorClass::Unaccepted, why), checks: Vec::new() };
    Op::Finish { task: task.id, epoch: task.epoch, end }
}

/// How a broken strategy counts: what its author or operator must fix is not tried again.
#[must_use]
pub fn class(error: &PluginError) -> ErrorClass {
    match error {
        PluginError::Incompatible { .. } | PluginError::NotGranted { .. } => ErrorClass::Environment,
        PluginError::Refused { .. } => ErrorClass::InvalidInput,
        PluginError::Trapped { .. } | PluginError::OverLimit { .. } => ErrorClass::Crashed,
        PluginError::InvalidAnswer { .. } => ErrorClass::InvalidOutput,
        PluginError::Host { .. } => ErrorClass::Transient,
    }
}
