//! Hosting a store with what a configuration says.

mod caveats;
mod record;
mod waits;

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_core::id::{RunId, TaskId};
use baton_engine::{Host, Live, Options, Phase};
use baton_plugin::capability::attempt_event::AttemptEvent;
use baton_plugin::library::Library;
use baton_store::{Home, Store};
use tokio::sync::broadcast;

use crate::app::OwnStore;
use crate::config::Config;
use crate::control::Server;
use crate::{App, AppError};

pub use caveats::caveats;
pub use record::{RunEnd, RunRecord};
pub use waits::RunWaits;

/// What a host of a configuration is started with.
pub struct Setup {
    library: Arc<Library>,
    unusable: BTreeMap<String, String>,
}

impl Setup {
    /// Loads the adapter of every agent.
    #[must_use]
    pub fn of(config: &Config, library: Arc<Library>) -> Self {
        let broken = |card: &baton_core::agent::Card| {
            let why = library.agent(&card.adapter).err()?;
            Some((card.name.clone(), why.to_string()))
        };
        let unusable = config.agents.iter().filter_map(broken).collect();
        Self { library, unusable }
    }

    /// Agents whose adapter can't be loaded, by name, and why: they are given nothing, and everybody else goes on.
    #[must_use]
    pub fn unusable(&self) -> &BTreeMap<String, String> {
        &self.unusable
    }

    /// Starts a host in this process. The agents of the configuration are registered when this returns.
    ///
    /// # Errors
    /// The store can't be read or written, or another host has it.
    pub async fn start(self, app: &App, store: OwnStore) -> Result<Hosted, AppError> {
        let host = start(&app.config, &app.home, *store.0, self).await?;
        Ok(Hosted { live: host.live(), host, home: app.home.clone() })
    }
}

/// The same for a store that need not be the configuration's.
pub(crate) async fn start(
    config: &Config,
    home: &Home,
    store: Store,
    setup: Setup,
) -> Result<Host, AppError> {
    let options = Options {
        unusable: setup.unusable,
        offer: config.offer.clone(),
        budget: config.budget.clone(),
        people: config.people.clone(),
        workspace: config.workspace.clone(),
        limits: config.limits.clone(),
        supervisor: std::env::current_exe().ok(),
        breaker: config.breaker,
    };
    let host = Host::start(store, home, setup.library, options).await?;
    host.live().register(config.agents.clone()).await?;
    Ok(host)
}

/// Why a run does not go on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Each of its tasks is over.
    Settled,
    /// A person has to answer a question, or to lift a pause.
    Paused,
    /// The budget leaves nothing to go on with.
    Spent,
    /// Nobody can do what is left, or what is accepted can't land.
    Stuck,
}

impl Halt {
    /// None while the run goes on.
    pub(crate) fn of(phase: Phase) -> Option<Self> {
        match phase {
            Phase::Active => None,
            Phase::Settled => Some(Self::Settled),
            Phase::Paused => Some(Self::Paused),
            Phase::Spent => Some(Self::Spent),
            Phase::Stuck => Some(Self::Stuck),
        }
    }
}

/// The host that this process is. Dropping it abandons what runs; [`Hosted::drain`] ends it well.
pub struct Hosted {
    host: Host,
    live: Live,
    home: Home,
}

impl Hosted {
    /// Lets other processes reach this host, until what is returned is dropped.
    ///
    /// # Errors
    /// The socket can't be made.
    pub fn listen(&self) -> std::io::Result<Server> {
        Server::open(&self.home, self.live.clone())
    }

    /// Waits until a run does not go on by itself. None if the host ended first.
    pub fn halt(&self, run: RunId) -> impl Future<Output = Option<Halt>> + Send + use<> {
        let live = self.live.clone();
        async move { live.wait(run).await.and_then(Halt::of) }
    }

    /// Whether a run goes on.
    pub async fn is_active(&self, run: RunId) -> bool {
        self.live.phase(run).await == Some(Phase::Active)
    }

    /// What a run waits for; nothing if the host has ended.
    pub async fn waits(&self, run: RunId) -> RunWaits {
        RunWaits(self.live.waits(run).await.unwrap_or_default())
    }

    /// Changes whenever something was committed.
    #[must_use]
    pub fn commits(&self) -> tokio::sync::watch::Receiver<u64> {
        self.live.commits()
    }

    /// What attempts say of their progress from now on.
    #[must_use]
    pub fn progress(&self) -> ProgressStream {
        ProgressStream(self.live.progress())
    }

    /// Waits until the host has ended, however it went.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let live = self.live.clone();
        async move { live.ended().await }
    }

    /// To be called if the host is to end at once: what runs is given back and will be tried again.
    pub fn stopper(&self) -> impl FnOnce() + Send + use<> {
        let live = self.live.clone();
        move || live.stop()
    }

    /// Lets what runs finish, starts nothing more, and ends.
    ///
    /// # Errors
    /// The store failed meanwhile.
    pub async fn drain(self) -> Result<(), AppError> {
        Ok(self.host.drain().await?)
    }
}

/// What an attempt says while it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The task that is tried.
    pub task: TaskId,
    /// As its adapter said it: not fit for a terminal as it is.
    pub message: String,
}

/// What attempts say, as it comes.
pub struct ProgressStream(broadcast::Receiver<AttemptEvent>);

impl ProgressStream {
    /// The next that is said. None if the host has ended, or said more meanwhile than is kept: ask again, and what is said
    /// from then on comes.
    pub async fn next(&mut self) -> Option<Progress> {
        loop {
            if let AttemptEvent::Progress { task, message, .. } = self.0.recv().await.ok()? {
                return Some(Progress { task, message });
            }
        }
    }
}
