//! What an attempt wants of the host's durable state: handed over a counter, answered when it is known.

use baton_core::id::{Epoch, TaskId};
use baton_core::people::Question;
use tokio::sync::{mpsc, oneshot};

/// A wish with the place where its answer goes. A dropped place means that the host is going down.
#[derive(Debug)]
pub enum StateRequest {
    /// None = nobody has answered, and the attempt is over.
    Ask {
        task: TaskId,
        epoch: Epoch,
        question: Box<Question>,
        reply: oneshot::Sender<Option<Answered>>,
    },
    Answers {
        task: TaskId,
        reply: oneshot::Sender<Vec<Answered>>,
    },
    Recall {
        agent: String,
        key: String,
        reply: oneshot::Sender<Option<String>>,
    },
    Keys {
        agent: String,
        prefix: String,
        reply: oneshot::Sender<Vec<String>>,
    },
    Remember {
        task: TaskId,
        epoch: Epoch,
        agent: String,
        key: String,
        value: Option<String>,
        reply: oneshot::Sender<Result<(), KeepError>>,
    },
}

/// Why something was not remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeepError {
    /// The attempt does not hold its task any more.
    Stale,
    Full(String),
}

/// An answer as the agent that asked is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub key: String,
    pub text: String,
    pub resume: String,
}

/// The attempts' side of the counter.
#[derive(Clone, Debug)]
pub struct StateClient(pub mpsc::UnboundedSender<StateRequest>);

impl StateClient {
    /// A counter that nobody serves.
    #[must_use]
    pub fn closed() -> Self {
        Self(mpsc::unbounded_channel().0)
    }

    /// None = the host is going down.
    pub(super) async fn ask<T>(&self, plea: impl FnOnce(oneshot::Sender<T>) -> StateRequest) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.0.send(plea(reply)).ok()?;
        answer.await.ok()
    }
}
