//! The record of one run as it grows, with what is needed to tell it to people, and how the run ended.

use std::collections::{BTreeMap, HashMap};

use baton_core::id::{AgentId, RunId, TaskId};
use baton_core::people::StoredQuestion;
use baton_core::task::StateName;
use baton_store::read::{self, live, people, summary};

use super::Halt;
use super::waits::{RunWaits, Said};
use crate::view::events::{EventEntry, EventStream};
use crate::view::report::{self, RunReport};
use crate::view::status::NamedWait;
use crate::{App, AppError};

/// Reads a run's record onwards from one event.
pub struct RunRecord {
    events: EventStream,
    run: RunId,
    agents: HashMap<AgentId, String>,
    said: Said,
}

/// How a run stands that does not go on by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEnd {
    /// All of its tasks were accepted.
    Accepted,
    /// Some of its tasks failed, or were cancelled or skipped.
    NotAccepted,
    /// A person decides how it goes on; these are the questions that are open.
    Paused(Vec<StoredQuestion>),
    /// The budget leaves nothing to go on with.
    Spent,
    /// Nobody can do what is left, or what is accepted can't land.
    Stuck,
}

impl RunRecord {
    /// All events of a run after one, 0 for all.
    ///
    /// # Errors
    /// There is no store, or it can't be read.
    pub fn open(app: &App, run: RunId, after: i64) -> Result<Self, AppError> {
        let events = EventStream::after(app.reader()?, Some(run), after);
        Ok(Self { events, run, agents: HashMap::new(), said: Said::default() })
    }

    /// The next events in the order of commits; empty once all that is recorded was read.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn page(&mut self) -> Result<Vec<EventEntry>, AppError> {
        self.events.page()
    }

    /// How many of the plan's tasks are accepted, and how many there are.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn accepted(&self) -> Result<(u64, u64), AppError> {
        Ok(accepted(&summary::counts(self.events.reader(), self.run).map_err(AppError::unreadable)?))
    }

    /// The name of a task in its run.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn task(&mut self, task: TaskId) -> Result<String, AppError> {
        self.events.name(task)
    }

    /// The name of a task that was looked up before.
    #[must_use]
    pub fn known_task(&self, task: TaskId) -> Option<&str> {
        self.events.known_name(task)
    }

    /// The name of an agent; its number if it is not registered any more.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn agent(&mut self, agent: AgentId) -> Result<String, AppError> {
        if !self.agents.contains_key(&agent) {
            self.agents = live::agent_names(self.events.reader()).map_err(AppError::unreadable)?;
        }
        Ok(self.agents.get(&agent).cloned().unwrap_or_else(|| agent.to_string()))
    }

    /// Which of these causes are worth saying now: those that began since this was last asked. Of those that end by
    /// themselves only where `stands_still`: nothing of the run is under way.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn fresh_waits(&mut self, now: RunWaits, stands_still: bool) -> Result<Vec<NamedWait>, AppError> {
        let fresh = self.said.fresh(now, stands_still);
        fresh.into_iter().map(|wait| Ok(NamedWait { name: self.events.name(wait.task)?, wait })).collect()
    }

    /// Whether each task of the run is over, as it is recorded.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn is_settled(&self) -> Result<bool, AppError> {
        let run = read::run(self.events.reader(), self.run).map_err(AppError::unreadable)?;
        Ok(run.is_some_and(|run| run.settled.is_some()))
    }

    /// The result of the run so far.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn report(&self) -> Result<RunReport, AppError> {
        report::of_run(self.events.reader(), self.run)
    }

    /// How the run stands that stopped for this reason.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn end(&self, halt: Halt) -> Result<RunEnd, AppError> {
        Ok(match halt {
            Halt::Settled => {
                let (accepted, all) = self.accepted()?;
                if accepted == all { RunEnd::Accepted } else { RunEnd::NotAccepted }
            }
            Halt::Paused => RunEnd::Paused(people::open(self.events.reader()).map_err(AppError::unreadable)?),
            Halt::Spent => RunEnd::Spent,
            Halt::Stuck => RunEnd::Stuck,
        })
    }
}

fn accepted(counts: &BTreeMap<StateName, u64>) -> (u64, u64) {
    (counts.get(&StateName::Succeeded).copied().unwrap_or(0), counts.values().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_accepted_counts_only_among_all() {
        let counts = BTreeMap::from([(StateName::Succeeded, 2), (StateName::Skipped, 1)]);
        assert_eq!(accepted(&counts), (2, 3));
        assert_eq!(accepted(&BTreeMap::new()), (0, 0));
    }
}
