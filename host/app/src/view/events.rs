//! The record as it was written, page by page.

use std::collections::HashMap;

use baton_core::event::{Event, Fact};
use baton_core::id::{RunId, TaskId};
use baton_core::nearest::did_you_mean;
use baton_store::Reader;
use baton_store::read::{self, history};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{App, AppError, target};

/// Which events are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventQuery {
    /// Only of this run, such as `r2`; without it of all, and of the host.
    pub run: Option<String>,
    /// Only events after this number.
    #[serde(default)]
    pub after: i64,
    /// Only these kinds, such as `accepted`; empty for all.
    #[serde(default)]
    pub kind: Vec<String>,
}

/// One event, with the name of its task and its time as people write it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EventEntry {
    /// The event.
    #[serde(flatten)]
    pub event: Event,
    /// The task's name in its run.
    pub name: Option<String>,
    /// RFC 3339, in UTC.
    pub time: String,
}

/// Reads the record onwards from one event. It ends nowhere: what is not recorded yet comes with a later page.
pub struct EventStream {
    reader: Reader,
    run: Option<RunId>,
    after: i64,
    kinds: Vec<String>,
    names: HashMap<TaskId, String>,
}

/// Events that are read at a time.
const PAGE: usize = 1000;

/// The next events after one, at most 1,000; ask again after the last of them. Empty once all that is recorded was given.
///
/// # Errors
/// There is no such run, or no such kind; the store can't be read.
pub(crate) fn events(app: &App, query: &EventQuery) -> Result<Vec<EventEntry>, AppError> {
    stream(app, query)?.page()
}

/// The record from an event on.
///
/// # Errors
/// There is no such run, or no such kind; the store can't be read.
pub fn stream(app: &App, query: &EventQuery) -> Result<EventStream, AppError> {
    query.kind.iter().try_for_each(|kind| known(kind))?;
    let reader = app.reader()?;
    let run = target::only_run(&reader, query.run.as_deref())?;
    Ok(EventStream { kinds: query.kind.clone(), ..EventStream::after(reader, run, query.after) })
}

impl EventStream {
    /// All events of a run, or of everything, after one.
    #[must_use]
    pub(crate) fn after(reader: Reader, run: Option<RunId>, after: i64) -> Self {
        Self { reader, run, after, kinds: Vec::new(), names: HashMap::new() }
    }

    /// The next events in the order of commits; empty once all that is recorded was read.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn page(&mut self) -> Result<Vec<EventEntry>, AppError> {
        loop {
            let mut events =
                history::events(&self.reader, self.run, self.after, PAGE).map_err(AppError::unreadable)?;
            let Some(last) = events.last() else { return Ok(Vec::new()) };
            self.after = last.seq;
            events.retain(|event| self.wants(event));
            if !events.is_empty() {
                return events.into_iter().map(|event| self.entry(event)).collect();
            }
        }
    }

    /// The name of a task in its run.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn name(&mut self, task: TaskId) -> Result<String, AppError> {
        if let Some(name) = self.names.get(&task) {
            return Ok(name.clone());
        }
        let name = read::name(&self.reader, task).map_err(AppError::unreadable)?;
        self.names.insert(task, name.clone());
        Ok(name)
    }

    /// The name of a task that [`EventStream::name`] or a page has looked up already.
    #[must_use]
    pub fn known_name(&self, task: TaskId) -> Option<&str> {
        self.names.get(&task).map(String::as_str)
    }

    /// What else of the store is to be read beside the events.
    #[must_use]
    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    fn wants(&self, event: &Event) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == event.fact.kind())
    }

    fn entry(&mut self, event: Event) -> Result<EventEntry, AppError> {
        let name = event.task.map(|task| self.name(task)).transpose()?;
        let time = event.at.to_string();
        Ok(EventEntry { event, name, time })
    }
}

fn known(kind: &str) -> Result<(), AppError> {
    if Fact::KINDS.contains(&kind) {
        return Ok(());
    }
    let hint = did_you_mean(kind, Fact::KINDS.into_iter());
    let kinds = Fact::KINDS.join(", ");
    Err(AppError::invalid(format!("there is no event {kind:?}{hint}; there are {kinds}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_does_not_exist_is_refused_with_the_nearest_one() {
        assert!(known("accepted").is_ok());
        let Err(AppError::Invalid { what, .. }) = known("acepted") else { panic!("it was taken") };
        assert!(
            what.starts_with(
                "there is no event \"acepted\" (did you mean \"accepted\"?); there are submitted,"
            ),
            "{what}"
        );
    }
}
