//! Events that a running attempt sends to the scheduler.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use baton_core::clock::Time;
use baton_core::id::{Epoch, TaskId};
use tokio::sync::mpsc::UnboundedSender;

/// An event of a running attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum AttemptEvent {
    /// The adapter reported progress.
    Progress {
        /// The task.
        task: TaskId,
        /// The attempt.
        epoch: Epoch,
        /// One line for people, at most 400 characters.
        message: String,
        /// 0.0 to 1.0; none if the adapter can't tell.
        done: Option<f64>,
    },
    /// The host refused a call.
    Denied {
        /// The task.
        task: TaskId,
        /// The adapter that called.
        plugin: String,
        /// The function of the contract, such as `http.send`.
        call: &'static str,
        /// The reason, with what would permit it.
        why: String,
    },
}

/// Sends the events of one attempt.
#[derive(Clone, Debug)]
pub struct EventSender {
    /// Unbounded, because sending must not wait; [`EventSender::send`] limits the rate.
    pub sender: UnboundedSender<AttemptEvent>,
    /// The time of the last event, in Unix milliseconds: the idle timeout runs from here.
    pub last_activity: Arc<AtomicI64>,
    /// Whether a refusal was sent. One per attempt is enough.
    pub denial_sent: Arc<AtomicBool>,
}

/// The shortest time between two progress events, so that an adapter that reports in a loop can't flood the host.
const PACE_MS: i64 = 50;

impl EventSender {
    /// Resets the idle timeout, and passes the event on unless it comes too early (progress) or repeats (a refusal).
    pub fn send(&self, now: Time, event: AttemptEvent) {
        let before = self.last_activity.swap(now.0, Ordering::SeqCst);
        let is_due = match event {
            AttemptEvent::Progress { .. } => now.0 - before >= PACE_MS,
            AttemptEvent::Denied { .. } => !self.denial_sent.swap(true, Ordering::SeqCst),
        };
        if is_due {
            let _ = self.sender.send(event);
        }
    }
}
