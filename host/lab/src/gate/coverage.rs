//! Whether a backtest's interval contains the true value.

use std::collections::HashMap;

use baton_engine::replay::backtest::{Row, Trial, compared, estimate};
use baton_stats::interval::Interval;
use baton_store::read::routing::Excerpt;

use super::{Bench, FIRST, Finding, Gate, GateError};
use crate::play::Demand;
use crate::world::{Config, World};

const COVERED: f64 = 0.9;
const LEVEL: f64 = 0.95;
const TASKS: usize = 1000;

/// The router that decided with its settings, and the one under test.
type Swap = (&'static str, &'static [(&'static str, &'static str)], &'static str);

const SWAPS: [Swap; 5] = [
    ("random", &[], "capability"),
    ("random", &[], "least-loaded"),
    ("random", &[], "predictive"),
    ("random", &[], "adaptive"),
    ("adaptive", &[("explore", "0.5")], "random"),
];

struct Judged {
    interval: Interval,
    truth: f64,
}

pub(super) fn measure(bench: &Bench<'_>) -> Result<Finding, GateError> {
    let mut finding = Finding::new(Gate::G6);
    let (mut covered, mut judged, mut refused, mut widths) = (0_u32, 0_u32, 0_u32, 0.0);
    for swap in 0..bench.scale.swaps {
        let (log, settings, candidate) = SWAPS[usize::try_from(swap).unwrap_or(0) % SWAPS.len()];
        let world = World::build(&Config { seed: FIRST + swap, tasks: TASKS, ..Config::default() });
        let name = format!("{log} to {candidate}, world {}", world.config.seed);
        match swapped(bench, &world, log, settings, candidate)? {
            Ok(Judged { interval, truth }) => {
                judged += 1;
                widths += interval.width();
                if interval.holds(truth) {
                    covered += 1;
                } else {
                    finding.losing.push(format!("{name}: {interval} does not hold {truth:.3}"));
                }
            }
            Err(why) => {
                refused += 1;
                finding.losing.push(format!("{name}: refused, {why}"));
            }
        }
    }
    let share = f64::from(covered) / f64::from(judged.max(1));
    finding.demand(
        share >= COVERED && judged > 0,
        "intervals that hold the truth",
        format!("{:.1} % of {judged} ({refused} refused)", share * 100.0),
    );
    finding.figure("mean width, points", format!("{:.1}", widths / f64::from(judged.max(1)) * 100.0));
    Ok(finding)
}

fn swapped(
    bench: &Bench<'_>,
    world: &World,
    log: &str,
    settings: &[(&str, &str)],
    candidate: &str,
) -> Result<Result<Judged, String>, GateError> {
    let performance = bench.play_with(world, log, Demand::Preferred, true, settings)?;
    let router = bench.router(candidate)?;
    let trial = Trial {
        reader: performance.simulator.store().reader(),
        router: &router,
        config: Vec::new(),
        span: Excerpt { followed: true, ..Excerpt::default() },
        level: LEVEL,
    };
    let (mut backtest, rows) = compared(&trial)?;
    estimate(&rows, LEVEL, &mut backtest);
    Ok(match backtest.acceptance {
        Some(Ok(judgement)) => Ok(Judged { interval: judgement.dr, truth: truth(world, &rows) }),
        Some(Err(why)) => Err(why.to_string()),
        None => Err("nothing was assigned".into()),
    })
}

/// The true value of the other router's choices on the logged decisions.
#[expect(clippy::cast_precision_loss, reason = "numbers of tasks")]
fn truth(world: &World, rows: &[Row]) -> f64 {
    let tasks: HashMap<&str, usize> =
        world.tasks.iter().enumerate().map(|(index, task)| (task.name.as_str(), index)).collect();
    let agents: HashMap<&str, usize> =
        world.agents.iter().enumerate().map(|(index, agent)| (agent.name.as_str(), index)).collect();
    let worth = |row: &Row| -> f64 {
        let task = tasks[row.task.as_str()];
        let chances = row.candidates.iter().zip(&row.proposed);
        chances.map(|(agent, chance)| chance * world.success_chance(agents[agent.as_str()], task)).sum()
    };
    rows.iter().map(worth).sum::<f64>() / rows.len().max(1) as f64
}
