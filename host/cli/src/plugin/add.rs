//! Installing: by digest, with what it is granted.

use baton_app::App;
use baton_app::operation::PLUGIN_REMOVE;
use baton_app::plugins::{Installation, PluginAdd, PluginInstalled, PluginName, Proposal};

use super::super::{Done, Failure, Global, Outcome, done, screen};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The component: a file, the project that it was built in, https://… or oci://REGISTRY/NAME:TAG
    plugin: String,
    /// Its name [default: that of the file]
    #[arg(long)]
    name: Option<String>,
    /// Refuse any other content than this, such as blake3:…
    #[arg(long)]
    digest: Option<String>,
    /// Let it use this, such as process:PROFILE; without it you are asked
    #[arg(long)]
    grant: Vec<String>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let Args { plugin, name, digest, grant } = args;
    let asked = PluginAdd {
        plugin: plugin.clone(),
        name: name.clone(),
        digest: digest.clone(),
        grant: grant.clone(),
    };
    let (name, bytes) = asked.fetched()?;
    let installed = install(global, &name, &bytes, grant)?;
    if global.json {
        screen::json(&installed);
    }
    Ok(Done::Well)
}

/// Installs a component under a name, as the operation `plugin-add` does; at a terminal, a person is asked for what it was
/// not granted.
pub(super) fn install(
    global: &Global,
    name: &str,
    bytes: &[u8],
    grant: &[String],
) -> Result<PluginInstalled, Failure> {
    let app: App = global.app()?;
    let mut proposal = Proposal::of(&app, &Installation { name, bytes, grant })?;
    let speaks = !global.quiet && !global.json;
    if speaks {
        proposal.changes.iter().for_each(|line| screen::line(line));
    }
    proposal.unknown.iter().for_each(|what| screen::note(what));
    for gated in proposal.missing.clone() {
        let (purpose, interface) = (gated.purpose(), gated.interface());
        if !screen::confirm(&format!(
            "{name} asks to {purpose} ({interface}). Allow all that baton.toml offers?"
        )) {
            break;
        }
        proposal.allow(gated);
    }
    let installed = proposal.install(&app, bytes)?;
    if speaks {
        let PluginInstalled { kind, digest, grants, .. } = &installed;
        let with = if grants.is_empty() { String::new() } else { format!(", granted {}", grants.join(", ")) };
        screen::line(&format!("{kind} {name} is installed as {digest}{with}"));
    }
    Ok(installed)
}

pub(super) fn remove(global: &Global, name: &str) -> Outcome {
    done(global, &PLUGIN_REMOVE, &PluginName { name: name.to_owned() }, |removed| {
        removed.named_by.iter().for_each(|line| screen::note(line));
        screen::line(&format!("{name} is removed"));
    })
}
