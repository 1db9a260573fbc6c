//! What a component is, what it asks for, and whether it could be loaded.

use std::collections::BTreeMap;
use std::path::PathBuf;

use baton_core::kind::Kind;
use baton_core::span::Span;
use baton_plugin::PluginError;
use baton_plugin::compile::Compiler;
use baton_plugin::grant::{GatedInterface, Grant, InvalidGrant};
use baton_plugin::inspect::ComponentInfo;
use baton_plugin::library::{Installed, Library, PluginSettings, Sources};
use baton_plugin::limits::{self, Limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::component;
use crate::app::cache_folder;
use crate::{App, AppError, bundled};

/// A component that is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginCheck {
    /// A file, or the project that it was built in.
    pub plugin: PathBuf,
    /// As if it had been granted this, such as `process:PROFILE`.
    #[serde(default)]
    pub grant: Vec<String>,
}

/// What a component is, and whether it could be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PluginChecked {
    /// That of its file.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// The version of the kind's contract that it was built for.
    pub contract: String,
    /// Of its content, such as `blake3:…`.
    pub digest: String,
    /// Its bytes.
    pub size: usize,
    /// Interfaces that it wants, with their versions.
    pub imports: Vec<String>,
    /// Whether it could be loaded with these grants.
    pub loads: bool,
    /// Why it could not.
    pub error: Option<String>,
    /// What it asks for beyond the grants.
    #[serde(skip)]
    pub missing: Vec<GatedInterface>,
    /// What one call may use: memory, processor time, bytes copied.
    #[serde(skip)]
    pub limits: [String; 3],
    /// Whether a grant that is missing is all that keeps it from being loaded.
    #[serde(skip)]
    pub lacks_grant: bool,
}

pub(crate) fn check(app: &App, asked: &PluginCheck) -> Result<PluginChecked, AppError> {
    let (name, bytes) = component::read(&asked.plugin)?;
    let component = ComponentInfo::read(&name, &bytes)?;
    let grants = asked.grant.iter().map(|grant| grant.parse()).collect::<Result<Vec<Grant>, _>>();
    let grants = grants.map_err(|why: InvalidGrant| AppError::invalid(why.to_string()))?;
    let is_granted = |gated: &GatedInterface| grants.iter().any(|grant| grant.opens() == *gated);
    let missing: Vec<GatedInterface> =
        component.wants().into_iter().filter(|gated| !is_granted(gated)).collect();
    let settings = app.config.plugin(&name);
    let Limits { memory, cpu, copied, .. } = settings.limits.over(Limits::of(component.kind));
    let error = loaded(&name, &bytes, settings, component.kind, grants).err();
    Ok(PluginChecked {
        name,
        kind: component.kind,
        contract: component.contract,
        digest: component.digest,
        size: component.size,
        imports: component.imports,
        loads: error.is_none(),
        lacks_grant: error.as_ref().is_some_and(|why| is_for_lack_of(&missing, why)),
        error: error.map(|why| why.to_string()),
        missing,
        limits: [limits::bytes(memory), Span(cpu).to_string(), limits::bytes(copied)],
    })
}

fn is_for_lack_of(missing: &[GatedInterface], why: &PluginError) -> bool {
    matches!(why, PluginError::NotGranted { import, .. } if missing.iter().any(|gated| gated.interface() == import))
}

fn loaded(
    name: &str,
    bytes: &[u8],
    settings: PluginSettings,
    kind: Kind,
    grants: Vec<Grant>,
) -> Result<(), PluginError> {
    let library = alone(name, bytes, settings, grants)?;
    match kind {
        Kind::Router => library.router(name).map(|_| ()),
        Kind::Executor => library.executor(name).map(|_| ()),
        Kind::Validator => library.validator(name).map(|_| ()),
        Kind::Agent => library.agent(name).map(|_| ()),
    }
}

/// A library that holds this one component as if it were installed, with what is configured for its name.
pub(super) fn alone(
    name: &str,
    bytes: &[u8],
    settings: PluginSettings,
    grants: Vec<Grant>,
) -> Result<Library, PluginError> {
    let digest = baton_plugin::digest(bytes);
    let host = |why: std::io::Error| PluginError::Host { plugin: name.to_owned(), why: why.to_string() };
    let folder = cache_folder().join("checked");
    std::fs::create_dir_all(&folder).map_err(host)?;
    let file = folder.join(format!("{}.wasm", digest.trim_start_matches("blake3:")));
    std::fs::write(file, bytes).map_err(host)?;
    Library::open(Sources {
        bundled: bundled::plugins(),
        folder,
        cache: cache_folder(),
        compiler: std::env::current_exe().map_or(Compiler::InProcess, Compiler::Child),
        installed: vec![Installed { name: name.to_owned(), digest, grants }],
        settings: BTreeMap::from([(name.to_owned(), settings)]),
    })
}
