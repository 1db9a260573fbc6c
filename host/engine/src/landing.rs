//! Accepted trees on their way to the target, and what keeps them from landing.

use std::collections::HashMap;
use std::sync::Arc;

use baton_core::event::Fact;
use baton_core::id::{Epoch, RunId, TaskId};
use baton_core::op::Op;
use baton_core::task::{State, Task, WaitingOn};
use baton_plugin::capability::{CancelReason, Cancellation};

use crate::why::OnItsWay;

/// An accepted tree with its right to land.
#[derive(Debug)]
struct Accepted {
    epoch: Epoch,
    /// Its right to land.
    cancellation: Arc<Cancellation>,
    /// Why it does not land yet, if not because others are before it.
    stalled: Option<String>,
}

#[derive(Debug, Default)]
pub struct Landing {
    on_their_way: HashMap<TaskId, Accepted>,
}

impl Landing {
    /// A claim is judged from now on, and lands if it is accepted and keeps this right.
    pub fn begin(&mut self, task: TaskId, epoch: Epoch) -> Arc<Cancellation> {
        let cancellation = Arc::new(Cancellation::default());
        let own = Arc::clone(&cancellation);
        self.on_their_way.insert(task, Accepted { epoch, cancellation: own, stalled: None });
        cancellation
    }

    /// A tree whose task has moved on is not to land.
    pub fn moved(&mut self, task: &Task) {
        let waits = matches!(task.state, State::Waiting { stage: WaitingOn::Acceptance, .. });
        let Some(landing) = self.on_their_way.get(&task.id) else { return };
        if !waits || landing.epoch != task.epoch {
            landing.cancellation.cancel(CancelReason::Cancelled);
            self.on_their_way.remove(&task.id);
        }
    }

    /// The merge queue can't land a claim and keeps trying: recorded once for each reason.
    pub fn stalled(&mut self, run: Option<RunId>, task: TaskId, epoch: Epoch, why: String) -> Option<Op> {
        let landing = self.on_their_way.get_mut(&task).filter(|landing| landing.epoch == epoch)?;
        if landing.stalled.as_ref() == Some(&why) {
            return None;
        }
        landing.stalled = Some(why.clone());
        Some(Op::Note { run, task: Some(task), fact: Fact::LandingStalled { why } })
    }

    /// What keeps an accepted task from landing.
    #[must_use]
    pub fn why_stalled(&self, task: TaskId) -> Option<&str> {
        self.on_their_way.get(&task)?.stalled.as_deref()
    }

    /// Where an accepted task is on its way to the target.
    #[must_use]
    pub fn on_its_way(&self, task: TaskId) -> Option<OnItsWay> {
        let landing = self.on_their_way.get(&task)?;
        Some(landing.stalled.clone().map_or(OnItsWay::Queued, |why| OnItsWay::Stalled { why }))
    }

    #[must_use]
    pub fn is_stalled(&self, task: TaskId) -> bool {
        self.why_stalled(task).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ready, waiting};

    const TASK: TaskId = TaskId(1);

    #[test]
    fn a_reason_is_told_once() {
        let mut landing = Landing::default();
        landing.begin(TASK, Epoch(1));
        let mut told = |epoch, why: &str| landing.stalled(None, TASK, Epoch(epoch), why.into()).is_some();
        assert_eq!(
            [told(1, "locked"), told(1, "locked"), told(1, "dirty"), told(2, "dirty")],
            [true, false, true, false]
        );
        assert_eq!(landing.why_stalled(TASK), Some("dirty"));
    }

    #[test]
    fn a_task_that_moves_on_takes_its_right_to_land_away() {
        let mut landing = Landing::default();
        let cancellation = landing.begin(TASK, Epoch(1));
        landing.moved(&Task { epoch: Epoch(1), ..waiting(1, WaitingOn::Acceptance) });
        assert!(!cancellation.is_cancelled());
        landing.moved(&Task { epoch: Epoch(2), ..ready(1) });
        assert_eq!((cancellation.reason(), landing.is_stalled(TASK)), (Some(CancelReason::Cancelled), false));
    }
}
