//! `baton run PLAN`: submits a plan, hosts it until it is done, and shows what happens.

mod dry_run;
pub(super) mod follow;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use baton_app::app::Link;
use baton_app::config::Config;
use baton_app::control::{Client, Server};
use baton_app::submit::{self, Submit};
use baton_app::view::report::of_run;
use baton_app::{App, AppError, host};
use baton_core::command::{Command, CommandError};
use baton_core::id::RunId;
use baton_core::op::Submission;
use baton_core::plan::load;
use baton_core::task::StateName;
use baton_engine::{Host, Live, Phase};
use baton_plugin::library::Library;
use baton_store::{Home, Reader, Store, read, reader};

use super::{Done, Failure, Global, Outcome, screen, supervise, unreadable};

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
    let library = app.library()?;
    let submission = submit::submission(&app, &input, &library)?;
    if args.dry_run {
        return dry_run::run(global, &submission.plan, &app.config, &library, &submission.router);
    }
    if let (Some(said), false) = (submit::gave_way(&app, &submission)?, global.quiet) {
        screen::note(&said);
    }
    // A run that is only submitted may wait for the host that has the agents.
    if !args.detach
        && let (Some(doubt), false) = (submit::doubts(&app, &submission.plan)?, global.quiet)
    {
        screen::note(&doubt);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    loop {
        match app.connect()? {
            Link::Own(store) if args.detach => return left(global, &app, store, submission),
            Link::Own(store) => {
                caveats(global, &app.config, &store);
                return runtime.block_on(hosted(global, &app, *store, library, submission));
            }
            Link::Host(host) => {
                match runtime.block_on(attached(global, args, &app.home, host, submission.clone()))? {
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
fn left(global: &Global, app: &App, store: Box<Store>, submission: Submission) -> Outcome {
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
async fn hosted(
    global: &Global,
    app: &App,
    mut store: Store,
    library: Library,
    submission: Submission,
) -> Outcome {
    let home = &app.home;
    let before = store.last_seq();
    // Before the host starts: a run that is refused must start nothing.
    let submit = Command::Submit(Box::new(submission));
    let (run, fresh) = submit::opened(app.carry_out(&mut store, submit)?)?;
    others_go_on(global, app, run)?;
    let host = start(&app.config, home, store, library).await?;
    let live = host.live();
    let socket = Server::open(home, live.clone());
    if let Err(why) = &socket {
        tracing::warn!("no second baton can reach this one: {why}");
    }
    let mut follower =
        Follower::new(reader(home)?, run, Manner::of(global), if fresh { 0 } else { before }, fresh)?;
    let phase = watch(&live, &mut follower, run).await;
    let concluded = match phase {
        Watched::Ended(_) => {
            follower.catch_up()?;
            let concluded = conclude(global, &mut follower, home, run, phase);
            if let Ok(socket) = &socket {
                stay(&live, socket.guests(), run).await;
            }
            Some(concluded)
        }
        Watched::Interrupted | Watched::Gone => None,
    };
    let ended = match phase {
        Watched::Ended(_) | Watched::Gone => host.drain().await,
        Watched::Interrupted => {
            follower.finish();
            let again = interrupt();
            screen::note("waiting for what runs; once more to stop now");
            let stopped = live.clone();
            let second = tokio::spawn(async move {
                again.await;
                stopped.stop();
            });
            let ended = host.drain().await;
            second.abort();
            ended
        }
    };
    drop(socket);
    ended?;
    if let Some(concluded) = concluded {
        return concluded;
    }
    follower.catch_up()?;
    conclude(global, &mut follower, home, run, phase)
}

/// What whoever starts a host should know before anything runs: of the clock, and of native programs.
pub(super) fn caveats(global: &Global, config: &Config, store: &Store) {
    if global.quiet {
        return;
    }
    let caveats = [store.drift().warning(), supervise::enter::caveat(&config.offer.profiles)];
    caveats.iter().flatten().for_each(|caveat| screen::note(caveat));
}

/// Hosts what others handed over until it is done or can't go on, or is interrupted.
async fn stay(live: &Live, guests: impl Fn() -> BTreeSet<RunId>, own: RunId) {
    let interrupted = interrupt();
    tokio::pin!(interrupted);
    let mut told = BTreeSet::new();
    loop {
        let mut next = None;
        for run in guests().into_iter().filter(|run| *run != own) {
            if live.phase(run).await == Some(Phase::Active) {
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
            _ = live.wait(run) => {}
        }
    }
}

/// Starts a host with what the configuration says.
pub(super) async fn start(
    config: &Config,
    home: &Home,
    store: Store,
    library: Library,
) -> Result<Host, Failure> {
    let unusable = host::unusable(config, &library);
    for (agent, why) in &unusable {
        screen::note(&format!("[agents.{agent}] is left out: {why}"));
    }
    Ok(host::start(config, home, store, library, unusable).await?)
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
    Ended(Phase),
    Interrupted,
    /// The host broke; draining it says why.
    Gone,
}

/// How often the host is asked what the run waits for.
const LOOK: Duration = Duration::from_millis(500);

/// Shows what happens until the run can't go on or a person interrupts.
async fn watch(live: &Live, follower: &mut Follower, run: RunId) -> Watched {
    let mut commits = live.commits();
    let mut signs = live.progress();
    let waiter = live.clone();
    let ended = tokio::spawn(async move { waiter.wait(run).await });
    tokio::pin!(ended);
    let interrupted = interrupt();
    tokio::pin!(interrupted);
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            phase = &mut ended => {
                let _ = follower.catch_up();
                let _ = follower.waits(live.waits(run).await.unwrap_or_default());
                return phase.ok().flatten().map_or(Watched::Gone, Watched::Ended);
            }
            () = &mut interrupted => return Watched::Interrupted,
            Ok(sign) = signs.recv() => follower.sign(&sign),
            _ = look.tick() => {
                let waits = live.waits(run).await.unwrap_or_default();
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
async fn is_gone_soon(home: &Home) -> bool {
    for _ in 0..20 {
        if !Client::is_there(home) {
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
    home: &Home,
    mut host: Client,
    submission: Submission,
) -> Result<Attached, Failure> {
    let conn = reader(home)?;
    let before = read::history::last_seq(&conn).map_err(unreadable)?;
    let opened = host.command(Command::Submit(Box::new(submission)));
    // It was about to end. The key finds the run if it was opened all the same.
    if matches!(opened, Err(CommandError::Unavailable { .. })) && is_gone_soon(home).await {
        return Ok(Attached::Late);
    }
    let (run, fresh) = submit::opened(opened.map_err(AppError::from)?)?;
    let mut follower =
        Follower::new(reader(home)?, run, Manner::of(global), if fresh { 0 } else { before }, fresh)?;
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
        let settled = read::run(&conn, run).map_err(unreadable)?.is_some_and(|run| run.settled.is_some());
        if settled {
            let ended = Watched::Ended(Phase::Settled);
            return conclude(global, &mut follower, home, run, ended).map(Attached::Over);
        }
        if let Ok(phase @ (Phase::Paused | Phase::Spent | Phase::Stuck)) = host.phase(run) {
            return conclude(global, &mut follower, home, run, Watched::Ended(phase)).map(Attached::Over);
        }
        if !Client::is_there(home) {
            follower.finish();
            return Ok(Attached::Left(run));
        }
    }
}

fn conclude(global: &Global, follower: &mut Follower, home: &Home, run: RunId, watched: Watched) -> Outcome {
    follower.finish();
    let conn = reader(home)?;
    if !global.json {
        super::report::summary(&of_run(&conn, run)?);
    }
    match watched {
        Watched::Interrupted => {
            Err(Failure::Infrastructure(format!("interrupted; run the plan again to go on with {run}")))
        }
        Watched::Gone => {
            Err(Failure::Infrastructure("the host ended before the run did: run the plan again".into()))
        }
        Watched::Ended(Phase::Paused) => {
            if !global.json {
                let open = read::people::open(&conn).map_err(unreadable)?;
                open.iter().for_each(super::questions::show);
            }
            Ok(Done::Paused)
        }
        Watched::Ended(Phase::Spent) => Ok(Done::Spent),
        Watched::Ended(Phase::Stuck) => {
            if !global.json {
                screen::note(
                    "what is left waits for what is said above: see to it, and run the plan again to go on",
                );
            }
            Ok(Done::Paused)
        }
        Watched::Ended(Phase::Active | Phase::Settled) => verdict(&conn, run),
    }
}

/// All accepted, or not.
pub(super) fn verdict(conn: &Reader, run: RunId) -> Outcome {
    let counts = read::summary::counts(conn, run).map_err(unreadable)?;
    let all: u64 = counts.values().sum();
    let succeeded = counts.get(&StateName::Succeeded).copied().unwrap_or(0);
    Ok(if succeeded == all { Done::Well } else { Done::Failed })
}
