//! Half-way through, the best agent silently becomes a bad one.

use baton_stats::interval::mean;
use baton_stats::plot::{Caption, Curve, Point, curves};

use super::{Bench, Finding, Gate, GateError, over};
use crate::play::Demand;
use crate::score::{Played, Reference, regret, score};
use crate::world::{Config, Drift, Pool, Which, World};

const RATIO: f64 = 0.6;
const RECOVERED: usize = 150;
/// Number of tasks whose regret is averaged for one point of the chart.
const WINDOW: usize = 50;

pub(super) fn measure(bench: &Bench<'_>) -> Result<Finding, GateError> {
    let mut finding = Finding::new(Gate::G3);
    for pool in [Pool::Specialists, Pool::Generalists] {
        let drift = Drift::Step { at: 0.5, agent: Which::Best, to: 0.35 };
        let worlds = bench.worlds(&Config { pool, drift, ..Config::default() });
        let mut learned = Vec::new();
        for world in &worlds {
            learned.push(bench.play(world, "adaptive", Demand::Preferred, false)?.played);
        }
        let single: Vec<Vec<Played>> = worlds.iter().map(|world| Reference::BestSingle.play(world)).collect();
        judge(&mut finding, pool, &worlds, &learned, &single);
        if pool == Pool::Specialists {
            let mut matched = Vec::new();
            for world in &worlds {
                matched.push(bench.play(world, "capability", Demand::Required, false)?.played);
            }
            let players = [("adaptive", &learned), ("capability", &matched), ("best-single", &single)];
            finding.plots.push(("regret.svg".into(), picture(&worlds, &players)?));
        }
    }
    Ok(finding)
}

fn judge(
    finding: &mut Finding,
    pool: Pool,
    worlds: &[World],
    learned: &[Vec<Played>],
    single: &[Vec<Played>],
) {
    let scored = |played: &[Vec<Played>]| -> Vec<_> {
        worlds.iter().zip(played).map(|(world, played)| score(world, played)).collect()
    };
    let (learner, best) = (scored(learned), scored(single));
    let tail = |scores: &[_]| over(scores, |score: &crate::score::Score| score.tail_regret).estimate;
    let ratio = tail(&learner) / tail(&best);
    finding.demand(
        ratio <= RATIO,
        format!("{pool:?}: tail regret against best-single's"),
        format!("{ratio:.2} ({:.3} to {:.3})", tail(&learner), tail(&best)),
    );
    let mut recoveries: Vec<usize> =
        learner.iter().map(|score| score.recovery.unwrap_or(usize::MAX)).collect();
    recoveries.sort_unstable();
    let median = recoveries[recoveries.len() / 2];
    let within = recoveries.iter().filter(|tasks| **tasks <= RECOVERED).count();
    let shown = if median == usize::MAX { "never".to_owned() } else { median.to_string() };
    finding.demand(
        median <= RECOVERED,
        format!("{pool:?}: tasks until recovery, median"),
        format!("{shown}, within {RECOVERED} in {within} of {} worlds", worlds.len()),
    );
    for (world, score) in worlds.iter().zip(&learner) {
        if score.recovery.is_none_or(|tasks| tasks > RECOVERED) {
            let tasks = score.recovery.map_or("never".to_owned(), |tasks| tasks.to_string());
            finding.losing.push(format!("{pool:?} {}: recovered after {tasks}", world.config.seed));
        }
    }
}

/// Regret over the tasks, averaged over all worlds.
#[expect(clippy::cast_precision_loss, reason = "numbers of tasks")]
fn picture(worlds: &[World], players: &[(&str, &Vec<Vec<Played>>)]) -> Result<String, GateError> {
    let tasks = worlds.first().map_or(0, |world| world.tasks.len());
    let course = |(name, played): &(&str, &Vec<Vec<Played>>)| {
        let points = (0..tasks / WINDOW).map(|place| {
            let window = place * WINDOW..(place + 1) * WINDOW;
            let means: Vec<f64> = worlds
                .iter()
                .zip(*played)
                .map(|(world, played)| {
                    let inside = played.iter().filter(|one| window.contains(&one.task));
                    let regrets: Vec<f64> = inside.map(|one| regret::of(world, one)).collect();
                    regrets.iter().sum::<f64>() / regrets.len().max(1) as f64
                })
                .collect();
            let found = mean(&means, 0.95);
            let y = found.map_or_else(|| means.first().copied().unwrap_or(0.0), |found| found.estimate);
            Point {
                x: (window.start + WINDOW / 2) as f64,
                y,
                band: found.map(|found| (found.low, found.high)),
            }
        });
        Curve { name: (*name).to_owned(), points: points.collect() }
    };
    let caption = Caption {
        title: "Regret when the best agent silently drops half-way".into(),
        across: "task".into(),
        up: "regret against knowing every skill".into(),
    };
    let drawn: Vec<Curve> = players.iter().map(course).collect();
    Ok(curves(&caption, &drawn)?)
}
