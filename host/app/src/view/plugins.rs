//! What plugins there are, what each is, and what one call of each may use.

use std::collections::BTreeMap;

use baton_core::kind::Kind;
use baton_core::op::PluginRow;
use baton_plugin::inspect::ComponentInfo;
use baton_plugin::library;
use baton_plugin::limits::{LimitKind, Limits, NONE};
use baton_store::read;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bundled;
use crate::runs::Nothing;
use crate::{App, AppError};

/// A plugin that is bundled or installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PluginEntry {
    /// Its name; one of each kind may have the same.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// Where it comes from.
    pub origin: Origin,
    /// Of its component.
    pub digest: String,
    /// What it was granted, such as `process:git`.
    pub grants: Vec<String>,
}

/// Where a plugin comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It comes with the binary.
    Bundled,
    /// An operator added it to the store.
    Installed,
}

impl Origin {
    /// The word that people and programs read.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bundled => "bundled",
            Self::Installed => "installed",
        }
    }
}

/// Which plugin is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginQuery {
    /// Its name, of any kind.
    pub plugin: String,
}

/// Whose limits are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitQuery {
    /// Only this plugin's.
    pub plugin: Option<String>,
}

/// What a component is, and what it was granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PluginDetails {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// Of its component.
    pub digest: String,
    /// Bytes of its component.
    pub size: usize,
    /// The version of the kind's contract that it was built for.
    pub contract: String,
    /// Interfaces that it wants, with their versions.
    pub imports: Vec<String>,
    /// Interfaces that it offers, with their versions.
    pub exports: Vec<String>,
    /// What it was granted.
    pub grants: Vec<String>,
    /// Whether it wants anything that must be granted.
    #[serde(skip)]
    pub wants_grants: bool,
}

/// What one call of a plugin may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PluginLimits {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// By the limit's name in the configuration, as it would be written there; what its kind can't ask for is left out.
    pub limits: BTreeMap<&'static str, String>,
}

impl PluginLimits {
    /// A limit by its name in the configuration, as it would be written there; a dash where the plugin's kind has none.
    #[must_use]
    pub fn shown(&self, limit: &str) -> &str {
        self.limits.get(limit).map_or(NONE, String::as_str)
    }
}

/// All plugins by kind and name. Without a store these are the bundled ones.
///
/// # Errors
/// The store can't be read.
pub(crate) fn plugins(app: &App, _: &Nothing) -> Result<Vec<PluginEntry>, AppError> {
    let bundled = library::components(bundled::plugins()).into_iter().map(|(name, component)| PluginEntry {
        name: name.to_owned(),
        kind: component.kind,
        origin: Origin::Bundled,
        digest: component.digest.clone(),
        grants: component.wants().into_iter().map(|gated| gated.any().to_string()).collect(),
    });
    let mut entries: Vec<PluginEntry> = bundled.collect();
    if app.home.exists() {
        let installed = read::plugins(&app.reader()?).map_err(AppError::unreadable)?;
        entries.extend(installed.into_iter().map(installed_entry));
    }
    entries.sort_by(|one, other| (one.kind, &one.name).cmp(&(other.kind, &other.name)));
    Ok(entries)
}

fn installed_entry(row: PluginRow) -> PluginEntry {
    let PluginRow { name, kind, digest, grants } = row;
    PluginEntry { name, kind, origin: Origin::Installed, digest, grants }
}

/// Every plugin of a name, by kind.
///
/// # Errors
/// There is no such plugin; it, or the store, can't be read.
pub(crate) fn inspect(app: &App, query: &PluginQuery) -> Result<Vec<PluginDetails>, AppError> {
    let library = app.library()?;
    let detail = |entry: PluginEntry| {
        let (component, grants) = library.inspect(&entry.name, entry.kind)?;
        let wants_grants = !component.wants().is_empty();
        let ComponentInfo { digest, size, kind, contract, imports, exports } = component;
        let grants = grants.iter().map(ToString::to_string).collect();
        Ok(PluginDetails {
            name: entry.name,
            kind,
            digest,
            size,
            contract,
            imports,
            exports,
            grants,
            wants_grants,
        })
    };
    named(app, Some(&query.plugin))?.into_iter().map(detail).collect()
}

/// What one call of each plugin may use: what its kind may, and what the configuration changes.
///
/// # Errors
/// There is no such plugin; the store can't be read.
pub(crate) fn limits(app: &App, query: &LimitQuery) -> Result<Vec<PluginLimits>, AppError> {
    let of = |entry: PluginEntry| {
        let limits = app.config.plugin(&entry.name).limits.over(Limits::of(entry.kind));
        let shown = shown_limits().map(|name| (name.key(), limits.shown(name)));
        PluginLimits {
            name: entry.name,
            kind: entry.kind,
            limits: shown.filter(|(_, value)| value != NONE).collect(),
        }
    };
    Ok(named(app, query.plugin.as_deref())?.into_iter().map(of).collect())
}

/// The limits that are shown, in their order: all but the time from call to answer, which is the attempt's.
pub fn shown_limits() -> impl Iterator<Item = LimitKind> {
    LimitKind::ALL.into_iter().filter(|limit| *limit != LimitKind::Wall)
}

fn named(app: &App, name: Option<&str>) -> Result<Vec<PluginEntry>, AppError> {
    let mut entries = plugins(app, &Nothing {})?;
    let Some(name) = name else { return Ok(entries) };
    entries.retain(|entry| entry.name == name);
    if entries.is_empty() {
        return Err(AppError::not_found(format!("there is no plugin {name:?}: `baton plugin list`")));
    }
    Ok(entries)
}
