//! `baton events [RUN]`: the record, as it was written.

use std::time::Duration;

use baton_app::view::events::{EventEntry, EventQuery, stream};
use baton_core::event::Event;

use super::{Done, Global, Outcome, screen};

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

/// How often it is looked for more.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let query = EventQuery { run: args.run.clone(), after: args.after, kind: args.kind.clone() };
    let mut stream = stream(&global.app()?, &query)?;
    loop {
        let page = stream.page()?;
        page.iter().for_each(|entry| print(global, entry));
        if screen::is_closed() {
            return Ok(Done::Well);
        }
        match page.len() {
            0 if args.follow => std::thread::sleep(LOOK),
            0 => return Ok(Done::Well),
            _ => {}
        }
    }
}

fn print(global: &Global, entry: &EventEntry) {
    if global.json {
        screen::json(entry);
        return;
    }
    let EventEntry { event, name, .. } = entry;
    let run = event.run.map_or_else(|| "host".to_owned(), |run| run.to_string());
    let place = name.as_ref().map_or_else(|| run.clone(), |name| format!("{run}/{name}"));
    screen::line(&format!("{:>6} {} {place} {}{}", event.seq, event.at, event.fact.kind(), detail(event)));
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
