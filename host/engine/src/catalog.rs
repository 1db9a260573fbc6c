//! What the operator's configuration says of strategies, as far as the scheduler needs it.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_core::kind::Kind;
use baton_plugin::library::Library;
use baton_plugin::limits::{Asks, Limits};

/// Where it comes from.
#[derive(Clone)]
pub enum Catalog {
    /// The plugins of a host.
    Library(Arc<Library>),
    /// The configuration of every router, where no plugins are loaded by name: in a simulation.
    Fixed(BTreeMap<String, String>),
}

impl Default for Catalog {
    fn default() -> Self {
        Self::Fixed(BTreeMap::new())
    }
}

/// What a router is asked with.
pub struct RouterSettings {
    pub config: BTreeMap<String, String>,
    pub asks: Asks,
}

impl Catalog {
    #[must_use]
    pub fn router(&self, name: &str) -> RouterSettings {
        let asks = self.router_limits(name).asks;
        let config = match self {
            Self::Library(library) => library.settings(name).config,
            Self::Fixed(config) => config.clone(),
        };
        RouterSettings { config, asks }
    }

    #[must_use]
    pub fn router_limits(&self, name: &str) -> Limits {
        self.limits(name, Kind::Router)
    }

    #[must_use]
    pub fn executor_limits(&self, name: &str) -> Limits {
        self.limits(name, Kind::Executor)
    }

    fn limits(&self, name: &str, kind: Kind) -> Limits {
        match self {
            Self::Library(library) => library.limits(name, kind),
            Self::Fixed(_) => Limits::of(kind),
        }
    }

    /// What a router's name stands for by now, if that has another content than a run chose.
    #[must_use]
    pub fn successor(&self, name: &str, digest: &str) -> Option<String> {
        match self {
            Self::Library(library) => library.successor(name, digest),
            Self::Fixed(_) => None,
        }
    }
}
