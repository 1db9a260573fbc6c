//! Takes over what the store changed: its answers, and nothing else, say what is stored.

use baton_core::clock::Time;
use baton_core::id::RunId;
use baton_core::op::{Applied, Change, Rejection, Reply, RunRecord};
use baton_core::task::Task;
use baton_plugin::library::Installed;
use baton_store::Reader;
use baton_store::read::{self, cost, insight, live};
use baton_store::writer::Answers;

use super::Scheduler;
use crate::catalog::Catalog;
use crate::in_flight::InFlight;
use crate::routing::ActiveTrial;
use crate::trial_ledger;

impl Scheduler {
    /// The store has answered a group of operations.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn committed(
        &mut self,
        answers: &Answers,
        sent: &InFlight,
        rows: &Reader,
        now: Time,
    ) -> Result<(), Rejection> {
        for task in &sent.tasks {
            self.runs.board_mut().return_(*task);
        }
        for answer in answers {
            match answer {
                Ok(applied) => self.applied(applied, rows, now)?,
                Err(rejection) => tracing::debug!("refused: {rejection}"),
            }
        }
        for (place, run) in &sent.decisions {
            let decision = match answers.get(*place) {
                Some(Ok(Applied { reply: Reply::Decided(decision), .. })) => Some(*decision),
                Some(Ok(_) | Err(_)) | None => None,
            };
            self.routing.decided(*run, decision);
        }
        for (place, spawn) in &sent.spawns {
            if let Some(Err(why @ (Rejection::Invalid(_) | Rejection::NotFound(_)))) = answers.get(*place) {
                self.effects.push(spawn.refused(why).into());
            }
        }
        for task in &sent.tasks {
            self.attempts.answered(*task);
        }
        if sent.consolidation {
            self.learning.stored();
        }
        Ok(())
    }

    fn applied(&mut self, applied: &Applied, rows: &Reader, now: Time) -> Result<(), Rejection> {
        let Applied { changed, observed, also, reply } = applied;
        let fresh = matches!(reply, Reply::Run { fresh: true, .. });
        for observation in observed {
            self.health.observe(observation);
            let ended = self.routing.observe(observation);
            self.add(ended);
            self.learning.observe(observation.seq);
        }
        for change in also {
            self.changed(change, fresh, rows)?;
        }
        for task in changed {
            self.moved(task, rows, now)?;
        }
        for change in also {
            if let Change::Run(run) = change
                && run.settled
            {
                self.drop_run(run.run);
            }
        }
        Ok(())
    }

    /// What an operation changed beside tasks.
    fn changed(&mut self, change: &Change, fresh: bool, rows: &Reader) -> Result<(), Rejection> {
        match change {
            Change::Run(run) if run.settled => {}
            Change::Run(run) => self.put_run(run, fresh, rows)?,
            Change::Agent(agent) => self.health.registered((**agent).clone()),
            Change::AgentRemoved(agent) => self.health.removed(*agent),
            Change::Feedback { agent, skills, score } => self.health.rated(*agent, skills, *score),
            Change::Plugins => self.reload_plugins(rows)?,
            Change::Trial => self.reload_trial(rows)?,
            Change::Notes => self.reload_notes(rows)?,
        }
        Ok(())
    }

    /// Takes a run up that goes on, or what has changed of it.
    fn put_run(&mut self, run: &RunRecord, fresh: bool, rows: &Reader) -> Result<(), Rejection> {
        let mut asked_for = [0; 3];
        if !fresh && !self.runs.goes_on(run.run) {
            asked_for = live::asked_for_in(rows, run.run)?;
            self.read_spending(run.run, rows)?;
        }
        self.take_up(run, asked_for);
        Ok(())
    }

    pub(super) fn take_up(&mut self, run: &RunRecord, [parts, evidence, consultations]: [u32; 3]) {
        self.runs.put_run(run, parts + evidence);
        self.routing.put_run(run, consultations);
    }

    pub(super) fn read_spending(&mut self, run: RunId, rows: &Reader) -> Result<(), Rejection> {
        if self.attempts.gate().caps_runs() {
            let spent = cost::of_run(rows, run)?;
            self.attempts.gate_mut().spend_run(run, Vec::new(), spent);
        }
        Ok(())
    }

    /// Nothing is kept of a run that has settled.
    fn drop_run(&mut self, run: RunId) {
        self.runs.drop_run(run);
        self.routing.drop_run(run);
        self.learning.drop_run(run);
        self.attempts.gate_mut().close(run);
    }

    /// A task is as the store has it now.
    fn moved(&mut self, task: &Task, rows: &Reader, now: Time) -> Result<(), Rejection> {
        if !task.state.is_terminal() || self.in_trees {
            self.read_terms(task, rows)?;
        }
        self.attempts.moved(task);
        self.landing.moved(task);
        self.put_task(task, rows)?;
        if task.state.is_terminal() {
            self.sweep(rows, task)?;
        }
        self.start(rows, task, now)
    }

    pub(super) fn read_terms(&mut self, task: &Task, rows: &Reader) -> Result<(), Rejection> {
        if !self.runs.board().knows_terms(task.terms) {
            let terms = live::terms(rows, task.terms)?;
            self.runs.board_mut().put_terms(task.terms, terms);
        }
        Ok(())
    }

    /// Puts a task on the board. One that comes back after attempts that nobody here remembers has spent of its budget.
    pub(super) fn put_task(&mut self, task: &Task, rows: &Reader) -> Result<(), Rejection> {
        let comes_back =
            task.epoch.0 > 0 && !task.state.is_terminal() && self.runs.board().task(task.id).is_none();
        if comes_back && self.attempts.gate().wants_history(task, self.runs.board().terms(task.terms).budget)
        {
            let spent = cost::of_family(rows, task.id)?;
            self.attempts.gate_mut().spend_task(task, spent);
        }
        self.runs.put_task(task);
        Ok(())
    }

    fn reload_plugins(&mut self, rows: &Reader) -> Result<(), Rejection> {
        if let Catalog::Library(library) = &self.catalog {
            let installed = read::plugins(rows)?;
            library.install(installed.iter().map(Installed::from));
        }
        self.health.plugins_changed();
        Ok(())
    }

    /// Takes the trial as it is in the store, with what came of its present stage so far.
    pub(super) fn reload_trial(&mut self, rows: &Reader) -> Result<(), Rejection> {
        let row = read::routing::trial(rows)?;
        if self.routing.trial().map(ActiveTrial::row) == row.as_ref() {
            return Ok(());
        }
        let trial = match row {
            Some(row) => {
                let ledger = trial_ledger::ledger(rows, &row)?;
                Some(ActiveTrial::new(row, ledger))
            }
            None => None,
        };
        self.routing.put_trial(trial);
        Ok(())
    }

    /// Takes the notes as they are in the store.
    pub(super) fn reload_notes(&mut self, rows: &Reader) -> Result<(), Rejection> {
        let notes = insight::notes(rows)?;
        self.learning.put_notes(notes.into_iter().map(|numbered| (numbered.note.kind, numbered.note.text)));
        Ok(())
    }
}
