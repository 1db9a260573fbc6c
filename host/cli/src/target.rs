//! What a person names on the command line: a run (`r2`), a task (`ws-22`, in the newest run that has it), or a task
//! of a run (`r2/ws-22`).

use baton_app::door::Door;
use baton_core::id::{RunId, TaskId};
use baton_core::op::Op;
use baton_core::plan::load::nearest;
use baton_store::Reader;
use baton_store::read::{self, summary};

use super::{Done, Failure, Global, Outcome, screen, unreadable};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Run(RunId),
    Task(TaskId),
}

pub(super) fn target(conn: &Reader, text: &str) -> Result<Target, Failure> {
    match text.parse::<RunId>() {
        Ok(run) => known(conn, run).map(Target::Run),
        Err(_) => task(conn, text).map(Target::Task),
    }
}

fn known(conn: &Reader, run: RunId) -> Result<RunId, Failure> {
    match read::run(conn, run).map_err(unreadable)? {
        Some(run) => Ok(run.id),
        None => Err(Failure::Usage(format!("there is no run {run}: `baton status` lists them"))),
    }
}

/// The run that is named, or the newest.
pub(super) fn run(conn: &Reader, text: Option<&str>) -> Result<RunId, Failure> {
    match text {
        Some(text) => known(conn, text.parse().map_err(Failure::Usage)?),
        None => {
            let newest = read::runs(conn).map_err(unreadable)?.pop();
            newest
                .map(|run| run.id)
                .ok_or_else(|| Failure::Usage("there are no runs yet: `baton run PLAN`".into()))
        }
    }
}

pub(super) fn task(conn: &Reader, text: &str) -> Result<TaskId, Failure> {
    let (run_text, name) = match text.split_once('/') {
        Some((run, name)) if run.parse::<RunId>().is_ok() => (Some(run), name),
        Some(_) | None => (None, text),
    };
    let run = run(conn, run_text)?;
    if let Some(task) = read::task_named(conn, run, name).map_err(unreadable)? {
        return Ok(task);
    }
    let lines = summary::lines(conn, run).map_err(unreadable)?;
    let hint = nearest(name, lines.iter().map(|line| line.task.as_str()))
        .map(|word| format!(" (did you mean {word:?}?)"))
        .unwrap_or_default();
    Err(Failure::Usage(format!("{run} has no task {name:?}{hint}")))
}

/// What a verb is asked to do something to.
#[derive(Debug, clap::Args)]
pub(super) struct Targets {
    /// Runs (r1) or tasks (ws-22, r1/ws-22)
    #[arg(required = true)]
    what: Vec<String>,
}

impl Targets {
    pub(super) fn names(&self) -> &[String] {
        &self.what
    }
}

/// Applies one operation to each of them, and says what it came to.
pub(super) fn apply(global: &Global, targets: &Targets, done: &str, op: impl Fn(Target) -> Op) -> Outcome {
    let (_, home) = global.here()?;
    let conn = global.reader()?;
    let mut door = Door::open(&home)?;
    for what in &targets.what {
        door.apply(op(target(&conn, what)?))?;
        if !global.quiet {
            screen::line(&format!("{what} {done}"));
        }
    }
    Ok(Done::Well)
}
