//! Carrying out what clients ask for. A command becomes operations of the engine's own, or work whose result is one; the
//! operations never leave the engine.

mod named;

use std::sync::Arc;

use baton_core::agent::Card;
use baton_core::clock::Clock;
use baton_core::command::{Backtest, Command, CommandError, Target};
use baton_core::event::Fact;
use baton_core::id::{AgentId, RunId};
use baton_core::op::{self, HostError, Op, Rejection, RouterChange};
use baton_core::plan::Workstream;
use baton_core::plan::diff::Diff;
use baton_plugin::library::Library;
use baton_store::{Reader, Store, reader};
use serde::{Deserialize, Serialize};

use crate::Live;
use crate::learning::consolidation;
use crate::replay::judged::{Backtested, judged};
use named::Named;

/// The result of a command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    Done,
    /// The run that was opened, or that its key had opened before.
    Run {
        run: RunId,
        fresh: bool,
    },
    Amended(Diff),
    Agent(AgentId),
    Backtested(Box<Backtested>),
}

impl Reply {
    /// For callers that got another one than their command has.
    #[must_use]
    pub fn unexpected(&self) -> CommandError {
        let why = match self {
            Self::Done => "nothing",
            Self::Run { .. } => "a run",
            Self::Amended(_) => "an amendment",
            Self::Agent(_) => "an agent",
            Self::Backtested(_) => "a backtest",
        };
        CommandError::Unavailable {
            why: format!("another result was expected than {why}: look before repeating it"),
        }
    }

    fn of(reply: op::Reply) -> Self {
        match reply {
            op::Reply::Run { run, fresh } => Self::Run { run, fresh },
            op::Reply::Amended(diff) => Self::Amended(diff),
            op::Reply::Agent(agent) => Self::Agent(agent),
            op::Reply::Done | op::Reply::Boot(_) | op::Reply::Lease(_) | op::Reply::Decided(_) => Self::Done,
        }
    }
}

/// What carries a command out.
enum Work {
    Apply(Box<Op>),
    Backtest(Backtest),
    Consolidate,
    Drain,
}

fn work(command: Command) -> Work {
    let op = match command {
        Command::Submit(submission) => Op::Submit(submission),
        Command::Amend { run, plan } => Op::Amend { run, plan },
        Command::Pause(Target::Run(run)) => Op::HoldRun { run },
        Command::Pause(Target::Task(task)) => Op::HoldTask { task },
        Command::Resume(Target::Run(run)) => Op::UnholdRun { run },
        Command::Resume(Target::Task(task)) => Op::UnholdTask { task },
        Command::Cancel { target: Target::Run(run), why } => Op::CancelRun { run, why },
        Command::Cancel { target: Target::Task(task), why } => Op::CancelTask { task, why },
        Command::Retry { task } => Op::Redrive { task },
        Command::Drop { task } => Op::Drop { task },
        Command::Answer { question, text, by } => Op::Answer { question, text, by },
        Command::Feedback { task, score, note, by } => Op::Feedback { task, score, note, by },
        Command::PutAgent { card } => Op::PutAgent { card: *card },
        Command::SetStanding { agent, standing } => Op::SetStanding { agent, standing },
        Command::RemoveAgent { agent } => Op::RemoveAgent { agent },
        Command::PutPlugin(row) => Op::PutPlugin(row),
        Command::RemovePlugin { name } => Op::RemovePlugin { name },
        Command::UseRouter { run, router } => Op::UseRouter { run, router, why: RouterChange::Asked },
        Command::StartTrial { router, terms } => Op::StartTrial { router, terms },
        Command::MoveTrial { trial, stage } => Op::MoveTrial { trial, stage },
        Command::EndTrial { trial, ending, why } => Op::EndTrial { trial, ending, why },
        Command::Promote { router, why } => Op::Promote { router, why },
        Command::ForgetNote { note } => Op::ForgetNote { note },
        Command::Backtest(asked) => return Work::Backtest(asked),
        Command::Consolidate => return Work::Consolidate,
        Command::Drain => return Work::Drain,
    };
    Work::Apply(Box::new(op))
}

/// That a router was held against the record.
fn noted(asked: &Backtest, found: &Backtested) -> Op {
    let (router, digest) = (asked.router.name.clone(), asked.router.digest.clone());
    let (won, why) = (found.finding.is_won(), found.text.clone());
    Op::Note { run: None, task: None, fact: Fact::RouterJudged { router, digest, won, why } }
}

/// Carries a command out where no host runs.
///
/// # Errors
/// Why it was not carried out.
pub fn carry_out(
    store: &mut Store,
    reader: &Reader,
    library: &dyn Fn() -> Result<Arc<Library>, CommandError>,
    command: Command,
) -> Result<Reply, CommandError> {
    if let Some(named) = Named::by(&command) {
        named.check(library()?.as_ref())?;
    }
    match work(command) {
        Work::Apply(op) => apply(store, *op),
        Work::Backtest(asked) => {
            let found = judged(reader, library()?.as_ref(), &asked, Clock::system().now())?;
            if asked.recorded {
                apply(store, noted(&asked, &found))?;
            }
            Ok(Reply::Backtested(Box::new(found)))
        }
        Work::Consolidate => {
            while let Some((op, _)) = consolidation::next(reader).map_err(unreadable)? {
                apply(store, op)?;
            }
            Ok(Reply::Done)
        }
        Work::Drain => Err(CommandError::Refused {
            why: "no host is running, so there is none to end".into(),
            remedy: None,
        }),
    }
}

fn apply(store: &mut Store, op: Op) -> Result<Reply, CommandError> {
    let answer = store.apply(vec![op]).pop();
    let applied = answer.unwrap_or_else(|| Err(HostError::NoAnswer.into()))?;
    Ok(Reply::of(applied.reply))
}

fn unreadable(why: impl std::fmt::Display) -> CommandError {
    CommandError::Unavailable { why: format!("the store can't be read: {why}") }
}

impl Live {
    /// Carries a command out; it is durable and known to the scheduler when this returns.
    ///
    /// # Errors
    /// Why it was not carried out.
    pub async fn command(&self, command: Command) -> Result<Reply, CommandError> {
        if let Some(named) = Named::by(&command) {
            let library = Arc::clone(self.library());
            blocking(move || named.check(&library)).await?;
        }
        match work(command) {
            Work::Apply(op) => Ok(Reply::of(self.apply(*op).await?.reply)),
            Work::Backtest(asked) => self.backtest(asked).await,
            Work::Consolidate => {
                while let Some(op) = self.consolidation().await? {
                    // Otherwise a step of the host's own was faster, and counts.
                    if let Err(why @ (Rejection::Store(_) | Rejection::Host(_))) = self.apply(op).await {
                        return Err(why.into());
                    }
                }
                Ok(Reply::Done)
            }
            Work::Drain => {
                self.drain();
                Ok(Reply::Done)
            }
        }
    }

    /// Registers agents, or gives them new cards, all at once: nothing is decided while only some of them are known.
    ///
    /// # Errors
    /// Why one of them was refused.
    pub async fn register(&self, cards: Vec<Card>) -> Result<(), CommandError> {
        let ops = cards.into_iter().map(|card| Op::PutAgent { card }).collect();
        for answer in self.apply_all(ops).await {
            answer?;
        }
        Ok(())
    }

    /// Adds workstreams to a run that is open, beside those of its plan. They are handed over at once; the answer comes when
    /// they are durable.
    ///
    /// # Errors
    /// Why they were refused.
    pub fn extend(
        &self,
        run: RunId,
        workstreams: Vec<Workstream>,
    ) -> impl Future<Output = Result<(), CommandError>> + use<> {
        let answers = self.submit(vec![Op::Extend { run, workstreams }]);
        async move {
            for answer in answers.await {
                answer?;
            }
            Ok(())
        }
    }

    async fn backtest(&self, asked: Backtest) -> Result<Reply, CommandError> {
        let (home, library, own) = (self.home.clone(), Arc::clone(self.library()), asked.clone());
        let found = blocking(move || {
            judged(&reader(&home).map_err(unreadable)?, &library, &own, Clock::system().now())
        })
        .await?;
        if asked.recorded {
            self.apply(noted(&asked, &found)).await?;
        }
        Ok(Reply::Backtested(Box::new(found)))
    }

    /// The next step of consolidation, if there is one.
    async fn consolidation(&self) -> Result<Option<Op>, CommandError> {
        let home = self.home.clone();
        blocking(move || {
            let next = consolidation::next(&reader(&home).map_err(unreadable)?).map_err(unreadable)?;
            Ok(next.map(|(op, _)| op))
        })
        .await
    }
}

/// Work that reads much, beside the loop.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CommandError> + Send + 'static,
) -> Result<T, CommandError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|why| Err(unreadable(why)))
}
