//! What was spent, and on whose account.

use std::collections::BTreeMap;

use baton_core::budget::{Basis, Money};
use baton_store::read::cost::{self, Item};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{App, AppError, target};

/// Which costs are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostQuery {
    /// Only of this run, such as `r2`.
    pub run: Option<String>,
    /// What one line stands for.
    #[serde(default)]
    pub by: CostGroup,
}

/// What attempts are added up by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CostGroup {
    /// The run that they are of.
    #[default]
    Run,
    /// The task.
    Task,
    /// The agent that made them.
    Agent,
    /// The model that the agent says it used.
    Model,
    /// The day on which they started, in UTC.
    Day,
}

/// What was spent.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Costs {
    /// By name.
    pub lines: Vec<CostLine>,
    /// Of all lines.
    pub total: CostLine,
}

/// What some attempts used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct CostLine {
    /// The run, task, agent, model or day; left out of the total.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// How many have a bill.
    pub attempts: u64,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// What they cost, or what was charged for them.
    pub cost: Money,
    /// Attempts whose price nobody knows.
    pub unpriced: u64,
    /// What was charged for these because it was set aside.
    pub charged_as_reserved: Money,
}

/// What was spent, added up by one of the accounts.
///
/// # Errors
/// There is no such run; the store can't be read.
pub(crate) fn cost(app: &App, query: &CostQuery) -> Result<Costs, AppError> {
    let reader = &app.reader()?;
    let only = target::only_run(reader, query.run.as_deref())?;
    let items = cost::items(reader).map_err(AppError::unreadable)?;
    let wanted = items.iter().filter(|item| only.is_none_or(|run| item.run == run));
    Ok(Costs::of(wanted, query.by))
}

impl Costs {
    fn of<'a>(items: impl Iterator<Item = &'a Item>, by: CostGroup) -> Self {
        let mut lines: BTreeMap<String, CostLine> = BTreeMap::new();
        let mut total = CostLine::default();
        for item in items {
            lines.entry(key(by, item)).or_default().add(item);
            total.add(item);
        }
        let lines = lines.into_iter().map(|(of, line)| CostLine { of, ..line }).collect();
        Self { lines, total }
    }
}

impl CostLine {
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

fn key(by: CostGroup, item: &Item) -> String {
    match by {
        CostGroup::Run => item.run.to_string(),
        CostGroup::Task => format!("{}/{}", item.run, item.task_name),
        CostGroup::Agent => item.agent_name.clone(),
        CostGroup::Model => item.bill.usage.model.clone().unwrap_or_else(|| "unknown".into()),
        CostGroup::Day => item.started.to_string().chars().take(10).collect(),
    }
}

#[cfg(test)]
mod tests {
    use baton_core::budget::Bill;
    use baton_core::clock::Time;
    use baton_core::id::{AgentId, Epoch, RunId, TaskId};
    use baton_core::usage::Usage;

    use super::*;

    fn item(run: i64, task: &str, agent: &str, basis: Basis, cost: u64) -> Item {
        let usage = Usage { input_tokens: 10, output_tokens: 1, ..Usage::default() };
        Item {
            run: RunId(run),
            task: TaskId(1),
            task_name: task.into(),
            epoch: Epoch(1),
            agent: AgentId(1),
            agent_name: agent.into(),
            started: Time(86_400_000 * run),
            bill: Bill { usage, cost: Money(cost), basis, wall_ms: 5 },
        }
    }

    #[test]
    fn attempts_are_added_up_by_their_account_and_unpriced_ones_are_counted() {
        let items = [
            item(1, "a", "ann", Basis::Reported, 3),
            item(1, "a", "bob", Basis::Reserved, 4),
            item(2, "b", "ann", Basis::Unknown, 0),
        ];
        let by = |group| {
            let lines = Costs::of(items.iter(), group).lines;
            lines.into_iter().map(|line| (line.of, line.attempts, line.cost.0)).collect::<Vec<_>>()
        };
        let lines = |lines: &[(&str, u64, u64)]| {
            lines.iter().map(|(of, attempts, cost)| ((*of).to_owned(), *attempts, *cost)).collect::<Vec<_>>()
        };
        assert_eq!(by(CostGroup::Run), lines(&[("r1", 2, 7), ("r2", 1, 0)]));
        assert_eq!(by(CostGroup::Task), lines(&[("r1/a", 2, 7), ("r2/b", 1, 0)]));
        assert_eq!(by(CostGroup::Agent), lines(&[("ann", 2, 3), ("bob", 1, 4)]));
        assert_eq!(by(CostGroup::Model), lines(&[("unknown", 3, 7)]));
        assert_eq!(by(CostGroup::Day), lines(&[("1970-01-02", 2, 7), ("1970-01-03", 1, 0)]));
        let total = Costs::of(items.iter(), CostGroup::Run).total;
        assert_eq!((total.attempts, total.input_tokens, total.output_tokens), (3, 30, 3));
        assert_eq!((total.unpriced, total.charged_as_reserved, total.of.as_str()), (2, Money(4), ""));
    }
}
