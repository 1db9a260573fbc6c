//! `baton.toml`: who there is to do the work and how it is decided. Unknown or ill-typed keys are refused with their
//! line and column.

pub mod ladder;
mod offer;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ladder::{Ladder, RouterTable};
use serde::Deserialize;
use thiserror::Error;

use self::offer::{ProfileTable, SecretTable, ServiceTable};

use crate::agent::Card;
use crate::agent::breaker::Policy;
use crate::budget::price::Prices;
use crate::budget::{Budget, Cap, Caps, Money};
use crate::people;
use crate::plugin::capability::secret::Secret;
use crate::plugin::capability::{Offer, Upstream};
use crate::plugin::library::Settings;
use crate::plugin::limits::Overrides;
use crate::scheduler::Crowd;
use crate::span::Span;
use crate::workspace;

/// What `baton init` writes.
pub const TEMPLATE: &str = include_str!("config/baton.toml");
pub const NAME: &str = "baton.toml";

/// A configuration that was read and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the file: relative paths start here.
    pub folder: PathBuf,
    pub store: PathBuf,
    pub router: String,
    pub ladder: Ladder,
    pub agents: Vec<Card>,
    pub offer: Offer,
    pub plugins: BTreeMap<String, Settings>,
    pub breaker: Policy,
    pub budget: Budget,
    pub people: people::Policy,
    pub workspace: Option<workspace::Settings>,
    pub crowd: Crowd,
}

#[derive(Debug, Error)]
#[error("{}{}: {what}", file.display(), place.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default())]
pub struct ConfigError {
    pub file: PathBuf,
    /// Line and column, from 1.
    pub place: Option<(usize, usize)>,
    pub what: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct File {
    store: Option<PathBuf>,
    router: RouterTable,
    agents: BTreeMap<String, AgentTable>,
    profiles: BTreeMap<String, ProfileTable>,
    services: BTreeMap<String, ServiceTable>,
    secrets: BTreeMap<String, SecretTable>,
    plugins: BTreeMap<String, PluginTable>,
    breaker: BreakerTable,
    budget: Caps,
    prices: Prices,
    people: PeopleTable,
    workspace: Option<WorkspaceTable>,
    limits: LimitsTable,
    keys: BTreeMap<String, u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct AgentTable {
    adapter: String,
    #[serde(default)]
    skills: Vec<String>,
    #[serde(default)]
    tracks: Vec<String>,
    #[serde(default = "one")]
    capacity: u32,
    #[serde(default)]
    config: BTreeMap<String, Scalar>,
    #[serde(default)]
    input: Option<serde_json::Value>,
    #[serde(default)]
    output: Option<serde_json::Value>,
    #[serde(default)]
    budget: Cap,
    #[serde(default)]
    cost: Option<Money>,
}

fn one() -> u32 {
    1
}

/// Plugins are told text; numbers and booleans may be written as such.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string, a number or a boolean")]
enum Scalar {
    Text(String),
    Whole(i64),
    Real(f64),
    Truth(bool),
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Whole(number) => write!(f, "{number}"),
            Self::Real(number) => write!(f, "{number}"),
            Self::Truth(truth) => write!(f, "{truth}"),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct PluginTable {
    config: BTreeMap<String, Scalar>,
    limits: Overrides,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct PeopleTable {
    unanswered: people::Unanswered,
    after: Option<Span>,
    notify_profile: Option<String>,
    notify_service: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct LimitsTable {
    running: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct WorkspaceTable {
    repository: PathBuf,
    target: Option<String>,
    checks: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct BreakerTable {
    failures: Option<u32>,
    pause: Option<Span>,
    probe: Option<Span>,
}

impl Config {
    /// Reads the file that is named, or the nearest `baton.toml` in or above a folder, or nothing but defaults.
    ///
    /// # Errors
    /// What is wrong with the file, and where.
    pub fn find(named: Option<&Path>, near: &Path) -> Result<Self, ConfigError> {
        if let Some(file) = named {
            return Self::read(file);
        }
        let start = std::path::absolute(near).unwrap_or_else(|_| near.to_owned());
        match start.ancestors().map(|folder| folder.join(NAME)).find(|file| file.is_file()) {
            Some(file) => Self::read(&file),
            None => {
                let folder = if start.is_dir() { start } else { PathBuf::from(".") };
                Self::parse(&folder.join(NAME), "", std::env::current_dir().ok().as_deref())
            }
        }
    }

    /// # Errors
    /// What is wrong with the file, and where.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(file).map_err(|why| ConfigError {
            file: file.to_owned(),
            place: None,
            what: format!("can't be read: {why}"),
        })?;
        Self::parse(file, &text, None)
    }

    fn parse(file: &Path, text: &str, folder: Option<&Path>) -> Result<Self, ConfigError> {
        let wrong = |what: String, at: Option<usize>| ConfigError {
            file: file.to_owned(),
            place: at.map(|offset| position(text, offset)),
            what,
        };
        let table: File = toml::from_str(text)
            .map_err(|why| wrong(why.message().to_owned(), why.span().map(|span| span.start)))?;
        let beside = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = std::path::absolute(folder.unwrap_or(beside)).unwrap_or_else(|_| beside.to_owned());
        let at = |key: &str| text.find(key);
        let mut profiles = BTreeMap::new();
        for (name, profile) in table.profiles {
            if profile.argv.is_empty() {
                return Err(wrong(
                    format!("profile {name}: argv must name a program"),
                    at(&format!("[profiles.{name}]")),
                ));
            }
            profiles.insert(name.clone(), Arc::new(profile.resolve(name, &folder)));
        }
        let secrets: BTreeMap<String, Secret> = table
            .secrets
            .into_iter()
            .map(|(name, secret)| match secret.resolve(&folder) {
                Ok(secret) => Ok((name, secret)),
                Err(why) => Err(wrong(format!("secret {name}: {why}"), at(&name))),
            })
            .collect::<Result<_, _>>()?;
        let mut services = BTreeMap::new();
        for (name, service) in table.services {
            let resolved = service
                .resolve(&name, &secrets)
                .map_err(|why| wrong(format!("service {name}: {why}"), at(&format!("[services.{name}]"))))?;
            services.insert(name, Arc::new(Upstream::new(resolved)));
        }
        let mut agents = Vec::new();
        for (name, agent) in table.agents {
            if agent.capacity == 0 {
                return Err(wrong(
                    format!("agent {name}: capacity must be at least 1"),
                    at(&format!("[agents.{name}]")),
                ));
            }
            for (which, schema) in [("input", &agent.input), ("output", &agent.output)] {
                if let Some(why) = schema.as_ref().and_then(|schema| jsonschema::validator_for(schema).err())
                {
                    let why = format!("agent {name}: {which} is no JSON Schema: {why}");
                    return Err(wrong(why, at(&format!("[agents.{name}]"))));
                }
            }
            agents.push(agent.resolve(name));
        }
        let store = folder.join(table.store.unwrap_or_else(|| ".baton".into()));
        if let Some(missing) = table
            .workspace
            .iter()
            .flat_map(|table| &table.checks)
            .find(|check| !profiles.contains_key(*check))
        {
            return Err(wrong(format!("workspace: there is no profile {missing}"), at("[workspace]")));
        }
        let workspace = table.workspace.map(|table| workspace::Settings {
            repository: folder.join(table.repository),
            target: table.target.unwrap_or_else(|| "baton/accepted".into()),
            checks: table.checks,
            folder: store.join("worktrees"),
        });
        let none = table.limits.running == Some(0) || table.keys.values().any(|places| *places == 0);
        if none {
            let what = "at least 1 must be allowed to run: nothing would ever start".to_owned();
            return Err(wrong(what, at("[limits]").or_else(|| at("[keys]"))));
        }
        let people = &table.people;
        let unknown_profile = people.notify_profile.as_ref().filter(|name| !profiles.contains_key(*name));
        let unknown_service = people.notify_service.as_ref().filter(|name| !services.contains_key(*name));
        if let Some(name) = unknown_profile.or(unknown_service) {
            return Err(wrong(format!("people: there is no {name} to notify by"), at("[people]")));
        }
        let ladder = table.router.ladder().map_err(|why| wrong(why, at("[router")))?;
        let policy = Policy::default();
        let budget = Budget { caps: table.budget, prices: Arc::new(table.prices) };
        Ok(Self {
            store,
            workspace,
            crowd: Crowd { running: table.limits.running, keys: table.keys },
            folder,
            ladder,
            router: table.router.uses.unwrap_or_else(|| "capability".into()),
            agents,
            offer: Offer { profiles, services },
            plugins: table.plugins.into_iter().map(|(name, plugin)| (name, plugin.resolve())).collect(),
            budget,
            people: people::Policy {
                unanswered: table.people.unanswered,
                after: table.people.after.map(|span| span.0).unwrap_or_default(),
                notify_profile: table.people.notify_profile,
                notify_service: table.people.notify_service,
            },
            breaker: Policy {
                failures: table.breaker.failures.unwrap_or(policy.failures).max(1),
                pause: table.breaker.pause.map_or(policy.pause, |span| span.0),
                probe: table
                    .breaker
                    .probe
                    .map_or(policy.probe, |span| Some(span.0).filter(|every| !every.is_zero())),
            },
        })
    }
}

impl Config {
    /// What is configured for a plugin.
    #[must_use]
    pub fn plugin(&self, name: &str) -> Settings {
        self.plugins.get(name).cloned().unwrap_or_default()
    }
}

/// Line and column of a byte offset, from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

fn texts(values: BTreeMap<String, Scalar>) -> BTreeMap<String, String> {
    values.into_iter().map(|(name, value)| (name, value.to_string())).collect()
}

impl AgentTable {
    fn resolve(self, name: String) -> Card {
        let sorted = |mut words: Vec<String>| {
            words.sort();
            words.dedup();
            words
        };
        Card {
            name,
            adapter: self.adapter,
            skills: sorted(self.skills),
            tracks: sorted(self.tracks),
            capacity: self.capacity,
            config: texts(self.config),
            input: self.input,
            output: self.output,
            budget: self.budget,
            cost: self.cost,
        }
    }
}

impl PluginTable {
    fn resolve(self) -> Settings {
        Settings { limits: self.limits, config: texts(self.config) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("/x/baton.toml"), text, None).map_err(|why| why.to_string())
    }

    #[test]
    fn the_template_is_a_configuration() {
        let config = parse(TEMPLATE).unwrap();
        assert_eq!(config.router, "capability");
        assert_eq!(config.store, Path::new("/x/.baton"));
        assert!(!config.agents.is_empty());
    }

    #[test]
    fn an_unknown_key_is_refused_where_it_stands() {
        let wrong = parse("[router]\nuse = \"capability\"\n\n[agents.a]\nadaptor = \"mock\"\n").unwrap_err();
        insta::assert_snapshot!(wrong, @"/x/baton.toml:5:1: unknown field `adaptor`, expected one of `adapter`, `skills`, `tracks`, `capacity`, `config`, `input`, `output`, `budget`, `cost`");
    }

    #[test]
    fn an_ill_typed_value_is_refused_where_it_stands() {
        let wrong = parse("[profiles.p]\nargv = [\"true\"]\ntimeout = \"soon\"\n").unwrap_err();
        insta::assert_snapshot!(wrong, @r#"/x/baton.toml:3:11: expected a length of time such as "500ms", "30s", "10m", "2h" or "1d", not "soon""#);
    }
}
