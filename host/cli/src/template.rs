//! `baton template`: plans with parameters, made of what was done before.

use std::collections::BTreeMap;
use std::fs;

use baton_app::AppError;
use baton_app::operation;
use baton_app::runs::Nothing;
use baton_app::templates::{self, TemplateSaved, TemplateSource};
use baton_core::plan::template::Template;

use super::{Done, Failure, Global, Outcome, done, run as run_verb, screen, shown};

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
            let source =
                TemplateSource { name: name.clone(), pattern: *pattern, run: run.clone(), force: *force };
            done(global, &operation::TEMPLATE_SAVE, &source, |saved| {
                let TemplateSaved { file, workstreams, parameters } = saved;
                let parameters = match parameters.as_slice() {
                    [] => "no parameters".to_owned(),
                    names => format!("parameters {}", names.join(", ")),
                };
                screen::line(&format!("{}: {workstreams} workstreams, {parameters}", file.display()));
            })
        }
        Verb::List => list(global),
        Verb::Run { name, set, dry_run } => play(global, name, set, *dry_run),
    }
}

fn list(global: &Global) -> Outcome {
    shown(global, &operation::TEMPLATES, &Nothing {}, |templates| show(templates))?;
    Ok(Done::Well)
}

fn show(templates: &[Template]) {
    if templates.is_empty() {
        screen::line("there are none yet: `baton template save NAME --pattern N`");
    }
    for template in templates {
        screen::line(&format!("{} ({} workstreams)", template.name, template.workstreams.len()));
        for (name, value) in &template.parameters {
            screen::line(&format!("  {name} = {value:?}"));
        }
    }
}

fn play(global: &Global, name: &str, set: &[String], dry_run: bool) -> Outcome {
    let app = global.app()?;
    let template = templates::named(&app, name)?;
    let mut given = BTreeMap::new();
    for pair in set {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::Usage(format!("expected NAME=VALUE, not {pair:?}")))?;
        given.insert(key.to_owned(), value.to_owned());
    }
    let plan = template.filled(&given).map_err(AppError::from)?;
    let plans = app.home.folder().join("plans");
    fs::create_dir_all(&plans)?;
    let path = plans.join(format!("{name}.json"));
    let written = serde_json::json!({ "name": plan.name, "workstreams": plan.workstreams });
    fs::write(&path, written.to_string())?;
    run_verb::run(global, &run_verb::Args::again(path, dry_run))
}
