//! `baton run PLAN`: submits a plan, hosts it until it is done, and shows what happens.

mod dry_run;
mod follow;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use baton_app::app::{Link, OwnStore};
use baton_app::control::Client;
use baton_app::host::{self, Halt, Hosted, RunEnd, RunRecord, Setup};
use baton_app::submit::{self, Prepared, Submit};
use baton_app::{App, AppError};
use baton_core::command::{Command, CommandError};
use baton_core::id::RunId;
use baton_core::op::Submission;
use baton_core::plan::load;

use super::{Done, Failure, Global, Outcome, screen};

use follow::{Follower, Manner};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A plan file, or a folder of *.json, *.yaml and *.toml files
    plan: PathBuf,
    /// Start another run although this plan was run before
    #[arg(long)]
    again: bool,
    /// Show who would do what and when, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// The routing strategy of this run [default: that of baton.toml]
    #[arg(long, value_name = "NAME|FILE")]
    router: Option<String>,
    /// What all randomness of the run is derived from [default: from the plan]
    #[arg(long)]
    seed: Option<u64>,
    /// Leave once the plan is submitted; a `baton host` or another run carries it out
    #[arg(long)]
    detach: bool,
}

impl Args {
    /// Another run of a plan.
    pub(super) fn again(plan: PathBuf, dry_run: bool) -> Self {
        Self { plan, again: true, dry_run, router: None, seed: None, detach: false }
    }

    fn input(&self) -> Result<Submit, Failure> {
        Ok(Submit {
            plan: load::load(&self.plan)?,
            source: Some(submit::source(&self.plan)),
            again: self.again,
            router: self.router.clone(),
            seed: self.seed,
        })
    }
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let input = args.input()?;
    let app = App::new(global.config(&args.plan)?);
    let prepared = submit::prepared(&app, &input)?;
    if args.dry_run {
        return dry_run::show(global, &prepared.dry_run(&app.config)?);
    }
    if let (Some(said), false) = (submit::gave_way(&app, &prepared.submission)?, global.quiet) {
        screen::note(&said);
    }
    // A run that is only submitted may wait for the host that has the agents.
    if !args.detach
        && let (Some(doubt), false) = (submit::doubts(&app, &prepared.submission.plan)?, global.quiet)
    {
        screen::note(&doubt);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    loop {
        match app.connect()? {
            Link::Own(store) if args.detach => return left(global, &app, store, prepared.submission),
            Link::Own(store) => {
                caveats(global, &app, &store);
                return runtime.block_on(hosted(global, &app, store, prepared));
            }
            Link::Host(host) => {
                let submission = prepared.submission.clone();
                match runtime.block_on(attached(global, args, &app, host, submission))? {
                    Attached::Over(done) => return Ok(done),
                    Attached::Left(run) => {
                        screen::note(&format!("the host ended before {run} did: it goes on here"));
                    }
                    Attached::Late => {}
                }
            }
        }
    }
}

/// Nobody hosts the store: the plan is left in it for whoever will.
fn left(global: &Global, app: &App, store: OwnStore, submission: Submission) -> Outcome {
    app.adopt(Link::Own(store));
    let submitted = submit::submitted(app, submission)?;
    if global.json {
        screen::json(&submitted);
    } else if !global.quiet {
        let run = submitted.run;
        screen::line(&format!("{run} is submitted: `baton run PLAN` or `baton host` carries it out"));
    }
    Ok(Done::Well)
}

/// A host carries out every run that is open, also those that nobody names.
fn others_go_on(global: &Global, app: &App, own: RunId) -> Result<(), Failure> {
    let names: Vec<String> = submit::others(app, own)?.iter().map(ToString::to_string).collect();
    if !global.quiet && !names.is_empty() {
        let names = names.join(", ");
        screen::note(&format!("still open, and carried out as well: {names}; `baton cancel RUN` ends one"));
    }
    Ok(())
}

/// This process hosts the store.
async fn hosted(global: &Global, app: &App, mut store: OwnStore, prepared: Prepared) -> Outcome {
    let before = store.last_event();
    // Before the host starts: a run that is refused must start nothing.
    let submit = Command::Submit(Box::new(prepared.submission.clone()));
    let (run, fresh) = submit::opened(store.carry_out(app, submit)?)?;
    others_go_on(global, app, run)?;
    let host = start(app, prepared.setup(&app.config), store).await?;
    let socket = host.listen();
    if let Err(why) = &socket {
        tracing::warn!("no second baton can reach this one: {why}");
    }
    let record = RunRecord::open(app, run, if fresh { 0 } else { before })?;
    let mut follower = Follower::new(record, run, Manner::of(global), fresh)?;
    let watched = watch(&host, &mut follower, run).await;
    let concluded = match watched {
        Watched::Ended(_) => {
            follower.catch_up()?;
            let concluded = conclude(global, &mut follower, run, watched);
            if let Ok(socket) = &socket {
                stay(&host, socket.guests(), run).await;
            }
            Some(concluded)
        }
        Watched::Interrupted | Watched::Gone => None,
    };
    let ended = match watched {
        Watched::Ended(_) | Watched::Gone => host.drain().await,
        Watched::Interrupted => {
            follower.finish();
            let again = interrupt();
            screen::note("waiting for what runs; once more to stop now");
            drained(host, again).await
        }
    };
    drop(socket);
    ended?;
    if let Some(concluded) = concluded {
        return concluded;
    }
    follower.catch_up()?;
    conclude(global, &mut follower, run, watched)
}

/// Ends a host once what runs has ended; at once if a person interrupts again meanwhile.
pub(super) async fn drained(
    host: Hosted,
    again: impl Future<Output = ()> + Send + 'static,
) -> Result<(), AppError> {
    let stop = host.stopper();
    let second = tokio::spawn(async move {
        again.await;
        stop();
    });
    let ended = host.drain().await;
    second.abort();
    ended
}

/// What whoever starts a host should know before anything runs: of the clock, and of native programs.
pub(super) fn caveats(global: &Global, app: &App, store: &OwnStore) {
    if !global.quiet {
        host::caveats(app, store).iter().for_each(|caveat| screen::note(caveat));
    }
}

/// Hosts what others handed over until it is done or can't go on, or is interrupted.
async fn stay(host: &Hosted, guests: impl Fn() -> BTreeSet<RunId>, own: RunId) {
    let interrupted = interrupt();
    tokio::pin!(interrupted);
    let mut told = BTreeSet::new();
    loop {
        let mut next = None;
        for run in guests().into_iter().filter(|run| *run != own) {
            if host.is_active(run).await {
                next = Some(run);
                break;
            }
        }
        let Some(run) = next else { return };
        if told.insert(run) {
            screen::note(&format!(
                "{run}, which was handed over to this host, goes on here; Ctrl-C leaves it"
            ));
        }
        tokio::select! {
            () = &mut interrupted => return,
            _ = host.halt(run) => {}
        }
    }
}

/// Starts a host, and names the agents that it goes without.
pub(super) async fn start(app: &App, setup: Setup, store: OwnStore) -> Result<Hosted, Failure> {
    for (agent, why) in setup.unusable() {
        screen::note(&format!("[agents.{agent}] is left out: {why}"));
    }
    Ok(setup.start(app, store).await?)
}

/// Waits for Ctrl-C, or for whoever stops services. It listens from the call on, not from when it is first awaited: one
/// that comes between is not lost.
pub(super) fn interrupt() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{Signal, SignalKind, signal};
    async fn came(listener: Option<Signal>) {
        match listener {
            Some(mut listener) => drop(listener.recv().await),
            None => std::future::pending().await,
        }
    }
    let (interrupt, terminate) = (signal(SignalKind::interrupt()).ok(), signal(SignalKind::terminate()).ok());
    async move {
        tokio::select! {
            () = came(interrupt) => {}
            () = came(terminate) => {}
        }
    }
}

#[derive(Clone, Copy)]
enum Watched {
    Ended(Halt),
    Interrupted,
    /// The host broke; draining it says why.
    Gone,
}

/// How often the host is asked what the run waits for.
const LOOK: Duration = Duration::from_millis(500);

/// Shows what happens until the run can't go on or a person interrupts.
async fn watch(host: &Hosted, follower: &mut Follower, run: RunId) -> Watched {
    let mut commits = host.commits();
    let mut progress = host.progress();
    let ended = tokio::spawn(host.halt(run));
    tokio::pin!(ended);
    let interrupted = interrupt();
    tokio::pin!(interrupted);
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            halt = &mut ended => {
                let _ = follower.catch_up();
                let _ = follower.waits(host.waits(run).await);
                return halt.ok().flatten().map_or(Watched::Gone, Watched::Ended);
            }
            () = &mut interrupted => return Watched::Interrupted,
            Some(said) = progress.next() => follower.progress(&said),
            _ = look.tick() => {
                let waits = host.waits(run).await;
                if follower.catch_up().and_then(|()| follower.waits(waits)).is_err() {
                    return Watched::Gone;
                }
            }
            _ = tick.tick() => {
                if commits.has_changed().unwrap_or(false) {
                    commits.mark_unchanged();
                    if follower.catch_up().is_err() {
                        return Watched::Gone;
                    }
                }
                follower.tick();
            }
        }
    }
}

/// What became of a run that was handed to another process.
enum Attached {
    Over(Done),
    /// That process is gone, and the run is not done.
    Left(RunId),
    /// That process ended before it took the run.
    Late,
}

/// Whether a host that did not answer has ended, or does so within two seconds.
async fn is_gone_soon(app: &App) -> bool {
    for _ in 0..20 {
        if !Client::is_there(&app.home) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

/// Another process hosts the store: the plan is handed to it, and its record is followed.
async fn attached(
    global: &Global,
    args: &Args,
    app: &App,
    mut host: Client,
    submission: Submission,
) -> Result<Attached, Failure> {
    let before = app.last_event()?;
    let opened = host.command(Command::Submit(Box::new(submission)));
    // It was about to end. The key finds the run if it was opened all the same.
    if matches!(opened, Err(CommandError::Unavailable { .. } | CommandError::Ending))
        && is_gone_soon(app).await
    {
        return Ok(Attached::Late);
    }
    let (run, fresh) = submit::opened(opened.map_err(AppError::from)?)?;
    let record = RunRecord::open(app, run, if fresh { 0 } else { before })?;
    let mut follower = Follower::new(record, run, Manner::of(global), fresh)?;
    if args.detach {
        return Ok(Attached::Over(Done::Well));
    }
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let mut look = tokio::time::interval(LOOK);
    let interrupted = interrupt();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            () = &mut interrupted => {
                follower.finish();
                screen::note(&format!("{run} goes on without this window"));
                return Err(Failure::Infrastructure("interrupted".into()));
            }
            // A host that does not answer is not one that waits for nothing.
            _ = look.tick() => if let Ok(waits) = host.waits(run) { follower.waits(waits)? },
            _ = tick.tick() => {}
        }
        follower.catch_up()?;
        follower.tick();
        if let Some(halt) = halted(&mut host, &follower, run)? {
            return conclude(global, &mut follower, run, Watched::Ended(halt)).map(Attached::Over);
        }
        if !Client::is_there(&app.home) {
            follower.finish();
            return Ok(Attached::Left(run));
        }
    }
}

/// Why a run of another process does not go on. What is recorded counts: a host that says the run is over may not have
/// written that yet.
fn halted(host: &mut Client, follower: &Follower, run: RunId) -> Result<Option<Halt>, Failure> {
    if follower.record().is_settled()? {
        return Ok(Some(Halt::Settled));
    }
    Ok(host.halt(run).ok().flatten().filter(|halt| *halt != Halt::Settled))
}

fn conclude(global: &Global, follower: &mut Follower, run: RunId, watched: Watched) -> Outcome {
    follower.finish();
    if !global.json {
        super::report::summary(&follower.record().report()?);
    }
    match watched {
        Watched::Interrupted => {
            Err(Failure::Infrastructure(format!("interrupted; run the plan again to go on with {run}")))
        }
        Watched::Gone => {
            Err(Failure::Infrastructure("the host ended before the run did: run the plan again".into()))
        }
        Watched::Ended(halt) => Ok(ended(global, &follower.record().end(halt)?)),
    }
}

fn ended(global: &Global, end: &RunEnd) -> Done {
    match end {
        RunEnd::Accepted => Done::Well,
        RunEnd::NotAccepted => Done::Failed,
        RunEnd::Spent => Done::Spent,
        RunEnd::Paused(questions) => {
            if !global.json {
                questions.iter().for_each(super::questions::show);
            }
            Done::Paused
        }
        RunEnd::Stuck => {
            if !global.json {
                screen::note(
                    "what is left waits for what is said above: see to it, and run the plan again to go on",
                );
            }
            Done::Paused
        }
    }
}
