//! Measures the claims about routing, in worlds that nothing was tuned on. Runs that contradict a claim are listed.

mod balance;
mod coverage;
mod declarations;
mod drift;
mod insight;
mod prediction;
mod quiet;
mod replay;

use std::collections::BTreeMap;
use std::fmt;

use baton_core::seed::Seed;
use baton_engine::replay::backtest::BacktestError;
use baton_plugin::PluginError;
use baton_plugin::library::Library;
use baton_plugin::router::Router;
use baton_stats::interval::{Interval, mean};
use baton_stats::plot::PlotError;
use baton_store::ReadError;
use serde::Serialize;
use thiserror::Error;

use super::play::{Cast, Demand, Performance, PlayError, play};
use super::score::{Score, score};
use super::world::{Config, World};

/// The first seed of the worlds in which claims are measured. For tuning routers use seeds from 10,000 on.
const FIRST: u64 = 2001;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Gate {
    G1,
    G2,
    G3,
    G4,
    G5,
    G6,
    G7,
    G8,
    G9,
}

impl Gate {
    pub const ALL: [Self; 9] =
        [Self::G1, Self::G2, Self::G3, Self::G4, Self::G5, Self::G6, Self::G7, Self::G8, Self::G9];

    #[must_use]
    pub fn claim(self) -> &'static str {
        match self {
            Self::G1 => {
                "with 30 % of declarations wrong, adaptive gets at least 2 points more done than \
                 matching by capability (paired 95 % interval above zero), at a p95 sojourn at most twice as long"
            }
            Self::G2 => {
                "with true declarations, adaptive (wait = 0.002, patience = 1000) is within 4 points of matching by capability"
            }
            Self::G3 => {
                "after a silent drop of the best agent, adaptive's regret in the last quarter is at most 0.6 of \
                 best-single's, and it has recovered within 150 tasks"
            }
            Self::G4 => {
                "predictive's Brier skill is at least 0.6 of what someone reaches who knows every agent's skill, with \
                 a calibration error of at most 0.05"
            }
            Self::G5 => "an A/A test stays quiet in at least 95 % of 200 runs",
            Self::G6 => "the backtest's 95 % interval covers the truth in at least 90 % of 100 swaps",
            Self::G7 => "every decision and lesson comes out byte for byte the same again",
            Self::G8 => {
                "with adaptive (wait = 0.2) agents are idle while work they declare waits at least 80 % less than with \
                 round-robin queues, where two of them are four times as slow"
            }
            Self::G9 => {
                "what is planted in a history is found with a precision of at least 0.9, and nothing where nothing is"
            }
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// The result for a claim.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub gate: Gate,
    pub passed: bool,
    /// What was measured, with its result.
    pub figures: Vec<(String, String)>,
    /// Runs that contradict the claim.
    pub losing: Vec<String>,
    /// File names with SVG texts.
    #[serde(skip)]
    pub plots: Vec<(String, String)>,
}

impl Finding {
    fn new(gate: Gate) -> Self {
        Self { gate, passed: true, figures: Vec::new(), losing: Vec::new(), plots: Vec::new() }
    }

    fn figure(&mut self, what: impl Into<String>, value: impl Into<String>) {
        self.figures.push((what.into(), value.into()));
    }

    /// A number that the claim rests on.
    fn demand(&mut self, holds: bool, what: impl Into<String>, value: impl Into<String>) {
        let value = value.into();
        self.figure(what, if holds { value } else { format!("{value} ✗") });
        self.passed &= holds;
    }
}

/// Why a claim can't be measured.
#[derive(Debug, Error)]
pub enum GateError {
    /// This machine can't run plugins, or the router is not bundled.
    #[error(transparent)]
    Router(#[from] PluginError),
    /// Fix the router.
    #[error("{router} in world {seed}: {source}")]
    Play {
        /// The router.
        router: String,
        /// The seed of the world.
        seed: u64,
        /// What went wrong in it.
        source: PlayError,
    },
    /// Fix the router: it forecasts nothing.
    #[error("{0} foresaw nothing")]
    NoForecast(String),
    /// What was recorded can't be judged.
    #[error(transparent)]
    Backtest(#[from] BacktestError),
    /// What was recorded can't be read back.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// What was measured can't be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
}

/// The size of the measurements.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Number of worlds in a comparison.
    pub worlds: u64,
    /// Number of router swaps that are backtested.
    pub swaps: u64,
    /// Number of A/A tests.
    pub tests: u64,
    /// Number of generated histories.
    pub histories: u64,
}

impl Scale {
    /// The size for which the claims are stated.
    pub const FULL: Self = Self { worlds: 24, swaps: 100, tests: 200, histories: 20 };
    /// A quick run, too small for the claims.
    pub const QUICK: Self = Self { worlds: 4, swaps: 10, tests: 40, histories: 2 };
}

/// What measurements need.
pub struct Bench<'a> {
    pub library: &'a Library,
    pub scale: Scale,
}

impl Bench<'_> {
    fn router(&self, name: &str) -> Result<Router, GateError> {
        Ok(self.library.router(name)?)
    }

    fn worlds(&self, settings: &Config) -> Vec<World> {
        let seeds = FIRST..FIRST + self.scale.worlds;
        seeds.map(|seed| World::build(&Config { seed, ..settings.clone() })).collect()
    }

    fn play(
        &self,
        world: &World,
        name: &str,
        demand: Demand,
        record: bool,
    ) -> Result<Performance, GateError> {
        self.play_with(world, name, demand, record, &[])
    }

    /// With settings of the router.
    fn play_with(
        &self,
        world: &World,
        name: &str,
        demand: Demand,
        record: bool,
        settings: &[(&str, &str)],
    ) -> Result<Performance, GateError> {
        let router = self.router(name)?;
        let config: BTreeMap<String, String> =
            settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let seed = Seed(world.config.seed);
        let cast = Cast { router: &router, config: &config, seed, demand, record };
        play(world, &cast).map_err(|source| GateError::Play {
            router: name.to_owned(),
            seed: world.config.seed,
            source,
        })
    }

    fn scored(&self, worlds: &[World], name: &str, demand: Demand) -> Result<Vec<Score>, GateError> {
        self.scored_with(worlds, name, demand, &[])
    }

    fn scored_with(
        &self,
        worlds: &[World],
        name: &str,
        demand: Demand,
        settings: &[(&str, &str)],
    ) -> Result<Vec<Score>, GateError> {
        let play = |world: &World| self.play_with(world, name, demand, false, settings);
        worlds.iter().map(|world| Ok(score(world, &play(world)?.played))).collect()
    }
}

/// Measures one claim.
///
/// # Errors
/// A router can't be used, or a store failed.
pub fn measure(bench: &Bench<'_>, gate: Gate) -> Result<Finding, GateError> {
    match gate {
        Gate::G1 => declarations::wrong(bench),
        Gate::G2 => declarations::right(bench),
        Gate::G3 => drift::measure(bench),
        Gate::G4 => prediction::measure(bench),
        Gate::G5 => quiet::measure(bench),
        Gate::G6 => coverage::measure(bench),
        Gate::G7 => replay::measure(bench),
        Gate::G8 => balance::measure(bench),
        Gate::G9 => Ok(insight::measure(bench)),
    }
}

fn over(scores: &[Score], what: impl Fn(&Score) -> f64) -> Interval {
    let values: Vec<f64> = scores.iter().map(what).collect();
    interval(&values)
}

fn interval(values: &[f64]) -> Interval {
    let only = values.first().copied().unwrap_or(0.0);
    mean(values, 0.95).unwrap_or(Interval { estimate: only, low: f64::NEG_INFINITY, high: f64::INFINITY })
}

/// Such as `+2.3 [+0.8, +3.9]`, times a factor.
fn signed(interval: Interval, factor: f64) -> String {
    let [estimate, low, high] = [interval.estimate, interval.low, interval.high].map(|value| value * factor);
    format!("{estimate:+.1} [{low:+.1}, {high:+.1}]")
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a simulation")]
fn real(value: u64) -> f64 {
    value as f64
}
