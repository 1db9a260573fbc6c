//! A host: started on a store, and ended well.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use baton_core::agent::breaker;
use baton_core::budget::Budget;
use baton_core::lease;
use baton_core::op::{HostError, Op, Rejection, Reply};
use baton_core::people::QuestionPolicy;
use baton_plugin::capability::{Resources, StateClient};
use baton_plugin::lease::HostLease;
use baton_plugin::library::Library;
use baton_store::writer::Writer;
use baton_store::{Home, Reader, Store, machine, reader};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;

use super::live::Live;
use super::{EventLoop, Message};
use crate::attempt::HostContext;
use crate::attempts::Attempts;
use crate::attempts::budget_gate::BudgetGate;
use crate::attempts::concurrency_limits::ConcurrencyLimits;
use crate::attempts::places::Places;
use crate::catalog::Catalog;
use crate::health::Health;
use crate::land;
use crate::routing::Routing;
use crate::scheduler::{Parts, Scheduler};
use crate::state_server::StateServer;
use crate::work::{Sweep, Workers};
use crate::workspace::queue::{Entry, MayAct, Queue};
use crate::workspace::{self, Workspaces};

/// What a host is started with: by default nothing is offered and nothing is limited.
#[derive(Default)]
pub struct Options {
    pub offer: Resources,
    pub budget: Budget,
    pub limits: ConcurrencyLimits,
    pub people: QuestionPolicy,
    /// Where tasks change files, if in trees of their own.
    pub workspace: Option<workspace::Settings>,
    /// The `baton` binary, which confines native programs and ends them with all that they started; none = they are
    /// started as they are.
    pub supervisor: Option<PathBuf>,
    pub breaker: breaker::BreakerPolicy,
    /// Agents whose adapter can't be loaded, and why: they are given nothing.
    pub unusable: BTreeMap<String, String>,
}

/// How long a host that ends waits for notifications of people and for the removal of trees.
const LOOSE_ENDS: Duration = Duration::from_secs(10);

/// Signs of attempts that a slow reader may be behind.
const SHOWN: usize = 1024;

/// A running host. Dropping it abandons what runs; [`Host::drain`] and [`Host::stop`] end it well.
pub struct Host {
    live: Live,
    event_loop: JoinHandle<Result<(), Rejection>>,
    writer: Writer,
    writer_thread: thread::JoinHandle<()>,
    boot: u32,
    /// Closed when no notification and no removal of a tree is under way any more.
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
        let rows = reader(home)?;
        let drift = store.drift();
        let (writer, writer_thread) = Writer::start(store);
        let (boot, lease) = take_over(&writer).await?;
        let (outbox, inbox) = mpsc::unbounded_channel();
        let (commits, seen) = watch::channel(0);
        let (sign, attempt_events) = mpsc::unbounded_channel();
        let (shown, _) = broadcast::channel(SHOWN);
        let (plea, pleas) = mpsc::unbounded_channel();
        let (under_way, finished) = mpsc::channel(1);
        let workspaces = match options.workspace {
            Some(settings) => Some(cleared(settings, &rows).await?),
            None => None,
        };
        let host = HostContext {
            clock: writer.clock().clone(),
            offer: options.offer,
            supervisor: options.supervisor,
            lease: lease.clone(),
            attempt_events: sign,
            state_client: StateClient(plea),
            workspaces,
            store: Some(home.folder().to_owned()),
            under_way: Some(under_way.clone()),
        };
        let (landing, sweeps) = serve_trees(&host);
        let policy = Arc::new(options.people);
        let gate = BudgetGate::new(options.budget);
        let mut scheduler = Scheduler::new(Parts {
            catalog: Catalog::Library(Arc::clone(&library)),
            people: Arc::clone(&policy),
            attempts: Attempts::new(gate, options.limits, Places::of_this_host()),
            routing: Routing::default(),
            health: Health::new(options.breaker, options.unusable),
            in_trees: host.workspaces.is_some(),
        });
        scheduler.recover(&rows, drift, host.clock.now())?;
        let live =
            Live { outbox: outbox.clone(), commits: seen, shown: shown.clone(), library, home: home.clone() };
        let server = StateServer {
            live: live.clone(),
            reader: reader(home)?,
            policy,
            // The server itself must not keep its own requests open.
            host: HostContext { state_client: StateClient::closed(), ..host.clone() },
            under_way: under_way.clone(),
        };
        tokio::spawn(server.run(pleas));
        let report = outbox.clone();
        let workers = Workers {
            library: Arc::clone(live.library()),
            host,
            done: Arc::new(move |done| {
                let _ = report.send(Message::Done(done));
            }),
            lesson_reader: Arc::new(Mutex::new(reader(home)?)),
            consolidation_reader: Arc::new(Mutex::new(reader(home)?)),
            landing,
            sweeps,
            under_way,
        };
        let event_loop = EventLoop {
            scheduler,
            rows,
            writer: writer.clone(),
            clock: workers.host.clock.clone(),
            lease,
            boot,
            workers,
            inbox,
            outbox,
            commits,
            attempt_events,
            shown,
            pending: Vec::new(),
            in_store: 0,
        };
        Ok(Self { live, event_loop: tokio::spawn(event_loop.run()), writer, writer_thread, boot, finished })
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
        let Self { live, event_loop, writer, writer_thread, boot, mut finished } = self;
        let result = event_loop.await.map_err(|why| HostError::Broke(why.to_string()))?;
        let noted = writer.apply(Op::StopHost { boot }).await;
        drop((live, writer));
        let _ = tokio::time::timeout(LOOSE_ENDS, finished.recv()).await;
        let _ = tokio::task::spawn_blocking(move || writer_thread.join()).await;
        result.and(noted.map(|_| ()))
    }
}

/// Starts a new boot, with a lease on the store.
async fn take_over(writer: &Writer) -> Result<(u32, HostLease), Rejection> {
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
    Ok((boot, HostLease::until(lease_until)))
}

/// Starts the tasks that land trees on the target and remove old ones; without trees, neither is started.
fn serve_trees(host: &HostContext) -> (mpsc::UnboundedSender<Entry>, mpsc::UnboundedSender<Sweep>) {
    let (landing, entries) = mpsc::unbounded_channel();
    let (sweeps, swept) = mpsc::unbounded_channel();
    if let Some(workspaces) = host.workspaces.clone() {
        let check = land::check(host.clone(), workspaces.settings.checks.clone());
        tokio::spawn(sweep(Arc::clone(&workspaces), swept));
        let (lease, clock) = (host.lease.clone(), host.clock.clone());
        let may_act: MayAct = Arc::new(move || {
            let (lease, clock) = (lease.clone(), clock.clone());
            Box::pin(async move { lease.settled(&clock).await })
        });
        tokio::spawn(Queue { workspaces, check, may_act }.run(entries));
    }
    (landing, sweeps)
}

/// Where tasks change files, without what the last host left half done.
async fn cleared(settings: workspace::Settings, rows: &Reader) -> Result<Arc<Workspaces>, Rejection> {
    let opened = Workspaces::open(settings).await;
    let opened = opened.map_err(|why| Rejection::Invalid(format!("[workspace]: {why}")))?;
    land::clear(&opened, rows).await?;
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
