//! The worth of one agent for one task.

use super::super::lottery::Belief;
use super::super::preference::{MINUTE_MS, Preference};
use super::super::{Expected, Forecast, Request, Room, Score};

const UNIT_MICROS: f64 = 1e6;

/// What is expected of an agent on a task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prospect {
    /// The chance that the outcome will be accepted.
    pub success: f64,
    /// The standard deviation of `success`, of what sets this agent apart from the others.
    pub doubt: f64,
    /// The share of evidence in it, 0.0 to 1.0, as in [`Forecast`].
    pub confidence: f64,
    /// Duration, cost and quality of the attempt, without waiting.
    pub expected: Expected,
}

/// Stands in for unknown expectations: the mean of the other candidates.
pub struct Guess {
    quality: f64,
    latency: f64,
    cost: f64,
}

/// A weighed candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bid {
    pub agent: u32,
    pub success: f64,
    pub confidence: f64,
    /// The standard deviation of the total.
    doubt: f64,
    /// Attempts that have to end first, divided by the agent's capacity.
    pub queue: f64,
    /// Duration of the attempt without waiting, in milliseconds.
    service: f64,
    cost: Option<f64>,
    values: [f64; 4],
    pub total: f64,
    pub propensity: f64,
}

impl Guess {
    pub fn of(request: &Request, candidates: &[u32], prospects: &[Prospect]) -> Self {
        let mean = |what: fn(&Expected) -> Option<f64>| {
            let known = candidates.iter().filter_map(|agent| what(&prospects.get(*agent as usize)?.expected));
            let (sum, count) = known.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
            (count > 0.0).then(|| sum / count)
        };
        let estimate = request.task.estimate.map_or(0.0, |estimate| estimate as f64);
        Self {
            quality: mean(|expected| expected.quality).unwrap_or(1.0),
            latency: mean(|expected| expected.latency).unwrap_or(estimate),
            cost: mean(|expected| expected.cost).unwrap_or(0.0),
        }
    }
}

impl Bid {
    /// `others` is the number of tasks in line before this one.
    pub fn of(
        agent: u32,
        prospect: &Prospect,
        guess: &Guess,
        room: &Room,
        others: u32,
        preference: &Preference,
        weights: [f64; 4],
    ) -> Self {
        let Expected { latency, cost, quality } = prospect.expected;
        let service = latency.unwrap_or(guess.latency);
        let queue = room.ahead(agent, others);
        let counts = 1.0 - preference.quality * (1.0 - quality.unwrap_or(guess.quality));
        let values = [
            prospect.success * counts,
            service * (1.0 + queue) / MINUTE_MS,
            cost.unwrap_or(guess.cost) / UNIT_MICROS,
            room.load(agent).min(1.0),
        ];
        Self {
            agent,
            success: prospect.success,
            confidence: prospect.confidence,
            doubt: preference.success * counts * prospect.doubt,
            queue,
            service,
            cost,
            values,
            total: weights.iter().zip(values).fold(0.0, |total, (weight, value)| total + weight * value),
            propensity: 0.0,
        }
    }

    /// How long the attempt would wait before it begins, in milliseconds.
    pub fn wait(&self) -> f64 {
        self.queue * self.service
    }

    pub fn belief(&self) -> Belief {
        Belief { mean: self.total, sd: self.doubt }
    }

    pub fn score(&self) -> Score {
        Score {
            agent: self.agent,
            total: self.total,
            propensity: self.propensity,
            values: self.values.into(),
            forecast: Some(Forecast {
                p_success: self.success.clamp(0.0, 1.0),
                confidence: self.confidence.clamp(0.0, 1.0),
                latency: (self.service + self.wait()).round() as u64,
                cost_micros: self.cost.map(|cost| cost.round() as u64),
            }),
        }
    }
}
