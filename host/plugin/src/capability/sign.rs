//! Signs of life of an attempt, from the plugin to the scheduler.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use baton_core::clock::Time;
use baton_core::id::{Epoch, TaskId};
use tokio::sync::mpsc::UnboundedSender;

/// What an attempt said while it worked.
#[derive(Clone, Debug, PartialEq)]
pub enum AttemptEvent {
    Progress { task: TaskId, epoch: Epoch, message: String, done: Option<f64> },
    Denied { task: TaskId, plugin: String, call: &'static str, why: String },
}

#[derive(Clone, Debug)]
pub struct Signs {
    pub sender: UnboundedSender<AttemptEvent>,
    /// When the attempt last showed progress.
    pub last: Arc<AtomicI64>,
    /// A denial is told once for an attempt.
    pub denied: Arc<AtomicBool>,
}

/// Progress is passed on no more often: an adapter that reports in a loop must not flood the host.
const PACE_MS: i64 = 50;

impl Signs {
    pub fn send(&self, now: Time, sign: AttemptEvent) {
        let before = self.last.swap(now.0, Ordering::SeqCst);
        let shown = match sign {
            AttemptEvent::Progress { .. } => now.0 - before >= PACE_MS,
            AttemptEvent::Denied { .. } => !self.denied.swap(true, Ordering::SeqCst),
        };
        if shown {
            let _ = self.sender.send(sign);
        }
    }
}
