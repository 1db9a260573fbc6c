//! Installing: by digest, with what it is granted.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use baton_app::bundled;
use baton_app::config::Config;
use baton_app::door::Door;
use baton_core::op::{Op, PluginRow, Rejection};
use baton_plugin::Kind;
use baton_plugin::grant::Grant;
use baton_plugin::inspect::Component;
use baton_plugin::source::{self, Fetched, Source};
use baton_store::{Home, durable, read};

use super::super::{Done, Failure, Global, Outcome, screen, unreadable};

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
    let Fetched { name, bytes } = fetched(&args.plugin)?;
    if let Some(expected) = &args.digest {
        source::verify(&args.plugin, &bytes, expected)?;
    }
    install(global, args.name.as_ref().unwrap_or(&name), bytes, &args.grant)?;
    Ok(Done::Well)
}

fn fetched(from: &str) -> Result<Fetched, Failure> {
    match Source::parse(from)? {
        Source::Remote(remote) => Ok(source::download(from, remote)?),
        Source::Path(path) => {
            if path.is_dir() {
                super::is_current(&path)?;
            }
            let (name, bytes) = super::component(&path)?;
            Ok(Fetched { name, bytes })
        }
    }
}

/// Installs a component under a name, and says what that changes.
pub(super) fn install(global: &Global, name: &str, bytes: Vec<u8>, grant: &[String]) -> Result<(), Failure> {
    check_name(name)?;
    let component = Component::read(name, &bytes)?;
    if let Some(import) = component.unknown_imports().first() {
        return Err(Failure::Usage(format!("{name} imports {import}, which no {} can have", component.kind)));
    }
    let (config, home) = global.here()?;
    let mut door = Door::open(&home)?;
    let before =
        read::plugins(&global.reader()?).map_err(unreadable)?.into_iter().find(|row| row.name == name);
    let asked: BTreeSet<Grant> =
        grant.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(Failure::Usage)?;
    let held: BTreeSet<Grant> =
        before.iter().flat_map(|row| &row.grants).filter_map(|grant| grant.parse().ok()).collect();
    if !global.quiet
        && let Some(before) = &before
    {
        changes(&home, before, &component);
    }
    asked.iter().filter_map(|grant| unknown(&config, grant)).for_each(|what| screen::note(&what));
    let grants = granted(name, &component, held, asked)?;
    keep(&home, &component.digest, &bytes)?;
    let grants: Vec<String> = grants.iter().map(ToString::to_string).collect();
    let row = PluginRow {
        name: name.to_owned(),
        kind: component.kind.to_string(),
        digest: component.digest.clone(),
        grants: grants.clone(),
    };
    door.apply(Op::PutPlugin(Box::new(row)))?;
    if !global.quiet {
        let with = if grants.is_empty() { String::new() } else { format!(", granted {}", grants.join(", ")) };
        screen::line(&format!("{} {name} is installed as {}{with}", component.kind, component.digest));
    }
    Ok(())
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
fn check_name(name: &str) -> Result<(), Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_plain) && name.len() <= 64
    {
        return Ok(());
    }
    let expected = "expected at most 64 letters, digits, dashes and underscores, the first a letter or digit";
    Err(Failure::Usage(format!("{name:?} is no name for a plugin: {expected}; give it one with --name")))
}

fn keep(home: &Home, digest: &str, bytes: &[u8]) -> Result<(), Failure> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(home.plugins())?;
    Ok(durable::write(&stored(home, digest), bytes)?)
}

fn stored(home: &Home, digest: &str) -> PathBuf {
    home.plugins().join(format!("{}.wasm", digest.trim_start_matches("blake3:")))
}

/// What is another than in the version before: contract, imports, and what it asks to be granted.
fn changes(home: &Home, before: &PluginRow, after: &Component) {
    if before.digest == after.digest {
        screen::line(&format!("{} is installed already, with this content", before.name));
        return;
    }
    screen::line(&format!("{}: {} → {}", before.name, before.digest, after.digest));
    let old = fs::read(stored(home, &before.digest)).ok();
    let Some(old) = old.and_then(|bytes| Component::read(&before.name, &bytes).ok()) else { return };
    if old.contract != after.contract {
        screen::line(&format!("  contract  {} → {}", old.contract, after.contract));
    }
    difference("imports", &old.imports, &after.imports);
    let asks = |component: &Component| -> Vec<String> {
        component.wants().into_iter().map(|gated| gated.any().to_string()).collect()
    };
    difference("grants", &asks(&old), &asks(after));
}

fn difference(what: &str, before: &[String], after: &[String]) {
    let added = after.iter().filter(|one| !before.contains(one)).map(|one| format!("+{one}"));
    let removed = before.iter().filter(|one| !after.contains(one)).map(|one| format!("-{one}"));
    let all: Vec<String> = added.chain(removed).collect();
    if !all.is_empty() {
        screen::line(&format!("  {what:8}  {}", all.join(" ")));
    }
}

/// What it may use from now on. An upgrade keeps what was granted; what it asks beyond that must be granted anew.
fn granted(
    name: &str,
    component: &Component,
    held: BTreeSet<Grant>,
    asked: BTreeSet<Grant>,
) -> Result<BTreeSet<Grant>, Failure> {
    let wanted = component.wants();
    let mut all: BTreeSet<Grant> =
        held.into_iter().chain(asked).filter(|grant| wanted.contains(&grant.opens())).collect();
    for gated in wanted {
        if all.iter().any(|grant| grant.opens() == gated) {
            continue;
        }
        let (purpose, interface) = (gated.purpose(), gated.interface());
        if !screen::confirm(&format!(
            "{name} asks to {purpose} ({interface}). Allow all that baton.toml offers?"
        )) {
            let (example, any) = (gated.example(), gated.any());
            return Err(Failure::Refused(format!(
                "{name} asks to {purpose}: --grant {example}{}",
                if any.to_string() == example { String::new() } else { format!(", or {any} for any") }
            )));
        }
        all.insert(gated.any());
    }
    Ok(all)
}

pub(super) fn remove(global: &Global, name: &str) -> Outcome {
    let (config, home) = global.here()?;
    let users = config
        .agents
        .iter()
        .filter(|card| card.adapter == name && bundled::plugins().find(name, Kind::Agent).is_none());
    for card in users {
        screen::note(&format!(
            "[agents.{}] has it as its adapter: it is given nothing until another is named there",
            card.name
        ));
    }
    let is_bundled = bundled::plugins().all().any(|plugin| plugin.name == name);
    if config.router == name && !is_bundled {
        screen::note("[router] use names it: no run starts until another is named there");
    }
    let removed = Door::open(&home)?.apply(Op::RemovePlugin { name: name.to_owned() });
    if is_bundled && matches!(removed, Err(Rejection::NotFound(_))) {
        return Err(Failure::Refused(format!("{name} is bundled: it comes with baton and is never removed")));
    }
    removed?;
    if !global.quiet {
        screen::line(&format!("{name} is removed"));
    }
    Ok(Done::Well)
}
