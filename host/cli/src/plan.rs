//! `baton plan`: looking at plans before and while they run.

use std::path::{Path, PathBuf};

use baton_app::App;
use baton_app::operation::{self, AMEND};
use baton_app::runs::Amendment;
use baton_app::view::plan::{self, PlanGraph, PlanQuery, PlanSummary, SimulatedTask, Simulation, Teams};
use baton_core::plan::{Plan, graph, load, schema};
use baton_core::span::Span;

use super::{Done, Global, Outcome, screen};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Whether a plan is sound: all of its errors at once
    Check { plan: PathBuf },
    /// The waves and the critical path
    Graph {
        plan: PathBuf,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// The timeline and speed-up that the estimates predict
    Simulate {
        plan: PathBuf,
        /// Numbers of agents that can do everything
        #[arg(long, value_delimiter = ',', default_values_t = [1, 3, 6])]
        agents: Vec<usize>,
        /// Use the agents of baton.toml, with their skills, tracks and capacities, instead
        #[arg(long)]
        configured: bool,
        /// Print every workstream's place
        #[arg(long)]
        timeline: bool,
    },
    /// The JSON Schema of plans
    Schema,
    /// Make a run follow another version of its plan, as a whole or not at all
    Amend { run: String, plan: PathBuf },
}

impl Verb {
    /// Whether it may print more than a screen.
    pub(super) fn is_long(&self) -> bool {
        match self {
            Self::Graph { .. } | Self::Simulate { .. } | Self::Schema => true,
            Self::Check { .. } | Self::Amend { .. } => false,
        }
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Format {
    Text,
    Mermaid,
    Dot,
}

pub(super) fn run(global: &Global, verb: Verb) -> Outcome {
    match verb {
        Verb::Check { plan } => check(global, &plan),
        Verb::Graph { plan, format } => draw(global, &plan::graph(&plan)?, format),
        Verb::Simulate { plan, agents, configured, timeline } => {
            let teams =
                if configured { Teams::Of(global.config(&plan)?.agents) } else { Teams::Counts(agents) };
            simulate(global, &plan::simulate(&plan, &teams)?, timeline)
        }
        Verb::Schema => {
            screen::block(&serde_json::to_string_pretty(&schema::plan()).unwrap_or_default());
            Ok(Done::Well)
        }
        Verb::Amend { run, plan } => amend(global, &run, load::load(&plan)?),
    }
}

fn check(global: &Global, path: &Path) -> Outcome {
    let query = PlanQuery { plan: path.to_owned() };
    let summary = App::new(global.config(path)?).call(&operation::PLAN_CHECK, &query)?;
    if global.json {
        screen::json(&summary);
        return Ok(Done::Well);
    }
    let PlanSummary { name, workstreams, dependencies, waves, .. } = &summary;
    screen::line(&format!(
        "{name}: {workstreams} workstreams, {dependencies} dependencies, {waves} waves, no errors"
    ));
    if !summary.has_agents {
        screen::note("no agents are configured: who could do it was not looked at");
    }
    Ok(Done::Well)
}

fn draw(global: &Global, drawn: &PlanGraph, format: Format) -> Outcome {
    match format {
        Format::Mermaid => screen::block(graph::mermaid(&drawn.plan).trim_end()),
        Format::Dot => screen::block(graph::dot(&drawn.plan).trim_end()),
        Format::Text if global.json => screen::json(drawn),
        Format::Text => {
            for (number, wave) in drawn.waves.iter().enumerate() {
                screen::line(&format!("wave {}: {}", number + 1, wave.join(" ")));
            }
            let critical = drawn.critical.join(" → ");
            screen::line(&format!("critical path ({}): {critical}", hours(drawn.critical_span)));
            screen::line(&format!("total {}", hours(drawn.total)));
        }
    }
    Ok(Done::Well)
}

/// Estimates are in hours, and days would be read as working days.
fn hours(span: Span) -> String {
    let minutes = span.millis() / 60_000;
    match (minutes / 60, minutes % 60) {
        (0, _) => span.to_string(),
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h{minutes}m"),
    }
}

fn simulate(global: &Global, found: &[Simulation], all: bool) -> Outcome {
    if global.json {
        screen::json(&found);
    } else {
        found.iter().for_each(|simulation| show(simulation, all));
    }
    let stranded: Vec<&str> = found.iter().flat_map(|one| &one.stranded).map(String::as_str).collect();
    if stranded.is_empty() {
        return Ok(Done::Well);
    }
    screen::note(&format!("no agent can do, or gets to: {}", stranded.join(", ")));
    Ok(Done::Failed)
}

fn show(simulation: &Simulation, all: bool) {
    let span = hours(Span::from_millis(simulation.span_ms));
    screen::line(&format!("{} agents: {span} ({:.2}×)", simulation.agents, simulation.speed_up));
    if all {
        simulation.timeline.iter().for_each(|task| screen::line(&place(simulation, task)));
    }
}

fn place(simulation: &Simulation, task: &SimulatedTask) -> String {
    let [start, end] = [task.start_ms, task.end_ms].map(|ms| hours(Span::from_millis(ms)));
    let name = simulation.names.get(task.agent).cloned().flatten();
    let name = name.unwrap_or_else(|| format!("agent {}", task.agent + 1));
    format!("  {start:>6} – {end:<6} {name:10} {}", task.workstream)
}

fn amend(global: &Global, run: &str, plan: Plan) -> Outcome {
    let amended = global.app()?.call(&AMEND, &Amendment { run: run.to_owned(), plan })?;
    if global.json {
        screen::json(&amended);
    } else if amended.diff.is_empty() {
        screen::line(&format!("{} follows this plan already", amended.run));
    } else {
        screen::block(&amended.diff.to_string());
    }
    Ok(Done::Well)
}
