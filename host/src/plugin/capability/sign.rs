//! Signs of life of an attempt, from the plugin to the scheduler.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::mpsc::UnboundedSender;

use crate::clock::Time;
use crate::id::{Epoch, TaskId};

/// What an attempt said while it worked.
#[derive(Clone, Debug, PartialEq)]
pub enum Sign {
    Progress { task: TaskId, epoch: Epoch, message: String, done: Option<f64> },
    Denied { task: TaskId, plugin: String, call: &'static str, why: String },
}

#[derive(Clone, Debug)]
pub struct Signs {
    pub sender: UnboundedSender<Sign>,
    /// When the attempt last showed progress.
    pub last: Arc<AtomicI64>,
}

impl Signs {
    pub fn send(&self, now: Time, sign: Sign) {
        self.last.store(now.0, Ordering::SeqCst);
        let _ = self.sender.send(sign);
    }
}
