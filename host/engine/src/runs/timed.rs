//! What happens to a task by itself when a time of its own has come.

use baton_core::clock::Time;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::op::{End, Op};
use baton_core::task::{Need, State, Task, WaitingOn};

/// None where nothing is due, or where a person's question is: what the policy says to that is not the task's to know.
#[must_use]
pub fn due(task: &Task, now: Time) -> Option<Op> {
    let id = task.id;
    let expired = task.deadline.is_some_and(|deadline| deadline <= now);
    let fault = || Fault::new(ErrorClass::Deadline, "its deadline passed before it was done");
    match task.state {
        State::Backoff { .. } | State::Ready { .. } | State::Blocked if expired => {
            Some(Op::Reject { task: id, fault: fault() })
        }
        State::Waiting { .. } if expired => {
            let end = End::Failed { fault: fault(), checks: Vec::new() };
            Some(Op::Finish { task: id, epoch: task.epoch, end })
        }
        State::Backoff { until } if until <= now => Some(Op::Due { task: id }),
        State::Waiting {
            stage: WaitingOn::Executor | WaitingOn::Acceptance | WaitingOn::Routing,
            need: Some(need),
            ..
        } if is_over(need, now) => Some(Op::Wake { task: id }),
        State::Blocked
        | State::Ready { .. }
        | State::Backoff { .. }
        | State::Running { .. }
        | State::Waiting { .. }
        | State::Succeeded { .. }
        | State::Failed { .. }
        | State::Cancelled { .. }
        | State::Skipped { .. } => None,
    }
}

fn is_over(need: Need, now: Time) -> bool {
    need.until.is_some_and(|until| until <= now)
}
