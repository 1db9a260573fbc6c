//! Operations on their way to the store, and what is to be done when it has answered.

use baton_core::fault::{ErrorClass, Fault};
use baton_core::id::{Epoch, RunId, TaskId};
use baton_core::op::{End, Op, Rejection};
use baton_core::task::WaitingOn;

/// Children that a strategy wants. Where the store can't have them, the task fails: asked again, the strategy would
/// answer the same.
#[derive(Debug)]
pub struct Spawn {
    task: TaskId,
    epoch: Epoch,
    stage: WaitingOn,
}

impl Spawn {
    pub fn refused(&self, why: &Rejection) -> Op {
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

/// One group of operations.
#[derive(Debug, Default)]
pub struct InFlight {
    /// Tasks about which nothing else is asked meanwhile.
    pub tasks: Vec<TaskId>,
    /// By the place of their operation in the group.
    pub spawns: Vec<(usize, Spawn)>,
    pub decisions: Vec<(usize, RunId)>,
    /// A step of consolidation is among them.
    pub consolidation: bool,
}

impl InFlight {
    #[must_use]
    pub fn of(ops: &[Op]) -> Self {
        let mut in_flight = Self::default();
        for (place, op) in ops.iter().enumerate() {
            in_flight.tasks.extend(op.step());
            if let Op::Assign(assign) = op {
                in_flight.tasks.extend(assign.picks.iter().map(|pick| pick.task));
                in_flight.decisions.extend(assign.decision.as_ref().map(|_| (place, assign.run)));
            }
            if let Op::Spawn { task, epoch, stage, .. } = op {
                in_flight.spawns.push((place, Spawn { task: *task, epoch: *epoch, stage: *stage }));
            }
            in_flight.consolidation |= matches!(op, Op::Consolidate(_));
        }
        in_flight
    }
}
