//! `[router]`: who decides, and what a router must have shown before it may.

use baton_core::op::TrialTerms;
use baton_core::trial::TrialPhase;
use baton_core::trial::{GuardLimits, Limit};
use serde::{Deserialize, Serialize};

/// The rungs from being tried on the record to deciding everything.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ladder {
    /// A router is promoted only after a backtest that it won.
    pub require_backtest: bool,
    /// The number of decisions in the shadow of another router that are required as well.
    pub require_shadow: u64,
    /// The share of the tasks that a router on trial decides, above 0 and below 1.
    pub share: f64,
    /// The share that stays with the old one while the new one is on probation.
    pub holdback: f64,
    /// Attempts of a router on probation after which it is promoted.
    pub probation: u64,
    /// The chance of a false alarm over a whole trial, above 0 and below 0.5: the level of the sequential tests that roll
    /// a router back.
    pub alpha: f64,
    /// How much worse a router on trial may do before it is rolled back.
    pub guards: GuardLimits,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RouterTable {
    #[serde(rename = "use")]
    pub(super) uses: Option<String>,
    require_backtest: bool,
    require_shadow: u64,
    share: Option<f64>,
    holdback: Option<f64>,
    probation: Option<u64>,
    alpha: Option<f64>,
    guards: GuardTable,
}

/// How much worse a router on trial may do before it is rolled back.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct GuardTable {
    /// In shares of attempts that are accepted.
    acceptance: Option<f64>,
    /// In times as long, and times as much.
    latency: Option<f64>,
    cost: Option<f64>,
}

impl Default for Ladder {
    fn default() -> Self {
        Self {
            require_backtest: false,
            require_shadow: 0,
            share: 0.1,
            holdback: 0.05,
            probation: 200,
            alpha: 0.05,
            guards: GuardLimits::default(),
        }
    }
}

impl Ladder {
    /// The terms of a trial that begins with, or moves to, this phase.
    #[must_use]
    pub fn terms(&self, stage: TrialPhase) -> TrialTerms {
        TrialTerms { stage, alpha: self.alpha, guards: self.guards, probation: self.probation }
    }
}

impl RouterTable {
    /// # Errors
    /// The key that is out of its range, and what was expected.
    pub(super) fn ladder(&self) -> Result<Ladder, String> {
        let usual = Ladder::default();
        let within = |key: &str, value: Option<f64>, usual: f64, low: f64, high: f64| match value {
            None => Ok(usual),
            Some(value) if value > low && value < high => Ok(value),
            Some(value) => Err(format!("[router] {key} is {value}, expected above {low} and below {high}")),
        };
        let tolerated = |limit: Limit, key: &str, value, low, high| {
            within(&format!("guards.{key}"), value, limit.tolerance, low, high)
                .map(|tolerance| Limit { tolerance, ..limit })
        };
        Ok(Ladder {
            require_backtest: self.require_backtest,
            require_shadow: self.require_shadow,
            share: within("share", self.share, usual.share, 0.0, 1.0)?,
            holdback: within("holdback", self.holdback, usual.holdback, 0.0, 1.0)?,
            probation: self.probation.unwrap_or(usual.probation).max(1),
            alpha: within("alpha", self.alpha, usual.alpha, 0.0, 0.5)?,
            guards: GuardLimits {
                acceptance: tolerated(
                    usual.guards.acceptance,
                    "acceptance",
                    self.guards.acceptance,
                    0.0,
                    1.0,
                )?,
                latency: tolerated(usual.guards.latency, "latency", self.guards.latency, 0.99, 1000.0)?,
                cost: tolerated(usual.guards.cost, "cost", self.guards.cost, 0.99, 1000.0)?,
            },
        })
    }
}
