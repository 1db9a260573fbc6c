//! The writer: one thread that owns the store and commits in groups. What queued up during one commit is the next
//! group, so no time is spent waiting for company.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use super::store::Store;
use baton_core::clock::Clock;
use baton_core::op::{Applied, Op, Rejection, StoreError};

/// Operations in one transaction: beyond this the gain is small and the wait of the first one grows.
const GROUP: usize = 1024;
/// After so long without work the log is folded into the database.
const IDLE: Duration = Duration::from_secs(5);

/// What became of each operation, in the order in which they were asked for.
pub type Answers = Vec<Result<Applied, Rejection>>;
type Reply = Box<dyn FnOnce(Answers) + Send>;

struct Request {
    ops: Vec<Op>,
    reply: Reply,
}

/// A cheap handle, with which changes are asked for.
#[derive(Clone)]
pub struct Writer {
    requests: Sender<Request>,
    clock: Clock,
}

impl Writer {
    /// Starts the thread. It ends when the last handle is gone, after what was asked has been committed.
    ///
    /// # Panics
    /// If the system can't start a thread.
    #[must_use]
    pub fn start(store: Store) -> (Self, JoinHandle<()>) {
        let (requests, inbox) = channel();
        let clock = store.clock();
        let thread = thread::Builder::new()
            .name("baton-writer".into())
            .spawn(move || run(store, &inbox))
            .expect("the system can start a thread");
        (Self { requests, clock }, thread)
    }

    /// The clock that operations are dated by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Hands operations over; `reply` is called on the writer's thread once they are durable.
    pub fn send(&self, ops: Vec<Op>, reply: impl FnOnce(Answers) + Send + 'static) {
        let count = ops.len();
        if let Err(unsent) = self.requests.send(Request { ops, reply: Box::new(reply) }) {
            (unsent.0.reply)(vec![Err(StoreError::Closed.into()); count]);
        }
    }

    /// Applies one operation and waits until it is durable.
    ///
    /// # Errors
    /// Why it was refused, or that the store failed.
    pub async fn apply(&self, op: Op) -> Result<Applied, Rejection> {
        let (tell, told) = oneshot::channel();
        self.send(vec![op], move |answers| {
            let _ = tell.send(answers);
        });
        let answers = told.await.map_err(|_| StoreError::Closed)?;
        answers.into_iter().next().unwrap_or_else(|| Err(StoreError::Closed.into()))
    }
}

fn run(mut store: Store, inbox: &Receiver<Request>) {
    loop {
        let first = match inbox.recv_timeout(IDLE) {
            Ok(request) => request,
            Err(RecvTimeoutError::Timeout) => {
                store.rest();
                match inbox.recv() {
                    Ok(request) => request,
                    Err(_) => return,
                }
            }
            Err(RecvTimeoutError::Disconnected) => return store.rest(),
        };
        let mut ops = first.ops;
        let mut replies = vec![(ops.len(), first.reply)];
        while ops.len() < GROUP {
            let Ok(next) = inbox.try_recv() else { break };
            replies.push((next.ops.len(), next.reply));
            ops.extend(next.ops);
        }
        let mut answers = store.apply(ops);
        crate::failpoint::hit("before-reply");
        for (count, reply) in replies {
            let rest = answers.split_off(count.min(answers.len()));
            reply(std::mem::replace(&mut answers, rest));
        }
        if store.is_broken() {
            return;
        }
    }
}
