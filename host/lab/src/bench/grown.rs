//! A store that is made larger and larger.

use baton_app::AppError;
use baton_core::budget::{Basis, Bill, Money};
use baton_core::clock::{Stopwatch, Time};
use baton_core::id::{AgentId, RunId};
use baton_core::op::{Applied, Assign, End, Op, Pick, Rejection, Reply, RouterChoice, Submission};
use baton_core::plan::{Plan, Workstream};
use baton_core::seed::Seed;
use baton_core::task::Task;
use baton_core::usage::Usage;
use baton_store::read::cost;
use baton_store::{Home, Lock, OpenError, Store, reader};

/// Tasks of a run: a million rows are two thousand runs.
const RUN: usize = 500;
/// Runs of a measurement.
const RUNS: usize = 8;

/// What the tasks of a store have of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// Nothing: they share their terms, and cost nothing.
    Plain,
    /// Each names a path that no other does, so that it has terms of its own.
    OwnTerms,
    /// Each attempt has a bill.
    Billed,
}

impl Load {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Plain, Self::OwnTerms, Self::Billed];

    /// What it is called in a report.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "tasks",
            Self::OwnTerms => "tasks with terms of their own",
            Self::Billed => "tasks with bills",
        }
    }

    fn task(self, number: usize) -> Workstream {
        let mut task =
            Workstream { skills: vec!["work".into()], ..Workstream::named(format!("t{number:09}")) };
        match self {
            Self::Plain | Self::Billed => {}
            Self::OwnTerms => task.skills.push(format!("only-{number}")),
        }
        task
    }
}

/// A store that is made larger.
pub(super) struct Grown {
    store: Store,
    load: Load,
    tasks: usize,
}

impl Grown {
    /// An empty store.
    pub(super) fn open(home: &Home, load: Load) -> Result<Self, OpenError> {
        Ok(Self { store: Store::open(home, Lock::take(home)?)?, load, tasks: 0 })
    }

    /// Adds runs until the store holds as many tasks.
    pub(super) fn grow(&mut self, to: usize) -> Result<(), Rejection> {
        while self.tasks < to {
            self.run()?;
        }
        Ok(())
    }

    /// Tasks per second from their submission to their acceptance, in a few runs more.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub(super) fn measure(&mut self) -> Result<f64, Rejection> {
        let watch = Stopwatch::start();
        for _ in 0..RUNS {
            self.run()?;
        }
        Ok((RUNS * RUN) as f64 / watch.elapsed().as_secs_f64())
    }

    /// One run from its submission to its end.
    fn run(&mut self) -> Result<(), Rejection> {
        let workstreams = (self.tasks..self.tasks + RUN).map(|number| self.load.task(number)).collect();
        let plan = Plan { name: "scale".into(), workstreams };
        let router = RouterChoice { name: "scale".into(), digest: "scale".into() };
        let submitted =
            self.apply(vec![Op::Submit(Box::new(Submission { plan, seed: Seed(1), router, key: None }))])?;
        let mut run = RunId(0);
        let mut ready = Vec::new();
        for Applied { changed, reply, .. } in submitted {
            if let Reply::Run { run: opened, .. } = reply {
                run = opened;
            }
            ready.extend(changed);
        }
        self.tasks += RUN;
        let picks =
            ready.iter().map(|task| Pick { task: task.id, agent: AgentId(1), reserve: None }).collect();
        let lease_until = Time(i64::MAX / 2);
        let assigned =
            self.apply(vec![Op::Assign(Box::new(Assign { run, picks, lease_until, decision: None }))])?;
        let running = assigned.into_iter().flat_map(|applied| applied.changed);
        let ends = running.flat_map(|task| self.end(&task)).collect();
        self.apply(ends)?;
        self.apply(vec![Op::Settle { run }])?;
        Ok(())
    }

    fn end(&self, task: &Task) -> Vec<Op> {
        let (task, epoch) = (task.id, task.epoch);
        let finish = Op::Finish { task, epoch, end: End::Accepted { outcome: None, checks: Vec::new() } };
        match self.load {
            Load::Plain | Load::OwnTerms => vec![finish],
            Load::Billed => {
                let bill = Bill { usage: Usage::default(), cost: Money(7), basis: Basis::Priced, wall_ms: 1 };
                vec![Op::Charge { task, epoch, bill: Box::new(bill) }, finish]
            }
        }
    }

    fn apply(&mut self, ops: Vec<Op>) -> Result<Vec<Applied>, Rejection> {
        self.store.apply(ops).into_iter().collect()
    }
}

/// Seconds until a host that starts now knows which bills its caps can still bind.
pub(super) fn start(home: &Home, today: Time) -> Result<f64, AppError> {
    let watch = Stopwatch::start();
    cost::since(&reader(home)?, today).map_err(AppError::unreadable)?;
    Ok(watch.elapsed().as_secs_f64())
}
