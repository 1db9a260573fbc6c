//! Looking at what is there.

use baton_app::operation;
use baton_app::runs::Nothing;
use baton_app::view::plugins::{
    LimitQuery, PluginDetails, PluginEntry, PluginLimits, PluginQuery, shown_limits,
};

use super::super::{Done, Global, Outcome, screen, shown};

pub(super) fn all(global: &Global) -> Outcome {
    shown(global, &operation::PLUGINS, &Nothing {}, |plugins| list(plugins))?;
    Ok(Done::Well)
}

fn list(plugins: &[PluginEntry]) {
    let row = |plugin: &PluginEntry| {
        let PluginEntry { name, kind, origin, digest, grants } = plugin;
        let short = digest.get(..19).unwrap_or(digest).to_owned();
        vec![name.clone(), kind.to_string(), origin.as_str().to_owned(), short, grants.join(",")]
    };
    screen::table(
        &["plugin", "kind", "origin", "digest", "grants"],
        &plugins.iter().map(row).collect::<Vec<_>>(),
    );
}

/// With `--json` one object for each kind that has a plugin of the name.
pub(super) fn one(global: &Global, name: &str) -> Outcome {
    let found = global.app()?.call(&operation::PLUGIN, &PluginQuery { plugin: name.to_owned() })?;
    for details in &found {
        if global.json {
            screen::json(details);
        } else {
            show(details);
        }
    }
    Ok(Done::Well)
}

fn show(details: &PluginDetails) {
    let PluginDetails { name, kind, contract, .. } = details;
    screen::line(&format!("{name}: {kind} for {}@{contract}", kind.export()));
    screen::line(&format!("  digest   {}", details.digest));
    screen::line(&format!("  size     {} bytes", details.size));
    screen::line(&format!("  imports  {}", details.imports.join(", ")));
    if details.wants_grants {
        screen::line(&format!("  grants   {}", details.grants.join(", ")));
    }
}

pub(super) fn limits(global: &Global, name: Option<&str>) -> Outcome {
    let query = LimitQuery { plugin: name.map(str::to_owned) };
    shown(global, &operation::PLUGIN_LIMITS, &query, |known| limit_table(known))?;
    Ok(Done::Well)
}

fn limit_table(known: &[PluginLimits]) {
    // What none of them can ask for has no column.
    let is_asked = |key: &str| known.iter().any(|plugin| plugin.limits.contains_key(key));
    let columns: Vec<&str> = shown_limits().map(|limit| limit.key()).filter(|key| is_asked(key)).collect();
    let row = |plugin: &PluginLimits| {
        let values = columns.iter().map(|key| plugin.shown(key).to_owned());
        [plugin.name.clone(), plugin.kind.to_string()].into_iter().chain(values).collect()
    };
    let rows: Vec<Vec<String>> = known.iter().map(row).collect();
    let head: Vec<&str> = ["plugin", "kind"].into_iter().chain(columns.iter().copied()).collect();
    screen::table(&head, &rows);
}
