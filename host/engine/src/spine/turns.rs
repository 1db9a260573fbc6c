//! Tasks whose strategy has the word: asked on a blocking thread, answered by a message.

use std::sync::Arc;

use baton_core::event::Fact;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::id::{Epoch, TaskId};
use baton_core::op::{End, Op, Rejection};
use baton_core::plan::Effects;
use baton_core::task::{Role, Task};
use baton_plugin::capability::Cancellation;
use baton_plugin::executor::AdvanceRequest;
use baton_store::read;
use tokio::sync::mpsc::UnboundedSender;

use super::{Landing, Message, Spine, unbroken, unreadable};
use crate::board::Turn;
use crate::compose;
use crate::judge::{Case, judge};
use crate::land::{self, Accepted, Callbacks};
use crate::workspace::queue::Entry;
use crate::workspace::{Claim, Workspaces};

impl Spine {
    pub(super) fn take_turns(&mut self) {
        for (turn, id) in self.board.turns() {
            let Some(task) = self.board.task(id).cloned() else { continue };
            let epoch = task.epoch;
            let asked = match turn {
                Turn::Delegate => {
                    self.pending.push(Op::Delegate { task: id });
                    Ok(())
                }
                Turn::Executor => self.ask_executor(task),
                Turn::Acceptance => self.ask_validators(task),
            };
            if let Err(why) = asked {
                let fault = Fault::new(ErrorClass::Other, format!("it can't be read: {why}"));
                self.pending.push(Op::Finish {
                    task: id,
                    epoch,
                    end: End::Failed { fault, checks: Vec::new() },
                });
            }
        }
    }

    /// The merge queue can't land a claim and goes on trying: said once for each reason.
    pub(super) fn stalled(&mut self, id: TaskId, epoch: Epoch, why: String) {
        let run = self.board.task(id).map(|task| task.run);
        let Some(landing) = self.landings.get_mut(&id).filter(|landing| landing.epoch == epoch) else {
            return;
        };
        if landing.stalled.as_ref() != Some(&why) {
            landing.stalled = Some(why.clone());
            self.pending.push(Op::Note { run, task: Some(id), fact: Fact::LandingStalled { why } });
        }
    }

    pub(super) fn is_stalled(&self, task: TaskId) -> bool {
        self.landings.get(&task).is_some_and(|landing| landing.stalled.is_some())
    }

    /// How often its executor was asked before about this attempt.
    fn round(&mut self, task: &Task) -> u32 {
        let (epoch, rounds) = self.rounds.entry(task.id).or_insert((task.epoch, 0));
        if *epoch != task.epoch {
            (*epoch, *rounds) = (task.epoch, 0);
        }
        *rounds += 1;
        *rounds - 1
    }

    fn ask_executor(&mut self, task: Task) -> Result<(), Rejection> {
        let rounds = self.round(&task);
        let terms = Arc::clone(self.board.terms(task.terms));
        let prepared = self.prepare(task)?;
        let (id, epoch) = (prepared.task.id, prepared.task.epoch);
        let children = read::live::children(&self.reader, id, epoch, Role::Part).map_err(unreadable)?;
        let name = terms.executor.clone().unwrap_or_default();
        let seed = self.seed(prepared.task.run).of(id.0);
        let now = self.around.clock.now();
        let (library, outbox) = (Arc::clone(&self.library), self.outbox.clone());
        let in_trees = self.around.workspaces.is_some();
        let must_change = prepared.spec.effects == Effects::Workspace && !prepared.spec.allow_no_change;
        tokio::task::spawn_blocking(move || {
            let config = library.settings(&name).config;
            let question = AdvanceRequest {
                task: &prepared.task,
                spec: &prepared.spec,
                feedback: prepared.feedback.clone(),
                children: &children,
                now,
                seed,
                config: &config,
                rounds,
            };
            let mut step = unbroken(&name, || library.executor(&name)?.advance(&question));
            let landed = compose::adopt(&mut step, &children);
            let op = if in_trees && !compose::note_changes(&mut step, &children) && must_change {
                compose::idle(&prepared.task)
            } else {
                compose::act(&prepared.task, terms.validated || landed, step)
            };
            let _ = outbox.send(Message::Said { ops: vec![op] });
        });
        Ok(())
    }

    fn ask_validators(&mut self, task: Task) -> Result<(), Rejection> {
        let spec = read::spec(&self.reader, task.id).map_err(unreadable)?;
        let claimed = read::live::claimed(&self.reader, task.id, task.epoch).map_err(unreadable)?;
        let evidence =
            read::live::children(&self.reader, task.id, task.epoch, Role::Evidence).map_err(unreadable)?;
        let agent = read::live::attempted_by(&self.reader, task.id, task.epoch).map_err(unreadable)?;
        let Some(mut outcome) = claimed else {
            let fault = Fault::new(ErrorClass::Other, "the claimed outcome is gone");
            let end = End::Failed { fault, checks: Vec::new() };
            self.pending.push(Op::Finish { task: task.id, epoch: task.epoch, end });
            return Ok(());
        };
        outcome.attrs.extend(agent.map(|agent| ("baton.agent".to_owned(), agent)));
        if let Some(changed) = land::changed(&outcome) {
            self.board.narrow(task.id, changed);
        }
        let claim = land::claim(&outcome).filter(|claim| !claim.is_empty());
        let claim = claim.zip(self.around.workspaces.clone());
        let cancellation = Arc::new(Cancellation::default());
        let right = Arc::clone(&cancellation);
        let (id, epoch) = (task.id, task.epoch);
        if claim.is_some() {
            self.landings.insert(id, Landing { epoch, cancellation, stalled: None });
        }
        let lease = self.around.lease.clone();
        let alive = move || !right.is_cancelled() && !lease.is_lost();
        let landing = self.landing.clone();
        let case = Case { task, spec, outcome, evidence, now: self.around.clock.now() };
        let (library, outbox) = (Arc::clone(&self.library), self.outbox.clone());
        tokio::task::spawn_blocking(move || {
            let judged = unbroken("a validator", || Ok(judge(&library, &case)));
            let op = judged.unwrap_or_else(|why| {
                let fault = Fault::new(ErrorClass::Other, why.to_string());
                let end = End::Failed { fault, checks: Vec::new() };
                Op::Finish { task: case.task.id, epoch: case.task.epoch, end }
            });
            let said = outbox.clone();
            let callbacks = Callbacks {
                alive: Box::new(alive),
                stalled: Box::new(move |why| {
                    let _ = said.send(Message::Stalled { task: id, epoch, why });
                }),
                tell: Box::new(move |ops| {
                    let _ = outbox.send(Message::Said { ops });
                }),
            };
            match claim {
                Some((claim, workspaces)) => dispose(&landing, &workspaces, &case, claim, op, callbacks),
                None => (callbacks.tell)(vec![op]),
            }
        });
        Ok(())
    }
}

/// What becomes of a judged claim with a tree: accepted ones land, refused ones lose their tree, and those of which one
/// will be chosen keep it.
fn dispose(
    landing: &UnboundedSender<Entry>,
    workspaces: &Workspaces,
    case: &Case,
    claim: Claim,
    op: Op,
    callbacks: Callbacks,
) {
    match op {
        Op::Finish { task, epoch, end: End::Accepted { outcome, checks } } if !case.spec.contest => {
            let accepted = Accepted { task, epoch, run: case.task.run, claim, outcome, checks };
            land::land(landing, workspaces, accepted, callbacks);
        }
        Op::Finish { end: End::Failed { .. }, .. } => {
            tokio::runtime::Handle::current().block_on(workspaces.discard(claim.key));
            (callbacks.tell)(vec![op]);
        }
        op => (callbacks.tell)(vec![op]),
    }
}
