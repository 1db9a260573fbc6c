//! What an operation works with: the configuration, the store, and the host if one runs.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use baton_core::agent::Card;
use baton_core::command::{Command, CommandError};
use baton_core::op::PluginRow;
use baton_engine::command::{self, Reply};
use baton_plugin::compile::Compiler;
use baton_plugin::library::{Installed, Library, Sources};
use baton_store::read::{self, live};
use baton_store::{Home, Lock, OpenError, Reader, Store, reader};

use crate::config::Config;
use crate::control::Client;
use crate::{AppError, bundled};

/// A caller's way to Baton's state.
pub struct App {
    pub config: Config,
    pub home: Home,
    link: Mutex<Option<Link>>,
}

/// Who carries commands out.
pub enum Link {
    /// The process that hosts the store.
    Host(Client),
    /// This process, because none does.
    Own(Box<Store>),
}

/// How often, and how far apart, a host is looked for that has only just taken the store or is about to leave it.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

impl App {
    #[must_use]
    pub fn new(config: Config) -> Self {
        let home = Home::at(&config.store);
        Self { config, home, link: Mutex::new(None) }
    }

    /// # Errors
    /// There is no store, or it can't be read.
    pub fn reader(&self) -> Result<Reader, AppError> {
        Ok(reader(&self.home)?)
    }

    /// None where there is no store yet.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn reader_if_any(&self) -> Result<Option<Reader>, AppError> {
        self.home.exists().then(|| self.reader()).transpose()
    }

    /// The plugins that the configuration and the store make available.
    ///
    /// # Errors
    /// The store can't be read, or this machine can't run plugins.
    pub fn library(&self) -> Result<Library, AppError> {
        let installed = match self.reader_if_any()? {
            None => Vec::new(),
            Some(conn) => read::plugins(&conn).map_err(AppError::unreadable)?,
        };
        self.library_of(&installed)
    }

    /// As if these were installed.
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
        let link = match &mut *link {
            Some(link) => link,
            none => none.insert(self.connect()?),
        };
        match link {
            Link::Host(client) => Ok(client.command(command)?),
            Link::Own(store) => self.carry_out(store, command),
        }
    }

    /// Carries a command out in a store that this process has.
    ///
    /// # Errors
    /// Why it was not carried out.
    pub fn carry_out(&self, store: &mut Store, command: Command) -> Result<Reply, AppError> {
        let library = || self.library().map_err(|why| CommandError::Unavailable { why: why.to_string() });
        Ok(command::carry_out(store, &self.reader()?, &library, command.checked()?)?)
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

    /// The way to the store, for whoever is to host it where nobody does.
    ///
    /// # Errors
    /// The store can't be opened, or whoever has it does not answer.
    pub fn connect(&self) -> Result<Link, AppError> {
        let mut left = ATTEMPTS;
        loop {
            if let Some(host) = self.host()? {
                return Ok(Link::Host(host));
            }
            match Lock::take(&self.home) {
                Ok(lock) => return Ok(Link::Own(Box::new(Store::open(&self.home, lock)?))),
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
