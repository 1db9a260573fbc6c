//! Metrics of the parts of a composite task. Each is computed from the host's facts about a part (`baton.*`) and from its
//! usage, so a query over the host's tables gives the same numbers.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::words::{Child, TaskState};

/// Metrics of the parts that had ended when they were computed; running parts are not counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// From the first start of a part to the last end of one; none if no part has both.
    pub execution_ms: Option<u64>,
    /// The time that agents worked on the parts and on tasks for them, over all attempts, without waiting.
    pub work_ms: u64,
    /// `work_ms / (execution_ms * w)`, where `w` is the most parts that were worked on at one moment (a part that ends
    /// when another starts does not overlap it). 1.0: the team was never smaller than at its largest. None when
    /// `execution_ms` is none or 0. It says nothing about whether the work was good.
    pub coordination_efficiency: Option<f64>,
    /// The mean score of the parts that succeeded and have one; none if no part was checked.
    pub quality: Option<f64>,
    /// The agents that worked on parts, sorted, each once.
    pub agents_used: Vec<String>,
    /// The number of those with at least one accepted part.
    pub successful_agents: usize,
    /// The sum of the known costs in millionths, over all attempts including evidence for validators.
    pub cost_micros: u64,
    /// Whether the sum is complete. The cost of a part that is running or was stopped is unknown.
    pub cost_known: bool,
    /// Tokens of the last attempts at the parts.
    pub tokens: Tokens,
}

/// Numbers of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Tokens {
    /// Read by models.
    pub input: u64,
    /// Written by models.
    pub output: u64,
}

impl Metrics {
    /// The metrics of these parts.
    pub fn of<'a>(children: impl IntoIterator<Item = &'a Child>) -> Self {
        let (ended, others): (Vec<&Child>, Vec<&Child>) =
            children.into_iter().partition(|child| child.has_ended());
        let spans: Vec<(u64, u64)> = ended.iter().filter_map(|child| child.span()).collect();
        let execution_ms = extent(&spans);
        let work_ms = ended.iter().filter_map(|child| child.work()).sum();
        Self {
            execution_ms,
            work_ms,
            coordination_efficiency: execution_ms
                .filter(|took| *took > 0)
                .map(|took| rounded(work_ms as f64 / (took as f64 * busiest(&spans) as f64))),
            quality: mean(&accepted(&ended).filter_map(Child::score).collect::<Vec<f64>>()).map(rounded),
            agents_used: names(ended.iter().copied()).into_iter().map(str::to_owned).collect(),
            successful_agents: names(accepted(&ended)).len(),
            cost_micros: ended.iter().map(|child| child.spent()).sum(),
            cost_known: ended.iter().all(|child| child.is_free() || child.cost().is_some())
                && others.iter().all(|child| child.is_free()),
            tokens: tokens(&ended),
        }
    }
}

impl Child {
    /// Its cost in millionths, including tasks for it; none = unknown. From a host without that fact, the cost of its last
    /// attempt.
    pub fn cost(&self) -> Option<u64> {
        match self.fact("cost-known") {
            Some("true") => self.number("cost-micros"),
            Some(_) => None,
            None => self.outcome.as_ref()?.usage.cost_micros,
        }
    }

    /// The known part of its cost.
    fn spent(&self) -> u64 {
        self.number("cost-micros").or_else(|| self.cost()).unwrap_or(0)
    }

    /// The time that agents worked on it, in milliseconds. From a host without that fact, the span from start to end.
    fn work(&self) -> Option<u64> {
        self.number("work-ms").or_else(|| self.span().map(|(start, end)| end - start))
    }

    fn number(&self, fact: &str) -> Option<u64> {
        self.fact(fact)?.parse().ok()
    }

    /// Whether it can't have cost anything, because it was never started.
    fn is_free(&self) -> bool {
        match self.state {
            TaskState::Blocked | TaskState::Ready | TaskState::Skipped => true,
            TaskState::Running
            | TaskState::Waiting
            | TaskState::Backoff
            | TaskState::Succeeded
            | TaskState::Failed
            | TaskState::Cancelled => false,
        }
    }
}

/// Rounds to six decimal places, so that the order of additions does not matter.
pub fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

fn accepted<'a>(ended: &[&'a Child]) -> impl Iterator<Item = &'a Child> {
    ended.iter().copied().filter(|child| child.has_succeeded())
}

fn names<'a>(children: impl Iterator<Item = &'a Child>) -> BTreeSet<&'a str> {
    children.filter_map(Child::agent).collect()
}

fn tokens(ended: &[&Child]) -> Tokens {
    let usages = ended.iter().filter_map(|child| child.outcome.as_ref()).map(|outcome| &outcome.usage);
    usages.fold(Tokens::default(), |sum, usage| Tokens {
        input: sum.input.saturating_add(usage.input_tokens),
        output: sum.output.saturating_add(usage.output_tokens),
    })
}

fn mean(numbers: &[f64]) -> Option<f64> {
    (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
}

fn extent(spans: &[(u64, u64)]) -> Option<u64> {
    let first = spans.iter().map(|(start, _)| start).min()?;
    let last = spans.iter().map(|(_, end)| end).max()?;
    Some(last - first)
}

/// The most spans that overlap at one moment; at least 1.
fn busiest(spans: &[(u64, u64)]) -> usize {
    let holding = |moment: u64| spans.iter().filter(|(start, end)| *start <= moment && moment < *end).count();
    spans.iter().map(|(start, _)| holding(*start)).max().unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{failed, running, succeeded, with_facts};
    use crate::words::{ErrorClass, Outcome, Usage};

    fn part(name: &str, agent: &str, span: (&str, &str), score: &str, cost: Option<u64>) -> Child {
        let mut outcome = Outcome::text("");
        outcome.usage = Usage { input_tokens: 10, output_tokens: 1, ..Usage::default() };
        let worked = span.1.parse::<u64>().unwrap() - span.0.parse::<u64>().unwrap();
        let (worked, spent, known) =
            (worked.to_string(), cost.unwrap_or(0).to_string(), cost.is_some().to_string());
        let facts = [
            ("agent", agent),
            ("started-ms", span.0),
            ("ended-ms", span.1),
            ("score", score),
            ("work-ms", &worked),
            ("cost-micros", &spent),
            ("cost-known", &known),
        ];
        with_facts(succeeded(name, outcome), &facts)
    }

    #[test]
    fn two_at_once_and_one_alone() {
        let children = [
            part("a", "x", ("100", "200"), "1", Some(5)),
            part("b", "y", ("100", "200"), "0.5", Some(6)),
            part("c", "x", ("200", "300"), "0.6", Some(7)),
        ];
        let metrics = Metrics::of(&children);
        assert_eq!(
            metrics,
            Metrics {
                execution_ms: Some(200),
                work_ms: 300,
                coordination_efficiency: Some(0.75),
                quality: Some(0.7),
                agents_used: vec![String::from("x"), String::from("y")],
                successful_agents: 2,
                cost_micros: 18,
                cost_known: true,
                tokens: Tokens { input: 30, output: 3 },
            }
        );
    }

    #[test]
    fn one_after_the_other_without_a_gap_is_efficient() {
        let children = [part("a", "x", ("0", "50"), "1", None), part("b", "x", ("50", "60"), "1", Some(1))];
        let metrics = Metrics::of(&children);
        assert_eq!(metrics.coordination_efficiency, Some(1.0));
        assert_eq!((metrics.cost_micros, metrics.cost_known), (1, false));
    }

    #[test]
    fn what_failed_has_worked_and_has_no_known_cost() {
        let facts = [
            ("agent", "z"),
            ("started-ms", "0"),
            ("ended-ms", "100"),
            ("work-ms", "60"),
            ("cost-known", "false"),
        ];
        let lost = with_facts(failed("b", ErrorClass::Refused, "no"), &facts);
        let metrics = Metrics::of(&[part("a", "x", ("0", "50"), "1", Some(1)), lost]);
        assert_eq!((metrics.work_ms, metrics.coordination_efficiency), (110, Some(0.55)));
        assert_eq!((metrics.agents_used.len(), metrics.successful_agents, metrics.cost_known), (2, 1, false));
    }

    #[test]
    fn what_was_stopped_has_a_cost_that_nobody_knows() {
        let metrics = Metrics::of(&[part("a", "x", ("0", "50"), "1", Some(3)), running("b")]);
        assert_eq!((metrics.cost_micros, metrics.cost_known), (3, false));
    }

    #[test]
    fn nothing_known_is_nothing_said() {
        let metrics = Metrics::of(&[]);
        assert_eq!(
            (metrics.execution_ms, metrics.coordination_efficiency, metrics.quality),
            (None, None, None)
        );
        assert!(metrics.cost_known);
    }
}
