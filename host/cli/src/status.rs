//! `baton status [RUN]`: the state of runs and tasks.

use baton_app::operation;
use baton_app::view::status::{RunStatus, Status, StatusQuery};
use baton_core::task::StateName;

use super::{Done, Failure, Global, Outcome, screen, shown};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run [default: the newest, below a list of all]
    run: Option<String>,
    /// Only tasks in this state
    #[arg(long)]
    state: Option<String>,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let state = args.state.as_deref().map(state).transpose()?;
    let query = StatusQuery { run: args.run.clone(), state };
    shown(global, &operation::STATUS, &query, show)?;
    Ok(Done::Well)
}

fn show(status: &Status) {
    status.runs.iter().for_each(|run| screen::line(&line(run)));
    if status.stands_still() {
        screen::line("  no host is running: `baton run PLAN` or `baton host` goes on");
    }
    for named in &status.waits {
        screen::line(&format!("  waits: {}", named.text()));
    }
    screen::line("");
    let rows = status.tasks.iter().map(|line| {
        let state = if line.held { format!("{} (paused)", line.state) } else { line.state.to_string() };
        let since = if line.state == StateName::Blocked { String::new() } else { line.at.to_string() };
        let agent = line.agent.clone().unwrap_or_default();
        vec![line.task.clone(), state, agent, line.attempts.to_string(), since]
    });
    screen::table(&["task", "state", "agent", "attempts", "since"], &rows.collect::<Vec<_>>());
}

fn state(text: &str) -> Result<StateName, Failure> {
    let known = StateName::ALL.map(StateName::as_str);
    StateName::ALL
        .into_iter()
        .find(|name| name.as_str() == text)
        .ok_or_else(|| Failure::Usage(format!("expected a state ({}), not {text:?}", known.join(", "))))
}

fn line(status: &RunStatus) -> String {
    let RunStatus { run, counts } = status;
    let held = if run.held { ", paused" } else { "" };
    let counts: Vec<String> = counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
    format!("{} {}: {}{held} ({})", run.id, run.name, counts.join(", "), run.router.name)
}
