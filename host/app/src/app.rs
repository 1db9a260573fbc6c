//! What an operation works with: the configuration, the store, and the host if one runs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use baton_core::agent::Card;
use baton_core::command::{Command, CommandError};
use baton_core::op::PluginRow;
use baton_engine::command::{self, Reply};
use baton_plugin::compile::Compiler;
use baton_plugin::library::{Installed, Library, Sources};
use baton_store::read::{self, history, live};
use baton_store::{Home, Lock, OpenError, Reader, Store, reader};

use crate::config::Config;
use crate::control::Client;
use crate::{AppError, bundled};

/// A caller's way to Baton's state.
pub struct App {
    /// What is configured, with the defaults of what is not.
    pub config: Config,
    /// The store's folder, which need not exist yet.
    pub home: Home,
    link: Mutex<Option<Link>>,
    /// Once it was asked for.
    library: Mutex<Option<Arc<Library>>>,
}

/// Who carries commands out.
pub enum Link {
    /// The process that hosts the store.
    Host(Client),
    /// This process, because none does.
    Own(OwnStore),
}

/// A store that no host has, locked by this process for as long as this value lives.
pub struct OwnStore(pub(crate) Box<Store>);

impl OwnStore {
    /// The number of the newest event, counted from 1; 0 = nothing is recorded yet.
    #[must_use]
    pub fn last_event(&self) -> i64 {
        self.0.last_seq()
    }

    /// Carries a command out; it is durable when this returns.
    ///
    /// # Errors
    /// Why it was not carried out.
    pub fn carry_out(&mut self, app: &App, command: Command) -> Result<Reply, AppError> {
        let library = || app.library().map_err(|why| CommandError::Unavailable { why: why.to_string() });
        Ok(command::carry_out(&mut self.0, &app.reader()?, &library, command.checked()?)?)
    }
}

/// How often, and how far apart, a host is looked for that has only just taken the store or is about to leave it.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);
/// How often a command is sent again because the host is ending: it ties up loose ends for some 10 s at most.
const ENDING: u32 = 150;

impl App {
    /// Opens nothing: the store, or the host that has it, is looked for by the first operation.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let home = Home::at(&config.store);
        Self { config, home, link: Mutex::new(None), library: Mutex::default() }
    }

    /// The rows as they are committed now.
    ///
    /// # Errors
    /// There is no store, or it can't be read.
    pub fn reader(&self) -> Result<Reader, AppError> {
        Ok(reader(&self.home)?)
    }

    /// The same; none where there is no store yet.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn reader_if_any(&self) -> Result<Option<Reader>, AppError> {
        self.home.exists().then(|| self.reader()).transpose()
    }

    /// The number of the newest event, counted from 1; 0 = nothing is recorded yet.
    ///
    /// # Errors
    /// There is no store, or it can't be read.
    pub fn last_event(&self) -> Result<i64, AppError> {
        history::last_seq(&self.reader()?).map_err(AppError::unreadable)
    }

    /// The plugins that the configuration and the store make available: one library for all of this process, with what is
    /// installed by now.
    ///
    /// # Errors
    /// The store can't be read, or this machine can't run plugins.
    pub fn library(&self) -> Result<Arc<Library>, AppError> {
        let installed = match self.reader_if_any()? {
            None => Vec::new(),
            Some(conn) => read::plugins(&conn).map_err(AppError::unreadable)?,
        };
        let mut opened = self.library.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = &*opened {
            library.install(installed.iter().map(Installed::from));
            return Ok(Arc::clone(library));
        }
        Ok(Arc::clone(opened.insert(Arc::new(self.library_of(&installed)?))))
    }

    /// A library of its own, as if these were installed.
    ///
    /// # Errors
    /// This machine can't run plugins.
    pub fn library_of(&self, installed: &[PluginRow]) -> Result<Library, AppError> {
        Ok(Library::open(Sources {
            folder: self.home.plugins(),
            cache: cache_folder(),
            compiler: std::env::current_exe().map_or(Compiler::InProcess, Compiler::Child),
            installed: installed.iter().map(Installed::from).collect(),
            settings: self.config.plugins.clone(),
            bundled: bundled::plugins(),
        })?)
    }

    /// Who there is to do the work: the agents of the configuration, and those that are only registered in the store.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn agents(&self) -> Result<Vec<Card>, AppError> {
        let conn = self.reader_if_any()?;
        let registered = conn.as_ref().map(live::agents).transpose().map_err(AppError::unreadable)?;
        let configured = &self.config.agents;
        let is_configured = |card: &Card| configured.iter().any(|own| own.name == card.name);
        let registered = registered.unwrap_or_default().into_iter().map(|agent| agent.card);
        Ok(configured.iter().cloned().chain(registered.filter(|card| !is_configured(card))).collect())
    }

    /// The host that runs, if one does; asking takes no lock.
    ///
    /// # Errors
    /// Something listens at the store's socket that is no host, or one of another version.
    pub fn host(&self) -> Result<Option<Client>, AppError> {
        Ok(Client::connect(&self.home)?)
    }

    /// Has a command carried out, by the host or, where none runs, by this process; it is durable when this returns.
    ///
    /// # Errors
    /// Why it was not carried out.
    pub fn command(&self, command: Command) -> Result<Reply, AppError> {
        let command = command.checked()?;
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = ENDING;
        loop {
            let way = match &mut *link {
                Some(way) => way,
                none => none.insert(self.connect()?),
            };
            let client = match way {
                Link::Host(client) => client,
                Link::Own(store) => return store.carry_out(self, command),
            };
            let answered = client.command(command.clone());
            if left == 0 || !self.goes_elsewhere(&command, &answered) {
                return Ok(answered?);
            }
            left -= 1;
            std::thread::sleep(PAUSE);
            *link = None;
        }
    }

    /// Whether a host has ended before it carried a command out, or so that it may be sent again.
    fn goes_elsewhere(&self, command: &Command, answered: &Result<Reply, CommandError>) -> bool {
        match answered {
            Err(CommandError::Ending) => true,
            Err(CommandError::Unavailable { .. }) => command.is_repeatable() && !Client::is_there(&self.home),
            Ok(_)
            | Err(
                CommandError::Invalid { .. }
                | CommandError::NotFound { .. }
                | CommandError::Refused { .. }
                | CommandError::Conflict { .. }
                | CommandError::Busy { .. },
            ) => false,
        }
    }

    /// Commands go this way from now on.
    pub fn adopt(&self, link: Link) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
    }

    /// Whether the last command went to a host.
    #[must_use]
    pub fn is_hosted(&self) -> bool {
        matches!(&*self.link.lock().unwrap_or_else(PoisonError::into_inner), Some(Link::Host(_)))
    }

    /// The running host, or the store itself where none runs.
    ///
    /// # Errors
    /// The store can't be opened, or the process that has it does not answer.
    pub fn connect(&self) -> Result<Link, AppError> {
        let mut left = ATTEMPTS;
        loop {
            if let Some(host) = self.host()? {
                return Ok(Link::Host(host));
            }
            match Lock::take(&self.home) {
                Ok(lock) => {
                    let store = Store::open(&self.home, lock)?;
                    return Ok(Link::Own(OwnStore(Box::new(store))));
                }
                Err(OpenError::Locked { .. }) if left > 0 => {
                    left -= 1;
                    std::thread::sleep(PAUSE);
                }
                Err(why) => return Err(why.into()),
            }
        }
    }
}

/// Compiled plugins, shared by all stores of a user.
#[must_use]
pub fn cache_folder() -> PathBuf {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    named("BATON_CACHE")
        .or_else(|| Some(named("XDG_CACHE_HOME")?.join("baton")))
        .or_else(|| Some(named("HOME")?.join(".cache/baton")))
        .unwrap_or_else(|| {
            std::env::temp_dir().join(format!("baton-cache-{}", rustix::process::getuid().as_raw()))
        })
}
