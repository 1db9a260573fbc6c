//! What a run needs from this machine: looks at all of it, and names the remedy for what is missing.

mod agents;
mod configuration;
mod confinement;
mod git;
mod store;

use baton_core::size::Size;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::{App, AppError};

pub use configuration::unreadable;

/// How much is asked of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DoctorQuery {
    /// Warn when less than this is free where the store is.
    pub min_free: Size,
}

/// What was looked at, and its condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Diagnosis {
    /// The sort of thing, such as `profile`.
    pub about: &'static str,
    /// Which one, such as the profile's name; empty where there is only one.
    pub subject: String,
    /// Its condition.
    #[serde(flatten)]
    pub condition: Condition,
}

/// How something is, and the remedy where it is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "finding")]
pub enum Condition {
    /// As it should be.
    Good {
        /// What was found.
        what: String,
    },
    /// Runs go on, though not as well as they could, or not all of them.
    Warning {
        /// What was found.
        what: String,
        /// What to do about it.
        remedy: String,
    },
    /// Runs fail, or do not begin.
    Fault {
        /// What was found.
        what: String,
        /// What to do about it.
        remedy: String,
    },
}

/// Looks at configuration, plugins, programs, services, agents, git, and the place of the store.
///
/// # Errors
/// This machine can't start what it takes to look.
pub(crate) fn doctor(app: &App, query: &DoctorQuery) -> Result<Vec<Diagnosis>, AppError> {
    let config = &app.config;
    let mut found = vec![configuration::found(config)];
    let installed = configuration::installed(config);
    let library = app.library_of(&installed);
    match &library {
        Ok(library) => found.extend(configuration::plugins(config, library, &installed)),
        Err(why) => found.push(configuration::no_library(why)),
    }
    found.extend(configuration::programs(config));
    found.extend(confinement::programs(config));
    found.extend(confinement::lifted(config));
    found.extend(configuration::services(config));
    found.extend(library.iter().flat_map(|library| agents::healths(config, library)));
    found.extend(git::repository(config)?);
    found.extend(of_the_store(config, query.min_free));
    Ok(found)
}

fn of_the_store(config: &Config, min_free: Size) -> [Diagnosis; 6] {
    [
        store::folder(&config.store),
        store::cache(),
        store::disk(&config.store, min_free),
        store::socket(&config.store),
        store::database(&config.store),
        store::clock(&config.store),
    ]
}

fn diagnosis(about: &'static str, subject: impl Into<String>, condition: Condition) -> Diagnosis {
    Diagnosis { about, subject: subject.into(), condition }
}

impl Diagnosis {
    /// Whether there is nothing to do about it.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self.condition, Condition::Good { .. })
    }

    /// Whether runs fail because of it, or do not begin.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        matches!(self.condition, Condition::Fault { .. })
    }
}

impl Condition {
    fn good(what: impl Into<String>) -> Self {
        Self::Good { what: what.into() }
    }

    fn warning(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Warning { what: what.into(), remedy: remedy.into() }
    }

    fn fault(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Fault { what: what.into(), remedy: remedy.into() }
    }
}
