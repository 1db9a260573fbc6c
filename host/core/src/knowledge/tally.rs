//! The statistics of one agent on one skill. Adding an attempt takes constant time.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Observation, Verdict};
use crate::clock::Time;
use crate::fault::ErrorClass;

/// The factor by which each attempt's weight shrinks with the next: about the last hundred count.
pub const DISCOUNT: f64 = 0.99;
/// The same for the recent rate: about the last ten count.
pub const RECENT: f64 = 0.9;

/// Sufficient statistics of an agent on one skill, or on everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Accepted, since the beginning.
    pub accepted: u32,
    /// Refused by validators, since the beginning.
    pub refused: u32,
    /// Failures since the beginning, by class.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failed: BTreeMap<ErrorClass, u32>,
    /// Discounted share of accepted attempts, 0.0 to 1.0.
    pub acceptance: Mean,
    /// The same with [`RECENT`] as the discount.
    pub recent: Mean,
    /// Discounted latency, in milliseconds.
    pub latency: Mean,
    /// Discounted cost, in millionths of the operator's currency.
    pub cost: Mean,
    /// Discounted quality, 0.0 to 1.0.
    pub quality: Mean,
    /// End of the latest attempt.
    pub last: Time,
}

/// A discounted mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mean {
    /// Sum of the discounted weights; grows towards 1 / (1 − discount).
    pub weight: f64,
    /// Sum of the weighted values.
    pub sum: f64,
}

/// Whether recent attempts are accepted more or less often than earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trend {
    /// Recent attempts are accepted more often.
    Rising,
    /// No significant difference, or too few attempts.
    Steady,
    /// Recent attempts are accepted less often.
    Falling,
}

impl Mean {
    fn add(&mut self, value: f64, discount: f64) {
        self.weight = self.weight * discount + 1.0;
        self.sum = self.sum * discount + value;
    }

    /// The mean; none without values.
    #[must_use]
    pub fn get(self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

impl Tally {
    /// Adds an attempt; attempts must come in the order of their events.
    pub fn add(&mut self, observation: &Observation) {
        match observation.verdict {
            Verdict::Accepted => self.accepted += 1,
            Verdict::Refused => self.refused += 1,
            Verdict::Failed(class) => *self.failed.entry(class).or_default() += 1,
        }
        let success = f64::from(u8::from(observation.verdict.is_accepted()));
        self.acceptance.add(success, DISCOUNT);
        self.recent.add(success, RECENT);
        self.latency.add(float(observation.latency_ms()), DISCOUNT);
        if let Some(cost) = observation.cost_micros {
            self.cost.add(float(cost), DISCOUNT);
        }
        if let Some(quality) = observation.quality {
            self.quality.add(quality, DISCOUNT);
        }
        self.last = observation.ended;
    }

    /// Failures of all classes since the beginning.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failed.values().sum()
    }

    /// Attempts since the beginning.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.accepted + self.refused + self.failures()
    }

    /// Compares the recent rate with the overall one: a difference of more than two standard errors is a trend. Fewer
    /// than ten attempts have none.
    #[must_use]
    pub fn trend(&self) -> Trend {
        let (Some(all), Some(recent)) = (self.acceptance.get(), self.recent.get()) else {
            return Trend::Steady;
        };
        // Keeps a rate of exactly 0 or 1 from making any difference significant.
        let rate = (self.acceptance.sum + 1.0) / (self.acceptance.weight + 2.0);
        let error = (rate * (1.0 - rate) / self.recent.weight.max(1.0)).sqrt();
        if self.attempts() < 10 || (recent - all).abs() <= 2.0 * error {
            Trend::Steady
        } else if recent > all {
            Trend::Rising
        } else {
            Trend::Falling
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "times and amounts are far below 2^53")]
fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AgentId, Epoch, RunId, TaskId};

    fn observed(verdict: Verdict) -> Observation {
        Observation {
            seq: 1,
            run: RunId(1),
            task: TaskId(1),
            epoch: Epoch(1),
            agent: AgentId(1),
            decision: None,
            skills: Vec::new(),
            verdict,
            started: Time(1_000),
            worked_until: Time(3_000),
            ended: Time(9_000),
            cost_micros: None,
            quality: None,
        }
    }

    fn tally(verdicts: impl IntoIterator<Item = Verdict>) -> Tally {
        let mut tally = Tally::default();
        verdicts.into_iter().for_each(|verdict| tally.add(&observed(verdict)));
        tally
    }

    #[test]
    fn an_older_attempt_weighs_less() {
        let tally = tally([Verdict::Accepted, Verdict::Refused]);
        assert_eq!(tally.acceptance, Mean { weight: 1.99, sum: 0.99 });
        assert_eq!(tally.recent, Mean { weight: 1.9, sum: 0.9 });
        assert_eq!((tally.accepted, tally.refused, tally.failures()), (1, 1, 0));
    }

    #[test]
    fn validators_do_not_make_an_agent_slow() {
        assert_eq!(tally([Verdict::Accepted]).latency.get(), Some(2_000.0));
    }

    #[test]
    fn what_is_not_known_is_no_zero() {
        let tally = tally([Verdict::Accepted]);
        assert_eq!((tally.cost.get(), tally.quality.get()), (None, None));
    }

    #[test]
    fn a_run_of_failures_is_a_falling_trend_and_a_steady_rate_is_none() {
        let well = std::iter::repeat_n(Verdict::Accepted, 40);
        let badly = std::iter::repeat_n(Verdict::Failed(ErrorClass::Timeout), 8);
        assert_eq!(tally(well.clone().chain(badly)).trend(), Trend::Falling);
        assert_eq!(tally(well).trend(), Trend::Steady);
    }
}
