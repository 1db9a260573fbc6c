//! Why a task is not running: one answer, the first thing in its way. What only decisions are made by is looked at in
//! [`view`], by a host or by what the next one will find; the rest is in the rows, which are read by whoever asks.

mod offline;
#[cfg(test)]
mod tests;
mod view;

use std::fmt;

use baton_core::clock::Time;
use baton_core::event::Fact;
use baton_core::id::{QuestionId, TaskId};
use baton_core::task::{Role, State, StateName, Task, WaitingOn};
use baton_store::Reader;
use baton_store::read::{self, Reading};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::board::Board;
use crate::pool::Pool;

pub use offline::{Offline, Rules};
pub use view::{Hosting, Known, OnItsWay, View, incapable};

/// The first thing in a task's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Why {
    Running {
        agent: String,
        since: Time,
    },
    Over {
        state: StateName,
        at: Time,
        fault: Option<String>,
    },
    /// `root` is the failed task at the far end, if that is why.
    Dependency {
        on: String,
        is: StateName,
        root: Option<String>,
    },
    Paused {
        what: String,
    },
    Person {
        question: QuestionId,
        text: String,
    },
    /// It is accepted, and others are before it in the merge queue.
    MergeQueue,
    /// It is accepted, and its changes can't be brought onto the target.
    Landing {
        why: String,
    },
    Backoff {
        until: Time,
        after: Option<String>,
    },
    Lock {
        what: String,
        holder: String,
    },
    NoCapableAgent {
        agents: Vec<(String, String)>,
        /// Skills that no agent declares.
        missing: Vec<String>,
    },
    /// A cap of the budget leaves nothing to start it with.
    Budget {
        of: String,
        what: String,
    },
    /// As many attempts run as may, in all or of those that name a key.
    Limit {
        of: String,
        cap: u32,
    },
    Breaker {
        agent: String,
        until: Time,
    },
    Busy {
        agents: Vec<(String, String)>,
    },
    Children {
        left: Vec<String>,
        stage: WaitingOn,
    },
    Stage {
        stage: WaitingOn,
    },
    /// An older attempt of it was stopped and has not ended yet.
    Stopping,
    /// The router of its run is asked or taught; the next decision is made after that.
    Deciding {
        router: String,
    },
    /// The host ends, and starts nothing more.
    Draining,
    NoHost,
    NextDecision,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |agents: &[(String, String)]| {
            agents.iter().map(|(agent, why)| format!("{agent} {why}")).collect::<Vec<_>>().join("; ")
        };
        match self {
            Self::Running { agent, since } => write!(f, "is running: {agent} has it since {since}"),
            Self::Over { state, at, fault: Some(fault) } => write!(f, "{state} at {at}: {fault}"),
            Self::Over { state, at, fault: None } => write!(f, "{state} at {at}"),
            Self::Dependency { on, is, root: None } => write!(f, "waits for {on}, which is {is}"),
            Self::Dependency { on, is, root: Some(root) } if on == root => {
                let how = if *is == StateName::Failed { "failed".to_owned() } else { format!("was {is}") };
                write!(f, "waits for {on}, which {how}: `baton retry {on}` or `baton dead drop {on}`")
            }
            Self::Dependency { on, is, root: Some(root) } => {
                write!(
                    f,
                    "waits for {on}, which is {is} behind {root}: `baton retry {root}` or `baton dead drop {root}`"
                )
            }
            Self::Paused { what } => write!(f, "is paused: `baton resume {what}`"),
            Self::Landing { why } => {
                write!(f, "is accepted and waits to land, tried again all the while: {why}")
            }
            Self::Backoff { until, after: Some(after) } => {
                write!(f, "will be tried again at {until}, after {after}")
            }
            Self::Backoff { until, after: None } => write!(f, "was put off by the router until {until}"),
            Self::Lock { what, holder } => write!(f, "waits for the lock on {what}, which {holder} holds"),
            Self::NoCapableAgent { agents, .. } if agents.is_empty() => {
                f.write_str("has no agent: none is registered; `baton init` writes a baton.toml with two")
            }
            Self::NoCapableAgent { agents, missing } if missing.is_empty() => {
                write!(f, "has no capable agent: {}", list(agents))
            }
            Self::NoCapableAgent { agents, missing } => write!(
                f,
                "has no capable agent: {}; add {} to the skills of an agent in baton.toml, or change the plan",
                list(agents),
                missing.iter().map(|skill| format!("{skill:?}")).collect::<Vec<_>>().join(", ")
            ),
            Self::Budget { of, what } => write!(
                f,
                "waits for money: the {what} of {of} is used up or set aside; raise it under [budget] in baton.toml"
            ),
            Self::Limit { of, cap } => write!(f, "waits for a place: {of} allows {cap} at once"),
            Self::Breaker { agent, until } => {
                write!(f, "waits for {agent}, whose breaker is open until {until}")
            }
            Self::Busy { agents } => write!(f, "waits for an agent: {}", list(agents)),
            Self::Person { question, text } => {
                write!(f, "waits for a person: {text} (`baton answer {question}`)")
            }
            Self::Children { left, stage: WaitingOn::Executor | WaitingOn::Person } => {
                write!(f, "waits for its parts: {}", left.join(", "))
            }
            Self::Children { left, stage: WaitingOn::Acceptance } => {
                write!(f, "waits for evidence: {}", left.join(", "))
            }
            Self::Children { left, stage: WaitingOn::Routing } => {
                write!(f, "waits for what the router wants to know: {}", left.join(", "))
            }
            Self::Stage { stage: WaitingOn::Executor } => f.write_str("waits for its executor"),
            Self::Stage { stage: WaitingOn::Acceptance } => f.write_str("waits for its validators"),
            Self::Stage { stage: WaitingOn::Routing } => f.write_str("waits for the router"),
            Self::Stage { stage: WaitingOn::Person } => f.write_str("waits for a person"),
            Self::MergeQueue => f.write_str("is accepted and waits for its turn to land"),
            Self::Stopping => {
                f.write_str("waits for its attempt before, which was stopped and has not ended yet")
            }
            Self::Deciding { router } => write!(f, "is ready, and router {router} is deciding or learning"),
            Self::Draining => {
                f.write_str("waits for the next host: the one that runs is ending, and starts nothing more")
            }
            Self::NoHost => f.write_str("is ready, and no host is running: `baton run PLAN` or `baton host`"),
            Self::NextDecision => f.write_str("is ready and waits for the next decision"),
        }
    }
}

/// The board and the pool as rows have them.
///
/// # Errors
/// The store can't be read.
pub fn projection(conn: &Reader) -> Reading<(Board, Pool)> {
    let mut board = Board::default();
    let mut live = Vec::new();
    read::live::tasks(conn, |task| live.push(task))?;
    for run in read::runs(conn)? {
        board.hold_run(run.id, run.held);
    }
    for task in live {
        if !board.knows_terms(task.terms) {
            board.put_terms(task.terms, read::live::terms(conn, task.terms)?);
        }
        board.put(task);
    }
    let mut pool = Pool::default();
    read::live::agents(conn)?.into_iter().for_each(|agent| pool.put(agent));
    for worker in &mut pool.workers {
        worker.running = board.load(worker.agent.id);
    }
    Ok((board, pool))
}

/// Why a task is not running: by its rows, and by what is known beside them. None where the two are of different moments:
/// ask again.
///
/// # Errors
/// The store can't be read.
pub fn explained(conn: &Reader, id: TaskId, known: Known) -> Reading<Option<Why>> {
    let Some(task) = read::task(conn, id)? else { return Ok(None) };
    Ok(Some(match task.state {
        State::Running { agent, since, .. } => {
            let agents = read::live::agent_names(conn)?;
            Why::Running { agent: agents.get(&agent).cloned().unwrap_or_else(|| agent.to_string()), since }
        }
        State::Succeeded { at } | State::Cancelled { at } | State::Skipped { at } => {
            Why::Over { state: task.state.name(), at, fault: None }
        }
        State::Failed { at, .. } => Why::Over { state: task.state.name(), at, fault: given_up(conn, &task)? },
        State::Blocked => return blocked(conn, id),
        State::Backoff { .. } | State::Ready { .. } if task.held => {
            Why::Paused { what: read::name(conn, id)? }
        }
        State::Backoff { .. } | State::Ready { .. }
            if read::run(conn, task.run)?.is_some_and(|run| run.held) =>
        {
            Why::Paused { what: task.run.to_string() }
        }
        State::Backoff { until } => Why::Backoff { until, after: last_fault(conn, &task)? },
        State::Waiting { stage: WaitingOn::Person, .. } => person(conn, id)?,
        State::Waiting { stage, need: Some(_), .. } => children(conn, &task, stage)?,
        State::Waiting { stage, need: None, .. } => turn(conn, &task, stage, known)?,
        State::Ready { .. } => return ready(conn, known),
    }))
}

/// What a ready task waits for is known beside its rows, or they are of different moments.
fn ready(conn: &Reader, known: Known) -> Reading<Option<Why>> {
    Ok(match known {
        Known::Rows => None,
        Known::Lock { what, holder } => Some(Why::Lock { what, holder: read::name(conn, holder)? }),
        Known::Family { task } => {
            Some(Why::Budget { of: format!("task {}", read::name(conn, task)?), what: "budget".into() })
        }
        Known::Why(why) => Some(why),
    })
}

/// It waits for a strategy or for the merge queue.
fn turn(conn: &Reader, task: &Task, stage: WaitingOn, known: Known) -> Reading<Why> {
    match known {
        Known::Why(why @ (Why::Landing { .. } | Why::MergeQueue | Why::Draining)) => Ok(why),
        Known::Why(_) | Known::Rows | Known::Lock { .. } | Known::Family { .. } => match stage {
            WaitingOn::Acceptance => claimed(conn, task),
            WaitingOn::Executor | WaitingOn::Routing | WaitingOn::Person => Ok(Why::Stage { stage }),
        },
    }
}

/// A claim that its validators have not judged yet, that waits for its turn, or that was seen not to land.
///
/// # Errors
/// The store can't be read.
pub fn claimed(conn: &Reader, task: &Task) -> Reading<Why> {
    let events = read::history::events_of(conn, task.run, task.id)?;
    let stalled = events.into_iter().rev().find_map(|event| match event.fact {
        Fact::LandingStalled { why } if event.epoch == task.epoch => Some(why),
        _ => None,
    });
    Ok(match stalled {
        Some(why) => Why::Landing { why },
        None if read::live::terms(conn, task.terms)?.validated => Why::Stage { stage: WaitingOn::Acceptance },
        None => Why::MergeQueue,
    })
}

/// What a blocked task depends on that has not succeeded.
fn unmet(conn: &Reader, id: TaskId) -> Reading<Vec<(TaskId, String, StateName)>> {
    let mut found = Vec::new();
    for (parent, name, met) in read::history::dependencies(conn, id)? {
        if !met {
            let task = read::task(conn, parent)?;
            found.push((parent, name, task.map_or(StateName::Skipped, |task| task.state.name())));
        }
    }
    Ok(found)
}

/// None where nothing blocks it any more.
fn blocked(conn: &Reader, id: TaskId) -> Reading<Option<Why>> {
    let hopeless = |state| matches!(state, StateName::Failed | StateName::Cancelled | StateName::Skipped);
    let first = unmet(conn, id)?;
    let mut seen = std::collections::HashSet::new();
    let mut paths: std::collections::VecDeque<(usize, TaskId, String, StateName)> = first
        .iter()
        .enumerate()
        .map(|(index, (id, name, state))| (index, *id, name.clone(), *state))
        .collect();
    while let Some((index, at, name, state)) = paths.pop_front() {
        if hopeless(state) {
            let (_, on, is) = first[index].clone();
            return Ok(Some(Why::Dependency { on, is, root: Some(name) }));
        }
        if state == StateName::Blocked && seen.insert(at) {
            paths.extend(unmet(conn, at)?.into_iter().map(|(id, name, state)| (index, id, name, state)));
        }
    }
    Ok(first.into_iter().next().map(|(_, on, is)| Why::Dependency { on, is, root: None }))
}

fn last_fault(conn: &Reader, task: &Task) -> Reading<Option<String>> {
    let attempts = read::history::attempts(conn, task.id)?;
    Ok(attempts.into_iter().rev().find_map(|attempt| attempt.report.fault).map(|fault| fault.to_string()))
}

/// Why a task failed for good: that need not have been an attempt's fault.
fn given_up(conn: &Reader, task: &Task) -> Reading<Option<String>> {
    let dead = read::history::dead(conn, Some(task.run))?;
    let letter = dead.into_iter().find(|letter| letter.id == task.id);
    match letter.and_then(|letter| letter.fault) {
        Some(fault) => Ok(Some(fault.to_string())),
        None => last_fault(conn, task),
    }
}

fn person(conn: &Reader, id: TaskId) -> Reading<Why> {
    let asked = read::people::of_task(conn, id)?;
    let open = asked.into_iter().rfind(|asked| asked.answer.is_none());
    Ok(open.map_or(Why::Stage { stage: WaitingOn::Person }, |asked| Why::Person {
        question: asked.id,
        text: asked.question.text,
    }))
}

fn children(conn: &Reader, task: &Task, stage: WaitingOn) -> Reading<Why> {
    let role = stage.role().unwrap_or(Role::Part);
    let children = read::live::children(conn, task.id, task.epoch, role)?;
    let ended = |state| {
        matches!(state, StateName::Succeeded | StateName::Failed | StateName::Cancelled | StateName::Skipped)
    };
    let left = children
        .into_iter()
        .filter(|child| !ended(child.state))
        .map(|child| format!("{} ({})", child.name, child.state));
    Ok(Why::Children { left: left.collect(), stage })
}
