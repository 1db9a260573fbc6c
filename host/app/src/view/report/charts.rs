//! What a run looks like: how often the forecasts of its routers came true, what choosing others than the best cost, and
//! what agents cost for what they do.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use baton_core::id::{DecisionId, RunId};
use baton_engine::decide;
use baton_plugin::router::{Choice, Score};
use baton_stats::calibration::{Bin, Forecast, reliability};
use baton_stats::plot::{self, Caption, Curve, PlotError, Point, Spot};
use baton_store::Reader;
use baton_store::read::routing::{self, Past};
use baton_store::read::{self, history};

use super::RunReport;
use crate::{App, AppError};

/// A drawing, and the name of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// Such as `regret.svg`.
    pub file: &'static str,
    /// The drawing.
    pub svg: String,
}

const BINS: usize = 10;
const LEVEL: f64 = 0.95;

/// The charts of a run for which the record has anything to draw.
///
/// # Errors
/// The store can't be read; the record can't be drawn.
pub fn charts(app: &App, report: &RunReport) -> Result<Vec<Chart>, AppError> {
    let reader = &app.reader()?;
    let attempts = attempts(reader, &report.run)?;
    let foreseen = foreseen(reader, &attempts)?;
    let drawn = [
        ("calibration.svg", plot::reliability("Forecasts of the run's routers", &bins(&foreseen))),
        ("regret.svg", drawn_regret(&foreseen)),
        ("cost-and-quality.svg", drawn_costs(&attempts)),
    ];
    let mut charts = Vec::new();
    for (file, drawn) in drawn {
        match drawn {
            Ok(svg) => charts.push(Chart { file, svg }),
            Err(PlotError::Nothing) => {}
            Err(why) => return Err(AppError::refused(format!("{file}: {why}"))),
        }
    }
    Ok(charts)
}

fn attempts(reader: &Reader, run: &read::Run) -> Result<Vec<Past>, AppError> {
    let before = history::seq_before(reader, run.created).map_err(AppError::unreadable)?;
    let mut found = Vec::new();
    let keep = |past: Past| found.extend((past.observation.run == run.id).then_some(past));
    routing::each_past(reader, before, keep).map_err(AppError::unreadable)?;
    Ok(found)
}

/// What a router foresaw of an attempt that it decided on.
#[derive(Clone, Copy, Debug)]
struct Foreseen {
    /// The chance of the agent that did it.
    chance: f64,
    /// The best chance of all candidates.
    best: f64,
    was_accepted: bool,
}

/// Of the attempts, in the order in which they ended, whose decision says what was foreseen.
fn foreseen(reader: &Reader, attempts: &[Past]) -> Result<Vec<Foreseen>, AppError> {
    let mut decisions: HashMap<DecisionId, Chances> = HashMap::new();
    let mut all = Vec::new();
    for past in attempts {
        let Some(id) = past.observation.decision else { continue };
        let chances = match decisions.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(chances(reader, id)?),
        };
        let key = (past.observation.run, past.spec.id.clone());
        let Some(of_task) = chances.get(&key) else { continue };
        let Some(chance) = of_task.get(&past.agent.name) else { continue };
        let best = of_task.values().copied().fold(0.0, f64::max);
        all.push(Foreseen { chance: *chance, best, was_accepted: past.observation.verdict.is_accepted() });
    }
    Ok(all)
}

/// By task the chance of each candidate, by name.
type Chances = HashMap<(RunId, String), BTreeMap<String, f64>>;

fn chances(reader: &Reader, id: DecisionId) -> Result<Chances, AppError> {
    let decided = routing::decision(reader, id).map_err(AppError::unreadable)?;
    let (snapshot, answer) =
        decide::recorded(&decided.input, &decided.answer).map_err(AppError::unreadable)?;
    let chance = |score: &Score| {
        let agent = snapshot.agents.get(score.agent as usize)?;
        Some((agent.id.clone(), score.forecast.as_ref()?.p_success))
    };
    let mut chances = Chances::new();
    for (request, decision) in snapshot.requests.iter().zip(&answer.decisions) {
        match &decision.choice {
            Choice::Assign(assignment) => {
                let of_task = assignment.scores.iter().filter_map(chance).collect();
                chances.insert((decided.run, request.task.id.clone()), of_task);
            }
            Choice::Defer(_) | Choice::Reject(_) | Choice::Consult(_) => {}
        }
    }
    Ok(chances)
}

fn bins(foreseen: &[Foreseen]) -> Vec<Bin> {
    let forecast = |foreseen: &Foreseen| Forecast {
        group: String::new(),
        chance: foreseen.chance,
        came: foreseen.was_accepted,
    };
    let forecasts: Vec<Forecast> = foreseen.iter().map(forecast).collect();
    reliability(&forecasts, BINS, LEVEL)
}

/// After each attempt, what it cost so far to try others than the best, in acceptances: by the router's own forecasts,
/// because nobody knows what would have become of the task with another agent.
fn regret(foreseen: &[Foreseen]) -> Vec<f64> {
    let sums = foreseen.iter().scan(0.0, |sum, foreseen| {
        *sum += (foreseen.best - foreseen.chance).max(0.0);
        Some(*sum)
    });
    sums.collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of attempts stay far below 2^53")]
fn drawn_regret(foreseen: &[Foreseen]) -> Result<String, PlotError> {
    let point = |(at, sum): (usize, f64)| Point { x: at as f64 + 1.0, y: sum, band: None };
    let points = regret(foreseen).into_iter().enumerate().map(point).collect();
    let caption = Caption {
        title: "Given up, by the routers' own forecasts".into(),
        across: "attempts".into(),
        up: "expected acceptances less than with the best candidate".into(),
    };
    plot::curves(&caption, &[Curve { name: "all tasks".into(), points }])
}

/// Of each agent what an attempt cost on average, and the share that was accepted: of attempts whose cost is known.
#[expect(clippy::cast_precision_loss, reason = "money and counts stay far below 2^53")]
fn costs<'a>(attempts: impl Iterator<Item = (&'a str, Option<u64>, bool)>) -> Vec<Spot> {
    let mut agents: BTreeMap<&str, (f64, f64, f64)> = BTreeMap::new();
    for (agent, cost_micros, was_accepted) in attempts {
        let Some(cost) = cost_micros else { continue };
        let (count, accepted, spent) = agents.entry(agent).or_default();
        *count += 1.0;
        *accepted += f64::from(u8::from(was_accepted));
        *spent += cost as f64 / 1e6;
    }
    let spot = |(name, (count, accepted, spent)): (&str, (f64, f64, f64))| Spot {
        name: name.to_owned(),
        cost: spent / count,
        quality: accepted / count,
    };
    agents.into_iter().map(spot).collect()
}

fn drawn_costs(attempts: &[Past]) -> Result<String, PlotError> {
    let facts = attempts.iter().map(|past| {
        let seen = &past.observation;
        (past.agent.name.as_str(), seen.cost_micros, seen.verdict.is_accepted())
    });
    let caption = Caption {
        title: "What agents cost, and what they do".into(),
        across: "money an attempt".into(),
        up: "accepted, as a share".into(),
    };
    plot::scatter(&caption, &costs(facts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreseen(chance: f64, best: f64, was_accepted: bool) -> Foreseen {
        Foreseen { chance, best, was_accepted }
    }

    #[test]
    fn regret_adds_up_what_the_best_candidate_had_more() {
        let seen = [foreseen(0.5, 0.75, true), foreseen(0.5, 0.5, false), foreseen(0.25, 0.75, false)];
        assert_eq!(regret(&seen), [0.25, 0.25, 0.75]);
    }

    #[test]
    fn an_attempt_without_a_known_cost_is_left_out_of_the_costs() {
        let attempts = [
            ("bob", Some(2_000_000), true),
            ("ann", Some(500_000), false),
            ("bob", None, false),
            ("ann", Some(1_500_000), true),
        ];
        let found = costs(attempts.into_iter());
        let found: Vec<_> = found.iter().map(|spot| (spot.name.as_str(), spot.cost, spot.quality)).collect();
        assert_eq!(found, [("ann", 1.0, 0.5), ("bob", 2.0, 1.0)]);
    }

    #[test]
    fn forecasts_are_binned_by_their_chance() {
        let seen = [foreseen(0.91, 0.91, true), foreseen(0.95, 0.95, false), foreseen(0.1, 0.1, false)];
        let counts: u64 = bins(&seen).iter().map(|bin| bin.count).sum();
        assert_eq!(counts, 3);
    }
}
