//! `baton status [RUN]`: what stands where.

use baton_app::control::Client;
use baton_app::why;
use baton_core::task::StateName;
use baton_engine::waits::Wait;
use baton_store::Reader;
use baton_store::read::{self, summary};
use serde::Serialize;

use super::run::follow;
use super::{Done, Failure, Global, Outcome, screen, target, unreadable};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run [default: the newest, below a list of all]
    run: Option<String>,
    /// Only tasks in this state
    #[arg(long)]
    state: Option<String>,
}

#[derive(Serialize)]
struct RunStatus {
    #[serde(flatten)]
    run: read::Run,
    counts: std::collections::BTreeMap<StateName, u64>,
}

#[derive(Serialize)]
struct Status {
    runs: Vec<RunStatus>,
    tasks: Vec<summary::Line>,
    /// What the run waits for.
    waits: Vec<Wait>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let conn = global.reader()?;
    let wanted = args.state.as_deref().map(state).transpose()?;
    let id = target::run(&conn, args.run.as_deref())?;
    let runs = match &args.run {
        Some(_) => read::run(&conn, id).map_err(unreadable)?.into_iter().collect(),
        None => read::runs(&conn).map_err(unreadable)?,
    };
    let runs = runs.into_iter().map(|run| with_counts(&conn, run)).collect::<Result<Vec<_>, _>>()?;
    let mut tasks = summary::lines(&conn, id).map_err(unreadable)?;
    tasks.retain(|line| wanted.is_none_or(|wanted| line.state == wanted));
    let waits = why::waits(&global.app()?, &conn, id)?;
    if global.json {
        screen::json(&Status { runs, tasks, waits });
        return Ok(Done::Well);
    }
    for status in &runs {
        let held = if status.run.held { ", paused" } else { "" };
        let counts: Vec<String> =
            status.counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
        screen::line(&format!(
            "{} {}: {}{held} ({})",
            status.run.id,
            status.run.name,
            counts.join(", "),
            status.run.router.name
        ));
    }
    let goes_on = runs.iter().any(|status| status.run.settled.is_none());
    if goes_on && !Client::is_there(&global.here()?.1) {
        screen::line("  no host is running: `baton run PLAN` or `baton host` goes on");
    }
    for wait in waits {
        let name = read::name(&conn, wait.task).map_err(unreadable)?;
        screen::line(&format!("  waits: {}", follow::waiting(&name, &wait)));
    }
    screen::line("");
    let rows: Vec<Vec<String>> = tasks.iter().map(row).collect();
    screen::table(&["task", "state", "agent", "attempts", "since"], &rows);
    Ok(Done::Well)
}

fn state(text: &str) -> Result<StateName, Failure> {
    let known = StateName::ALL.map(StateName::as_str);
    StateName::ALL
        .into_iter()
        .find(|name| name.as_str() == text)
        .ok_or_else(|| Failure::Usage(format!("expected a state ({}), not {text:?}", known.join(", "))))
}

fn with_counts(conn: &Reader, run: read::Run) -> Result<RunStatus, Failure> {
    let counts = summary::counts(conn, run.id).map_err(unreadable)?;
    Ok(RunStatus { run, counts })
}

fn row(line: &summary::Line) -> Vec<String> {
    let state = if line.held { format!("{} (paused)", line.state) } else { line.state.to_string() };
    let since = if line.state == StateName::Blocked { String::new() } else { line.at.to_string() };
    vec![line.task.clone(), state, line.agent.clone().unwrap_or_default(), line.attempts.to_string(), since]
}
