//! `baton cost [RUN]`: what was spent, and on whose account.

use std::collections::BTreeMap;

use baton_core::budget::{Basis, Money};
use baton_core::id::RunId;
use baton_store::read::cost::{self, Item};
use serde::Serialize;

use super::{Done, Failure, Global, Outcome, screen, target, unreadable};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this run
    run: Option<String>,
    /// One line for each of these
    #[arg(long, value_enum, default_value_t = By::Run)]
    by: By,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum By {
    Run,
    Task,
    Agent,
    Model,
    /// In UTC
    Day,
}

#[derive(Debug, Default, Serialize)]
struct Line {
    #[serde(skip_serializing_if = "String::is_empty")]
    of: String,
    attempts: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost: Money,
    /// Attempts whose price nobody knows, and what was charged for them because it was set aside.
    unpriced: u64,
    charged_as_reserved: Money,
}

impl Line {
    fn add(&mut self, item: &Item) {
        let bill = &item.bill;
        self.attempts += 1;
        self.input_tokens = self.input_tokens.saturating_add(bill.usage.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(bill.usage.output_tokens);
        self.cost = Money(self.cost.0.saturating_add(bill.cost.0));
        match bill.basis {
            Basis::Reported | Basis::Priced => {}
            Basis::Reserved => {
                self.unpriced += 1;
                self.charged_as_reserved = Money(self.charged_as_reserved.0.saturating_add(bill.cost.0));
            }
            Basis::Unknown => self.unpriced += 1,
        }
    }
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let conn = global.reader()?;
    let only = args.run.as_deref().map(|run| target::run(&conn, Some(run))).transpose()?;
    let items = cost::items(&conn).map_err(unreadable)?;
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    let mut total = Line::default();
    for item in items.iter().filter(|item| only.is_none_or(|only: RunId| item.run == only)) {
        let key = key(args.by, item);
        lines.entry(key.clone()).or_insert_with(|| Line { of: key, ..Line::default() }).add(item);
        total.add(item);
    }
    if global.json {
        let lines: Vec<&Line> = lines.values().collect();
        screen::json(&serde_json::json!({ "lines": lines, "total": total }));
        return Ok(Done::Well);
    }
    show(args.by, &lines, &total);
    Ok::<_, Failure>(Done::Well)
}

fn key(by: By, item: &Item) -> String {
    match by {
        By::Run => item.run.to_string(),
        By::Task => format!("{}/{}", item.run, item.task_name),
        By::Agent => item.agent_name.clone(),
        By::Model => item.bill.usage.model.clone().unwrap_or_else(|| "unknown".into()),
        By::Day => item.started.to_string().chars().take(10).collect(),
    }
}

fn show(by: By, lines: &BTreeMap<String, Line>, total: &Line) {
    if lines.is_empty() {
        screen::line("nothing was spent, as far as agents say");
        return;
    }
    let head = match by {
        By::Run => "run",
        By::Task => "task",
        By::Agent => "agent",
        By::Model => "model",
        By::Day => "day",
    };
    let cells = |name: &str, line: &Line| {
        let counts = [line.attempts, line.input_tokens, line.output_tokens, line.unpriced];
        let mut row = vec![name.to_owned()];
        row.extend(counts.map(|count| count.to_string()));
        row.push(line.cost.to_string());
        row
    };
    let mut rows: Vec<Vec<String>> = lines.iter().map(|(name, line)| cells(name, line)).collect();
    rows.push(cells("total", total));
    screen::table(&[head, "attempts", "input", "output", "unpriced", "cost"], &rows);
    if total.unpriced > 0 {
        screen::line(&format!(
            "nobody knows what {} of these attempts cost; {} of the total is what was set aside for them. Add [prices.\"MODEL\"] \
             input and output (for a million tokens), or cost to their agents (for an attempt), to baton.toml",
            total.unpriced, total.charged_as_reserved
        ));
    }
}
