//! Some routers in the same worlds, beside what no plugin is.

use baton_app::AppError;
use baton_core::seed::Seed;
use baton_plugin::library::Library;
use baton_stats::interval::{Interval, mean};
use serde::Serialize;

use crate::play::{Cast, Demand, play};
use crate::score::{Reference, Score, score};
use crate::world::{Config, World};

/// What one player reached over all worlds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// A router's name, with `, required` after it where tasks required their skills; in brackets what is no plugin.
    pub player: String,
    /// By world.
    pub scores: Vec<Score>,
}

/// The same in one number each: means, but for the sojourn times, which are the worlds' median.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The share of the tasks that were really done.
    pub done: f64,
    /// Half the width of its 95 % interval.
    pub done_half_width: f64,
    /// See [`crate::score::regret::mean`].
    pub regret: f64,
    /// The same over the last quarter of the tasks.
    pub tail_regret: f64,
    /// From a task's arrival to its end, in milliseconds: the median task.
    pub sojourn_p50_ms: u64,
    /// The same; one task of twenty takes longer.
    pub sojourn_p95_ms: u64,
    /// Seconds that agents were idle while work that they declare waited.
    pub idle_s: f64,
    /// For each accepted task, in units of the currency; not a number where nothing was accepted.
    pub cost: f64,
}

/// Worlds of consecutive seeds, at least one.
#[must_use]
pub fn worlds(settings: &Config, count: u64) -> Vec<World> {
    let seeds = (0..count.max(1)).map(|step| settings.seed.wrapping_add(step));
    seeds.map(|seed| World::build(&Config { seed, ..settings.clone() })).collect()
}

/// Plays the worlds with each router, then with matching by required skills, then with every reference.
///
/// # Errors
/// There is no such router, or its answer was unusable; a store failed.
pub fn compared(library: &Library, routers: &[String], worlds: &[World]) -> Result<Vec<Row>, AppError> {
    let mut rows = Vec::new();
    for name in routers {
        rows.push(plugin(library, name, worlds, Demand::Preferred)?);
    }
    let matched = plugin(library, "capability", worlds, Demand::Required)?;
    rows.push(Row { player: "capability, required".into(), ..matched });
    for reference in Reference::ALL {
        let scores = worlds.iter().map(|world| score(world, &reference.play(world))).collect();
        rows.push(Row { player: format!("({})", reference.name()), scores });
    }
    Ok(rows)
}

fn plugin(library: &Library, name: &str, worlds: &[World], demand: Demand) -> Result<Row, AppError> {
    let router = library.router(name)?;
    let config = library.settings(name).config;
    let mut scores = Vec::new();
    for world in worlds {
        let cast =
            Cast { router: &router, config: &config, seed: Seed(world.config.seed), demand, record: false };
        let performance = play(world, &cast).map_err(|why| AppError::refused(format!("{name}: {why}")))?;
        scores.push(score(world, &performance.played));
    }
    Ok(Row { player: name.to_owned(), scores })
}

impl Row {
    /// What it reached over all worlds.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let over = |what: fn(&Score) -> f64| {
            let values: Vec<f64> = self.scores.iter().map(what).collect();
            mean(&values, 0.95).unwrap_or(Interval::around(values.first().copied().unwrap_or(0.0), 0.0))
        };
        let middle = |what: fn(&Score) -> u64| {
            let mut all: Vec<u64> = self.scores.iter().map(what).collect();
            all.sort_unstable();
            all.get(all.len() / 2).copied().unwrap_or(0)
        };
        let done = over(|score| score.success);
        Summary {
            done: done.estimate,
            done_half_width: done.width() / 2.0,
            regret: over(|score| score.regret).estimate,
            tail_regret: over(|score| score.tail_regret).estimate,
            sojourn_p50_ms: middle(|score| score.sojourn.p50),
            sojourn_p95_ms: middle(|score| score.sojourn.p95),
            idle_s: over(|score| score.idle_while_queued_s).estimate,
            cost: over(|score| score.cost_per_accepted.unwrap_or(f64::NAN)).estimate / 1e6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_alone_are_summed_up_over_worlds_of_consecutive_seeds() {
        let settings = Config { seed: 7, tasks: 50, ..Config::default() };
        let worlds = worlds(&settings, 3);
        assert_eq!(worlds.iter().map(|world| world.config.seed).collect::<Vec<_>>(), [7, 8, 9]);
        let reference = Reference::ALL[0];
        let scores: Vec<Score> = worlds.iter().map(|world| score(world, &reference.play(world))).collect();
        let row = Row { player: reference.name().into(), scores: scores.clone() };
        let mut middle: Vec<u64> = scores.iter().map(|score| score.sojourn.p50).collect();
        middle.sort_unstable();
        let summary = row.summary();
        assert_eq!(summary.sojourn_p50_ms, middle[1]);
        let mean = scores.iter().map(|score| score.success).sum::<f64>() / 3.0;
        assert!((summary.done - mean).abs() < 1e-12, "{} {mean}", summary.done);
        assert!(summary.done_half_width > 0.0);
    }
}
