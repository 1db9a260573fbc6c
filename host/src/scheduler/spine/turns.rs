//! Tasks whose strategy has the word: asked on a blocking thread, answered by a message.

use std::sync::Arc;

use super::{Message, Spine, unbroken, unreadable};
use crate::fault::{ErrorClass, Fault};
use crate::op::{End, Op, Rejection};
use crate::plugin::executor::Question;
use crate::scheduler::board::Turn;
use crate::scheduler::compose;
use crate::scheduler::judge::{Case, judge};
use crate::store::read;
use crate::task::{Role, Task};

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

    fn ask_executor(&self, task: Task) -> Result<(), Rejection> {
        let terms = Arc::clone(self.board.terms(task.terms));
        let prepared = self.prepare(task)?;
        let (id, epoch) = (prepared.task.id, prepared.task.epoch);
        let children = read::live::children(&self.reader, id, epoch, Role::Part).map_err(unreadable)?;
        let name = terms.executor.clone().unwrap_or_default();
        let seed = self.seed(prepared.task.run).of(id.0);
        let now = self.around.clock.now();
        let (library, outbox) = (Arc::clone(&self.library), self.outbox.clone());
        tokio::task::spawn_blocking(move || {
            let config = library.settings(&name).config;
            let question = Question {
                task: &prepared.task,
                spec: &prepared.spec,
                feedback: prepared.feedback.clone(),
                children: &children,
                now,
                seed,
                config: &config,
            };
            let step = unbroken(&name, || library.executor(&name)?.advance(&question));
            let _ = outbox.send(Message::Said { op: compose::act(&prepared.task, terms.validated, step) });
        });
        Ok(())
    }

    fn ask_validators(&mut self, task: Task) -> Result<(), Rejection> {
        let spec = read::spec(&self.reader, task.id).map_err(unreadable)?;
        let claimed = read::live::claimed(&self.reader, task.id, task.epoch).map_err(unreadable)?;
        let evidence =
            read::live::children(&self.reader, task.id, task.epoch, Role::Evidence).map_err(unreadable)?;
        let Some(outcome) = claimed else {
            let fault = Fault::new(ErrorClass::Other, "the claimed outcome is gone");
            let end = End::Failed { fault, checks: Vec::new() };
            self.pending.push(Op::Finish { task: task.id, epoch: task.epoch, end });
            return Ok(());
        };
        let case = Case { task, spec, outcome, evidence, now: self.around.clock.now() };
        let (library, outbox) = (Arc::clone(&self.library), self.outbox.clone());
        tokio::task::spawn_blocking(move || {
            let judged = unbroken("a validator", || Ok(judge(&library, &case)));
            let op = judged.unwrap_or_else(|why| {
                let fault = Fault::new(ErrorClass::Other, why.to_string());
                let end = End::Failed { fault, checks: Vec::new() };
                Op::Finish { task: case.task.id, epoch: case.task.epoch, end }
            });
            let _ = outbox.send(Message::Said { op });
        });
        Ok(())
    }
}
