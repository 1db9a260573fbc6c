//! The configuration of a world.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::pool::Pool;

/// A setting of a world that can't be. Give another value.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{setting} is {value}, expected {expected}")]
pub struct OutOfRange {
    /// As it is called in a world's file.
    pub setting: &'static str,
    /// What was given.
    pub value: f64,
    /// The range.
    pub expected: String,
}

/// The same configuration gives the same world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Config {
    pub seed: u64,
    pub pool: Pool,
    pub tasks: usize,
    /// How much of an outcome is the task's and not the agent's: the correlation of the agents' latent outcomes, 0.0 to
    /// 0.999. RouteLLM's files imply .68 (MMLU) and .22 (GSM8K).
    pub rho: f64,
    /// The share of the variance of difficulty that the features explain, 0.0 to 1.0.
    pub observability: f64,
    /// The chance with which each flag "this agent declares this skill" is the opposite of the truth, 0.0 to 1.0.
    pub wrong_declarations: f64,
    /// The rate of arrivals over the rate at which the pool gets things done with every agent busy.
    pub utilisation: f64,
    pub arrivals: Arrivals,
    pub drift: Drift,
    pub validator: Noise,
    /// Attempts that each agent may run at once.
    pub capacity: u32,
    pub service: Service,
    pub skew: Skew,
}

/// The arrival process.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// One by one, with exponential gaps.
    Poisson,
    /// Bursts of this many at the same moment, with exponential gaps between the bursts; the mean rate is that of `Poisson`.
    Bursty { size: usize },
    /// All before the first begins.
    AllAtOnce,
}

/// Changes during the simulation that nobody is notified of. `at` and `until` are positions among the tasks as a
/// fraction of their number; `to` is a factor on the agent's chance of success, which stays 1.0 at most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drift {
    None,
    /// The agent gets worse at once, or better with a factor above 1.
    Step {
        at: f64,
        agent: Which,
        to: f64,
    },
    /// It does so evenly from `at` to `until`, and stays so.
    Decay {
        at: f64,
        until: f64,
        agent: Which,
        to: f64,
    },
    /// It gets worse at `at` and is itself again from `until` on.
    Recovery {
        at: f64,
        until: f64,
        agent: Which,
        to: f64,
    },
    /// It was not there before.
    Joins {
        at: f64,
        agent: Which,
    },
    /// It is not there afterwards.
    Leaves {
        at: f64,
        agent: Which,
    },
    /// Its price changes by a factor.
    Price {
        at: f64,
        agent: Which,
        to: f64,
    },
}

/// The agent that drift affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// The best agent over all skills, weighted by demand.
    Best,
    /// Index in the pool. Nothing happens if there is none.
    Index(usize),
}

/// How often validators err, 0.0 to 1.0 each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Noise {
    /// Of what was not done, the share that is accepted.
    pub false_accept: f64,
    /// Of what was done, the share that is refused.
    pub false_refuse: f64,
}

/// How long attempts take: a lognormal for each agent and skill.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Service {
    /// The mean over all agents, before [`Skew`], in milliseconds.
    pub mean_ms: f64,
    /// The standard deviation of the logarithm of an attempt's time.
    pub sigma: f64,
    /// How much slower better agents are: the logarithm of an agent's mean time changes by this much for each standard
    /// deviation of its quality. Zero = speed has nothing to do with quality.
    pub tilt: f64,
    /// The standard deviation of the logarithm of the mean time among the skills of one agent.
    pub spread: f64,
}

/// A few agents, the last of the pool, that take `factor` times as long.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Skew {
    pub slow: usize,
    pub factor: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            pool: Pool::Specialists,
            tasks: 600,
            rho: 0.45,
            observability: 0.5,
            wrong_declarations: 0.0,
            utilisation: 0.7,
            arrivals: Arrivals::Poisson,
            drift: Drift::None,
            validator: Noise::default(),
            capacity: 1,
            service: Service::default(),
            skew: Skew::default(),
        }
    }
}

impl Default for Service {
    fn default() -> Self {
        Self { mean_ms: 60_000.0, sigma: 0.7, tilt: 0.3, spread: 0.2 }
    }
}

impl Default for Skew {
    fn default() -> Self {
        Self { slow: 0, factor: 1.0 }
    }
}

impl Config {
    /// Every setting that has a range, by its path in the file.
    fn ranged(&mut self) -> [(&'static str, &mut f64, f64, f64); 11] {
        let Self { validator, service, .. } = self;
        [
            ("rho", &mut self.rho, 0.0, 0.999),
            ("observability", &mut self.observability, 0.0, 1.0),
            ("wrong-declarations", &mut self.wrong_declarations, 0.0, 1.0),
            ("utilisation", &mut self.utilisation, 1e-3, 1e3),
            ("validator.false-accept", &mut validator.false_accept, 0.0, 1.0),
            ("validator.false-refuse", &mut validator.false_refuse, 0.0, 1.0),
            ("service.mean-ms", &mut service.mean_ms, 1.0, 1e9),
            ("service.sigma", &mut service.sigma, 0.0, 3.0),
            ("service.tilt", &mut service.tilt, -3.0, 3.0),
            ("service.spread", &mut service.spread, 0.0, 3.0),
            ("skew.factor", &mut self.skew.factor, 1e-3, 1e3),
        ]
    }

    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        if self.capacity == 0 {
            return Err(OutOfRange { setting: "capacity", value: 0.0, expected: "at least 1".into() });
        }
        for (name, value, least, most) in self.clone().ranged() {
            if !(least..=most).contains(value) {
                let expected = format!("{least} to {most}");
                return Err(OutOfRange { setting: name, value: *value, expected });
            }
        }
        Ok(())
    }

    /// The same with every setting in its range, so that no draw can come out as not a number.
    pub(super) fn tamed(&self) -> Self {
        let mut tamed = Self { capacity: self.capacity.max(1), ..self.clone() };
        for (_, value, least, most) in tamed.ranged() {
            *value = within(*value, least, most);
        }
        tamed
    }
}

/// NaN counts as the minimum.
pub(super) fn within(value: f64, least: f64, most: f64) -> f64 {
    if value.is_nan() { least } else { value.clamp(least, most) }
}
