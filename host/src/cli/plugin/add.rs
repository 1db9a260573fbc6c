//! Installing: by digest, with what it is granted.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::super::{Done, Failure, Global, Outcome, screen, unreadable};
use crate::door::Door;
use crate::op::{Op, PluginRow};
use crate::plugin::grant::Grant;
use crate::plugin::inspect::Component;
use crate::store::read;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The component, or the project that it was built in
    plugin: PathBuf,
    /// Its name [default: that of the file]
    #[arg(long)]
    name: Option<String>,
    /// Let it use this, such as process:PROFILE; without it you are asked
    #[arg(long)]
    grant: Vec<String>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let (file_name, bytes) = super::component(&args.plugin)?;
    let name = args.name.clone().unwrap_or(file_name);
    let component = Component::read(&name, &bytes)?;
    if let Some(import) = component.unknown_imports().first() {
        return Err(Failure::Usage(format!("{name} imports {import}, which no {} can have", component.kind)));
    }
    let (_, home) = global.here()?;
    let mut door = Door::open(&home)?;
    let before =
        read::plugins(&global.reader()?).map_err(unreadable)?.into_iter().find(|row| row.name == name);
    let asked: BTreeSet<Grant> =
        args.grant.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(Failure::Usage)?;
    let held: BTreeSet<Grant> =
        before.iter().flat_map(|row| &row.grants).filter_map(|grant| grant.parse().ok()).collect();
    let grants = granted(&name, &component, held, asked)?;
    let path = home.plugins().join(format!("{}.wasm", component.digest.trim_start_matches("blake3:")));
    fs::create_dir_all(home.plugins())?;
    let beside = path.with_extension(format!("{}", std::process::id()));
    fs::write(&beside, &bytes)?;
    fs::File::open(&beside)?.sync_all()?;
    fs::rename(&beside, &path)?;
    let grants: Vec<String> = grants.iter().map(ToString::to_string).collect();
    let row = PluginRow {
        name: name.clone(),
        kind: component.kind.to_string(),
        digest: component.digest.clone(),
        grants: grants.clone(),
    };
    door.apply(Op::PutPlugin(Box::new(row)))?;
    if !global.quiet {
        let with = if grants.is_empty() { String::new() } else { format!(", granted {}", grants.join(", ")) };
        screen::line(&format!("{} {name} is installed as {}{with}", component.kind, component.digest));
    }
    Ok(Done::Well)
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
    let (_, home) = global.here()?;
    Door::open(&home)?.apply(Op::RemovePlugin { name: name.to_owned() })?;
    if !global.quiet {
        screen::line(&format!("{name} is removed"));
    }
    Ok(Done::Well)
}
