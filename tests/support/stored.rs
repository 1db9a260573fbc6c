//! What a store holds, for assertions: whole tables as plain values.

use std::collections::BTreeSet;
use std::path::Path;

use baton_core::agent::Agent;
use baton_core::clock::Time;
use baton_core::ending::Ending;
use baton_core::episode::Episode;
use baton_core::event::Event;
use baton_core::id::{RunId, TaskId};
use baton_core::people::StoredQuestion;
use baton_core::task::{Role, StateName};
use baton_store::read::routing::TrialRow;
use baton_store::read::{self, Run};
use baton_store::testing::tamper::{Alteration, File};
use baton_store::testing::{self, Remembered, StatusLine, StoredAttempt, StoredDecision, StoredTask};
use baton_store::{Home, Reader, reader};
use serde_json::Value;

/// A store that is read, also while a host writes it.
pub struct Stored(Reader);

impl Stored {
    /// None where there is no store yet.
    pub fn open(folder: &Path) -> Option<Self> {
        reader(&Home::at(folder)).ok().map(Self)
    }

    pub fn reader(&self) -> &Reader {
        &self.0
    }

    pub fn tasks(&self) -> Vec<StoredTask> {
        testing::tasks(&self.0).expect("readable")
    }

    /// The only task, or the one that was made first.
    pub fn task(&self) -> StoredTask {
        self.tasks().into_iter().next().expect("there is a task")
    }

    /// How many tasks are in a state.
    pub fn tasks_in(&self, state: StateName) -> usize {
        self.tasks().iter().filter(|stored| stored.task.state.name() == state).count()
    }

    pub fn state_of(&self, name: &str) -> StateName {
        let task = self.tasks().into_iter().find(|stored| stored.name == name);
        task.unwrap_or_else(|| panic!("there is no task {name}")).task.state.name()
    }

    /// What strategies asked for in this role.
    pub fn tasks_as(&self, role: Role) -> Vec<StoredTask> {
        let is_one = |stored: &StoredTask| stored.task.parent.is_some_and(|parent| parent.role == role);
        self.tasks().into_iter().filter(is_one).collect()
    }

    pub fn attempts(&self) -> Vec<StoredAttempt> {
        testing::attempts(&self.0).expect("readable")
    }

    /// Those that an agent made.
    pub fn agents_attempts(&self) -> Vec<StoredAttempt> {
        self.attempts().into_iter().filter(|attempt| attempt.agent.is_some()).collect()
    }

    pub fn attempts_that(&self, ended: Ending) -> Vec<StoredAttempt> {
        self.attempts().into_iter().filter(|attempt| attempt.ending == Some(ended)).collect()
    }

    /// How the attempts ended, by task and epoch, as words with commas between them.
    pub fn endings(&self) -> String {
        let endings = self.attempts().into_iter().filter_map(|attempt| attempt.ending);
        endings.map(|ending| ending.to_string()).collect::<Vec<_>>().join(",")
    }

    /// The report of an attempt as JSON.
    pub fn report(attempt: &StoredAttempt) -> Value {
        serde_json::to_value(&attempt.report).expect("it is data")
    }

    /// The whole record.
    pub fn record(&self) -> Vec<Event> {
        testing::events(&self.0).expect("readable")
    }

    pub fn events_of(&self, run: RunId) -> Vec<Event> {
        self.record().into_iter().filter(|event| event.run == Some(run)).collect()
    }

    /// Events of a kind.
    pub fn events(&self, kind: &str) -> Vec<Event> {
        self.record().into_iter().filter(|event| event.fact.kind() == kind).collect()
    }

    /// What events of a kind say, as JSON.
    pub fn facts(&self, kind: &str) -> Vec<Value> {
        let fact = |event: Event| serde_json::to_value(&event.fact).expect("it is data");
        self.events(kind).into_iter().map(fact).collect()
    }

    /// What happened to a task, or to all tasks: the kinds of events in their order.
    pub fn kinds(&self, task: Option<TaskId>) -> Vec<&'static str> {
        let is_meant = |event: &&Event| match task {
            Some(task) => event.task == Some(task),
            None => event.task.is_some(),
        };
        let record = self.record();
        record.iter().filter(is_meant).map(|event| event.fact.kind()).collect()
    }

    pub fn decisions(&self) -> Vec<StoredDecision> {
        testing::decisions(&self.0).expect("readable")
    }

    pub fn decisions_by(&self, router: &str) -> usize {
        self.decisions().iter().filter(|decision| decision.router == router).count()
    }

    /// Components that have decided, the host's own choices among them.
    pub fn deciding_components(&self) -> usize {
        let digests: BTreeSet<String> =
            self.decisions().into_iter().map(|decision| decision.digest).collect();
        digests.len()
    }

    pub fn runs(&self) -> Vec<Run> {
        read::runs(&self.0).expect("readable")
    }

    pub fn trials(&self) -> Vec<TrialRow> {
        read::routing::trials(&self.0).expect("readable")
    }

    pub fn agents(&self) -> Vec<Agent> {
        read::live::agents(&self.0).expect("readable")
    }

    /// Agents that were given something.
    pub fn agents_used(&self) -> usize {
        let names: BTreeSet<String> =
            self.attempts().into_iter().filter_map(|attempt| attempt.agent).collect();
        names.len()
    }

    /// How many figures are kept of agents' work.
    pub fn tallies(&self) -> usize {
        read::live::tallies(&self.0).expect("readable").len()
    }

    /// How many figures are kept of an agent's work.
    pub fn tallies_of(&self, agent: &str) -> usize {
        let names = read::live::agent_names(&self.0).expect("readable");
        let tallies = read::live::tallies(&self.0).expect("readable");
        tallies.iter().filter(|(id, ..)| names.get(id).is_some_and(|name| name == agent)).count()
    }

    pub fn questions(&self) -> Vec<StoredQuestion> {
        read::people::questions(&self.0).expect("readable")
    }

    /// Who answered what, such as `ann: yes`.
    pub fn answers(&self) -> Vec<String> {
        let answer =
            |asked: StoredQuestion| asked.answer.map(|answer| format!("{}: {}", answer.by, answer.text));
        self.questions().into_iter().filter_map(answer).collect()
    }

    pub fn lessons(&self) -> Vec<String> {
        testing::lessons(&self.0).expect("readable")
    }

    pub fn memory(&self) -> Vec<Remembered> {
        testing::memory(&self.0).expect("readable")
    }

    pub fn episodes(&self) -> Vec<Episode> {
        read::insight::episodes(&self.0, usize::MAX).expect("readable")
    }

    pub fn workstream_status(&self) -> Vec<StatusLine> {
        testing::workstream_status(&self.0).expect("readable")
    }

    /// The number of the newest event.
    pub fn last_seq(&self) -> i64 {
        read::history::last_seq(&self.0).expect("readable")
    }

    /// The largest number of charged attempts of a task.
    pub fn most_attempts(&self) -> u32 {
        self.tasks().iter().map(|stored| stored.task.attempts).max().unwrap_or_default()
    }

    /// Events of several kinds.
    pub fn events_of_kinds(&self, kinds: &[&str]) -> Vec<Event> {
        self.record().into_iter().filter(|event| kinds.contains(&event.fact.kind())).collect()
    }

    pub fn newest_boot(&self) -> u32 {
        testing::hosts(&self.0).expect("readable").last().expect("a host has started").0
    }

    /// When each host started.
    pub fn host_starts(&self) -> Vec<Time> {
        testing::hosts(&self.0).expect("readable").into_iter().map(|(_, started)| started).collect()
    }

    /// How many hosts have started on it.
    pub fn hosts(&self) -> usize {
        testing::hosts(&self.0).expect("readable").len()
    }
}

/// How long an attempt took that is over, in milliseconds.
pub fn lasted(attempt: &StoredAttempt) -> i64 {
    attempt.ended.expect("it is over").0 - attempt.started.0
}

/// Alters a database behind Baton's back.
pub fn alter(database: &Path, alterations: &[Alteration<'_>]) {
    let file = File::open(database).expect("there is a database");
    for alteration in alterations {
        file.alter(alteration).unwrap_or_else(|why| panic!("{alteration:?}: {why}"));
    }
}
