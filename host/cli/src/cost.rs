//! `baton cost [RUN]`: what was spent, and on whose account.

use baton_app::operation;
use baton_app::view::cost::{CostGroup, CostLine, CostQuery, Costs};

use super::{Done, Global, Outcome, screen, shown};

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

impl From<By> for CostGroup {
    fn from(by: By) -> Self {
        match by {
            By::Run => Self::Run,
            By::Task => Self::Task,
            By::Agent => Self::Agent,
            By::Model => Self::Model,
            By::Day => Self::Day,
        }
    }
}

pub(super) fn run(global: &Global, args: &Args) -> Outcome {
    let query = CostQuery { run: args.run.clone(), by: args.by.into() };
    shown(global, &operation::COST, &query, |costs| show(args.by, costs))?;
    Ok(Done::Well)
}

fn show(by: By, costs: &Costs) {
    let Costs { lines, total } = costs;
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
    let cells = |name: &str, line: &CostLine| {
        let counts = [line.attempts, line.input_tokens, line.output_tokens, line.unpriced];
        let mut row = vec![name.to_owned()];
        row.extend(counts.map(|count| count.to_string()));
        row.push(line.cost.to_string());
        row
    };
    let mut rows: Vec<Vec<String>> = lines.iter().map(|line| cells(&line.of, line)).collect();
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
