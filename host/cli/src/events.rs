//! `baton events [RUN]`: the record, as it was written.

use baton_core::event::{Event, Fact};
use baton_core::nearest::nearest;
use baton_store::Reader;
use baton_store::read::{self, history};
use serde::Serialize;

use super::{Done, Failure, Global, Outcome, screen, target, unreadable};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run [default: everything]
    run: Option<String>,
    /// Go on as more happens
    #[arg(long, short)]
    follow: bool,
    /// Only events after this number
    #[arg(long, default_value_t = 0)]
    after: i64,
    /// Only these kinds, such as accepted or retrying
    #[arg(long, value_delimiter = ',')]
    kind: Vec<String>,
}

impl Args {
    pub(super) fn follows(&self) -> bool {
        self.follow
    }
}

/// An event as programs see it.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    #[serde(flatten)]
    event: &'a Event,
    /// The task by its own name.
    name: Option<String>,
    time: String,
}

impl<'a> Line<'a> {
    pub(super) fn new(event: &'a Event, name: Option<String>) -> Self {
        Self { event, name, time: event.at.to_string() }
    }
}

const PAGE: usize = 1000;

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    for kind in &args.kind {
        known(kind)?;
    }
    let conn = global.reader()?;
    let run = match &args.run {
        Some(_) => Some(target::run(&conn, args.run.as_deref())?),
        None => None,
    };
    let mut after = args.after;
    loop {
        let events = history::events(&conn, run, after, PAGE).map_err(unreadable)?;
        for event in &events {
            after = event.seq;
            if args.kind.is_empty() || args.kind.iter().any(|kind| kind == event.fact.kind()) {
                print(global, &conn, event)?;
            }
        }
        if screen::is_closed() {
            return Ok(Done::Well);
        }
        match events.len() {
            PAGE => {}
            _ if args.follow => std::thread::sleep(std::time::Duration::from_millis(100)),
            _ => return Ok(Done::Well),
        }
    }
}

fn known(kind: &str) -> Result<(), Failure> {
    if Fact::KINDS.contains(&kind) {
        return Ok(());
    }
    let hint = nearest(kind, Fact::KINDS.into_iter()).map(|word| format!(" (did you mean {word:?}?)"));
    let kinds = Fact::KINDS.join(", ");
    Err(Failure::Usage(format!("there is no event {kind:?}{}; there are {kinds}", hint.unwrap_or_default())))
}

fn print(global: &Global, conn: &Reader, event: &Event) -> Result<(), Failure> {
    let name = event.task.map(|task| read::name(conn, task)).transpose().map_err(unreadable)?;
    if global.json {
        screen::json(&Line::new(event, name));
        return Ok(());
    }
    let run = event.run.map_or_else(|| "host".to_owned(), |run| run.to_string());
    let place = name.map_or_else(|| run.clone(), |name| format!("{run}/{name}"));
    screen::line(&format!("{:>6} {} {place} {}{}", event.seq, event.at, event.fact.kind(), detail(event)));
    Ok(())
}

/// What the event says beyond its kind, as compact JSON; a task's whole first state is left to `--json`.
fn detail(event: &Event) -> String {
    let Ok(serde_json::Value::Object(mut fields)) = serde_json::to_value(&event.fact) else {
        return String::new();
    };
    fields.remove("kind");
    fields.remove("task");
    if fields.is_empty() { String::new() } else { format!(" {}", serde_json::Value::Object(fields)) }
}
