//! Why a task is not running: one answer, the first thing in its way. The host answers from what it decides by; where
//! none runs, the rows are asked.

use std::fmt;

use baton_core::budget::ledger::Exhausted;
use baton_core::clock::Time;
use baton_core::event::Fact;
use baton_core::id::{QuestionId, TaskId};
use baton_core::task::{Role, State, StateName, Task, TaskPolicy, WaitingOn};
use baton_store::{Reader, read};
use serde::{Deserialize, Serialize};

use super::attempts::concurrency_limits::ConcurrencyLimits;
use super::attempts::places::Places;
use super::board::Board;
use super::pool::{Ineligible, Pool};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
            Self::NoHost => f.write_str("is ready, and no host is running: `baton run PLAN` or `baton host`"),
            Self::NextDecision => f.write_str("is ready and waits for the next decision"),
        }
    }
}

/// The board and the pool as rows have them.
///
/// # Errors
/// The store can't be read.
pub fn projection(conn: &Reader) -> Result<(Board, Pool), String> {
    let text = |why: &dyn fmt::Display| why.to_string();
    let mut board = Board::default();
    let mut live = Vec::new();
    read::live::tasks(conn, |task| live.push(task)).map_err(|why| text(&why))?;
    for run in read::runs(conn).map_err(|why| text(&why))? {
        board.hold_run(run.id, run.held);
    }
    for task in live {
        if !board.knows_terms(task.terms) {
            board.put_terms(task.terms, read::live::terms(conn, task.terms).map_err(|why| text(&why))?);
        }
        board.put(task);
    }
    let mut pool = Pool::default();
    read::live::agents(conn).map_err(|why| text(&why))?.into_iter().for_each(|agent| pool.put(agent));
    for worker in &mut pool.workers {
        worker.running = board.load(worker.agent.id);
    }
    Ok((board, pool))
}

/// Why a task is not running, by the rows and, where there is a host, by what it decides by.
///
/// # Errors
/// The store can't be read.
pub fn why(
    conn: &Reader,
    (board, pool): (&Board, &Pool),
    id: TaskId,
    now: Time,
    means: Option<&Means<'_>>,
) -> Result<Why, String> {
    let text = |why: &dyn fmt::Display| why.to_string();
    let task = read::task(conn, id).map_err(|why| text(&why))?.ok_or("the task is gone")?;
    let name = |id: TaskId| read::name(conn, id).map_err(|why| text(&why));
    Ok(match task.state {
        State::Running { agent, since, .. } => {
            let agent =
                pool.get(agent).map_or_else(|| agent.to_string(), |worker| worker.agent.card.name.clone());
            Why::Running { agent, since }
        }
        State::Succeeded { at } | State::Cancelled { at } | State::Skipped { at } => {
            Why::Over { state: task.state.name(), at, fault: None }
        }
        State::Failed { at, .. } => Why::Over { state: task.state.name(), at, fault: given_up(conn, &task)? },
        State::Blocked => blocked(conn, id)?,
        State::Backoff { .. } | State::Ready { .. } if task.held => Why::Paused { what: name(id)? },
        State::Backoff { .. } | State::Ready { .. } if board.is_held(task.run) => {
            Why::Paused { what: task.run.to_string() }
        }
        State::Backoff { until } => Why::Backoff { until, after: last_fault(conn, &task)? },
        State::Waiting { stage: WaitingOn::Person, .. } => person(conn, id)?,
        State::Waiting { stage, need: Some(_), .. } => children(conn, &task, stage)?,
        State::Waiting { stage: WaitingOn::Acceptance, need: None, .. } => landing(conn, &task)?,
        State::Waiting { stage, need: None, .. } => Why::Stage { stage },
        State::Ready { .. } => match board.clash(&task) {
            Some((holder, clash)) => Why::Lock { what: clash.to_string(), holder: name(holder)? },
            None => ready(board, pool, &task, now, means),
        },
    })
}

/// What a host decides by, beside the rows. Without a host there is none of it.
pub struct Means<'a> {
    pub limits: &'a ConcurrencyLimits,
    /// The terms of what runs.
    pub under_way: &'a [std::sync::Arc<TaskPolicy>],
    /// The cap that leaves nothing to start anything of the run with.
    pub spent: Option<Exhausted>,
    /// The places of this host, where all are taken.
    pub full: Option<Places>,
}

impl Means<'_> {
    /// Which limit leaves no place for one more.
    fn full(&self, terms: &TaskPolicy) -> Option<Why> {
        if let Some(Places { most, scarce }) = self.full {
            return Some(Why::Limit { of: scarce.told().to_owned(), cap: most });
        }
        if self.limits.is_none() {
            return None;
        }
        let left = self.limits.remaining(self.under_way.iter().map(std::sync::Arc::as_ref));
        let (of, cap) = left.full(terms).and_then(|limit| self.limits.cap(limit))?;
        Some(Why::Limit { of, cap })
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

/// What a ready task waits for that nothing locks out.
#[must_use]
pub fn ready(board: &Board, pool: &Pool, task: &Task, now: Time, means: Option<&Means<'_>>) -> Why {
    let terms = board.terms(task.terms);
    if terms.executor.is_none()
        && let Some(incapable) = incapable(pool, terms)
    {
        return incapable;
    }
    let Some(means) = means else { return Why::NoHost };
    if terms.executor.is_some() {
        return Why::Stage { stage: WaitingOn::Executor };
    }
    if let Some(Exhausted { account, good, cap }) = means.spent {
        return Why::Budget { of: account.to_string(), what: good.shown(cap) };
    }
    if let Some(full) = means.full(terms) {
        return full;
    }
    let said = |why: Ineligible| why.to_string();
    let able = pool.workers.iter().filter(|worker| worker.suits(terms).is_ok()).collect::<Vec<_>>();
    let full: Vec<_> = able
        .iter()
        .filter_map(|worker| Some((worker.agent.card.name.clone(), worker.has_room(now).err()?)))
        .collect();
    if full.len() < able.len() {
        return Why::NextDecision;
    }
    if let [(agent, Ineligible::BreakerOpen { until })] = full.as_slice() {
        return Why::Breaker { agent: agent.clone(), until: *until };
    }
    Why::Busy { agents: full.into_iter().map(|(agent, why)| (agent, said(why))).collect() }
}

fn blocked(conn: &Reader, id: TaskId) -> Result<Why, String> {
    let text = |why: &dyn fmt::Display| why.to_string();
    let unmet = |id| -> Result<Vec<(TaskId, String, StateName)>, String> {
        let mut found = Vec::new();
        for (parent, name, met) in read::history::dependencies(conn, id).map_err(|why| text(&why))? {
            if !met {
                let state = read::task(conn, parent)
                    .map_err(|why| text(&why))?
                    .map_or(StateName::Skipped, |task| task.state.name());
                found.push((parent, name, state));
            }
        }
        Ok(found)
    };
    let hopeless = |state| matches!(state, StateName::Failed | StateName::Cancelled | StateName::Skipped);
    let first = unmet(id)?;
    let mut seen = std::collections::HashSet::new();
    let mut paths: std::collections::VecDeque<(usize, TaskId, String, StateName)> = first
        .iter()
        .enumerate()
        .map(|(index, (id, name, state))| (index, *id, name.clone(), *state))
        .collect();
    while let Some((index, at, name, state)) = paths.pop_front() {
        if hopeless(state) {
            let (_, on, is) = first[index].clone();
            return Ok(Why::Dependency { on, is, root: Some(name) });
        }
        if state == StateName::Blocked && seen.insert(at) {
            paths.extend(unmet(at)?.into_iter().map(|(id, name, state)| (index, id, name, state)));
        }
    }
    let nearest = first.into_iter().next().ok_or("a blocked task has no dependency: run `baton db check`")?;
    Ok(Why::Dependency { on: nearest.1, is: nearest.2, root: None })
}

fn last_fault(conn: &Reader, task: &Task) -> Result<Option<String>, String> {
    let attempts = read::history::attempts(conn, task.id).map_err(|why| why.to_string())?;
    Ok(attempts.into_iter().rev().find_map(|attempt| attempt.report.fault).map(|fault| fault.to_string()))
}

/// Why a task failed for good: that need not have been an attempt's fault.
fn given_up(conn: &Reader, task: &Task) -> Result<Option<String>, String> {
    let dead = read::history::dead(conn, Some(task.run)).map_err(|why| why.to_string())?;
    let letter = dead.into_iter().find(|letter| letter.id == task.id);
    match letter.and_then(|letter| letter.fault) {
        Some(fault) => Ok(Some(fault.to_string())),
        None => last_fault(conn, task),
    }
}

/// A claim that validators have not judged yet, or that was seen not to land.
///
/// # Errors
/// The store can't be read.
pub fn landing(conn: &Reader, task: &Task) -> Result<Why, String> {
    let events = read::history::events_of(conn, task.run, task.id).map_err(|why| why.to_string())?;
    let stalled = events.into_iter().rev().find_map(|event| match event.fact {
        Fact::LandingStalled { why } if event.epoch == task.epoch => Some(why),
        _ => None,
    });
    Ok(stalled.map_or(Why::Stage { stage: WaitingOn::Acceptance }, |why| Why::Landing { why }))
}

fn person(conn: &Reader, id: TaskId) -> Result<Why, String> {
    let asked = read::people::of_task(conn, id).map_err(|why| why.to_string())?;
    let open = asked.into_iter().rfind(|asked| asked.answer.is_none());
    Ok(open.map_or(Why::Stage { stage: WaitingOn::Person }, |asked| Why::Person {
        question: asked.id,
        text: asked.question.text,
    }))
}

fn children(conn: &Reader, task: &Task, stage: WaitingOn) -> Result<Why, String> {
    let role = stage.role().unwrap_or(Role::Part);
    let children = read::live::children(conn, task.id, task.epoch, role).map_err(|why| why.to_string())?;
    let ended = |state| {
        matches!(state, StateName::Succeeded | StateName::Failed | StateName::Cancelled | StateName::Skipped)
    };
    let left = children
        .into_iter()
        .filter(|child| !ended(child.state))
        .map(|child| format!("{} ({})", child.name, child.state));
    Ok(Why::Children { left: left.collect(), stage })
}
