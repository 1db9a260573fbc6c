//! What a run looks like: how often came true what its routers foresaw, what they gave up by that, and what agents cost
//! for what they do.

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

use crate::{Failure, unreadable};

/// A drawing, and the name of its file.
pub(super) struct Chart {
    pub(super) file: &'static str,
    pub(super) svg: String,
}

const BINS: usize = 10;

/// Those for which the record has anything to draw.
pub(super) fn charts(conn: &Reader, run: &read::Run) -> Result<Vec<Chart>, Failure> {
    let attempts = attempts(conn, run)?;
    let foreseen = foreseen(conn, &attempts)?;
    let drawn = [
        ("calibration.svg", plot::reliability("Forecasts of the run's routers", &came_true(&foreseen))),
        ("regret.svg", given_up(&foreseen)),
        ("cost-and-quality.svg", cost_and_quality(&attempts)),
    ];
    let mut charts = Vec::new();
    for (file, drawn) in drawn {
        match drawn {
            Ok(svg) => charts.push(Chart { file, svg }),
            Err(PlotError::Nothing) => {}
            Err(why) => return Err(Failure::Refused(format!("{file}: {why}"))),
        }
    }
    Ok(charts)
}

fn attempts(conn: &Reader, run: &read::Run) -> Result<Vec<Past>, Failure> {
    let before = history::seq_before(conn, run.created).map_err(unreadable)?;
    let mut found = Vec::new();
    let keep = |past: Past| found.extend((past.observation.run == run.id).then_some(past));
    routing::each_past(conn, before, keep).map_err(unreadable)?;
    Ok(found)
}

/// What a router foresaw of an attempt that it decided on.
struct Foreseen {
    /// The chance of the agent that did it.
    chance: f64,
    /// The best chance of all candidates.
    best: f64,
    came: bool,
}

/// Of the attempts, in the order in which they ended, whose decision says what was foreseen.
fn foreseen(conn: &Reader, attempts: &[Past]) -> Result<Vec<Foreseen>, Failure> {
    let mut decisions: HashMap<DecisionId, Scores> = HashMap::new();
    let mut all = Vec::new();
    for past in attempts {
        let Some(id) = past.observation.decision else { continue };
        let scores = match decisions.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(scores(conn, id)?),
        };
        let key = (past.observation.run, past.spec.id.clone());
        let Some(chances) = scores.get(&key) else { continue };
        let Some(chance) = chances.get(&past.agent.name) else { continue };
        let best = chances.values().copied().fold(0.0, f64::max);
        all.push(Foreseen { chance: *chance, best, came: past.observation.verdict.is_accepted() });
    }
    Ok(all)
}

/// By task the chance of each candidate, by name.
type Scores = HashMap<(RunId, String), BTreeMap<String, f64>>;

fn scores(conn: &Reader, id: DecisionId) -> Result<Scores, Failure> {
    let decided = routing::decision(conn, id).map_err(unreadable)?;
    let (snapshot, answer) = decide::recorded(&decided.input, &decided.answer).map_err(unreadable)?;
    let chance = |score: &Score| {
        let agent = snapshot.agents.get(score.agent as usize)?;
        Some((agent.id.clone(), score.forecast.as_ref()?.p_success))
    };
    let mut scores = Scores::new();
    for (request, decision) in snapshot.requests.iter().zip(&answer.decisions) {
        match &decision.choice {
            Choice::Assign(assignment) => {
                let chances = assignment.scores.iter().filter_map(chance).collect();
                scores.insert((decided.run, request.task.id.clone()), chances);
            }
            Choice::Defer(_) | Choice::Reject(_) | Choice::Consult(_) => {}
        }
    }
    Ok(scores)
}

fn came_true(foreseen: &[Foreseen]) -> Vec<Bin> {
    let forecasts: Vec<Forecast> = foreseen
        .iter()
        .map(|foreseen| Forecast { group: String::new(), chance: foreseen.chance, came: foreseen.came })
        .collect();
    reliability(&forecasts, BINS, 0.95)
}

/// What it cost to try others than the best: by the router's own forecasts, because nobody knows what would have become
/// of the task with another agent.
#[expect(clippy::cast_precision_loss, reason = "counts of attempts stay far below 2^53")]
fn given_up(foreseen: &[Foreseen]) -> Result<String, PlotError> {
    let sums = foreseen.iter().scan(0.0, |sum, foreseen| {
        *sum += (foreseen.best - foreseen.chance).max(0.0);
        Some(*sum)
    });
    let points = sums.enumerate().map(|(at, sum)| Point { x: at as f64 + 1.0, y: sum, band: None }).collect();
    let caption = Caption {
        title: "Given up, by the routers' own forecasts".into(),
        across: "attempts".into(),
        up: "expected acceptances less than with the best candidate".into(),
    };
    plot::curves(&caption, &[Curve { name: "all tasks".into(), points }])
}

/// Agents whose costs are known.
#[expect(clippy::cast_precision_loss, reason = "money and counts stay far below 2^53")]
fn cost_and_quality(attempts: &[Past]) -> Result<String, PlotError> {
    let mut agents: BTreeMap<&str, (f64, f64, f64)> = BTreeMap::new();
    for past in attempts {
        let Some(cost) = past.observation.cost_micros else { continue };
        let (count, accepted, spent) = agents.entry(&past.agent.name).or_default();
        *count += 1.0;
        *accepted += f64::from(u8::from(past.observation.verdict.is_accepted()));
        *spent += cost as f64 / 1e6;
    }
    let spot = |(name, (count, accepted, spent)): (&&str, &(f64, f64, f64))| Spot {
        name: (*name).to_owned(),
        cost: spent / count,
        quality: accepted / count,
    };
    let spots: Vec<Spot> = agents.iter().map(spot).collect();
    let caption = Caption {
        title: "What agents cost, and what they do".into(),
        across: "money an attempt".into(),
        up: "accepted, as a share".into(),
    };
    plot::scatter(&caption, &spots)
}
