//! `baton router explain`: why a task went where it went.

use baton_app::operation;
use baton_app::view::router::{CandidateForecast, Explanation};
use baton_app::view::task::TaskQuery;
use baton_core::budget::Money;

use super::super::{Done, Global, Outcome, screen, shown};

pub(super) fn explain(global: &Global, task: &str) -> Outcome {
    let query = TaskQuery { task: task.to_owned() };
    shown(global, &operation::ROUTER_EXPLAIN, &query, |explained| show(task, explained))?;
    Ok(Done::Well)
}

fn show(task: &str, explained: &Explanation) {
    let chosen = explained.chosen.as_deref().unwrap_or("nobody");
    screen::line(&format!(
        "{task} → {chosen} by {} at {}: {}",
        explained.router, explained.at, explained.reason
    ));
    let number = |value: Option<f64>| value.map(|value| format!("{value:.4}")).unwrap_or_default();
    let rows: Vec<Vec<String>> = explained
        .candidates
        .iter()
        .map(|candidate| {
            let factors =
                candidate.factors.iter().map(|(name, value, weight)| format!("{name} {value:.3}×{weight}"));
            vec![
                candidate.agent.clone(),
                number(candidate.total),
                number(candidate.propensity),
                candidate.forecast.as_ref().map(expected).unwrap_or_default(),
                factors.collect::<Vec<_>>().join(", "),
            ]
        })
        .collect();
    screen::table(&["candidate", "score", "propensity", "expected", "factors"], &rows);
    for (agent, why) in &explained.ineligible {
        screen::line(&format!("{agent}: no candidate, {why}"));
    }
}

fn expected(forecast: &CandidateForecast) -> String {
    let chance =
        format!("{:.0} % (confidence {:.0} %)", forecast.p_success * 100.0, forecast.confidence * 100.0);
    let cost = forecast.cost_micros.map(|cost| Money(cost).to_string());
    [Some(chance), Some(screen::span(forecast.latency)), cost]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}
