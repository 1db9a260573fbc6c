//! `baton why TASK`: the one thing that a task waits for.

use baton_app::door::Door;
use baton_core::id::TaskId;
use baton_engine::why::{Why, projection, why};
use baton_store::{Home, Reader};
use serde::Serialize;

use super::{Done, Failure, Global, Outcome, screen, target, unreadable};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The task, such as ws-22 or r1/ws-22
    task: String,
}

#[derive(Serialize)]
struct Answer<'a> {
    task: &'a str,
    why: Why,
    text: String,
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let (_, home) = global.here()?;
    let conn = global.reader()?;
    let task = target::task(&conn, &args.task)?;
    let why = cause(&home, &conn, task)?;
    if global.json {
        screen::json(&Answer { task: &args.task, text: why.to_string(), why });
    } else {
        screen::line(&format!("{} {why}", args.task));
        if matches!(why, Why::Running { .. }) && Door::host(&home).is_none() {
            screen::note("no host is running: `baton run PLAN` or `baton host` goes on with it");
        }
    }
    Ok(Done::Well)
}

/// The host knows best; where none runs, the rows are asked.
pub(super) fn cause(home: &Home, conn: &Reader, task: TaskId) -> Result<Why, Failure> {
    if let Some(mut host) = Door::host(home)
        && let Some(why) = host.why(task)?
    {
        return Ok(why);
    }
    let (board, pool) = projection(conn).map_err(unreadable)?;
    let now = baton_core::clock::Clock::system().now();
    why(conn, (&board, &pool), task, now, None).map_err(unreadable)
}
