//! `baton plan`: looking at plans before and while they run.

use std::path::{Path, PathBuf};

use baton_app::bundled;
use baton_app::operation::AMEND;
use baton_app::runs::Amendment;
use baton_core::kind::Kind;
use baton_core::plan::check::Available;
use baton_core::plan::simulate::{Timeline, generalists, timeline};
use baton_core::plan::{Plan, graph, load, schema};
use baton_core::span::Span;
use baton_store::read;
use baton_store::{Home, reader};

use super::{Done, Failure, Global, Outcome, agents_of, screen, unreadable};

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
        Verb::Graph { plan, format } => draw(global, &load::load(&plan)?, format),
        Verb::Simulate { plan, agents, configured, timeline } => {
            let loaded = load::load(&plan)?;
            let teams = if configured {
                vec![
                    global
                        .config(&plan)?
                        .agents
                        .into_iter()
                        .flat_map(|card| vec![Some(card.clone()); card.capacity as usize])
                        .collect(),
                ]
            } else {
                agents.into_iter().filter(|count| *count > 0).map(generalists).collect()
            };
            simulate(global, &loaded, &teams, timeline)
        }
        Verb::Schema => {
            screen::block(&serde_json::to_string_pretty(&schema::plan()).unwrap_or_default());
            Ok(Done::Well)
        }
        Verb::Amend { run, plan } => amend(global, &run, load::load(&plan)?),
    }
}

fn check(global: &Global, path: &Path) -> Outcome {
    let available = available(global, path)?;
    let plan = &load::load_for(path, &available)?;
    let shape = graph::shape(plan);
    let edges: usize = plan.workstreams.iter().map(|one| one.depends_on.len()).sum();
    if global.json {
        screen::json(&serde_json::json!({
            "name": plan.name, "workstreams": plan.workstreams.len(), "dependencies": edges,
            "waves": shape.waves.len(), "digest": plan.digest(),
        }));
    } else {
        screen::line(&format!(
            "{}: {} workstreams, {edges} dependencies, {} waves, no errors",
            plan.name,
            plan.workstreams.len(),
            shape.waves.len()
        ));
        if available.agents.is_empty() {
            screen::note("no agents are configured: who could do it was not looked at");
        }
    }
    Ok(Done::Well)
}

/// What the plan's configuration and the store have to carry it out with.
fn available(global: &Global, path: &Path) -> Result<Available, Failure> {
    let config = global.config(path)?;
    let home = Home::at(&config.store);
    let conn = if home.exists() { Some(reader(&home)?) } else { None };
    let installed = conn.as_ref().map(read::plugins).transpose().map_err(unreadable)?.unwrap_or_default();
    let named = |kind: Kind| {
        let installed = installed.iter().filter(|row| row.kind == kind).map(|row| row.name.clone());
        bundled::plugins().of(kind).map(|plugin| plugin.name.to_owned()).chain(installed).collect()
    };
    let agents = agents_of(&config, conn.as_ref())?;
    Ok(Available { executors: named(Kind::Executor), validators: named(Kind::Validator), agents })
}

fn draw(global: &Global, plan: &Plan, format: Format) -> Outcome {
    let name = |index: &usize| plan.workstreams[*index].id.clone();
    let shape = graph::shape(plan);
    match format {
        Format::Mermaid => screen::block(graph::mermaid(plan).trim_end()),
        Format::Dot => screen::block(graph::dot(plan).trim_end()),
        Format::Text if global.json => {
            let waves: Vec<Vec<String>> =
                shape.waves.iter().map(|wave| wave.iter().map(name).collect()).collect();
            let critical: Vec<String> = shape.critical.iter().map(name).collect();
            screen::json(&serde_json::json!({
                "waves": waves, "critical": critical, "critical_span": shape.critical_span, "total": shape.total,
            }));
        }
        Format::Text => {
            for (number, wave) in shape.waves.iter().enumerate() {
                screen::line(&format!(
                    "wave {}: {}",
                    number + 1,
                    wave.iter().map(name).collect::<Vec<_>>().join(" ")
                ));
            }
            let critical: Vec<String> = shape.critical.iter().map(name).collect();
            screen::line(&format!(
                "critical path ({}): {}",
                hours(shape.critical_span),
                critical.join(" → ")
            ));
            screen::line(&format!("total {}", hours(shape.total)));
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

#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn simulate(
    global: &Global,
    plan: &Plan,
    teams: &[Vec<Option<baton_core::agent::Card>>],
    all: bool,
) -> Outcome {
    let alone = timeline(plan, &generalists(1)).span.millis().max(1) as f64;
    let mut results = Vec::new();
    let mut stranded = Vec::new();
    for team in teams {
        let timeline = timeline(plan, team);
        let speed_up = alone / timeline.span.millis().max(1) as f64;
        stranded.extend(timeline.stranded.iter().map(|index| plan.workstreams[*index].id.clone()));
        if !global.json {
            screen::line(&format!("{} agents: {} ({speed_up:.2}×)", team.len(), hours(timeline.span)));
            if all {
                places(plan, team, &timeline);
            }
        }
        results.push(serde_json::json!({
            "agents": team.len(), "span_ms": timeline.span.millis(), "speed_up": speed_up,
            "timeline": timeline.slots.iter().map(|slot| serde_json::json!({
                "workstream": plan.workstreams[slot.workstream].id, "agent": slot.agent,
                "start_ms": slot.start.millis(), "end_ms": slot.end.millis(),
            })).collect::<Vec<_>>(),
        }));
    }
    if global.json {
        screen::json(&results);
    }
    if stranded.is_empty() {
        return Ok(Done::Well);
    }
    screen::note(&format!("no agent can do, or gets to: {}", stranded.join(", ")));
    Ok(Done::Failed)
}

fn places(plan: &Plan, team: &[Option<baton_core::agent::Card>], timeline: &Timeline) {
    let agent = |index: usize| match team.get(index) {
        Some(Some(card)) => card.name.clone(),
        Some(None) | None => format!("agent {}", index + 1),
    };
    for slot in &timeline.slots {
        let place = format!("{:>6} – {:<6}", hours(slot.start), hours(slot.end));
        screen::line(&format!("  {place} {:10} {}", agent(slot.agent), plan.workstreams[slot.workstream].id));
    }
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
