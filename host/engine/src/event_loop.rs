//! The loop of a host. It carries messages to the scheduler and what that asks for to the store and to work; it decides
//! nothing.

mod host;
mod live;

pub use host::{Host, Options};
pub use live::Live;
use live::Query;

use std::time::Duration;

use baton_core::clock::{Clock, Time};
use baton_core::op::{Applied, HostError, Op, Rejection, Reply};
use baton_plugin::capability::attempt_event::AttemptEvent;
use baton_plugin::lease::HostLease;
use baton_store::Reader;
use baton_store::writer::{Answers, Writer};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::effect::{Done, Effect};
use crate::in_flight::InFlight;
use crate::scheduler::Scheduler;
use crate::work::Workers;

/// How often the loop takes a turn without any message.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Messages that are taken in before the scheduler has its next turn.
const TOGETHER: usize = 1024;

/// Everything that reaches the loop.
#[expect(clippy::large_enum_variant, reason = "nearly all of them are commits and ends of attempts")]
enum Message {
    Query(Query),
    Committed { answers: Answers, sent: InFlight, reply: Option<oneshot::Sender<Answers>> },
    Done(Done),
    Drain,
    Stop,
}

struct EventLoop {
    scheduler: Scheduler,
    rows: Reader,
    writer: Writer,
    clock: Clock,
    lease: HostLease,
    boot: u32,
    workers: Workers,
    inbox: mpsc::UnboundedReceiver<Message>,
    outbox: mpsc::UnboundedSender<Message>,
    /// Counts commits, for those who wait for one.
    commits: watch::Sender<u64>,
    /// What attempts show while they work, and to whom.
    attempt_events: mpsc::UnboundedReceiver<AttemptEvent>,
    shown: broadcast::Sender<AttemptEvent>,
    /// Operations that go to the store together at the end of a turn.
    pending: Vec<Op>,
    /// Groups that the store has not answered yet.
    in_store: usize,
}

impl EventLoop {
    async fn run(mut self) -> Result<(), Rejection> {
        let ended = self.turns().await;
        self.inbox.close();
        while let Ok(message) = self.inbox.try_recv() {
            turn_away(message);
        }
        ended
    }

    async fn turns(&mut self) -> Result<(), Rejection> {
        let mut beat = tokio::time::interval(HEARTBEAT);
        let mut messages = Vec::new();
        loop {
            let now = self.clock.now();
            self.scheduler.turn(&self.rows, now);
            self.carry_out();
            self.send_pending();
            if self.scheduler.is_drained() && self.in_store == 0 {
                return Ok(());
            }
            let timer = sleep_until(self.clock.clone(), self.scheduler.next(now));
            tokio::select! {
                count = self.inbox.recv_many(&mut messages, TOGETHER) => if count == 0 { return Ok(()) },
                Some(sign) = self.attempt_events.recv() => self.heard(sign),
                _ = beat.tick() => self.renew(),
                () = timer => {}
            }
            let mut taken = messages.drain(..);
            while let Some(message) = taken.next() {
                match message {
                    Message::Query(query) => self.asked(query),
                    Message::Committed { answers, sent, reply } => self.committed(answers, sent, reply)?,
                    Message::Done(done) => self.scheduler.done(done, self.clock.now()),
                    Message::Drain => self.scheduler.drain(),
                    Message::Stop => {
                        taken.for_each(turn_away);
                        return self.give_back().await;
                    }
                }
                self.carry_out();
            }
        }
    }

    fn carry_out(&mut self) {
        for effect in self.scheduler.take_effects() {
            match effect {
                Effect::Apply(op) => self.pending.push(op),
                Effect::Start(work) => self.workers.start(work),
            }
        }
    }

    fn send_pending(&mut self) {
        if !self.pending.is_empty() {
            let ops = std::mem::take(&mut self.pending);
            self.send(ops, None);
        }
    }

    fn send(&mut self, ops: Vec<Op>, reply: Option<oneshot::Sender<Answers>>) {
        let (outbox, sent) = (self.outbox.clone(), InFlight::of(&ops));
        self.in_store += 1;
        self.writer.send(ops, move |answers| {
            let _ = outbox.send(Message::Committed { answers, sent, reply });
        });
    }

    /// Takes over the store's answers. If the store failed, or belongs to another host by now, nothing here may act any
    /// more.
    fn committed(
        &mut self,
        answers: Answers,
        sent: InFlight,
        reply: Option<oneshot::Sender<Answers>>,
    ) -> Result<(), Rejection> {
        self.in_store -= 1;
        let failed = answers.iter().find_map(|answer| match answer {
            Err(failed @ Rejection::Store(_)) => Some(failed.clone()),
            Ok(_) | Err(_) => None,
        });
        if failed.is_some() {
            self.lease.lose();
            self.scheduler.cut_off();
        } else {
            for answer in &answers {
                if let Ok(Applied { reply: Reply::Lease(until), .. }) = answer {
                    self.lease.renewed(*until);
                }
            }
            self.scheduler.committed(&answers, &sent, &self.rows, self.clock.now())?;
            self.commits.send_modify(|commits| *commits += 1);
        }
        if let Some(reply) = reply {
            let _ = reply.send(answers);
        }
        failed.map_or(Ok(()), Err)
    }

    /// Renews the host's own lease first, then those of its attempts.
    fn renew(&mut self) {
        let now = self.clock.now();
        if self.lease.is_due(now) {
            self.pending.insert(0, Op::RenewHost { boot: self.boot });
        }
        self.scheduler.renew(now);
    }

    fn heard(&mut self, sign: AttemptEvent) {
        if let AttemptEvent::Denied { task, plugin, call, why } = &sign {
            let (task, plugin, call, why) = (*task, plugin.clone(), (*call).to_owned(), why.clone());
            self.scheduler.done(Done::Denied { task, plugin, call, why }, self.clock.now());
        }
        let _ = self.shown.send(sign);
    }

    /// Stops what runs and gives it back, without charging anyone.
    async fn give_back(&mut self) -> Result<(), Rejection> {
        let mut ops = std::mem::take(&mut self.pending);
        ops.extend(self.scheduler.give_back(self.clock.now()));
        let (tell, told) = oneshot::channel();
        self.writer.send(ops, move |answers| {
            let _ = tell.send(answers);
        });
        let _ = told.await;
        Ok(())
    }
}

/// Tells who asked for operations that nothing became of them. Others notice that the loop has ended.
fn turn_away(message: Message) {
    if let Message::Query(Query::Apply { ops, reply }) = message {
        let _ = reply.send(vec![Err(HostError::Ending.into()); ops.len()]);
    }
}

async fn sleep_until(clock: Clock, at: Option<Time>) {
    match at {
        Some(at) => tokio::time::sleep(at.since(clock.now()).max(Duration::from_millis(1))).await,
        None => std::future::pending().await,
    }
}
