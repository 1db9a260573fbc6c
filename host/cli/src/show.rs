//! `baton show TASK`: all that is known of a task.

use baton_app::operation;
use baton_app::view::task::{TaskDetails, TaskQuery, changed_paths};
use baton_core::ending::Ending;
use baton_core::scope::Glob;

use super::{Done, Global, Outcome, screen, shown};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The task, such as ws-22 or r1/ws-22
    task: String,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    shown(global, &operation::TASK, &TaskQuery { task: args.task.clone() }, text)?;
    Ok(Done::Well)
}

fn text(details: &TaskDetails) {
    let TaskDetails { task, spec, depends_on, attempts, why } = details;
    let say = |key: &str, value: &str| {
        if !value.is_empty() {
            screen::line(&format!("  {key:12} {value}"));
        }
    };
    screen::line(&format!("{}/{} {}", task.run, spec.id, spec.title));
    say("state", &format!("{}{}", task.state.name(), if task.held { ", paused" } else { "" }));
    say("why", &why.as_ref().map(ToString::to_string).unwrap_or_default());
    say("skills", &spec.skills.join(", "));
    say("track", spec.track.as_deref().unwrap_or_default());
    let globs = |globs: &[Glob]| globs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    say("writes", &globs(&spec.paths));
    say("reads", &globs(&spec.reads));
    let depends: Vec<String> = depends_on
        .iter()
        .map(|(name, met)| format!("{name}{}", if *met { "" } else { " (not yet)" }))
        .collect();
    say("depends on", &depends.join(", "));
    say("executor", spec.executor.as_deref().unwrap_or_default());
    say("validators", &spec.validators.iter().map(|one| one.uses.clone()).collect::<Vec<_>>().join(", "));
    say("attempts", &format!("{} of {}, {} crashes", task.attempts, spec.retry.attempts, task.crashes));
    say("input", &spec.input.to_string());
    let cut = spec.metadata.iter().filter_map(|(name, value)| Some((name.strip_prefix("handoff.")?, value)));
    for (from, kept) in cut {
        say("handed on", &format!("{} from {from}, by what says most", kept.as_str().unwrap_or_default()));
    }
    for (number, attempt) in attempts.iter().enumerate() {
        let agent = attempt.agent.as_deref().unwrap_or("its executor");
        let ending = attempt.ending.map_or("under way", Ending::as_str);
        screen::line(&format!("  attempt {} by {agent} at {}: {ending}", number + 1, attempt.started));
        if let Some(outcome) = &attempt.report.outcome {
            say("  summary", &outcome.summary);
            let output = outcome.output.to_string();
            say("  output", if output == "null" { "" } else { &output });
            say("  changed", &changed_paths(outcome).map(shortened).unwrap_or_default());
        }
        for check in &attempt.report.checks {
            let verdict = if check.passed { "passed" } else { "refused" };
            say("  check", &format!("{} {verdict} ({:.2}) {}", check.name, check.score, check.explanation));
        }
        if let Some(fault) = &attempt.report.fault {
            say("  fault", &fault.to_string());
        }
    }
}

/// Paths that are named of those that an attempt changed.
const PATHS: usize = 20;

fn shortened(mut paths: Vec<String>) -> String {
    if paths.is_empty() {
        return "no file".into();
    }
    let more = paths.len().saturating_sub(PATHS);
    paths.truncate(PATHS);
    if more > 0 {
        paths.push(format!("and {more} more"));
    }
    paths.join(", ")
}
