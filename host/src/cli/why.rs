//! `baton why TASK`: the one thing that a task waits for.

use serde::Serialize;

use super::{Done, Global, Outcome, screen, target, unreadable};
use crate::scheduler::why::{Why, why};

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
    let hosted = crate::store::Lock::take(&home).is_err();
    let now = crate::clock::Clock::system(crate::clock::Time(0)).now();
    let why = why(&conn, task, now, hosted).map_err(unreadable)?;
    if global.json {
        screen::json(&Answer { task: &args.task, text: why.to_string(), why });
    } else {
        screen::line(&format!("{} {why}", args.task));
    }
    Ok(Done::Well)
}
