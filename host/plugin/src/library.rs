//! Finds plugins by name, bundled or installed, and loads them when they are first used.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use baton_core::file::read;
use baton_core::op::PluginRow;

use super::agent::Adapter;
use super::bundled::{Bundled, BundledPlugins};
use super::cache::Cache;
use super::compile::Compiler;
use super::executor::Executor;
use super::grant::Grant;
use super::inspect::ComponentInfo;
use super::limits::{COMPONENT_CEILING, Limits, Overrides};
use super::loader::{Loaded, Loader};
use super::router::Router;
use super::validator::Validator;
use super::{Engines, PluginError};
use baton_core::kind::Kind;

/// An installed plugin, as the store records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The name it was installed under.
    pub name: String,
    /// The digest of its component.
    pub digest: String,
    /// What the operator granted it.
    pub grants: Vec<Grant>,
}

impl From<&PluginRow> for Installed {
    /// A grant that this version does not know is dropped.
    fn from(row: &PluginRow) -> Self {
        let grants = row.grants.iter().filter_map(|grant| grant.parse().ok()).collect();
        Self { name: row.name.clone(), digest: row.digest.clone(), grants }
    }
}

/// The configuration of one plugin: the table `[plugins.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginSettings {
    /// Limits that differ from the defaults.
    pub limits: Overrides,
    /// Settings that are passed to the plugin.
    pub config: BTreeMap<String, String>,
}

/// What a library is made from.
pub struct Sources {
    /// The plugins that are part of the binary.
    pub bundled: &'static BundledPlugins,
    /// The folder of installed components, named by digest.
    pub folder: PathBuf,
    /// The folder of compiled components.
    pub cache: PathBuf,
    /// Where components are compiled.
    pub compiler: Compiler,
    /// The installed plugins.
    pub installed: Vec<Installed>,
    /// Configuration by plugin name.
    pub settings: BTreeMap<String, PluginSettings>,
}

type Ready = HashMap<(Kind, String), (Loaded, Vec<Grant>)>;

/// Loads plugins by name, or by the path of a component.
pub struct Library {
    loader: Loader,
    bundled: &'static BundledPlugins,
    folder: PathBuf,
    installed: Mutex<BTreeMap<String, Installed>>,
    settings: BTreeMap<String, PluginSettings>,
    loaded: Mutex<HashMap<(String, String), Loaded>>,
    /// Loaded plugins by name; cleared when the installed plugins change. A component that is named by its file is not in
    /// here: the file may change.
    ready: Mutex<Ready>,
}

impl Library {
    /// Opens the cache and starts the engines.
    ///
    /// # Errors
    /// [`PluginError::Host`] if the cache can't be used or this machine can't run plugins.
    pub fn open(sources: Sources) -> Result<Self, PluginError> {
        let cache = Cache::at(&sources.cache).map_err(|why| PluginError::Host {
            plugin: "the plugin cache".into(),
            why: format!("{}: {why}", sources.cache.display()),
        })?;
        let installed = sources.installed.into_iter().map(|plugin| (plugin.name.clone(), plugin)).collect();
        Ok(Self {
            loader: Loader { engines: Engines::start()?, cache, compiler: sources.compiler },
            bundled: sources.bundled,
            folder: sources.folder,
            installed: Mutex::new(installed),
            settings: sources.settings,
            loaded: Mutex::default(),
            ready: Mutex::default(),
        })
    }

    /// Replaces the installed plugins, so that a running host sees changes.
    pub fn install(&self, plugins: impl Iterator<Item = Installed>) {
        let mut installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner);
        *installed = plugins.map(|plugin| (plugin.name.clone(), plugin)).collect();
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The configuration of a plugin; empty if there is none.
    #[must_use]
    pub fn settings(&self, name: &str) -> PluginSettings {
        self.settings.get(name).cloned().unwrap_or_default()
    }

    /// The limits of a plugin: the defaults of its kind, with the configured ones in their place.
    #[must_use]
    pub fn limits(&self, name: &str, kind: Kind) -> Limits {
        self.settings.get(name).map(|settings| settings.limits).unwrap_or_default().over(Limits::of(kind))
    }

    /// The bytes and grants of a plugin. An installed plugin takes precedence over a bundled one of the same name.
    fn find(&self, name: &str, kind: Kind) -> Result<(Vec<u8>, Vec<Grant>), PluginError> {
        let installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(Installed { digest, grants, .. }) = installed {
            return Ok((self.stored(name, &digest)?, grants));
        }
        if let Some(plugin) = self.bundled.find(name, kind) {
            return Ok((plugin.wasm()?, Grant::all()));
        }
        if is_file(name) {
            let bytes = read(Path::new(name), COMPONENT_CEILING)
                .map_err(|why| unknown(name, &format!("{name} can't be read: {why}")))?;
            return Ok((bytes, Vec::new()));
        }
        let known: Vec<&str> = self.bundled.of(kind).map(|plugin| plugin.name).collect();
        Err(unknown(
            name,
            &format!("no {kind} of this name is installed or bundled (bundled: {})", known.join(", ")),
        ))
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{}.wasm", digest.trim_start_matches("blake3:")))
    }

    /// The bytes of an installed component.
    ///
    /// # Errors
    /// The file is missing, or its content does not match the digest.
    pub fn stored(&self, name: &str, digest: &str) -> Result<Vec<u8>, PluginError> {
        let path = self.path(digest);
        let bytes = read(&path, COMPONENT_CEILING)
            .map_err(|why| unknown(name, &format!("{} can't be read: {why}", path.display())))?;
        if super::digest(&bytes) != digest {
            return Err(unknown(
                name,
                &format!("{} was altered: its content is not {digest}", path.display()),
            ));
        }
        Ok(bytes)
    }

    fn load(&self, name: &str, kind: Kind) -> Result<(Loaded, Vec<Grant>), PluginError> {
        let key = (kind, name.to_owned());
        if let Some(ready) = self.ready.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(ready.clone());
        }
        let loaded = self.load_anew(name, kind)?;
        if !is_file(name) {
            self.ready.lock().unwrap_or_else(PoisonError::into_inner).insert(key, loaded.clone());
        }
        Ok(loaded)
    }

    fn load_anew(&self, name: &str, kind: Kind) -> Result<(Loaded, Vec<Grant>), PluginError> {
        let (bytes, grants) = self.find(name, kind)?;
        let loaded = match self.known(name, &super::digest(&bytes)) {
            Some(loaded) => loaded,
            None => self.load_bytes(name, &bytes, &grants)?,
        };
        of_kind(name, loaded.component.kind, kind)?;
        Ok((loaded, grants))
    }

    /// Loads a router.
    ///
    /// # Errors
    /// There is none of this name, or it can't be used.
    pub fn router(&self, name: &str) -> Result<Router, PluginError> {
        Router::new(self.load(name, Kind::Router)?.0, &self.loader.engines)
    }

    /// The digest that a router's name resolves to now, if it differs from the one that a run is pinned to: because another
    /// version was installed or came with this binary, or because the file changed. None also if nothing has the name.
    #[must_use]
    pub fn successor(&self, name: &str, digest: &str) -> Option<String> {
        let installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let now = if let Some(installed) = installed {
            installed.digest
        } else if let Some(plugin) = self.bundled.find(name, Kind::Router) {
            plugin.digest.to_owned()
        } else if is_file(name) && self.known(name, digest).is_none() {
            super::digest(&read(Path::new(name), COMPONENT_CEILING).ok()?)
        } else {
            return None;
        };
        (now != digest).then_some(now)
    }

    /// The plugin of this name and digest, if it was loaded before.
    fn known(&self, name: &str, digest: &str) -> Option<Loaded> {
        let key = (name.to_owned(), digest.to_owned());
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    fn load_bytes(&self, name: &str, bytes: &[u8], grants: &[Grant]) -> Result<Loaded, PluginError> {
        let settings = self.settings(name);
        let limits = |kind| settings.limits.over(Limits::of(kind));
        let loaded = self.loader.load(name, bytes, limits, grants)?;
        let key = (name.to_owned(), loaded.component.digest.clone());
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(key, loaded.clone());
        Ok(loaded)
    }

    /// The router with this digest, even if its name now resolves to another one.
    ///
    /// # Errors
    /// No component with this digest is left, or it can't be used.
    pub fn router_at(&self, name: &str, digest: &str) -> Result<Router, PluginError> {
        let loaded = match self.known(name, digest) {
            Some(loaded) => loaded,
            None => self.load_bytes(name, &self.component_of(name, digest)?, &[])?,
        };
        Router::new(loaded, &self.loader.engines)
    }

    /// The bytes of the router with this digest: installed, bundled, or the file that it is named by.
    ///
    /// # Errors
    /// No component with this digest is left.
    pub fn component_of(&self, name: &str, digest: &str) -> Result<Vec<u8>, PluginError> {
        let stored = match self.stored(name, digest) {
            Ok(stored) => return Ok(stored),
            Err(why) => why,
        };
        if let Some(plugin) = self.bundled.router_at(digest) {
            return plugin.wasm();
        }
        let read = is_file(name).then(|| read(Path::new(name), COMPONENT_CEILING).ok()).flatten();
        read.filter(|bytes| super::digest(bytes) == digest).ok_or_else(|| match self.path(digest).exists() {
            true => stored,
            false => unknown(name, &format!("no component has the digest {digest}")),
        })
    }

    /// Checks that the router with this digest is there, without compiling it.
    ///
    /// # Errors
    /// No component with this digest is left, or it is of another kind.
    pub fn check_router(&self, name: &str, digest: &str) -> Result<(), PluginError> {
        match self.known(name, digest) {
            Some(loaded) => of_kind(name, loaded.component.kind, Kind::Router),
            None => {
                let component = ComponentInfo::read(name, &self.component_of(name, digest)?)?;
                of_kind(name, component.kind, Kind::Router)
            }
        }
    }

    /// Checks that there is an adapter of this name, without compiling it.
    ///
    /// # Errors
    /// There is none, or it is of another kind.
    pub fn check_adapter(&self, name: &str) -> Result<(), PluginError> {
        let (component, _) = self.inspect(name, Kind::Agent)?;
        of_kind(name, component.kind, Kind::Agent)
    }

    /// Loads a router from its bytes, with the limits that are configured for its name.
    ///
    /// # Errors
    /// It can't be used.
    pub fn router_from(&self, name: &str, bytes: &[u8]) -> Result<Router, PluginError> {
        let settings = self.settings(name);
        let limits = |kind| settings.limits.over(Limits::of(kind));
        let loaded = self.loader.load(name, bytes, limits, &[])?;
        Router::new(loaded, &self.loader.engines)
    }

    /// Loads an executor.
    ///
    /// # Errors
    /// There is none of this name, or it can't be used.
    pub fn executor(&self, name: &str) -> Result<Executor, PluginError> {
        Executor::new(self.load(name, Kind::Executor)?.0, &self.loader.engines)
    }

    /// Loads a validator.
    ///
    /// # Errors
    /// There is none of this name, or it can't be used.
    pub fn validator(&self, name: &str) -> Result<Validator, PluginError> {
        Validator::new(self.load(name, Kind::Validator)?.0, &self.loader.engines)
    }

    /// Loads an agent adapter.
    ///
    /// # Errors
    /// There is none of this name, it can't be used, or it imports what it was not granted.
    pub fn agent(&self, name: &str) -> Result<Adapter, PluginError> {
        let (loaded, grants) = self.load(name, Kind::Agent)?;
        Adapter::new(loaded, grants, &self.loader.engines)
    }

    /// The adapter of this name if it was loaded before; reads and compiles nothing.
    #[must_use]
    pub fn ready_agent(&self, name: &str) -> Option<Adapter> {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let (loaded, grants) = ready.get(&(Kind::Agent, name.to_owned()))?.clone();
        drop(ready);
        Adapter::new(loaded, grants, &self.loader.engines).ok()
    }

    /// Reads what a plugin is and what it was granted, without loading it.
    ///
    /// # Errors
    /// There is none of this name, or it is no plugin.
    pub fn inspect(&self, name: &str, kind: Kind) -> Result<(ComponentInfo, Vec<Grant>), PluginError> {
        let (bytes, grants) = self.find(name, kind)?;
        Ok((ComponentInfo::read(name, &bytes)?, grants))
    }
}

/// Whether a plugin is named by the path of its component.
fn is_file(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "wasm")
}

fn of_kind(name: &str, found: Kind, expected: Kind) -> Result<(), PluginError> {
    if found == expected {
        return Ok(());
    }
    Err(unknown(name, &format!("it is of kind {found}, expected {expected}")))
}

fn unknown(plugin: &str, why: &str) -> PluginError {
    PluginError::Incompatible { plugin: plugin.to_owned(), why: why.to_owned() }
}

/// The bundled plugins with what their components say, for lists; loads nothing.
#[must_use]
pub fn components(bundled: &BundledPlugins) -> Vec<(&'static str, Arc<ComponentInfo>)> {
    let read = |plugin: Bundled| {
        Some((plugin.name, Arc::new(ComponentInfo::read(plugin.name, &plugin.wasm().ok()?).ok()?)))
    };
    bundled.all().filter_map(read).collect()
}
