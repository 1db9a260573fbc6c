//! How long attempts take: a lognormal around a mean of each agent and skill.

use baton_core::seed::Seed;

use super::config::{Service, Skew};
use super::draw::{self, Draw};
use super::pool::{Roster, weighted};

/// Mean time in milliseconds by agent and skill.
#[must_use]
pub fn means(service: &Service, skew: Skew, roster: &Roster, seed: Seed) -> Vec<Vec<f64>> {
    let paces = paces(service.tilt, roster);
    let first_slow = roster.agents.len().saturating_sub(skew.slow);
    let mean = |agent: usize, skill: usize| {
        let slow = if agent < first_slow { 1.0 } else { skew.factor };
        let pace = draw::normal(draw::pair(seed, Draw::Pace, agent, skill));
        service.mean_ms * paces[agent] * slow * unit_lognormal(service.spread, pace)
    };
    (0..roster.agents.len())
        .map(|agent| (0..roster.skills.len()).map(|skill| mean(agent, skill)).collect())
        .collect()
}

/// The factor on each agent's times that its quality implies; the mean is 1.
#[expect(clippy::cast_precision_loss, reason = "pools are small")]
fn paces(tilt: f64, roster: &Roster) -> Vec<f64> {
    let count = roster.agents.len() as f64;
    let qualities: Vec<f64> = roster.chances.iter().map(|row| weighted(row, &roster.shares)).collect();
    let mean = qualities.iter().sum::<f64>() / count;
    let deviation = (qualities.iter().map(|quality| (quality - mean).powi(2)).sum::<f64>() / count).sqrt();
    let standing = |quality: &f64| if deviation > 0.0 { (quality - mean) / deviation } else { 0.0 };
    let raw: Vec<f64> = qualities.iter().map(|quality| (tilt * standing(quality)).exp()).collect();
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|pace| pace * count / sum).collect()
}

fn unit_lognormal(sigma: f64, normal: f64) -> f64 {
    (sigma * normal - sigma * sigma / 2.0).exp()
}

/// A time with this mean, in whole milliseconds, at least 1; `normal` is a draw from N(0, 1).
#[must_use]
pub fn lognormal(mean: f64, sigma: f64, normal: f64) -> u64 {
    draw::whole(mean * unit_lognormal(sigma, normal)).max(1)
}

/// Tasks per millisecond that a pool gets done when every agent is always busy with the usual mix of skills.
#[must_use]
pub fn throughput(means: &[Vec<f64>], shares: &[f64], capacity: u32) -> f64 {
    means.iter().map(|row| f64::from(capacity) / weighted(row, shares)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Pool;

    #[test]
    fn times_have_the_mean_that_was_told() {
        let draws = 40_000;
        let sum: u64 = (0..draws).map(|index| lognormal(1000.0, 0.6, draw::normal(Seed(8).of(index)))).sum();
        let mean = sum as f64 / f64::from(i32::try_from(draws).unwrap());
        assert!((mean - 1000.0).abs() < 20.0, "{mean}");
    }

    #[test]
    fn better_agents_are_slower_by_the_tilt() {
        let roster = Pool::Specialists.roster();
        let service = Service { mean_ms: 100.0, sigma: 0.0, tilt: 0.4, spread: 0.0 };
        let means = means(&service, Skew::default(), &roster, Seed(1));
        let best = roster.best().unwrap();
        assert!(means.iter().all(|row| row[0] <= means[best][0]));
        let mean = means.iter().map(|row| row[0]).sum::<f64>() / 6.0;
        assert!((mean - 100.0).abs() < 1e-9);
    }

    #[test]
    fn skew_slows_the_last_agents() {
        let roster = Pool::Generalists.roster();
        let service = Service { mean_ms: 100.0, sigma: 0.0, tilt: 0.0, spread: 0.0 };
        let means = means(&service, Skew { slow: 2, factor: 5.0 }, &roster, Seed(1));
        let first: Vec<f64> = means.iter().map(|row| row[3].round()).collect();
        assert_eq!(first, [&[100.0; 10][..], &[500.0; 2][..]].concat());
    }

    #[test]
    fn throughput_adds_up_the_agents() {
        let means = vec![vec![10.0, 30.0], vec![40.0, 40.0]];
        assert!((throughput(&means, &[0.5, 0.5], 2) - (0.1 + 0.05)).abs() < 1e-12);
        assert_eq!(throughput(&[], &[], 1), 0.0);
    }
}
