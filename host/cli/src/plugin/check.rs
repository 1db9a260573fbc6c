//! What a component is and whether it could be loaded, in plain words.

use std::collections::BTreeMap;
use std::path::Path;

use baton_core::kind::Kind;
use baton_plugin::PluginError;
use baton_plugin::grant::{GatedInterface, Grant};
use baton_plugin::inspect::ComponentInfo;
use baton_plugin::library::{Installed, Library, PluginSettings, Sources};
use baton_plugin::limits::Limits;

use super::super::{Done, Failure, Global, Outcome, screen};

pub(super) fn run(global: &Global, path: &Path, grants: &[String]) -> Outcome {
    let (name, bytes) = super::component(path)?;
    let component = ComponentInfo::read(&name, &bytes)?;
    let grants: Vec<Grant> =
        grants.iter().map(|grant| grant.parse()).collect::<Result<_, _>>().map_err(Failure::Usage)?;
    let granted = |gated: &GatedInterface| grants.iter().any(|grant| grant.opens() == *gated);
    let missing: Vec<GatedInterface> =
        component.wants().into_iter().filter(|gated| !granted(gated)).collect();
    let settings = global.here()?.0.plugin(&name);
    let limits = settings.limits.over(Limits::of(component.kind));
    let loaded = loaded(&name, &bytes, settings, component.kind, grants.clone());
    if global.json {
        screen::json(&serde_json::json!({
            "name": name, "kind": component.kind, "contract": component.contract, "digest": component.digest,
            "size": component.size, "imports": component.imports, "loads": loaded.is_ok(),
            "error": loaded.as_ref().err().map(ToString::to_string),
        }));
    } else {
        screen::line(&format!(
            "{name} is a {} for contract {}, {} bytes",
            component.kind, component.contract, component.size
        ));
        screen::line(&format!("  digest   {}", component.digest));
        screen::line(&format!("  imports  {}", component.imports.join(", ")));
        screen::line(&format!(
            "  limits   memory {}, cpu {}, copied {}",
            baton_plugin::limits::bytes(limits.memory),
            baton_core::span::Span(limits.cpu),
            baton_plugin::limits::bytes(limits.copied)
        ));
        for gated in &missing {
            let (purpose, example) = (gated.purpose(), gated.example());
            screen::line(&format!("  it asks to {purpose}. To allow that:"));
            screen::line(&format!("    baton plugin add {} --grant {example}", path.display()));
            if let Some(table) = gated.table() {
                screen::line(&format!("    and in baton.toml: {table}"));
            }
        }
    }
    match loaded {
        Ok(()) => {
            if !global.json {
                screen::line("  it loads");
            }
            Ok(Done::Well)
        }
        Err(PluginError::NotGranted { import, .. })
            if missing.iter().any(|gated| gated.interface() == import) =>
        {
            Ok(Done::Well)
        }
        Err(why) => Err(Failure::Refused(why.to_string())),
    }
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
    let folder = baton_app::app::cache_folder().join("checked");
    std::fs::create_dir_all(&folder).map_err(host)?;
    std::fs::write(folder.join(format!("{}.wasm", digest.trim_start_matches("blake3:"))), bytes)
        .map_err(host)?;
    Library::open(Sources {
        bundled: baton_app::bundled::plugins(),
        folder,
        cache: baton_app::app::cache_folder(),
        compiler: std::env::current_exe()
            .map_or(baton_plugin::compile::Compiler::InProcess, baton_plugin::compile::Compiler::Child),
        installed: vec![Installed { name: name.to_owned(), digest, grants }],
        settings: BTreeMap::from([(name.to_owned(), settings)]),
    })
}
