//! The circuit breaker of an agent: an agent that keeps failing gets no work for a while. Pure.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Time;

/// State of a breaker. Durable, so that a restart doesn't forget a broken agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Breaker {
    /// The agent gets work.
    Closed {
        /// Consecutive failures so far.
        failures: u32,
    },
    /// The agent gets no work. Consecutive trips lengthen the pause.
    Open {
        /// When it becomes half-open.
        until: Time,
        /// Consecutive trips, this one included.
        trips: u32,
    },
    /// The agent is probed. If it answers, one attempt is let through, and its result closes or reopens the breaker.
    HalfOpen {
        /// Consecutive trips so far.
        trips: u32,
    },
}

/// When breakers open, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// Consecutive failures that open the breaker.
    pub failures: u32,
    /// The first pause; it doubles with each consecutive trip, up to 32-fold.
    pub pause: Duration,
    /// Agents that have been silent for this long are probed; none = never.
    pub probe: Option<Duration>,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(10), probe: Some(Duration::from_secs(60)) }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// How many further attempts may start: all that are `free`, one, or none.
    #[must_use]
    pub fn room(self, free: u32, running: u32) -> u32 {
        match self {
            Self::Closed { .. } => free,
            Self::HalfOpen { .. } => u32::from(running == 0).min(free),
            Self::Open { .. } => 0,
        }
    }

    /// After a successful attempt: closed, with no failures.
    #[must_use]
    pub fn succeeded(self) -> Self {
        Self::default()
    }

    /// After an attempt failed with a class that [blames the agent](crate::fault::ErrorClass::blames_agent).
    #[must_use]
    pub fn failed(self, policy: BreakerPolicy, now: Time) -> Self {
        match self {
            Self::Closed { failures } if failures + 1 < policy.failures => {
                Self::Closed { failures: failures + 1 }
            }
            Self::Closed { .. } => Self::open(policy, 0, now),
            Self::HalfOpen { trips } => Self::open(policy, trips, now),
            Self::Open { .. } => self,
        }
    }

    fn open(policy: BreakerPolicy, trips: u32, now: Time) -> Self {
        Self::Open { until: now + policy.pause * (1 << trips.min(5)), trips: trips + 1 }
    }

    /// The state at this time: an open breaker becomes half-open when its pause is over.
    #[must_use]
    pub fn at(self, now: Time) -> Self {
        match self {
            Self::Open { until, trips } if until <= now => Self::HalfOpen { trips },
            Self::Open { .. } | Self::Closed { .. } | Self::HalfOpen { .. } => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: BreakerPolicy =
        BreakerPolicy { failures: 2, pause: Duration::from_millis(100), probe: None };

    #[test]
    fn opens_after_failures_in_a_row_and_closes_after_a_good_probe() {
        let once = Breaker::default().failed(POLICY, Time(0));
        assert_eq!(once, Breaker::Closed { failures: 1 });
        assert_eq!(once.succeeded(), Breaker::Closed { failures: 0 });
        let open = once.failed(POLICY, Time(0));
        assert_eq!(open, Breaker::Open { until: Time(100), trips: 1 });
        assert_eq!(open.at(Time(99)), open);
        assert_eq!(open.at(Time(100)), Breaker::HalfOpen { trips: 1 });
        assert_eq!(open.at(Time(100)).succeeded(), Breaker::Closed { failures: 0 });
    }

    #[test]
    fn a_failed_probe_waits_twice_as_long() {
        let probe = Breaker::HalfOpen { trips: 1 };
        assert_eq!(probe.failed(POLICY, Time(100)), Breaker::Open { until: Time(300), trips: 2 });
    }

    #[test]
    fn half_open_lets_one_through() {
        let probe = Breaker::HalfOpen { trips: 1 };
        assert_eq!((probe.room(4, 0), probe.room(4, 1)), (1, 0));
        assert_eq!(Breaker::Open { until: Time(9), trips: 1 }.room(4, 0), 0);
    }
}
