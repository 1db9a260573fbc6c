//! Tasks and attempts as rows: enum to column and back, exhaustive both ways. Whatever SQL says of a state, a role or an
//! ending is made of the constants below.

use std::str::FromStr;

use const_format::formatcp;
use rusqlite::types::Type;
use rusqlite::{Error, Row};

use baton_core::clock::Time;
use baton_core::ending::Ending;
use baton_core::fault::ErrorClass;
use baton_core::id::{AgentId, Epoch, RunId, TaskId, TermsId};
use baton_core::task::{Need, Parent, Role, State, StateName, Task, WaitingOn};

/// The columns of a task, in the order of [`task`].
pub(super) const COLUMNS: &str = "id, run_id, parent_id, parent_epoch, role, terms_id, state, at, agent_id, \
     lease_until, stage, need, need_until, class, held, cancelling, epoch, attempts, crashes, priority, created_at, \
     deadline, conflicts";

/// A state as its columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StateRow {
    pub(super) state: i64,
    pub(super) at: i64,
    pub(super) agent: Option<i64>,
    pub(super) lease_until: Option<i64>,
    pub(super) stage: Option<i64>,
    pub(super) need: Option<u32>,
    pub(super) need_until: Option<i64>,
    pub(super) class: Option<i64>,
}

pub(super) const fn state_number(name: StateName) -> i64 {
    match name {
        StateName::Blocked => 0,
        StateName::Ready => 1,
        StateName::Running => 2,
        StateName::Waiting => 3,
        StateName::Backoff => 4,
        StateName::Succeeded => 5,
        StateName::Failed => 6,
        StateName::Cancelled => 7,
        StateName::Skipped => 8,
    }
}

fn state_name(number: i64) -> Option<StateName> {
    StateName::ALL.into_iter().find(|name| state_number(*name) == number)
}

fn wrong(column: usize, kind: Type, what: String) -> Error {
    Error::FromSqlConversionFailure(column, kind, what.into())
}

/// Reads a state's name from a column. Another number is what no version wrote.
pub(super) fn state_at(row: &Row<'_>, column: usize) -> rusqlite::Result<StateName> {
    let number = row.get(column)?;
    state_name(number)
        .ok_or_else(|| wrong(column, Type::Integer, format!("{number} is the number of no state")))
}

/// Reads a child's role from a column.
pub(super) fn role_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Role> {
    let number = row.get(column)?;
    role(number).ok_or_else(|| wrong(column, Type::Integer, format!("{number} is the number of no role")))
}

/// Reads how an attempt ended; none while it goes on.
pub(super) fn ending_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Ending>> {
    word_at(row, column, "ending of an attempt")
}

/// Reads an enum that is stored as its word.
pub(super) fn word_at<T: FromStr>(row: &Row<'_>, column: usize, what: &str) -> rusqlite::Result<Option<T>> {
    let Some(word) = row.get::<_, Option<String>>(column)? else { return Ok(None) };
    word.parse().map(Some).map_err(|_| wrong(column, Type::Text, format!("{word:?} is no {what}")))
}

pub(super) const fn stage_number(stage: WaitingOn) -> i64 {
    match stage {
        WaitingOn::Executor => 0,
        WaitingOn::Acceptance => 1,
        WaitingOn::Routing => 2,
        WaitingOn::Person => 3,
    }
}

fn stage(number: i64) -> Option<WaitingOn> {
    [WaitingOn::Executor, WaitingOn::Acceptance, WaitingOn::Routing, WaitingOn::Person]
        .into_iter()
        .find(|stage| stage_number(*stage) == number)
}

pub(super) const fn role_number(role: Role) -> i64 {
    match role {
        Role::Part => 0,
        Role::Evidence => 1,
        Role::Consult => 2,
    }
}

fn role(number: i64) -> Option<Role> {
    [Role::Part, Role::Evidence, Role::Consult].into_iter().find(|role| role_number(*role) == number)
}

pub(super) const BLOCKED: i64 = state_number(StateName::Blocked);
pub(super) const READY: i64 = state_number(StateName::Ready);
pub(super) const RUNNING: i64 = state_number(StateName::Running);
pub(super) const WAITING: i64 = state_number(StateName::Waiting);
pub(super) const BACKOFF: i64 = state_number(StateName::Backoff);
pub(super) const SUCCEEDED: i64 = state_number(StateName::Succeeded);
pub(super) const FAILED: i64 = state_number(StateName::Failed);
pub(super) const SKIPPED: i64 = state_number(StateName::Skipped);
pub(super) const EXECUTOR: i64 = stage_number(WaitingOn::Executor);
pub(super) const ACCEPTANCE: i64 = stage_number(WaitingOn::Acceptance);
pub(super) const PERSON: i64 = stage_number(WaitingOn::Person);
pub(super) const PART: i64 = role_number(Role::Part);
pub(super) const EVIDENCE: i64 = role_number(Role::Evidence);
pub(super) const CONSULT: i64 = role_number(Role::Consult);

/// The words that stand in `attempt.ending`.
pub(super) mod ending {
    use baton_core::ending::Ending;
    use baton_core::fault::ErrorClass;

    pub(crate) const ACCEPTED: &str = Ending::Accepted.as_str();
    pub(crate) const CLAIMED: &str = Ending::Claimed.as_str();
    pub(crate) const CONFLICTED: &str = Ending::Conflicted.as_str();
    pub(crate) const RELEASED: &str = Ending::Released.as_str();
    pub(crate) const CANCELLED: &str = Ending::Cancelled.as_str();
    pub(crate) const ASKED: &str = Ending::Asked.as_str();
    pub(crate) const UNACCEPTED: &str = Ending::Failed(ErrorClass::Unaccepted).as_str();
    pub(crate) const INVALID_OUTPUT: &str = Ending::Failed(ErrorClass::InvalidOutput).as_str();
    pub(crate) const REFUSED: &str = Ending::Failed(ErrorClass::Refused).as_str();
    pub(crate) const RATE_LIMITED: &str = Ending::Failed(ErrorClass::RateLimited).as_str();
}

/// The condition of the index `task_live`, word for word: SQLite uses an index of some rows only for those words.
pub(super) const IS_LIVE: &str = formatcp!("state < {SUCCEEDED}");
/// The condition of the index `task_dead`.
pub(super) const IS_DEAD: &str = formatcp!("state = {FAILED}");

fn class_number(class: ErrorClass) -> i64 {
    match class {
        ErrorClass::Transient => 0,
        ErrorClass::RateLimited => 1,
        ErrorClass::Timeout => 2,
        ErrorClass::Crashed => 3,
        ErrorClass::InvalidInput => 4,
        ErrorClass::InvalidOutput => 5,
        ErrorClass::Refused => 6,
        ErrorClass::Unauthorized => 7,
        ErrorClass::Environment => 8,
        ErrorClass::Budget => 9,
        ErrorClass::Unaccepted => 10,
        ErrorClass::Deadline => 11,
        ErrorClass::Other => 12,
        ErrorClass::Lost => 13,
    }
}

fn class(number: i64) -> Option<ErrorClass> {
    ErrorClass::ALL.into_iter().find(|class| class_number(*class) == number)
}

impl From<State> for StateRow {
    fn from(state: State) -> Self {
        let row = Self { state: state_number(state.name()), ..Self::default() };
        match state {
            State::Blocked => row,
            State::Ready { since } => Self { at: since.0, ..row },
            State::Running { agent, since, lease_until } => {
                Self { at: since.0, agent: Some(agent.0), lease_until: Some(lease_until.0), ..row }
            }
            State::Waiting { stage, need, since } => Self {
                at: since.0,
                stage: Some(stage_number(stage)),
                need: need.map(|need| need.ended),
                need_until: need.and_then(|need| need.until).map(|until| until.0),
                ..row
            },
            State::Backoff { until } => Self { at: until.0, ..row },
            State::Succeeded { at } | State::Cancelled { at } | State::Skipped { at } => {
                Self { at: at.0, ..row }
            }
            State::Failed { at, class } => Self { at: at.0, class: Some(class_number(class)), ..row },
        }
    }
}

impl StateRow {
    /// The state, if the columns hold one.
    pub(super) fn state(self) -> Option<State> {
        let at = Time(self.at);
        Some(match state_name(self.state)? {
            StateName::Blocked => State::Blocked,
            StateName::Ready => State::Ready { since: at },
            StateName::Running => State::Running {
                agent: AgentId(self.agent?),
                since: at,
                lease_until: Time(self.lease_until?),
            },
            StateName::Waiting => State::Waiting {
                stage: stage(self.stage?)?,
                need: self.need.map(|ended| Need { ended, until: self.need_until.map(Time) }),
                since: at,
            },
            StateName::Backoff => State::Backoff { until: at },
            StateName::Succeeded => State::Succeeded { at },
            StateName::Failed => State::Failed { at, class: class(self.class?)? },
            StateName::Cancelled => State::Cancelled { at },
            StateName::Skipped => State::Skipped { at },
        })
    }
}

/// Reads a row of [`COLUMNS`].
pub(super) fn task(row: &Row<'_>) -> rusqlite::Result<Task> {
    let state = StateRow {
        state: row.get(6)?,
        at: row.get(7)?,
        agent: row.get(8)?,
        lease_until: row.get(9)?,
        stage: row.get(10)?,
        need: row.get(11)?,
        need_until: row.get(12)?,
        class: row.get(13)?,
    };
    let parent = match row.get::<_, Option<i64>>(2)? {
        None => None,
        Some(id) => Some(Parent { id: TaskId(id), epoch: Epoch(row.get(3)?), role: role_at(row, 4)? }),
    };
    Ok(Task {
        id: TaskId(row.get(0)?),
        run: RunId(row.get(1)?),
        parent,
        terms: TermsId(row.get(5)?),
        state: state.state().ok_or_else(|| {
            wrong(6, Type::Integer, format!("{} and what stands beside it are no state", state.state))
        })?,
        held: row.get(14)?,
        cancelling: row.get(15)?,
        epoch: Epoch(row.get(16)?),
        attempts: row.get(17)?,
        crashes: row.get(18)?,
        priority: row.get(19)?,
        created: Time(row.get(20)?),
        deadline: row.get::<_, Option<i64>>(21)?.map(Time),
        conflicts: row.get(22)?,
    })
}

/// Whether a row of [`COLUMNS`] holds its task as it is written and nothing beside it, such as the end of a lease that
/// the task does not have.
pub(super) fn is_exact(row: &Row<'_>, task: &Task) -> rusqlite::Result<bool> {
    let own = StateRow::from(task.state);
    let number = |column| row.get::<_, Option<i64>>(column);
    let parent = task.parent.is_some();
    Ok(number(7)? == Some(own.at)
        && number(8)? == own.agent
        && number(9)? == own.lease_until
        && number(10)? == own.stage
        && number(11)? == own.need.map(i64::from)
        && number(12)? == own.need_until
        && number(13)? == own.class
        && number(14)? == Some(i64::from(task.held))
        && number(15)? == Some(i64::from(task.cancelling))
        && number(3)?.is_some() == parent
        && number(4)?.is_some() == parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_survives_its_columns() {
        let at = Time(5);
        let mut states = vec![
            State::Blocked,
            State::Ready { since: at },
            State::Running { agent: AgentId(3), since: at, lease_until: Time(9) },
            State::Backoff { until: at },
            State::Succeeded { at },
            State::Cancelled { at },
            State::Skipped { at },
        ];
        states.extend(ErrorClass::ALL.map(|class| State::Failed { at, class }));
        for stage in [WaitingOn::Executor, WaitingOn::Acceptance, WaitingOn::Routing, WaitingOn::Person] {
            for need in
                [None, Some(Need { ended: 2, until: None }), Some(Need { ended: 2, until: Some(Time(7)) })]
            {
                states.push(State::Waiting { stage, need, since: at });
            }
        }
        for state in states {
            assert_eq!(StateRow::from(state).state(), Some(state));
        }
    }

    /// What is stored as a number keeps it for good, and the indexes' conditions are made of them.
    #[test]
    fn numbers_keep_their_meaning() {
        let states = StateName::ALL.map(|name| (state_number(name), name.is_terminal()));
        let expected: Vec<(i64, bool)> = (0..9).map(|number| (number, number >= 5)).collect();
        assert_eq!(states.to_vec(), expected);
        assert_eq!([EXECUTOR, ACCEPTANCE, stage_number(WaitingOn::Routing), PERSON], [0, 1, 2, 3]);
        assert_eq!([PART, EVIDENCE, CONSULT], [0, 1, 2]);
        let schema = crate::schema::DEFINITIONS;
        assert!(schema.contains(&format!("task_live ON task (run_id) WHERE {IS_LIVE};")));
        assert!(schema.contains(&format!("task_dead ON task (run_id) WHERE {IS_DEAD};")));
    }

    #[test]
    fn columns_that_hold_no_state_are_noticed() {
        assert_eq!(StateRow { state: 2, ..StateRow::default() }.state(), None, "running without an agent");
        assert_eq!(StateRow { state: 9, ..StateRow::default() }.state(), None);
    }
}
