//! When tasks come in.

use baton_core::seed::Seed;

use super::config::Arrivals;
use super::draw::{self, Draw};

/// The arrival times of `count` tasks in milliseconds, ascending from 0 on; `rate` is tasks per millisecond, above 0.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "sizes of bursts")]
pub fn times(arrivals: Arrivals, rate: f64, tasks: usize, seed: Seed) -> Vec<u64> {
    let size = match arrivals {
        Arrivals::AllAtOnce => return vec![0; tasks],
        Arrivals::Poisson => 1,
        Arrivals::Bursty { size } => size.max(1),
    };
    let gap =
        |index: usize| -(1.0 - draw::one(seed, Draw::Arrival, index).fraction()).ln() * size as f64 / rate;
    let mut now = 0.0;
    let arrive = |index: usize| {
        if index.is_multiple_of(size) {
            now += gap(index);
        }
        draw::whole(now)
    };
    (0..tasks).map(arrive).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_exponential_with_the_rate_that_was_told() {
        let times = times(Arrivals::Poisson, 0.001, 20_000, Seed(9));
        let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / 19_999.0;
        let short = gaps.iter().filter(|gap| **gap < 1000.0).count() as f64 / 19_999.0;
        assert!((mean - 1000.0).abs() < 25.0, "{mean}");
        assert!((short - (1.0 - (-1.0_f64).exp())).abs() < 0.015, "{short}");
    }

    #[test]
    fn bursts_have_the_same_rate() {
        let times = times(Arrivals::Bursty { size: 20 }, 0.001, 20_000, Seed(9));
        assert!(times.chunks(20).all(|burst| burst[0] == burst[19]));
        let rate = 20_000.0 / times[19_999] as f64;
        assert!((rate / 0.001 - 1.0).abs() < 0.1, "{rate}");
    }

    #[test]
    fn all_at_once_is_at_the_start() {
        assert_eq!(times(Arrivals::AllAtOnce, 0.001, 3, Seed(9)), [0, 0, 0]);
        assert!(times(Arrivals::Poisson, 0.001, 0, Seed(9)).is_empty());
    }

    #[test]
    fn a_burst_of_none_is_a_burst_of_one() {
        assert_eq!(
            times(Arrivals::Bursty { size: 0 }, 0.01, 50, Seed(2)),
            times(Arrivals::Poisson, 0.01, 50, Seed(2))
        );
    }
}
