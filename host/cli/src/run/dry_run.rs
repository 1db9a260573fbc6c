//! `baton run --dry-run`: the live router decides, nothing is written.

use baton_app::config::Config;
use baton_core::op::RouterChoice;
use baton_core::plan::Plan;
use baton_core::seed::Seed;
use baton_engine::dry_run::{DryRun, play};
use baton_plugin::library::Library;
use baton_plugin::router::least_loaded;
use serde::Serialize;

use super::super::{Done, Failure, Global, Outcome, screen};

#[derive(Serialize)]
struct Line {
    task: String,
    agent: String,
    start_ms: u64,
    end_ms: u64,
    reason: String,
}

pub(super) fn run(
    global: &Global,
    plan: &Plan,
    config: &Config,
    library: &Library,
    choice: &RouterChoice,
) -> Outcome {
    let router = library.router(&choice.name)?;
    let mut degraded = None;
    let settings = library.settings(&choice.name).config;
    let played = play(DryRun {
        plan,
        agents: &config.agents,
        seed: Seed(baton_app::submit::seed_of(plan)),
        config: &settings,
        router: &mut |snapshot| match router.route(snapshot) {
            Ok(routed) => routed.answer,
            Err(why) => {
                degraded.get_or_insert(why.to_string());
                least_loaded(snapshot)
            }
        },
        takes: &mut |workstream| workstream.expected().0,
    });
    let (slots, left) = played.map_err(Failure::Infrastructure)?;
    let millis = |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let lines: Vec<Line> = slots
        .into_iter()
        .map(|slot| Line {
            task: slot.task,
            agent: slot.agent,
            start_ms: millis(slot.start),
            end_ms: millis(slot.end),
            reason: slot.reason,
        })
        .collect();
    if let Some(why) = degraded {
        screen::note(&format!("the host decided by itself: {why}"));
    }
    if global.json {
        screen::json(&lines);
    } else {
        let row = |line: &Line| {
            vec![
                screen::span(line.start_ms),
                screen::span(line.end_ms),
                line.task.clone(),
                line.agent.clone(),
                line.reason.clone(),
            ]
        };
        screen::table(&["start", "end", "task", "agent", "why"], &lines.iter().map(row).collect::<Vec<_>>());
    }
    if left.is_empty() {
        return Ok(Done::Well);
    }
    screen::note(&format!("no agent can do, or gets to in time: {}", left.join(", ")));
    Ok(Done::Failed)
}
