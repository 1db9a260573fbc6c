//! `baton run PLAN`: submits a plan, hosts it until it is done, and shows what happens.

mod dry_run;
pub(super) mod follow;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use baton_app::config::Config;
use baton_app::door::{self, Door};
use baton_core::id::RunId;
use baton_core::op::{Op, Rejection, RouterChoice, Submission};
use baton_core::plan::{Plan, check, load};
use baton_core::seed::Seed;
use baton_core::task::StateName;
use baton_engine::{Host, Live, Options, Phase};
use baton_plugin::library::Library;
use baton_store::{Home, Lock, OpenError, Reader, Store, read, reader};
use follow::{Follower, Manner};

use super::{Done, Failure, Global, Outcome, agents_of, library, screen, supervise, unreadable};

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
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let plan = load::load(&args.plan)?;
    let config = global.config(&args.plan)?;
    let home = Home::at(&config.store);
    let conn = if home.exists() { Some(reader(&home)?) } else { None };
    let library = library(&config, conn.as_ref())?;
    check_plugins(&plan, &library)?;
    let router = match (&args.router, promoted(conn.as_ref())?) {
        (Some(name), _) => chosen(name, &library)?,
        (None, Some(office)) => office,
        (None, None) => chosen(&config.router, &library)?,
    };
    if args.dry_run {
        return dry_run::run(global, &plan, &config, &library, &router);
    }
    if let Some(conn) = &conn
        && let Some((run, why)) = read::routing::gave_way(conn, &router.digest).map_err(unreadable)?
        && !global.quiet
    {
        let name = &router.name;
        screen::note(&format!("router {name} failed in {run} and is asked again now: {why}"));
    }
    if !args.detach {
        check_agents(global, &plan, &config, conn.as_ref())?;
    }
    let key = key(&args.plan, conn.as_ref(), args.again)?;
    drop(conn);
    let seed = Seed(args.seed.unwrap_or_else(|| seed_of(&plan)));
    let submission = Submission { plan, seed, router, key: Some(key) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut asked = 0;
    loop {
        match Lock::take(&home) {
            Ok(lock) => {
                let store = Store::open(&home, lock)?;
                if args.detach {
                    return left(global, &config, store, submission);
                }
                caveats(global, &config, &store);
                return runtime.block_on(hosted(global, &config, &home, store, library, submission));
            }
            Err(OpenError::Locked { folder, pid }) => match Door::host(&home) {
                Some(door) => {
                    match runtime.block_on(attached(global, args, &home, door, submission.clone()))? {
                        Attached::Over(done) => return Ok(done),
                        Attached::Left(run) => {
                            screen::note(&format!("the host ended before {run} did: it goes on here"));
                            asked = 0;
                        }
                    }
                }
                // It may have taken the store only just now, or be about to leave it.
                None if asked < ASKED => {
                    asked += 1;
                    std::thread::sleep(ASK);
                }
                None => return Err(OpenError::Locked { folder, pid }.into()),
            },
            Err(other) => return Err(other.into()),
        }
    }
}

/// How often a host that has the store is looked for at its socket, and how long after each time.
const ASKED: u32 = 50;
const ASK: Duration = Duration::from_millis(100);

/// Somebody must be there to do the work. A run that is only submitted may wait for the host that has the agents. What
/// nobody can do is said before anything starts, and the rest is done all the same.
fn check_agents(global: &Global, plan: &Plan, config: &Config, conn: Option<&Reader>) -> Result<(), Failure> {
    let agents = agents_of(config, conn)?;
    if agents.is_empty() {
        return Err(Failure::Usage(nobody(config)));
    }
    let undoable = check::undoable(plan, &agents);
    if let (Some((id, lacks)), false) = (undoable.first(), global.quiet) {
        let more = match undoable.len() {
            1 => String::new(),
            count => format!(" (and {} more: `baton plan check` names them)", count - 1),
        };
        screen::note(&format!("nobody can do {id}{more}, and it will be waited for: {lacks}"));
    }
    Ok(())
}

fn nobody(config: &Config) -> String {
    let file = config.folder.join(baton_app::config::NAME);
    if file.exists() {
        let file = file.display();
        return format!(
            "{file} has no [agents]: nobody would do the work; `baton init` in an empty folder shows one"
        );
    }
    format!(
        "there is no {} in or above {}, so nobody would do the work: `baton init` writes one with two agents",
        baton_app::config::NAME,
        config.folder.display()
    )
}

/// Every plugin that the plan names must be there before anything starts.
fn check_plugins(plan: &Plan, library: &Library) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    let executors: BTreeSet<&String> =
        plan.workstreams.iter().filter_map(|one| one.executor.as_ref()).collect();
    wrong.extend(executors.into_iter().filter_map(|name| library.executor(name).err()));
    let validators: BTreeSet<&String> =
        plan.workstreams.iter().flat_map(|one| &one.validators).map(|one| &one.uses).collect();
    wrong.extend(validators.into_iter().filter_map(|name| library.validator(name).err()));
    if wrong.is_empty() {
        return Ok(());
    }
    let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    Err(Failure::Usage(wrong.join("\n")))
}

/// Agents whose adapter is not there, by name, and why: they are given nothing, and everybody else goes on.
fn unusable(config: &Config, library: &Library) -> BTreeMap<String, String> {
    let broken = |card: &baton_core::agent::Card| {
        let why = library.agent(&card.adapter).err()?;
        Some((card.name.clone(), why.to_string()))
    };
    config.agents.iter().filter_map(broken).collect()
}

/// The router that was promoted in this store.
fn promoted(conn: Option<&Reader>) -> Result<Option<RouterChoice>, Failure> {
    let office = conn.map(read::routing::office).transpose().map_err(unreadable)?;
    Ok(office.flatten())
}

/// A router by name or file, pinned to its content.
pub(super) fn chosen(name: &str, library: &Library) -> Result<RouterChoice, Failure> {
    let router = library.router(name)?;
    Ok(RouterChoice { name: name.to_owned(), digest: router.digest().to_owned() })
}

fn seed_of(plan: &Plan) -> u64 {
    let digest = plan.digest();
    u64::from_str_radix(digest.get(..16).unwrap_or("0"), 16).unwrap_or(0)
}

/// The same plan path finds the run that it opened; `--again` opens the next one.
fn key(plan: &Path, conn: Option<&Reader>, again: bool) -> Result<String, Failure> {
    let path = plan.canonicalize().unwrap_or_else(|_| plan.to_owned());
    let times = match conn {
        None => 0,
        Some(conn) => read::times_run(conn, &path.to_string_lossy()).map_err(unreadable)?,
    };
    Ok(format!("{}#{}", path.display(), if again { times + 1 } else { times.max(1) }))
}

/// Nobody hosts the store: the plan is left in it for whoever will.
fn left(global: &Global, config: &Config, mut store: Store, submission: Submission) -> Outcome {
    let agents = config.agents.iter().map(|card| Op::PutAgent { card: card.clone() });
    let mut answers = store.apply(agents.chain([Op::Submit(Box::new(submission))]).collect());
    let (run, _) = submitted(answers.pop().unwrap_or_else(|| Err(Rejection::Store("no answer".into()))))?;
    for answer in answers {
        answer?;
    }
    if !global.quiet {
        screen::line(&format!("{run} is submitted: `baton run PLAN` or `baton host` carries it out"));
    }
    Ok(Done::Well)
}

/// A host carries out every run that is open, also those that nobody names.
fn others_go_on(global: &Global, home: &Home, own: RunId) -> Result<(), Failure> {
    let open = read::runs(&reader(home)?).map_err(unreadable)?.into_iter();
    let open = open.filter(|run| run.id != own && run.settled.is_none() && !run.held);
    let names: Vec<String> = open.map(|run| run.id.to_string()).collect();
    if !global.quiet && !names.is_empty() {
        let names = names.join(", ");
        screen::note(&format!("still open, and carried out as well: {names}; `baton cancel RUN` ends one"));
    }
    Ok(())
}

/// This process hosts the store.
async fn hosted(
    global: &Global,
    config: &Config,
    home: &Home,
    mut store: Store,
    library: Library,
    submission: Submission,
) -> Outcome {
    let before = store.last_seq();
    // Before the host starts: a run that is refused must start nothing.
    let mut answers = store.apply(vec![Op::Submit(Box::new(submission))]);
    let opened = answers.pop().unwrap_or_else(|| Err(Rejection::Store("no answer".into())));
    let (run, fresh) = submitted(opened)?;
    others_go_on(global, home, run)?;
    let host = start(config, home, store, library).await?;
    let live = host.live();
    let socket = door::serve(home, live.clone());
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
    let _ = std::fs::remove_file(home.socket());
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
    let caveats = [store.drift().said(), supervise::enter::caveat(&config.offer.profiles)];
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
    let unusable = unusable(config, &library);
    for (agent, why) in &unusable {
        screen::note(&format!("[agents.{agent}] is left out: {why}"));
    }
    let options = Options {
        unusable,
        offer: config.offer.clone(),
        budget: config.budget.clone(),
        people: config.people.clone(),
        workspace: config.workspace.clone(),
        limits: config.limits.clone(),
        supervisor: std::env::current_exe().ok(),
        breaker: config.breaker,
    };
    let host = Host::start(store, home, Arc::new(library), options).await?;
    let cards = config.agents.iter().map(|card| Op::PutAgent { card: card.clone() }).collect();
    for answer in host.live().apply_all(cards).await {
        answer?;
    }
    Ok(host)
}

fn submitted(answer: Result<baton_core::op::Applied, Rejection>) -> Result<(RunId, bool), Failure> {
    match answer {
        Ok(applied) => applied
            .reply
            .run()
            .ok_or_else(|| Failure::Infrastructure("the store did not say which run it is".into())),
        Err(Rejection::PlanChanged { run, diff }) => Err(Failure::Usage(format!(
            "the plan changed since {run} was opened:\n{diff}\n`baton plan amend {run} PLAN` takes the change over, \
             `baton run PLAN --again` starts anew"
        ))),
        Err(why) => Err(why.into()),
    }
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
}

/// Another process hosts the store: the plan is handed to it, and its record is followed.
async fn attached(
    global: &Global,
    args: &Args,
    home: &Home,
    mut door: Door,
    submission: Submission,
) -> Result<Attached, Failure> {
    let conn = reader(home)?;
    let before = read::history::last_seq(&conn).map_err(unreadable)?;
    let (run, fresh) = submitted(door.apply(Op::Submit(Box::new(submission))))?;
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
            _ = look.tick() => if let Ok(Some(waits)) = door.waits(run) { follower.waits(waits)? },
            _ = tick.tick() => {}
        }
        follower.catch_up()?;
        follower.tick();
        let settled = read::run(&conn, run).map_err(unreadable)?.is_some_and(|run| run.settled.is_some());
        if settled {
            let ended = Watched::Ended(Phase::Settled);
            return conclude(global, &mut follower, home, run, ended).map(Attached::Over);
        }
        if let Ok(Some(phase @ (Phase::Paused | Phase::Spent | Phase::Stuck))) = door.phase(run) {
            return conclude(global, &mut follower, home, run, Watched::Ended(phase)).map(Attached::Over);
        }
        if Door::host(home).is_none() {
            follower.finish();
            return Ok(Attached::Left(run));
        }
    }
}

fn conclude(global: &Global, follower: &mut Follower, home: &Home, run: RunId, watched: Watched) -> Outcome {
    follower.finish();
    let conn = reader(home)?;
    if !global.json {
        super::report::summary(&conn, run)?;
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
