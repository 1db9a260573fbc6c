//! Operations on installed plugins.

pub mod check;
pub mod component;
pub mod conformance;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use baton_core::command::{Command, plugin_name};
use baton_core::kind::Kind;
use baton_core::op::PluginRow;
use baton_plugin::grant::{GatedInterface, Grant, InvalidGrant};
use baton_plugin::inspect::ComponentInfo;
use baton_plugin::source::{self, Fetched};
use baton_store::{Home, durable, read};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::{App, AppError, bundled};

/// A component to install, and what it is granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginAdd {
    /// A file, the project that it was built in, `https://…` or `oci://REGISTRY/NAME:TAG`.
    pub plugin: String,
    /// Its name; none = that of the file.
    pub name: Option<String>,
    /// Refuse any other content than this, such as `blake3:…`.
    pub digest: Option<String>,
    /// Let it use this, such as `process:PROFILE`, beside what it was granted before.
    #[serde(default)]
    pub grant: Vec<String>,
}

pub(crate) fn add(app: &App, asked: &PluginAdd) -> Result<PluginInstalled, AppError> {
    let (name, bytes) = asked.fetched()?;
    let installation = Installation { name: &name, bytes: &bytes, grant: &asked.grant };
    Proposal::of(app, &installation)?.install(app, &bytes)
}

impl PluginAdd {
    /// The component, under the name that it is to have.
    ///
    /// # Errors
    /// It can't be read or fetched, or has another digest.
    pub fn fetched(&self) -> Result<(String, Vec<u8>), AppError> {
        let Fetched { name, bytes } = component::fetched(&self.plugin)?;
        if let Some(expected) = &self.digest {
            source::verify(&self.plugin, &bytes, expected)?;
        }
        Ok((self.name.clone().unwrap_or(name), bytes))
    }
}

/// A component that is to be installed under a name.
pub struct Installation<'a> {
    /// Letters, digits, `-` and `_`, at most 64.
    pub name: &'a str,
    /// The component.
    pub bytes: &'a [u8],
    /// What it is granted beside what it was granted before, such as `process:PROFILE`.
    pub grant: &'a [String],
}

/// What an installation would change, to be confirmed by the operator.
pub struct Proposal {
    /// What the component says of itself.
    pub component: ComponentInfo,
    name: String,
    /// What it may use from now on.
    granted: BTreeSet<Grant>,
    /// What it asks for beyond that.
    pub missing: Vec<GatedInterface>,
    /// Granted by name, and not to be found in the configuration.
    pub unknown: Vec<String>,
    /// What is another than in the version before, a line each.
    pub changes: Vec<String>,
}

/// A plugin that was installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PluginInstalled {
    /// Its name in the store.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// Of its content, such as `blake3:…`.
    pub digest: String,
    /// What it may use.
    pub grants: Vec<String>,
}

impl Proposal {
    /// Looks at what an installation would change; nothing is written.
    ///
    /// # Errors
    /// The name or a grant is none, or the component is not for this host.
    pub fn of(app: &App, installation: &Installation<'_>) -> Result<Self, AppError> {
        let Installation { name, bytes, grant } = *installation;
        check_name(name)?;
        let component = ComponentInfo::read(name, bytes)?;
        if let Some(import) = component.unknown_imports().first() {
            return Err(AppError::invalid(format!(
                "{name} imports {import}, which no {} can have",
                component.kind
            )));
        }
        let installed = match app.reader_if_any()? {
            Some(conn) => read::plugins(&conn).map_err(AppError::unreadable)?,
            None => Vec::new(),
        };
        let before = installed.into_iter().find(|row| row.name == name);
        let asked: BTreeSet<Grant> = grant
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_, _>>()
            .map_err(|why: InvalidGrant| AppError::invalid(why.to_string()))?;
        let held = before.iter().flat_map(|row| &row.grants).filter_map(|grant| grant.parse().ok());
        let unknown = asked.iter().filter_map(|grant| unknown(&app.config, grant)).collect();
        let changes = before.as_ref().map(|before| changes(&app.home, before, &component));
        let (granted, missing) = granted(&component.wants(), held.chain(asked.clone()));
        let name = name.to_owned();
        let changes = changes.unwrap_or_default();
        Ok(Self { component, name, granted, missing, unknown, changes })
    }

    /// Lets it have all of one kind that the configuration offers.
    pub fn allow(&mut self, gated: GatedInterface) {
        self.missing.retain(|missing| *missing != gated);
        self.granted.insert(gated.any());
    }

    /// Keeps the component and puts it into the registry.
    ///
    /// # Errors
    /// [`AppError::Refused`] names what must be granted first.
    pub fn install(self, app: &App, bytes: &[u8]) -> Result<PluginInstalled, AppError> {
        let Self { component, name, granted, missing, .. } = self;
        if let Some(gated) = missing.first() {
            let (purpose, example, any) = (gated.purpose(), gated.example(), gated.any().to_string());
            let or_any = if any == example { String::new() } else { format!(", or {any} for any") };
            return Err(AppError::refused(format!("{name} asks to {purpose}: --grant {example}{or_any}")));
        }
        keep(&app.home, &component.digest, bytes)?;
        let grants: Vec<String> = granted.iter().map(ToString::to_string).collect();
        let (kind, digest) = (component.kind, component.digest);
        let row = PluginRow { name: name.clone(), kind, digest: digest.clone(), grants: grants.clone() };
        app.command(Command::PutPlugin(Box::new(row)))?;
        Ok(PluginInstalled { name, kind, digest, grants })
    }
}

/// What it may use from now on, and what it asks for beyond that. An upgrade keeps what was granted.
fn granted(
    wanted: &[GatedInterface],
    grants: impl Iterator<Item = Grant>,
) -> (BTreeSet<Grant>, Vec<GatedInterface>) {
    let granted: BTreeSet<Grant> = grants.filter(|grant| wanted.contains(&grant.opens())).collect();
    let is_open = |gated: &&GatedInterface| granted.iter().any(|grant| grant.opens() == **gated);
    let missing = wanted.iter().filter(|gated| !is_open(gated)).copied().collect();
    (granted, missing)
}

/// That a grant names what the configuration does not have, and what it has.
fn unknown(config: &Config, grant: &Grant) -> Option<String> {
    let text = grant.to_string();
    let (kind, name) = text.split_once(':')?;
    let (what, there) = match kind {
        "process" => ("profile", config.offer.profiles.keys().collect::<Vec<_>>()),
        "http" => ("service", config.offer.services.keys().collect()),
        _ => return None,
    };
    if name == "*" || there.iter().any(|known| *known == name) {
        return None;
    }
    let there = match there.as_slice() {
        [] => format!("baton.toml has no {what} yet"),
        names => {
            let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            format!("baton.toml has {}", names.join(", "))
        }
    };
    Some(format!("--grant {text}: there is no {what} {name}; {there}"))
}

/// It becomes part of file names and of configuration tables.
fn check_name(name: &str) -> Result<(), AppError> {
    plugin_name(name).map_err(|why| AppError::invalid(format!("{why}; give it one with --name")))
}

fn keep(home: &Home, digest: &str, bytes: &[u8]) -> Result<(), AppError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(home.plugins())?;
    Ok(durable::write(&stored(home, digest), bytes)?)
}

fn stored(home: &Home, digest: &str) -> PathBuf {
    home.plugins().join(format!("{}.wasm", digest.trim_start_matches("blake3:")))
}

/// What is another than in the version before: contract, imports, and what it asks to be granted.
fn changes(home: &Home, before: &PluginRow, after: &ComponentInfo) -> Vec<String> {
    if before.digest == after.digest {
        return vec![format!("{} is installed already, with this content", before.name)];
    }
    let mut lines = vec![format!("{}: {} → {}", before.name, before.digest, after.digest)];
    let old = fs::read(stored(home, &before.digest)).ok();
    let Some(old) = old.and_then(|bytes| ComponentInfo::read(&before.name, &bytes).ok()) else {
        return lines;
    };
    if old.contract != after.contract {
        lines.push(format!("  contract  {} → {}", old.contract, after.contract));
    }
    let asks = |component: &ComponentInfo| -> Vec<String> {
        component.wants().into_iter().map(|gated| gated.any().to_string()).collect()
    };
    lines.extend(difference("imports", &old.imports, &after.imports));
    lines.extend(difference("grants", &asks(&old), &asks(after)));
    lines
}

fn difference(what: &str, before: &[String], after: &[String]) -> Option<String> {
    let added = after.iter().filter(|one| !before.contains(one)).map(|one| format!("+{one}"));
    let removed = before.iter().filter(|one| !after.contains(one)).map(|one| format!("-{one}"));
    let all: Vec<String> = added.chain(removed).collect();
    (!all.is_empty()).then(|| format!("  {what:8}  {}", all.join(" ")))
}

/// An installed plugin by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginName {
    /// As `baton plugin list` shows it.
    pub name: String,
}

/// A plugin that was uninstalled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PluginRemoved {
    /// As it was called in the request.
    pub name: String,
    /// What the configuration still names it for, a line each.
    pub named_by: Vec<String>,
}

pub(crate) fn remove(app: &App, plugin: &PluginName) -> Result<PluginRemoved, AppError> {
    let name = &plugin.name;
    let is_bundled = bundled::plugins().all().any(|plugin| plugin.name == *name);
    let removed = app.command(Command::RemovePlugin { name: name.clone() });
    if let (true, Err(AppError::NotFound { .. })) = (is_bundled, &removed) {
        return Err(AppError::refused(format!(
            "{name} is bundled: it comes with baton and is never removed"
        )));
    }
    removed?;
    Ok(PluginRemoved { name: name.clone(), named_by: named_by(&app.config, name) })
}

/// What goes without a plugin that is removed.
fn named_by(config: &Config, name: &str) -> Vec<String> {
    let has_adapter = bundled::plugins().find(name, Kind::Agent).is_some();
    let users = config.agents.iter().filter(|card| card.adapter == name && !has_adapter);
    let mut lines: Vec<String> = users
        .map(|card| {
            format!(
                "[agents.{}] has it as its adapter: it is given nothing until another is named there",
                card.name
            )
        })
        .collect();
    if config.router == name && !bundled::plugins().all().any(|plugin| plugin.name == name) {
        lines.push("[router] use names it: no run starts until another is named there".to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(texts: &[&str]) -> BTreeSet<Grant> {
        texts.iter().map(|text| text.parse().expect("a grant")).collect()
    }

    #[test]
    fn an_upgrade_keeps_what_was_granted_and_names_what_it_asks_beyond_that() {
        let held = grants(&["process:tests"]);
        let process = held.iter().next().expect("there is one").opens();
        let http = grants(&["http:api"]).iter().next().expect("there is one").opens();
        let (granted, missing) = super::granted(&[process, http], held.clone().into_iter());
        assert_eq!((granted, missing), (held.clone(), vec![http]));
        let both = held.union(&grants(&["http:api"])).cloned().collect::<BTreeSet<_>>();
        assert_eq!(super::granted(&[process, http], both.clone().into_iter()), (both.clone(), Vec::new()));
        assert_eq!(
            super::granted(&[process], both.into_iter()),
            (held, Vec::new()),
            "and no more than it asks"
        );
    }

    #[test]
    fn a_name_is_fit_for_files_and_tables() {
        for name in ["", "-a", "a/b", "a.b", &"x".repeat(65)] {
            assert!(matches!(check_name(name), Err(AppError::Invalid { .. })), "{name:?}");
        }
        assert!(check_name("my-router_2").is_ok());
    }
}
