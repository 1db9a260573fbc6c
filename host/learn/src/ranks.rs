//! Robust statistics: median, spread and rank sum.

use statrs::function::erf::erfc;

use super::number::real;

/// The median; 0 without values.
#[must_use]
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match (sorted.len() % 2, sorted.get(half)) {
        (_, None) => 0.0,
        (0, Some(upper)) => {
            sorted.get(half.wrapping_sub(1)).map_or(*upper, |lower| f64::midpoint(*lower, *upper))
        }
        (_, Some(middle)) => *middle,
    }
}

/// The median absolute deviation times 1.4826, which estimates the standard deviation of a normal distribution.
/// Source: Hampel, "The Influence Curve and Its Role in Robust Estimation", 1974.
#[must_use]
pub(super) fn spread(values: &[f64]) -> f64 {
    let middle = median(values);
    let distances: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    1.4826 * median(&distances)
}

/// Two-sided p-value of the hypothesis that two samples come from one distribution: the rank sum with the normal limit,
/// corrected for ties and continuity. Source: Mann and Whitney, "On a Test of Whether one of Two Random Variables is
/// Stochastically Larger than the Other", 1947.
#[must_use]
pub(super) fn rank_sum(a: &[f64], b: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> =
        a.iter().map(|x| (*x, true)).chain(b.iter().map(|x| (*x, false))).collect();
    all.sort_by(|x, y| x.0.total_cmp(&y.0));
    let (mut ranks, mut ties, mut below) = (0.0, 0.0, 0.0);
    for group in all.chunk_by(|x, y| x.0.total_cmp(&y.0).is_eq()) {
        let size = real(group.len());
        let own = real(group.iter().filter(|(_, own)| *own).count());
        ranks += own * (below + (size + 1.0) / 2.0);
        ties += size * (size * size - 1.0);
        below += size;
    }
    let (m, n) = (real(a.len()), real(b.len()));
    let total = m + n;
    if m < 1.0 || n < 1.0 || total < 3.0 {
        return 1.0;
    }
    let variance = m * n / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    let distance = (ranks - m * (total + 1.0) / 2.0).abs() - 0.5;
    erfc((distance / variance.sqrt()).max(0.0) / std::f64::consts::SQRT_2).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_between_the_two_in_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-12);
        assert!(median(&[]).abs() < 1e-12 && spread(&[]).abs() < 1e-12);
        assert!((spread(&[1.0, 2.0, 3.0, 4.0, 100.0]) - 1.4826).abs() < 1e-12);
    }

    /// `wilcox.test(c(1.1,2.2,3.3,4.4), c(2.2,5.5,6.6,7.7,8.8), exact=FALSE)` of R 4, worked out by hand: the ranks of
    /// the first are 1, 2.5, 4, 5, so U = 2.5, the mean is 10, and the variance 20/12·(10 − 6/72).
    #[test]
    fn the_rank_sum_agrees_with_the_textbook() {
        let p = rank_sum(&[1.1, 2.2, 3.3, 4.4], &[2.2, 5.5, 6.6, 7.7, 8.8]);
        let z: f64 = 7.0 / (20.0_f64 / 12.0 * (10.0 - 6.0 / 72.0)).sqrt();
        assert!((p - erfc(z / std::f64::consts::SQRT_2)).abs() < 1e-12, "{p}");
    }

    #[test]
    fn equal_samples_and_missing_ones_are_not_different() {
        assert!((rank_sum(&[1.0; 9], &[1.0; 9]) - 1.0).abs() < 1e-12);
        assert!((rank_sum(&[], &[1.0]) - 1.0).abs() < 1e-12);
    }
}
