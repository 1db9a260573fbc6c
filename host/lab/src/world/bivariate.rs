//! The bivariate normal distribution, for tests that ask how strongly outcomes hang together.

use super::copula::{cumulative, quantile};

/// The chance that two outcomes with these chances both succeed, when their latent outcomes have this correlation,
/// 0.0 to 0.999: the midpoint rule over the shared factor.
#[must_use]
pub fn both(one: f64, other: f64, rho: f64) -> f64 {
    let (steps, width) = (600, 16.0 / 600.0);
    let (first, second) = (quantile(one), quantile(other));
    let given =
        |threshold: f64, shared: f64| cumulative((threshold - rho.sqrt() * shared) / (1.0 - rho).sqrt());
    let sum: f64 = (0..steps)
        .map(|step| -8.0 + width * (f64::from(step) + 0.5))
        .map(|shared| given(first, shared) * given(second, shared) * (-shared * shared / 2.0).exp())
        .sum();
    sum * width / std::f64::consts::TAU.sqrt()
}

/// The correlation, from 0.0 to 0.999, of normal variables that were cut at these chances and are both below their cuts
/// this often (Pearson's tetrachoric correlation, 1900).
#[must_use]
pub fn tetrachoric(one: f64, other: f64, joint: f64) -> f64 {
    let (mut low, mut high) = (0.0, 0.999);
    for _ in 0..30 {
        let middle = f64::midpoint(low, high);
        if both(one, other, middle) < joint { low = middle } else { high = middle }
    }
    low
}

#[test]
fn medians_agree_as_sheppard_found() {
    for rho in [0.0_f64, 0.3, 0.45, 0.7] {
        let exact = 0.25 + rho.asin() / std::f64::consts::TAU;
        assert!((both(0.5, 0.5, rho) - exact).abs() < 1e-6, "{rho}");
        assert!((tetrachoric(0.5, 0.5, exact) - rho).abs() < 1e-4, "{rho}");
    }
}
