//! `baton.toml`: who there is to do the work and how it is decided. Unknown or ill-typed keys are refused with their
//! line and column.

mod agent;
mod confine;
pub mod ladder;
mod offer;
mod people;
mod scalar;
mod workspace;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agent::AgentTable;
use baton_core::agent::Card;
use baton_core::agent::breaker::BreakerPolicy;
use baton_core::budget::price::Prices;
use baton_core::budget::{Budget, Caps};
use baton_core::file::{self, MAX_SETTINGS};
use baton_core::span::Span;
use baton_engine::ConcurrencyLimits;
use baton_plugin::capability::Resources;
use baton_plugin::library::PluginSettings;
use baton_plugin::limits::Overrides;
use ladder::{Ladder, RouterTable};
use offer::{ProfileTable, SecretTable, ServiceTable};
use people::PeopleTable;
use scalar::{Scalar, texts};
use serde::Deserialize;
use thiserror::Error;
use workspace::WorkspaceTable;

/// The file that is looked for in and above a folder.
pub const NAME: &str = "baton.toml";

/// A configuration that was read and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the file: relative paths start here.
    pub folder: PathBuf,
    /// The folder of the durable state, absolute: `store`, else `.baton` beside the file.
    pub store: PathBuf,
    /// Who decides in runs that name no router, while none is promoted: `[router] use`, else `capability`.
    pub router: String,
    /// What a router must show before it is promoted, from `[router]`.
    pub ladder: Ladder,
    /// `[agents.NAME]`, by name. A host registers them in the store when it starts.
    pub agents: Vec<Card>,
    /// What adapters may be granted: `[profiles.NAME]`, and `[services.NAME]` with their secrets.
    pub offer: Resources,
    /// `[plugins.NAME]`: what is handed to a plugin, and how its limits differ from those of its kind.
    pub plugins: BTreeMap<String, PluginSettings>,
    /// `[breaker]`: when an agent that keeps failing is given nothing more, and for how long.
    pub breaker: BreakerPolicy,
    /// `[budget]`, and the prices that tokens are counted at.
    pub budget: Budget,
    /// `[people]`: who hears of a question, and what becomes of one that nobody answers.
    pub people: baton_core::people::QuestionPolicy,
    /// `[workspace]`: where tasks change files; none = in the folder of the file.
    pub workspace: Option<baton_engine::workspace::Settings>,
    /// `[limits]` and `[keys]`: how many attempts run at once.
    pub limits: ConcurrencyLimits,
}

/// A configuration that can't be used. Correct the file at that place.
#[derive(Debug, Error)]
#[error("{}{}: {what}", file.display(), place.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default())]
pub struct ConfigError {
    /// The configuration.
    pub file: PathBuf,
    /// Line and column, from 1; none if all of it is in question.
    pub place: Option<(usize, usize)>,
    /// What was expected, and what was found.
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

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct PluginTable {
    config: BTreeMap<String, Scalar>,
    limits: Overrides,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct LimitsTable {
    running: Option<u32>,
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

    /// Reads and checks a file.
    ///
    /// # Errors
    /// What is wrong with the file, and where.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = file::read_text(file, MAX_SETTINGS).map_err(|why| ConfigError {
            file: file.to_owned(),
            place: None,
            what: format!("can't be read: {why}"),
        })?;
        Self::parse(file, &text, None)
    }

    fn parse(file: &Path, text: &str, folder: Option<&Path>) -> Result<Self, ConfigError> {
        let source = Source { file, text };
        let table: File = toml::from_str(text).map_err(|why| source.unreadable(&why))?;
        let beside = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = std::path::absolute(folder.unwrap_or(beside)).unwrap_or_else(|_| beside.to_owned());
        let store = folder.join(table.store.unwrap_or_else(|| ".baton".into()));
        let offer = offer::resolve(table.profiles, table.services, table.secrets, &folder)
            .map_err(|(at, why)| source.wrong(&at, why))?;
        let agent = |(name, agent): (String, AgentTable)| {
            let at = format!("[agents.{name}]");
            agent.resolve(name).map_err(|why| source.wrong(&at, why))
        };
        let agents = table.agents.into_iter().map(agent).collect::<Result<_, _>>()?;
        let workspace = table.workspace.map(|table| table.resolve(&folder, &store, &offer)).transpose();
        if table.limits.running == Some(0) || table.keys.values().any(|places| *places == 0) {
            let at = if text.contains("[limits]") { "[limits]" } else { "[keys]" };
            return Err(
                source.wrong(at, "at least 1 must be allowed to run: nothing would ever start".into())
            );
        }
        Ok(Self {
            workspace: workspace.map_err(|why| source.wrong("[workspace]", why))?,
            limits: ConcurrencyLimits { running: table.limits.running, keys: table.keys },
            ladder: table.router.ladder().map_err(|why| source.wrong("[router", why))?,
            router: table.router.uses.unwrap_or_else(|| "capability".into()),
            agents,
            plugins: table.plugins.into_iter().map(|(name, plugin)| (name, plugin.resolve())).collect(),
            budget: Budget { caps: table.budget, prices: Arc::new(table.prices) },
            people: table.people.resolve(&offer).map_err(|why| source.wrong("[people]", why))?,
            breaker: table.breaker.policy(),
            store,
            folder,
            offer,
        })
    }
}

impl Config {
    /// What is configured for a plugin.
    #[must_use]
    pub fn plugin(&self, name: &str) -> PluginSettings {
        self.plugins.get(name).cloned().unwrap_or_default()
    }
}

/// The text of a file, to give errors their line and column.
struct Source<'a> {
    file: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn unreadable(&self, why: &toml::de::Error) -> ConfigError {
        self.error(why.message().to_owned(), why.span().map(|span| span.start))
    }

    /// `at` is the text at which it is wrong.
    fn wrong(&self, at: &str, what: String) -> ConfigError {
        self.error(what, self.text.find(at))
    }

    fn error(&self, what: String, offset: Option<usize>) -> ConfigError {
        let place = offset.map(|offset| position(self.text, offset));
        ConfigError { file: self.file.to_owned(), place, what }
    }
}

/// Line and column of a byte offset, from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

impl BreakerTable {
    fn policy(&self) -> BreakerPolicy {
        let usual = BreakerPolicy::default();
        BreakerPolicy {
            failures: self.failures.unwrap_or(usual.failures).max(1),
            pause: self.pause.map_or(usual.pause, |span| span.0),
            probe: self.probe.map_or(usual.probe, |span| Some(span.0).filter(|every| !every.is_zero())),
        }
    }
}

impl PluginTable {
    fn resolve(self) -> PluginSettings {
        PluginSettings { limits: self.limits, config: texts(self.config) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("/x/baton.toml"), text, None).map_err(|why| why.to_string())
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
