//! Talking to a host that runs: the one place where the loop is asked by others.

use std::sync::Arc;

use baton_core::id::{RunId, TaskId};
use baton_core::op::{Applied, HostError, Op, Rejection};
use baton_plugin::capability::attempt_event::AttemptEvent;
use baton_plugin::library::Library;
use baton_store::Home;
use baton_store::writer::Answers;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::{EventLoop, Message};
use crate::scheduler::Phase;
use crate::waits::Wait;
use crate::why::Known;

/// What the loop is asked, with where the answer goes.
pub(super) enum Query {
    Apply { ops: Vec<Op>, reply: oneshot::Sender<Answers> },
    Phase { run: RunId, reply: oneshot::Sender<Phase> },
    Waits { run: RunId, reply: oneshot::Sender<Vec<Wait>> },
    Known { task: TaskId, reply: oneshot::Sender<Known> },
}

impl EventLoop {
    pub(super) fn asked(&mut self, query: Query) {
        let (rows, now) = (&self.rows, self.clock.now());
        // Who has gone away gets no answer.
        match query {
            Query::Apply { ops, reply } => self.send(ops, Some(reply)),
            Query::Phase { run, reply } => {
                let _ = reply.send(self.scheduler.phase(run, now));
            }
            Query::Waits { run, reply } => {
                let _ = reply.send(self.scheduler.waits(rows, run, now));
            }
            Query::Known { task, reply } => {
                let _ = reply.send(self.scheduler.known(task, now));
            }
        }
    }
}

/// A cheap handle to a running host.
#[derive(Clone)]
pub struct Live {
    pub(super) outbox: mpsc::UnboundedSender<Message>,
    pub(super) commits: watch::Receiver<u64>,
    pub(super) shown: broadcast::Sender<AttemptEvent>,
    pub(super) library: Arc<Library>,
    pub(crate) home: Home,
}

impl Live {
    /// Applies operations together and waits until they are durable and known to the scheduler.
    pub(crate) async fn apply_all(&self, ops: Vec<Op>) -> Answers {
        self.submit(ops).await
    }

    /// Hands operations over at once; the answer comes when they are durable and known to the scheduler.
    pub(crate) fn submit(&self, ops: Vec<Op>) -> impl Future<Output = Answers> + use<> {
        let count = ops.len();
        let (reply, answer) = oneshot::channel();
        let is_taken = self.outbox.send(Message::Query(Query::Apply { ops, reply })).is_ok();
        async move {
            let lost = if is_taken { HostError::Stopped } else { HostError::Ending };
            answer.await.unwrap_or_else(|_| vec![Err(lost.into()); count])
        }
    }

    /// The same for one operation.
    pub(crate) async fn apply(&self, op: Op) -> Result<Applied, Rejection> {
        let answers = self.apply_all(vec![op]).await;
        answers.into_iter().next().unwrap_or_else(|| Err(HostError::NoAnswer.into()))
    }

    /// Asks for the end: what runs may finish, nothing more is started.
    pub fn drain(&self) {
        let _ = self.outbox.send(Message::Drain);
    }

    /// Asks for the end at once: what runs is given back and will be tried again.
    pub fn stop(&self) {
        let _ = self.outbox.send(Message::Stop);
    }

    /// Where a run stands; none if the host has stopped.
    pub async fn phase(&self, run: RunId) -> Option<Phase> {
        let (reply, answer) = oneshot::channel();
        let _ = self.outbox.send(Message::Query(Query::Phase { run, reply }));
        answer.await.ok()
    }

    /// What a run waits for; none if the host has stopped.
    pub async fn waits(&self, run: RunId) -> Option<Vec<Wait>> {
        let (reply, answer) = oneshot::channel();
        let _ = self.outbox.send(Message::Query(Query::Waits { run, reply }));
        answer.await.ok()
    }

    /// What is known of why a task is not running, beside its rows; none if the host has stopped.
    pub async fn known(&self, task: TaskId) -> Option<Known> {
        let (reply, answer) = oneshot::channel();
        let _ = self.outbox.send(Message::Query(Query::Known { task, reply }));
        answer.await.ok()
    }

    /// Waits until a run can't go on by itself: it is settled, or needs a person. None if the host stopped first.
    pub async fn wait(&self, run: RunId) -> Option<Phase> {
        let mut commits = self.commits.clone();
        loop {
            commits.mark_unchanged();
            match self.phase(run).await? {
                Phase::Active => commits.changed().await.ok()?,
                phase @ (Phase::Paused | Phase::Spent | Phase::Stuck | Phase::Settled) => return Some(phase),
            }
        }
    }

    /// Changes whenever something was committed.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.clone()
    }

    /// Waits until the host has ended, however it went.
    pub async fn ended(&self) {
        let mut commits = self.commits.clone();
        while commits.changed().await.is_ok() {}
    }

    /// What attempts show while they work.
    #[must_use]
    pub fn progress(&self) -> broadcast::Receiver<AttemptEvent> {
        self.shown.subscribe()
    }

    #[must_use]
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }
}
