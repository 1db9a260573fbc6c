//! What a component is and whether it could be loaded, in plain words.

use std::path::Path;

use baton_app::operation;
use baton_app::plugins::check::{PluginCheck, PluginChecked};

use super::super::{Done, Failure, Global, Outcome, screen, shown};

pub(super) fn run(global: &Global, path: &Path, grants: &[String]) -> Outcome {
    let asked = PluginCheck { plugin: path.to_owned(), grant: grants.to_vec() };
    let checked = shown(global, &operation::PLUGIN_CHECK, &asked, |checked| show(path, checked))?;
    match checked.error {
        Some(why) if !checked.lacks_grant => Err(Failure::Refused(why)),
        Some(_) | None => Ok(Done::Well),
    }
}

fn show(path: &Path, checked: &PluginChecked) {
    let PluginChecked { name, kind, contract, size, limits: [memory, cpu, copied], .. } = checked;
    screen::line(&format!("{name} is a {kind} for contract {contract}, {size} bytes"));
    screen::line(&format!("  digest   {}", checked.digest));
    screen::line(&format!("  imports  {}", checked.imports.join(", ")));
    screen::line(&format!("  limits   memory {memory}, cpu {cpu}, copied {copied}"));
    for gated in &checked.missing {
        let (purpose, example) = (gated.purpose(), gated.example());
        screen::line(&format!("  it asks to {purpose}. To allow that:"));
        screen::line(&format!("    baton plugin add {} --grant {example}", path.display()));
        if let Some(table) = gated.table() {
            screen::line(&format!("    and in baton.toml: {table}"));
        }
    }
    if checked.loads {
        screen::line("  it loads");
    }
}
