//! `baton sim play`: some routers in the same worlds.

use std::path::{Path, PathBuf};

use baton_core::file::{MAX_SETTINGS, read_text};
use baton_lab::comparison::{Row, compared, worlds};
use baton_lab::world::{Config, World};

use super::super::{Done, Failure, Global, Outcome, screen};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A TOML file with the world's settings [default: six specialists, 600 tasks, true declarations]
    world: Option<PathBuf>,
    /// A router by name or file; may be given more than once
    #[arg(long, default_values_t = ["capability".to_owned(), "adaptive".to_owned()])]
    router: Vec<String>,
    /// How many worlds, each of another seed
    #[arg(long, default_value_t = 8)]
    worlds: u64,
    /// Override one of the world's settings, such as wrong-declarations=0.3
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let settings = settings(args)?;
    let library = global.app()?.library_of(&[])?;
    let worlds = worlds(&settings, args.worlds);
    let rows = compared(&library, &args.router, &worlds)?;
    if global.json {
        screen::json(&rows);
    } else {
        print(&rows, &worlds);
    }
    Ok(Done::Well)
}

fn settings(args: &Args) -> Result<Config, Failure> {
    let wrong = |why: String| Failure::Usage(why);
    let mut table = match &args.world {
        Some(path) => file(path).map_err(|why| wrong(format!("{}: {why}", path.display())))?,
        None => toml::Table::new(),
    };
    for pair in &args.set {
        let given: toml::Table = toml::from_str(pair)
            .map_err(|why| wrong(format!("expected KEY=VALUE, not {pair:?}: {}", why.message())))?;
        merge(&mut table, given);
    }
    let settings: Config = table
        .try_into()
        .map_err(|why: toml::de::Error| wrong(format!("the world's settings: {}", why.message())))?;
    settings.check().map_err(|why| wrong(format!("the world's settings: {why}")))?;
    Ok(settings)
}

/// Checked by itself, so that a mistake is shown with its line.
fn file(path: &Path) -> Result<toml::Table, String> {
    let text = read_text(path, MAX_SETTINGS).map_err(|why| why.to_string())?;
    toml::from_str::<Config>(&text).map_err(|why| why.to_string())?;
    toml::from_str(&text).map_err(|why| why.to_string())
}

/// What is given replaces what is there, key by key.
fn merge(table: &mut toml::Table, given: toml::Table) {
    for (key, value) in given {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(given)) => merge(inner, given),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

fn print(rows: &[Row], worlds: &[World]) {
    let tasks: usize = worlds.iter().map(|world| world.tasks.len()).sum();
    screen::line(&format!(
        "{} worlds, {tasks} tasks; in brackets what no plugin is, with a queue for each agent",
        worlds.len()
    ));
    let heads = ["router", "done", "regret", "at the end", "sojourn p50", "p95", "idle", "cost"];
    screen::table(&heads, &rows.iter().map(cells).collect::<Vec<_>>());
}

fn cells(row: &Row) -> Vec<String> {
    let summary = row.summary();
    vec![
        row.player.clone(),
        format!("{:.1} ±{:.1} %", summary.done * 100.0, summary.done_half_width * 100.0),
        format!("{:.3}", summary.regret),
        format!("{:.3}", summary.tail_regret),
        screen::span(summary.sojourn_p50_ms),
        screen::span(summary.sojourn_p95_ms),
        format!("{:.0}s", summary.idle_s),
        format!("{:.4}", summary.cost),
    ]
}
