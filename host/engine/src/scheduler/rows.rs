//! What the scheduler reads of the store: the whole of a task when its turn comes, and where routers stand.

use std::sync::Arc;

use baton_core::clock::Time;
use baton_core::ending::Ending;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::id::{Epoch, RunId};
use baton_core::op::{End, Op, Rejection, RouterChoice};
use baton_core::outcome::Outcome;
use baton_core::people::QuestionPolicy;
use baton_core::task::policy::Effects;
use baton_core::task::{Role, State, Task};
use baton_store::Reader;
use baton_store::read::{self, live, people, routing};
use serde_json::Value;

use super::Scheduler;
use crate::attempts::{Begin, Claimed};
use crate::decide::Prepared;
use crate::effect::{Advance, Effect, Judge, Work};
use crate::land::{self, WorkDir};
use crate::learning::HINDSIGHT;
use crate::workspace::Key;

impl Scheduler {
    /// A task with what the router and then the agent need to know of it.
    pub(super) fn prepare(&self, rows: &Reader, task: Task) -> Result<Prepared, Rejection> {
        let spec = read::spec(rows, task.id)?;
        let tried = task.epoch != Epoch::default();
        let feedback = if tried { live::feedback(rows, task.id)? } else { Vec::new() };
        let consulted = if self.runs.was_consulted(task.id) {
            live::consulted(rows, task.id, task.epoch)?
        } else {
            (0, None)
        };
        let avoid = match &spec.apart {
            Some(group) => {
                let given = live::given_apart(rows, &task, group)?;
                let board = self.runs.board();
                given.into_iter().filter_map(|(id, agent)| board.agent_of(id).or(agent)).collect()
            }
            None => Vec::new(),
        };
        Ok(Prepared { task, spec, feedback, consulted, avoid, inputs: Vec::new() })
    }

    /// Where the routers that decide in a run stand.
    pub(super) fn read_cursors(&mut self, rows: &Reader, run: RunId) {
        for router in self.routing.routers(run) {
            self.read_cursor(rows, run, &router);
        }
    }

    pub(super) fn read_cursor(&mut self, rows: &Reader, run: RunId, router: &RouterChoice) {
        if self.routing.cursor(run, router).is_some() {
            return;
        }
        let mut cursor = routing::cursor(rows, run, &router.digest).unwrap_or_else(|why| {
            tracing::error!("{run}: where its router stands can't be read: {why}");
            routing::RouterCursor::default()
        });
        cursor.learned = cursor.learned.max(self.learning.observed() - HINDSIGHT);
        self.routing.put_cursor(run, router, cursor);
    }

    /// Starts the attempt that the store has just recorded.
    pub(super) fn start(&mut self, rows: &Reader, task: &Task, now: Time) -> Result<(), Rejection> {
        let State::Running { agent, lease_until, .. } = task.state else { return Ok(()) };
        if self.attempts.runs(task) {
            return Ok(());
        }
        if self.draining {
            return self.give_up(task, "the host is ending");
        }
        let mut prepared = match self.attempts.prepared(task.id) {
            Some(prepared) => prepared,
            None => self.prepare(rows, task.clone())?,
        };
        prepared.task = task.clone();
        if !prepared.spec.depends_on.is_empty() || task.parent.is_some() {
            prepared.inputs = self.inputs(rows, task)?;
        }
        if self.learning.has_notes()
            && let Some(notes) = self.learning.notes(&prepared.spec.kind())
        {
            prepared.spec.metadata.insert("baton.notes".into(), Value::String(notes.to_owned()));
        }
        let Some(worker) = self.health.pool().get(agent) else {
            return self.give_up(task, "its agent was removed");
        };
        let seed = self.runs.seed(task.run).of(task.id.0).of(i64::from(task.epoch.0));
        let work_dir = self.work_dir(rows, &prepared)?;
        let begin = Begin { prepared, agent, card: &worker.agent.card, seed, work_dir, lease_until };
        let start = self.attempts.start(begin, now);
        self.effects.push(start);
        Ok(())
    }

    fn give_up(&mut self, task: &Task, why: &str) -> Result<(), Rejection> {
        let back = self.attempts.give_up(task, why);
        self.effects.push(back);
        Ok(())
    }

    /// What it builds on: its own dependencies, and those of the tasks of which it is a part.
    fn inputs(&self, rows: &Reader, task: &Task) -> Result<Vec<(String, Outcome)>, Rejection> {
        let mut inputs = live::inputs(rows, task.id)?;
        for above in self.runs.board().ancestors(task) {
            inputs.extend(live::inputs(rows, above.id)?);
        }
        Ok(inputs)
    }

    /// Where the task's attempt works.
    fn work_dir(&self, rows: &Reader, prepared: &Prepared) -> Result<WorkDir, Rejection> {
        if !self.in_trees {
            return Ok(WorkDir::Configured);
        }
        let task = &prepared.task;
        if let Some(parent) = task.parent.filter(|parent| parent.role == Role::Evidence) {
            let claimed = live::claimed(rows, parent.id, parent.epoch)?;
            let claim = claimed.as_ref().and_then(land::claim);
            return Ok(claim.map_or(WorkDir::Configured, |claim| WorkDir::Judged(claim.tree)));
        }
        Ok(match prepared.spec.effects {
            Effects::Workspace => {
                let last = live::last_ending(rows, task.id)?;
                WorkDir::Own { keep: last == Some(Ending::Asked) }
            }
            Effects::Pure | Effects::External => WorkDir::Configured,
        })
    }

    /// A question to an executor.
    pub(super) fn advance(&mut self, rows: &Reader, task: Task, now: Time) -> Result<Effect, Rejection> {
        let rounds = self.runs.round(&task);
        let terms = Arc::clone(self.runs.board().terms(task.terms));
        let prepared = self.prepare(rows, task)?;
        let (id, epoch) = (prepared.task.id, prepared.task.epoch);
        let children = live::children(rows, id, epoch, Role::Part)?;
        let seed = self.runs.seed(prepared.task.run).of(id.0);
        let executor = terms.executor.clone().unwrap_or_default();
        let validated = terms.validated;
        Ok(Work::Advance(Box::new(Advance { prepared, executor, validated, children, rounds, seed, now }))
            .into())
    }

    /// A claimed outcome for its validators.
    pub(super) fn judge(&mut self, rows: &Reader, task: Task, now: Time) -> Result<Effect, Rejection> {
        let spec = read::spec(rows, task.id)?;
        let evidence = live::children(rows, task.id, task.epoch, Role::Evidence)?;
        let claim = match self.attempts.take_claim(&task) {
            Some(claim) => Some(claim),
            None => stored_claim(rows, &task)?,
        };
        let Some(Claimed { mut outcome, agent, .. }) = claim else {
            let fault = Fault::new(ErrorClass::Other, "the claimed outcome is gone");
            let end = End::Failed { fault, checks: Vec::new() };
            return Ok(Op::Finish { task: task.id, epoch: task.epoch, end }.into());
        };
        outcome.attrs.extend(agent.map(|agent| ("baton.agent".to_owned(), agent)));
        if let Some(changed) = land::changed(&outcome) {
            self.runs.board_mut().narrow(task.id, changed);
        }
        let claim = land::claim(&outcome).filter(|claim| self.in_trees && !claim.is_empty());
        let landing = claim.map(|claim| (claim, self.landing.begin(task.id, task.epoch)));
        Ok(Work::Judge(Box::new(Judge { task, spec, outcome, evidence, now, landing })).into())
    }

    /// Takes the trees of a task that is over away, and those of all below it. One of several of which its parent will
    /// choose keeps its own.
    pub(super) fn sweep(&mut self, rows: &Reader, task: &Task) -> Result<(), Rejection> {
        if !self.in_trees {
            return Ok(());
        }
        let terms = self.runs.board().terms(task.terms);
        if terms.effects != Effects::Workspace && terms.executor.is_none() {
            return Ok(());
        }
        if task.parent.is_some() && read::spec(rows, task.id)?.deferred_merge {
            return Ok(());
        }
        let family = live::family(rows, task.id)?;
        let newest = |id| if id == task.id { task.epoch } else { Epoch(u32::MAX) };
        let over = family.into_iter().map(|id| Key { run: task.run, task: id, epoch: newest(id) }).collect();
        self.effects.push(Work::Sweep(over).into());
        Ok(())
    }
}

/// A claim that was made before this host started, or that was looked at before.
fn stored_claim(rows: &Reader, task: &Task) -> Result<Option<Claimed>, Rejection> {
    let outcome = live::claimed(rows, task.id, task.epoch)?;
    let agent = live::attempted_by(rows, task.id, task.epoch)?;
    Ok(outcome.map(|outcome| Claimed { epoch: task.epoch, outcome, agent }))
}

/// What the policy does with a question that nobody answered in time.
pub(super) fn unanswered(rows: &Reader, policy: &QuestionPolicy, task: &Task) -> Option<Op> {
    let asked = people::of_task(rows, task.id).ok()?;
    let open = asked.into_iter().rfind(|asked| asked.answer.is_none())?;
    Some(match policy.answer(&open.question) {
        Some(text) => Op::Answer { question: open.id, text, by: "policy".into() },
        None => {
            let why = format!("nobody has answered {}: {}", open.id, open.question.text);
            let fault = Fault::new(ErrorClass::Environment, why);
            let end = End::Failed { fault, checks: Vec::new() };
            Op::Finish { task: task.id, epoch: task.epoch, end }
        }
    })
}
