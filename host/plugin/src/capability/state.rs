//! Requests of attempts to the host's durable state (questions to people, an agent's memory). The scheduler serves them, so
//! that this crate need not know the store.

use baton_core::id::{Epoch, TaskId};
use baton_core::people::Question;
use tokio::sync::{mpsc, oneshot};

/// A request with the channel for its answer. A dropped channel means that the host is shutting down.
#[derive(Debug)]
pub enum StateRequest {
    /// Ask a person.
    Ask {
        /// The task.
        task: TaskId,
        /// The attempt.
        epoch: Epoch,
        /// The question.
        question: Box<Question>,
        /// None = there is no answer yet, and the attempt ends.
        reply: oneshot::Sender<Option<Answered>>,
    },
    /// List the answers to the task's earlier questions.
    Answers {
        /// The task.
        task: TaskId,
        /// Oldest first.
        reply: oneshot::Sender<Vec<Answered>>,
    },
    /// Read a value from an agent's memory.
    Recall {
        /// The agent.
        agent: String,
        /// The key.
        key: String,
        /// None = there is no such key.
        reply: oneshot::Sender<Option<String>>,
    },
    /// List the keys of an agent's memory.
    Keys {
        /// The agent.
        agent: String,
        /// What the keys begin with; empty = all keys.
        prefix: String,
        /// Sorted.
        reply: oneshot::Sender<Vec<String>>,
    },
    /// Write a value to an agent's memory, or remove one.
    Remember {
        /// The task.
        task: TaskId,
        /// The attempt: only the one that holds the task may write.
        epoch: Epoch,
        /// The agent.
        agent: String,
        /// The key, 1 to 256 bytes.
        key: String,
        /// At most 64 KiB; none = remove the key.
        value: Option<String>,
        /// Sent when the write is durable.
        reply: oneshot::Sender<Result<(), KeepError>>,
    },
}

/// Why a write to an agent's memory was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeepError {
    /// Another attempt holds the task. Stop.
    Stale,
    /// The memory is full. Remove keys first; the text names the limit.
    Full(String),
}

/// The answer to a question of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The key of the question.
    pub key: String,
    /// The person's words, or one of the choices.
    pub text: String,
    /// The text that the attempt which asked left for the one that gets the answer.
    pub resume: String,
}

/// The attempts' end of the channel. Unbounded: an attempt waits for the answer to one request before it sends another.
#[derive(Clone, Debug)]
pub struct StateClient(pub mpsc::UnboundedSender<StateRequest>);

impl StateClient {
    /// A client whose requests are all answered with none, for adapters that run without a store.
    #[must_use]
    pub fn closed() -> Self {
        Self(mpsc::unbounded_channel().0)
    }

    /// Sends a request and waits for its answer. None = the host is shutting down.
    pub(super) async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> StateRequest) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.0.send(request(reply)).ok()?;
        answer.await.ok()
    }
}
