//! Why a task can't start, by the state that decisions are made from: one function for a running host, and for what the next
//! one will find.

use std::collections::HashSet;
use std::sync::Arc;

use baton_core::budget::ledger::Exhausted;
use baton_core::clock::Time;
use baton_core::id::{RunId, TaskId};
use baton_core::task::{State, Task, TaskPolicy, WaitingOn};
use serde::{Deserialize, Serialize};

use super::Why;
use crate::attempts::concurrency_limits::ConcurrencyLimits;
use crate::attempts::places::Places;
use crate::board::Board;
use crate::pool::{Ineligible, Pool, Worker};

/// What is known of why a task is not running, beside its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Known {
    /// Nothing: its rows tell all.
    Rows,
    /// A lock that another task holds.
    Lock {
        what: String,
        holder: TaskId,
    },
    /// The budget of a task above it leaves nothing while attempts below that one are under way.
    Family {
        task: TaskId,
    },
    Why(Why),
}

/// What decisions are made by, as it is at one moment.
pub struct View<'a> {
    pub board: &'a Board,
    pub pool: &'a Pool,
    pub limits: &'a ConcurrencyLimits,
    /// The terms of what runs, where anything limits how much may.
    pub under_way: &'a [Arc<TaskPolicy>],
    /// The cap that leaves nothing to start anything of a run with.
    pub spent: &'a dyn Fn(RunId) -> Option<Exhausted>,
    /// Tasks whose own budget leaves nothing while attempts below them are under way.
    pub families: &'a HashSet<TaskId>,
    pub now: Time,
    /// None where no host runs.
    pub host: Option<Hosting<'a>>,
}

/// What only a host that runs has.
pub struct Hosting<'a> {
    /// It starts nothing more.
    pub draining: bool,
    /// Its places, where all are taken.
    pub full: Option<Places>,
    /// The router of a run that is being asked or taught: until it has answered, no other question of the run begins.
    pub deciding: &'a dyn Fn(RunId) -> Option<String>,
    /// Whether an older attempt of a task was stopped and has not ended yet.
    pub stopping: &'a dyn Fn(TaskId) -> bool,
    pub landing: &'a dyn Fn(TaskId) -> Option<OnItsWay>,
}

/// An accepted task on its way to the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnItsWay {
    /// Others are before it.
    Queued,
    Stalled {
        why: String,
    },
}

impl View<'_> {
    /// What is in a task's way.
    #[must_use]
    pub fn known(&self, id: TaskId) -> Known {
        let Some(task) = self.board.task(id) else { return Known::Rows };
        match task.state {
            State::Ready { .. } if task.held || self.board.is_held(task.run) => Known::Rows,
            State::Ready { .. } => self.ready(task),
            State::Waiting { stage: WaitingOn::Acceptance, need: None, .. } => self.claimed(id),
            State::Waiting { stage: WaitingOn::Executor | WaitingOn::Routing, need: None, .. } => self.turn(),
            State::Waiting { .. }
            | State::Blocked
            | State::Running { .. }
            | State::Backoff { .. }
            | State::Succeeded { .. }
            | State::Failed { .. }
            | State::Cancelled { .. }
            | State::Skipped { .. } => Known::Rows,
        }
    }

    /// A claim that validators or the merge queue have.
    fn claimed(&self, id: TaskId) -> Known {
        match self.host.as_ref().and_then(|host| (host.landing)(id)) {
            Some(OnItsWay::Stalled { why }) => Known::Why(Why::Landing { why }),
            Some(OnItsWay::Queued) => Known::Why(Why::MergeQueue),
            None => self.turn(),
        }
    }

    /// It waits for a strategy, which is asked unless the host is ending.
    fn turn(&self) -> Known {
        match &self.host {
            Some(host) if host.draining => Known::Why(Why::Draining),
            Some(_) | None => Known::Rows,
        }
    }

    /// What a ready task that nobody paused waits for.
    #[must_use]
    pub fn ready(&self, task: &Task) -> Known {
        if let Some((holder, clash)) = self.board.clash(task) {
            return Known::Lock { what: clash.to_string(), holder };
        }
        let terms = self.board.terms(task.terms);
        if terms.executor.is_some() {
            return Known::Why(self.delegated());
        }
        if let Some(incapable) = incapable(self.pool, terms) {
            return Known::Why(incapable);
        }
        if let Some(Exhausted { account, resource, cap }) = (self.spent)(task.run) {
            return Known::Why(Why::Budget { of: account.to_string(), what: resource.shown(cap) });
        }
        if let Some(above) = self.board.ancestors(task).find(|above| self.families.contains(&above.id)) {
            return Known::Family { task: above.id };
        }
        if self.host.as_ref().is_some_and(|host| host.draining) {
            return Known::Why(Why::Draining);
        }
        let limit = self.limit(terms).or_else(|| self.nobody_free(terms));
        Known::Why(limit.unwrap_or_else(|| self.undecided(task)))
    }

    fn delegated(&self) -> Why {
        match &self.host {
            None => Why::NoHost,
            Some(host) if host.draining => Why::Draining,
            Some(_) => Why::Stage { stage: WaitingOn::Executor },
        }
    }

    /// Which limit leaves no place for one more.
    fn limit(&self, terms: &TaskPolicy) -> Option<Why> {
        if let Some(Places { most, scarce }) = self.host.as_ref().and_then(|host| host.full) {
            return Some(Why::Limit { of: scarce.told().to_owned(), cap: most });
        }
        if self.limits.is_none() {
            return None;
        }
        let left = self.limits.remaining(self.under_way.iter().map(Arc::as_ref));
        let (of, cap) = left.full(terms).and_then(|limit| self.limits.cap(limit))?;
        Some(Why::Limit { of, cap })
    }

    /// Why none of those who could do it may be given more, if that is so.
    fn nobody_free(&self, terms: &TaskPolicy) -> Option<Why> {
        let able = self.pool.workers.iter().filter(|worker| worker.suits(terms).is_ok());
        let full = able.map(|worker| Some((worker.agent.card.name.clone(), self.has_no_room(worker)?)));
        let full = full.collect::<Option<Vec<_>>>()?;
        if let [(agent, Ineligible::BreakerOpen { until })] = full.as_slice() {
            return Some(Why::Breaker { agent: agent.clone(), until: *until });
        }
        let agents = full.into_iter().map(|(agent, why)| (agent, why.to_string())).collect();
        Some(Why::Busy { agents })
    }

    /// Where no host runs, nobody has anything to do.
    fn has_no_room(&self, worker: &Worker) -> Option<Ineligible> {
        if self.host.is_some() {
            return worker.has_room(self.now).err();
        }
        Worker { running: 0, ..worker.clone() }.has_room(self.now).err()
    }

    /// Nothing is in its way but the decision itself.
    fn undecided(&self, task: &Task) -> Why {
        let Some(host) = &self.host else { return Why::NoHost };
        if (host.stopping)(task.id) {
            return Why::Stopping;
        }
        match (host.deciding)(task.run) {
            Some(router) => Why::Deciding { router },
            None => Why::NextDecision,
        }
    }
}

/// Why nobody can do a task, if that is so.
#[must_use]
pub fn incapable(pool: &Pool, terms: &TaskPolicy) -> Option<Why> {
    let agents = pool.workers.iter().map(|worker| {
        let why = worker.suits(terms).err()?.to_string();
        Some((worker.agent.card.name.clone(), why))
    });
    let agents = agents.collect::<Option<Vec<_>>>()?;
    let has = |skill: &String| pool.workers.iter().any(|worker| worker.agent.card.skills.contains(skill));
    let missing = terms.skills.iter().filter(|skill| !has(skill)).cloned().collect();
    Some(Why::NoCapableAgent { agents, missing })
}
