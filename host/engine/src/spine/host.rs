//! A host: started on a store, and ended well.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use baton_core::agent::breaker;
use baton_core::budget::Budget;
use baton_core::lease;
use baton_core::op::{Op, Rejection, Reply};
use baton_core::people::Policy;
use baton_plugin::capability::{Resources, StateClient};
use baton_plugin::lease::HostLease;
use baton_plugin::library::Library;
use baton_store::writer::Writer;
use baton_store::{Home, Reader, Store, machine, reader};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;

use super::conduct::Conducts;
use super::consolidate::Consolidating;
use super::live::Live;
use super::purse::Purse;
use super::{Message, Spine, Sweep, unreadable};
use crate::Crowd;
use crate::attempt::HostContext;
use crate::board::Board;
use crate::desk::Server;
use crate::land;
use crate::places::Places;
use crate::pool::Pool;
use crate::workspace::queue::{MayAct, Queue};
use crate::workspace::{self, Workspaces};

/// What a host is started with: by default nothing is offered and nothing is limited.
#[derive(Default)]
pub struct Options {
    pub offer: Resources,
    pub budget: Budget,
    pub crowd: Crowd,
    pub people: Policy,
    /// Where tasks change files, if in trees of their own.
    pub workspace: Option<workspace::Settings>,
    /// The `baton` binary, which confines native programs and ends them with all that they started; none = they are
    /// started as they are.
    pub supervisor: Option<PathBuf>,
    pub breaker: breaker::Policy,
    /// Agents whose adapter can't be loaded, and why: they are given nothing.
    pub unusable: BTreeMap<String, String>,
}

/// What is still under way when the host ends has so long: people being told of a question, trees being taken away.
const LOOSE_ENDS: std::time::Duration = std::time::Duration::from_secs(10);

/// A running host. Dropping it abandons what runs; [`Host::drain`] and [`Host::stop`] end it well.
pub struct Host {
    live: Live,
    spine: JoinHandle<Result<(), Rejection>>,
    writer: Writer,
    writer_thread: thread::JoinHandle<()>,
    boot: u32,
    /// Closed when nobody is being told of a question and no tree is being taken away any more.
    finished: mpsc::Receiver<()>,
}

impl Host {
    /// Takes a store over: what ran when the last host died is noticed and tried again.
    ///
    /// # Errors
    /// The store can't be read or written.
    pub async fn start(
        store: Store,
        home: &Home,
        library: Arc<Library>,
        options: Options,
    ) -> Result<Self, Rejection> {
        let reader = reader(home).map_err(unreadable)?;
        let drift = store.drift();
        let (writer, writer_thread) = Writer::start(store);
        let lease_until = writer.clock().now() + lease::TERM;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let start = Op::StartHost { pid: std::process::id(), version, machine: machine(), lease_until };
        let boot = match writer.apply(start).await?.reply {
            Reply::Boot(boot) => boot,
            Reply::Done
            | Reply::Lease(_)
            | Reply::Run { .. }
            | Reply::Amended(_)
            | Reply::Agent(_)
            | Reply::Decided(_) => 0,
        };
        let (outbox, inbox) = mpsc::unbounded_channel();
        let (commits, seen) = watch::channel(0);
        let (sign, attempt_events) = mpsc::unbounded_channel();
        let (shown, _) = broadcast::channel(1024);
        let (plea, pleas) = mpsc::unbounded_channel();
        let (under_way, finished) = mpsc::channel(1);
        let workspaces = match options.workspace {
            Some(settings) => Some(cleared(settings, &reader).await?),
            None => None,
        };
        let (entry, entries) = mpsc::unbounded_channel();
        let (sweeps, swept) = mpsc::unbounded_channel();
        let policy = Arc::new(options.people);
        let archive = Arc::new(Mutex::new(self::reader(home).map_err(unreadable)?));
        let attic = Arc::new(Mutex::new(self::reader(home).map_err(unreadable)?));
        let desk_reader = self::reader(home).map_err(unreadable)?;
        let around = HostContext {
            clock: writer.clock().clone(),
            offer: options.offer,
            supervisor: options.supervisor,
            lease: HostLease::until(lease_until),
            attempt_events: sign,
            state_client: StateClient(plea),
            workspaces: workspaces.clone(),
            store: Some(home.folder().to_owned()),
            under_way: Some(under_way.clone()),
        };
        // The server itself must not keep its counter open.
        let desk_around = HostContext { state_client: StateClient::closed(), ..around.clone() };
        if let Some(workspaces) = workspaces {
            let check = land::check(around.clone(), workspaces.settings.checks.clone());
            tokio::spawn(sweep(Arc::clone(&workspaces), swept));
            let (lease, clock) = (around.lease.clone(), around.clock.clone());
            let may_act: MayAct = Arc::new(move || {
                let (lease, clock) = (lease.clone(), clock.clone());
                Box::pin(async move { lease.settled(&clock).await })
            });
            tokio::spawn(Queue { workspaces, check, may_act }.run(entries));
        }
        let mut spine = Spine {
            writer: writer.clone(),
            reader,
            library: Arc::clone(&library),
            around,
            board: Board::default(),
            purse: Purse::new(options.budget),
            crowd: options.crowd,
            places: Places::of_this_host(),
            people: Arc::clone(&policy),
            landing: entry,
            sweeps,
            under_way: under_way.clone(),
            landings: HashMap::new(),
            pool: Pool { policy: options.breaker, unusable: options.unusable, ..Pool::default() },
            conducts: Conducts::new(),
            asked_for: HashMap::new(),
            rounds: HashMap::new(),
            contest: None,
            notes: HashMap::new(),
            consolidation: Consolidating::default(),
            observed: 0,
            archive,
            attic,
            attempts: HashMap::new(),
            staged: HashMap::new(),
            consulted: HashSet::new(),
            inbox,
            outbox: outbox.clone(),
            commits,
            attempt_events,
            shown: shown.clone(),
            pending: Vec::new(),
            settling: BTreeSet::new(),
            boot,
            draining: false,
            in_store: 0,
        };
        spine.recover(drift)?;
        let live = Live { outbox, commits: seen, shown, library, home: home.clone() };
        let desk = Server { live: live.clone(), reader: desk_reader, policy, around: desk_around, under_way };
        tokio::spawn(desk.run(pleas));
        Ok(Self { live, spine: tokio::spawn(spine.run()), writer, writer_thread, boot, finished })
    }

    #[must_use]
    pub fn live(&self) -> Live {
        self.live.clone()
    }

    /// Lets what runs finish, starts nothing more, and ends.
    ///
    /// # Errors
    /// The store failed meanwhile.
    pub async fn drain(self) -> Result<(), Rejection> {
        let _ = self.live.outbox.send(Message::Drain);
        self.end().await
    }

    /// Ends now; what runs is given back and will be tried again.
    ///
    /// # Errors
    /// The store failed meanwhile.
    pub async fn stop(self) -> Result<(), Rejection> {
        let _ = self.live.outbox.send(Message::Stop);
        self.end().await
    }

    async fn end(self) -> Result<(), Rejection> {
        let Self { live, spine, writer, writer_thread, boot, mut finished } = self;
        let result = spine.await.map_err(|why| Rejection::Store(format!("the scheduler broke: {why}")))?;
        let noted = writer.apply(Op::StopHost { boot }).await;
        drop((live, writer));
        let _ = tokio::time::timeout(LOOSE_ENDS, finished.recv()).await;
        let _ = tokio::task::spawn_blocking(move || writer_thread.join()).await;
        result.and(noted.map(|_| ()))
    }
}

/// Where tasks change files, without what the last host left half done.
async fn cleared(settings: workspace::Settings, reader: &Reader) -> Result<Arc<Workspaces>, Rejection> {
    let opened = Workspaces::open(settings).await;
    let opened = opened.map_err(|why| Rejection::Invalid(format!("[workspace]: {why}")))?;
    land::clear(&opened, reader).await.map_err(unreadable)?;
    Ok(Arc::new(opened))
}

/// Takes trees away, many with one look at what is there.
async fn sweep(workspaces: Arc<Workspaces>, mut sweeps: mpsc::UnboundedReceiver<Sweep>) {
    let mut waiting = Vec::new();
    while sweeps.recv_many(&mut waiting, 1024).await > 0 {
        let over: Vec<_> = waiting.iter().flat_map(|(over, _)| over.iter().copied()).collect();
        workspaces.sweep(&over).await;
        waiting.clear();
    }
}
