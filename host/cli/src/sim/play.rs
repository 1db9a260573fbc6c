//! `baton sim play`: some routers in the same worlds.

use std::path::{Path, PathBuf};

use baton_core::seed::Seed;
use baton_lab::play::{Cast, Demand, play};
use baton_lab::score::{Reference, Score, score};
use baton_lab::world::{Config, World};
use baton_plugin::library::Library;
use baton_stats::interval::{Interval, mean};
use serde::Serialize;

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

/// What one player came to over all worlds.
#[derive(Serialize)]
struct Line {
    player: String,
    scores: Vec<Score>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let settings = settings(args)?;
    let library = global.app()?.library_of(&[])?;
    let worlds: Vec<World> = (0..args.worlds.max(1))
        .map(|step| World::build(&Config { seed: settings.seed.wrapping_add(step), ..settings.clone() }))
        .collect();
    let mut lines = Vec::new();
    for name in &args.router {
        lines.push(plugin(&library, name, &worlds, Demand::Preferred)?);
    }
    let matched = plugin(&library, "capability", &worlds, Demand::Required)?;
    lines.push(Line { player: "capability, required".into(), ..matched });
    for reference in Reference::ALL {
        let scores = worlds.iter().map(|world| score(world, &reference.play(world))).collect();
        lines.push(Line { player: format!("({})", reference.name()), scores });
    }
    if global.json {
        screen::json(&lines);
        return Ok(Done::Well);
    }
    print(&lines, &worlds);
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
    let text = std::fs::read_to_string(path).map_err(|why| why.to_string())?;
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

fn plugin(library: &Library, name: &str, worlds: &[World], demand: Demand) -> Result<Line, Failure> {
    let router = library.router(name)?;
    let config = library.settings(name).config;
    let mut scores = Vec::new();
    for world in worlds {
        let cast =
            Cast { router: &router, config: &config, seed: Seed(world.config.seed), demand, record: false };
        let performance = play(world, &cast).map_err(|why| Failure::Refused(format!("{name}: {why}")))?;
        scores.push(score(world, &performance.played));
    }
    Ok(Line { player: name.to_owned(), scores })
}

fn print(lines: &[Line], worlds: &[World]) {
    let tasks: usize = worlds.iter().map(|world| world.tasks.len()).sum();
    screen::line(&format!(
        "{} worlds, {tasks} tasks; in brackets what no plugin is, with a queue for each agent",
        worlds.len()
    ));
    let heads = ["router", "done", "regret", "at the end", "sojourn p50", "p95", "idle", "cost"];
    let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
    screen::table(&heads, &rows);
}

fn row(line: &Line) -> Vec<String> {
    let over = |what: fn(&Score) -> f64| {
        let values: Vec<f64> = line.scores.iter().map(what).collect();
        mean(&values, 0.95).unwrap_or(Interval::around(values.first().copied().unwrap_or(0.0), 0.0))
    };
    let done = over(|score| score.success * 100.0);
    let middle = |what: fn(&Score) -> u64| {
        let mut all: Vec<u64> = line.scores.iter().map(what).collect();
        all.sort_unstable();
        screen::span(all[all.len() / 2])
    };
    vec![
        line.player.clone(),
        format!("{:.1} ±{:.1} %", done.estimate, done.width() / 2.0),
        format!("{:.3}", over(|score| score.regret).estimate),
        format!("{:.3}", over(|score| score.tail_regret).estimate),
        middle(|score| score.sojourn.p50),
        middle(|score| score.sojourn.p95),
        format!("{:.0}s", over(|score| score.idle_while_queued_s).estimate),
        format!("{:.4}", over(|score| score.cost_per_accepted.unwrap_or(f64::NAN)).estimate / 1e6),
    ]
}
