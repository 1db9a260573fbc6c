//! What a host begins with, from the rows that the last one left.

use super::conduct::AskedFor;
use super::{Spine, unreadable};
use crate::op::{Op, Rejection};
use crate::store::read;
use crate::task::State;

impl Spine {
    /// Rebuilds everything from rows. No attempt of an earlier boot can still be running.
    pub(super) fn recover(&mut self) -> Result<(), Rejection> {
        self.pool.refresh(read::live::agents(&self.reader).map_err(unreadable)?);
        self.pool.recall(read::live::tallies(&self.reader).map_err(unreadable)?);
        self.pool.praise(read::live::praise(&self.reader).map_err(unreadable)?);
        self.consulted = read::live::consulting(&self.reader).map_err(unreadable)?;
        self.observed = read::history::last_seq(&self.reader).map_err(unreadable)?;
        self.reload_contest()?;
        self.recall_notes()?;
        self.recall_spending()?;
        for (run, [children, evidence, consultations]) in
            read::live::asked_for(&self.reader).map_err(unreadable)?
        {
            self.asked_for.insert(run, AskedFor { children: children + evidence, consultations });
        }
        let mut live = Vec::new();
        read::live::tasks(&self.reader, |task| live.push(task)).map_err(unreadable)?;
        for run in read::runs(&self.reader).map_err(unreadable)? {
            if run.settled.is_none() {
                self.conduct(run.id)?;
            }
        }
        for task in live {
            if !self.board.knows_terms(task.terms) {
                let terms = read::live::terms(&self.reader, task.terms).map_err(unreadable)?;
                self.board.put_terms(task.terms, terms);
            }
            if matches!(task.state, State::Running { .. }) {
                let why = "the host that ran it ended".to_owned();
                self.pending.push(Op::LoseLease { task: task.id, why });
            }
            self.board.put(task);
        }
        Ok(())
    }
}
