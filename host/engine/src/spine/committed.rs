//! What the store has made of operations: what it changed is what is.

use baton_core::id::{Epoch, TaskId};
use baton_core::op::{Applied, Rejection, Reply};
use baton_core::plan::Effects;
use baton_core::task::{State, Task, WaitingOn};
use baton_plugin::capability::CancelReason;
use baton_plugin::library::Installed;
use baton_store::read;
use baton_store::writer::Answers;
use tokio::sync::oneshot;

use super::awaited::Awaited;
use super::{Spine, unreadable};
use crate::workspace::Key;

impl Spine {
    /// The store has spoken: what it changed is what is.
    pub(super) fn committed(
        &mut self,
        answers: Answers,
        awaited: Awaited,
        reply: Option<oneshot::Sender<Answers>>,
    ) -> Result<(), Rejection> {
        self.in_store -= 1;
        let failed = answers.iter().find_map(|answer| match answer {
            Err(Rejection::Store(why)) => Some(why.clone()),
            Ok(_) | Err(_) => None,
        });
        if let Some(why) = failed {
            self.cut_off();
            if let Some(reply) = reply {
                let _ = reply.send(answers);
            }
            return Err(Rejection::Store(why));
        }
        for task in &awaited.tasks {
            self.board.return_(*task);
        }
        for answer in &answers {
            match answer {
                Ok(Applied { changed, observed, reply }) => {
                    self.observe(observed);
                    for task in changed {
                        self.changed(task)?;
                    }
                    match reply {
                        Reply::Run { run, .. } => self.conduct(*run)?,
                        Reply::Lease(until) => self.around.lease.renewed(*until),
                        Reply::Done
                        | Reply::Boot(_)
                        | Reply::Amended(_)
                        | Reply::Agent(_)
                        | Reply::Decided(_) => {}
                    }
                }
                Err(rejection) => tracing::debug!("refused: {rejection}"),
            }
        }
        for (place, run) in &awaited.decisions {
            let decision = match answers.get(*place) {
                Some(Ok(Applied { reply: Reply::Decided(decision), .. })) => Some(*decision),
                Some(Ok(_) | Err(_)) | None => None,
            };
            self.decided(*run, decision);
        }
        for spawn in &awaited.spawns {
            if let Some(Err(why @ (Rejection::Invalid(_) | Rejection::NotFound(_)))) =
                answers.get(spawn.place)
            {
                self.pending.push(spawn.refused(why));
            }
        }
        for task in &awaited.tasks {
            self.staged.remove(task);
            self.return_reserve(*task);
        }
        if awaited.runs {
            self.reload_runs()?;
        }
        if awaited.consolidated {
            self.stored();
        }
        if awaited.notes {
            self.recall_notes()?;
        }
        if awaited.trial {
            self.reload_contest()?;
        }
        if awaited.plugins {
            let installed = read::plugins(&self.reader).map_err(unreadable)?;
            self.library.install(installed.iter().map(Installed::from));
            // What was missing may be there now.
            self.pool.unusable.clear();
            self.pool.refresh(read::live::agents(&self.reader).map_err(unreadable)?);
        }
        if awaited.feedback {
            self.pool.praise(read::live::praise(&self.reader).map_err(unreadable)?);
        }
        if awaited.agents {
            self.pool.refresh(read::live::agents(&self.reader).map_err(unreadable)?);
        }
        if let Some(reply) = reply {
            let _ = reply.send(answers);
        }
        self.commits.send_modify(|commits| *commits += 1);
        Ok(())
    }

    /// Without a store, or with one that is another host's, nothing here may act any more.
    fn cut_off(&self) {
        self.around.lease.lose();
        for running in self.attempts.values() {
            running.cancellation.cancel(CancelReason::LeaseLost);
        }
    }

    fn changed(&mut self, task: &Task) -> Result<(), Rejection> {
        if !self.board.knows_terms(task.terms) {
            let terms = read::live::terms(&self.reader, task.terms).map_err(unreadable)?;
            self.board.put_terms(task.terms, terms);
        }
        self.fence_off(task);
        self.withdraw(task);
        if let State::Waiting { stage: WaitingOn::Routing, .. } = task.state {
            self.consulted.insert(task.id);
        }
        self.board.put(task.clone());
        if task.state.is_terminal() {
            self.rounds.remove(&task.id);
            self.sweep(task)?;
        }
        if let Some(conduct) = self.conducts.get_mut(&task.run)
            && !task.state.is_terminal()
        {
            conduct.settled = false;
            self.settling.remove(&task.run);
        }
        match task.state {
            State::Running { agent, lease_until, .. } => self.start(task, agent, lease_until),
            State::Blocked
            | State::Ready { .. }
            | State::Waiting { .. }
            | State::Backoff { .. }
            | State::Succeeded { .. }
            | State::Failed { .. }
            | State::Cancelled { .. }
            | State::Skipped { .. } => Ok(()),
        }
    }

    /// An attempt whose task moved on without it has lost its right to act.
    fn fence_off(&mut self, task: &Task) {
        let Some(running) = self.attempts.get_mut(&task.id) else { return };
        match task.state {
            State::Running { lease_until, .. } if running.epoch == task.epoch => {
                running.lease_until = lease_until;
                if task.cancelling {
                    running.cancellation.cancel(CancelReason::Cancelled);
                }
            }
            State::Waiting { stage: WaitingOn::Person, .. } if running.epoch == task.epoch => {
                running.cancellation.cancel(CancelReason::AwaitingPerson);
            }
            _ => running.cancellation.cancel(CancelReason::LeaseLost),
        }
    }

    /// A tree whose task has moved on is not to land.
    fn withdraw(&mut self, task: &Task) {
        let waits = matches!(task.state, State::Waiting { stage: WaitingOn::Acceptance, .. });
        if let Some(landing) = self.landings.get(&task.id)
            && (!waits || landing.epoch != task.epoch)
            && let Some(landing) = self.landings.remove(&task.id)
        {
            landing.cancellation.cancel(CancelReason::Cancelled);
        }
    }

    /// Takes the trees of a task that is over away, and those of all below it. One of several of which its parent will
    /// choose keeps its own.
    fn sweep(&self, task: &Task) -> Result<(), Rejection> {
        let terms = self.board.terms(task.terms);
        let may_have_trees = terms.effects == Effects::Workspace || terms.executor.is_some();
        if self.around.workspaces.is_none() || !may_have_trees {
            return Ok(());
        }
        if task.parent.is_some() && read::spec(&self.reader, task.id).map_err(unreadable)?.contest {
            return Ok(());
        }
        let family = read::live::family(&self.reader, task.id).map_err(unreadable)?;
        let newest = |id: TaskId| if id == task.id { task.epoch } else { Epoch(u32::MAX) };
        let over = family.into_iter().map(|id| Key { run: task.run, task: id, epoch: newest(id) }).collect();
        let _ = self.sweeps.send((over, self.under_way.clone()));
        Ok(())
    }
}
