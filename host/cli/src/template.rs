//! `baton template`: plans with parameters, made of what was done before.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use baton_core::id::TaskId;
use baton_core::plan::Workstream;
use baton_core::plan::template::Template;
use baton_store::Reader;
use baton_store::read;

use super::{Done, Failure, Global, Outcome, insights, run as run_verb, screen, target, unreadable};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Write templates/NAME.json beside baton.toml
    Save {
        name: String,
        /// From a pattern, by its number in `baton insights patterns`: its newest occurrence
        #[arg(long, conflicts_with = "run", required_unless_present = "run")]
        pattern: Option<usize>,
        /// From a whole run
        #[arg(long)]
        run: Option<String>,
        /// In place of the one of this name
        #[arg(long)]
        force: bool,
    },
    /// The templates that there are, with their parameters
    List,
    /// Run a template with these values
    Run {
        name: String,
        /// A parameter's value, as NAME=VALUE
        #[arg(long)]
        set: Vec<String>,
        /// Show who would do what and when, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) fn run(global: &Global, verb: &Verb) -> Outcome {
    match verb {
        Verb::Save { name, pattern, run, force } => {
            let path = file(global, name)?;
            if path.exists() && !force {
                return Err(Failure::Refused(format!("{} exists: --force replaces it", path.display())));
            }
            save(global, name, *pattern, run.as_deref())
        }
        Verb::List => list(global),
        Verb::Run { name, set, dry_run } => play(global, name, set, *dry_run),
    }
}

fn folder(global: &Global) -> Result<PathBuf, Failure> {
    let (config, _) = global.here()?;
    Ok(config.folder.join("templates"))
}

fn file(global: &Global, name: &str) -> Result<PathBuf, Failure> {
    let plain = name.chars().all(|char| char.is_ascii_alphanumeric() || char == '-' || char == '_');
    if name.is_empty() || !plain {
        return Err(Failure::Usage(format!("a template's name is letters, digits, - and _, not {name:?}")));
    }
    Ok(folder(global)?.join(format!("{name}.json")))
}

fn save(global: &Global, name: &str, pattern: Option<usize>, run: Option<&str>) -> Outcome {
    let path = file(global, name)?;
    let conn = global.reader()?;
    let workstreams = match pattern {
        Some(number) => of_pattern(global, &conn, number)?,
        None => of_run(&conn, run)?,
    };
    let template = Template::of(name, workstreams);
    let json =
        serde_json::to_string_pretty(&template).map_err(|why| Failure::Infrastructure(why.to_string()))?;
    fs::create_dir_all(path.parent().unwrap_or(&path))?;
    fs::write(&path, json + "\n")?;
    if !global.quiet {
        screen::line(&format!(
            "{}: {} workstreams, parameters {}",
            path.display(),
            template.workstreams.len(),
            template.parameters.keys().cloned().collect::<Vec<_>>().join(", ")
        ));
    }
    Ok(Done::Well)
}

fn of_pattern(global: &Global, conn: &Reader, number: usize) -> Result<Vec<Workstream>, Failure> {
    let patterns = insights::drawn(global)?.patterns.patterns;
    let pattern = number.checked_sub(1).and_then(|place| patterns.get(place));
    let pattern = pattern.ok_or_else(|| {
        Failure::Usage(format!("there are {} patterns: `baton insights patterns`", patterns.len()))
    })?;
    specs(conn, &pattern.example)
}

fn of_run(conn: &Reader, run: Option<&str>) -> Result<Vec<Workstream>, Failure> {
    let run = target::run(conn, run)?;
    let plan = read::plan(conn, run).map_err(unreadable)?;
    Ok(plan.map(|plan| plan.workstreams).unwrap_or_default())
}

fn specs(conn: &Reader, tasks: &[TaskId]) -> Result<Vec<Workstream>, Failure> {
    tasks.iter().map(|task| read::spec(conn, *task).map_err(unreadable)).collect()
}

fn read_one(path: &PathBuf) -> Result<Template, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|why| Failure::Usage(format!("{} can't be read: {why}", path.display())))?;
    serde_json::from_str(&text).map_err(|why| Failure::Usage(format!("{}: {why}", path.display())))
}

fn list(global: &Global) -> Outcome {
    let mut found = Vec::new();
    if let Ok(entries) = fs::read_dir(folder(global)?) {
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        {
            found.push(read_one(path)?);
        }
    }
    if global.json {
        screen::json(&found);
        return Ok(Done::Well);
    }
    if found.is_empty() {
        screen::line("there are none yet: `baton template save NAME --pattern N`");
    }
    for template in &found {
        screen::line(&format!("{} ({} workstreams)", template.name, template.workstreams.len()));
        for (name, value) in &template.parameters {
            screen::line(&format!("  {name} = {value:?}"));
        }
    }
    Ok(Done::Well)
}

fn play(global: &Global, name: &str, set: &[String], dry_run: bool) -> Outcome {
    let template = read_one(&file(global, name)?)?;
    let mut given = BTreeMap::new();
    for pair in set {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::Usage(format!("expected NAME=VALUE, not {pair:?}")))?;
        given.insert(key.to_owned(), value.to_owned());
    }
    let plan = template.filled(&given).map_err(Failure::Usage)?;
    let (_, home) = global.here()?;
    let plans = home.folder().join("plans");
    fs::create_dir_all(&plans)?;
    let path = plans.join(format!("{name}.json"));
    let written = serde_json::json!({ "name": plan.name, "workstreams": plan.workstreams });
    fs::write(&path, written.to_string())?;
    run_verb::run(global, &run_verb::Args::again(path, dry_run))
}
