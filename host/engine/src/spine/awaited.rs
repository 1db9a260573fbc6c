//! What operations on their way to the store may change, and what to do when it refuses them.

use baton_core::fault::{ErrorClass, Fault};
use baton_core::id::{Epoch, RunId, TaskId};
use baton_core::op::{End, Op, Rejection};
use baton_core::task::WaitingOn;

/// Children that a strategy wants. Where the store can't have them, the task fails: asked again, the strategy would
/// answer the same.
pub(super) struct Spawn {
    pub(super) place: usize,
    task: TaskId,
    epoch: Epoch,
    stage: WaitingOn,
}

impl Spawn {
    pub(super) fn refused(&self, why: &Rejection) -> Op {
        let fault = Fault::new(ErrorClass::InvalidOutput, format!("what it wants run can't be: {why}"));
        match self.stage {
            WaitingOn::Routing => Op::Reject { task: self.task, fault },
            WaitingOn::Executor | WaitingOn::Acceptance | WaitingOn::Person => Op::Finish {
                task: self.task,
                epoch: self.epoch,
                end: End::Failed { fault, checks: Vec::new() },
            },
        }
    }
}

/// What operations on their way to the store may change beyond the tasks that it will name.
pub(super) struct Awaited {
    /// Tasks that nothing else is asked about meanwhile.
    pub(super) tasks: Vec<TaskId>,
    pub(super) spawns: Vec<Spawn>,
    /// Decisions on their way, by the place of their operation.
    pub(super) decisions: Vec<(usize, RunId)>,
    pub(super) runs: bool,
    pub(super) agents: bool,
    pub(super) plugins: bool,
    pub(super) feedback: bool,
    pub(super) trial: bool,
    pub(super) notes: bool,
    /// A step of consolidation.
    pub(super) consolidated: bool,
}

impl Awaited {
    pub(super) fn of(ops: &[Op]) -> Self {
        let mut awaited = Self {
            tasks: Vec::new(),
            spawns: Vec::new(),
            decisions: Vec::new(),
            runs: false,
            agents: false,
            plugins: false,
            feedback: false,
            trial: false,
            notes: false,
            consolidated: false,
        };
        for (place, op) in ops.iter().enumerate() {
            if let Op::Spawn { task, epoch, stage, .. } = op {
                awaited.spawns.push(Spawn { place, task: *task, epoch: *epoch, stage: *stage });
            }
            if let Op::Assign(assign) = op
                && assign.decision.is_some()
            {
                awaited.decisions.push((place, assign.run));
            }
            match op {
                Op::Assign(assign) => awaited.tasks.extend(assign.picks.iter().map(|pick| pick.task)),
                Op::Defer { task, .. }
                | Op::Reject { task, .. }
                | Op::Claim { task, .. }
                | Op::Finish { task, .. }
                | Op::LoseLease { task, .. }
                | Op::Ask { task, answer: None, .. }
                | Op::Delegate { task }
                | Op::Spawn { task, .. }
                | Op::Due { task }
                | Op::Wake { task } => awaited.tasks.push(*task),
                Op::HoldRun { .. }
                | Op::UnholdRun { .. }
                | Op::Amend { .. }
                | Op::Settle { .. }
                | Op::UseRouter { .. }
                | Op::Redrive { .. } => awaited.runs = true,
                Op::PutAgent { .. }
                | Op::SetStanding { .. }
                | Op::RemoveAgent { .. }
                | Op::MoveBreaker { .. } => {
                    awaited.agents = true;
                }
                Op::StartHost { .. }
                | Op::RenewHost { .. }
                | Op::StopHost { .. }
                | Op::Submit(_)
                | Op::Shadow { .. }
                | Op::Teach { .. }
                | Op::Extend { .. }
                | Op::CancelRun { .. }
                | Op::Renew { .. }
                | Op::Charge { .. }
                | Op::Ask { answer: Some(_), .. }
                | Op::Answer { .. }
                | Op::Remember { .. }
                | Op::HoldTask { .. }
                | Op::UnholdTask { .. }
                | Op::CancelTask { .. }
                | Op::Drop { .. }
                | Op::Note { .. } => {}
                Op::StartTrial { .. } | Op::MoveTrial { .. } | Op::EndTrial { .. } | Op::Promote { .. } => {
                    awaited.runs = true;
                    awaited.trial = true;
                }
                Op::Consolidate(_) => {
                    awaited.notes = true;
                    awaited.consolidated = true;
                }
                Op::ForgetNote { .. } => awaited.notes = true,
                Op::Feedback { .. } => awaited.feedback = true,
                Op::PutPlugin(_) | Op::RemovePlugin { .. } => awaited.plugins = true,
            }
        }
        awaited
    }
}
