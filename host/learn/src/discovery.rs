//! Multiple testing: which of many findings to report, with an expected share of false ones of at most `rate`.

use super::number::real;

/// The usual false discovery rate.
pub(super) const RATE: f64 = 0.05;
/// The rate for findings that ask for somebody's attention.
pub(super) const STRICT: f64 = 0.01;

/// Which hypotheses are rejected. Source: Benjamini and Hochberg, "Controlling the False Discovery Rate", 1995.
#[must_use]
pub(super) fn by_p_values(p_values: &[f64], rate: f64) -> Vec<bool> {
    among(p_values, p_values.len(), rate)
}

/// Like [`by_p_values`], for `hypotheses` in total, of which those that aren't listed can't be rejected.
#[must_use]
pub(super) fn among(p_values: &[f64], hypotheses: usize, rate: f64) -> Vec<bool> {
    let mut sorted = p_values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let all = real(hypotheses.max(sorted.len()));
    let bar = sorted.iter().zip(1..).filter(|(p, rank)| **p <= rate * real(*rank) / all).last();
    p_values.iter().map(|p| bar.is_some_and(|(bar, _)| p <= bar)).collect()
}

/// Which hypotheses are rejected, given the logarithms of their e-values, under any dependence. `hypotheses` includes
/// those that aren't listed because they can't be rejected. Source: Wang and Ramdas, "False Discovery Rate Control
/// with E-values", 2022.
#[must_use]
pub(super) fn by_e_values(ln_e_values: &[f64], hypotheses: usize, rate: f64) -> Vec<bool> {
    let mut sorted = ln_e_values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let all = real(hypotheses.max(sorted.len()));
    let bar = sorted.iter().zip(1..).filter(|(e, rank)| **e >= (all / (rate * real(*rank))).ln()).last();
    ln_e_values.iter().map(|e| bar.is_some_and(|(bar, _)| e >= bar)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of section 3.2 of the paper: 15 p-values, of which the first four are rejected.
    #[test]
    fn the_published_example_rejects_four() {
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
            0.6528, 0.7590, 1.0,
        ];
        let rejected = by_p_values(&p, 0.05);
        assert_eq!(rejected.iter().filter(|rejected| **rejected).count(), 4);
        assert!(rejected[..4].iter().all(|rejected| *rejected));
    }

    #[test]
    fn a_larger_p_value_is_carried_by_those_above_it() {
        assert_eq!(by_p_values(&[0.04, 0.045, 0.9], 0.05), [false, false, false]);
        assert_eq!(by_p_values(&[0.03, 0.033, 0.9], 0.05), [true, true, false]);
        assert!(by_p_values(&[], 0.05).is_empty());
        assert_eq!(among(&[0.004, 0.011], 10, 0.05), [true, false]);
    }

    #[test]
    fn e_values_need_to_be_as_large_as_there_are_hypotheses() {
        let ln = |e: f64| e.ln();
        assert_eq!(by_e_values(&[ln(200.0), ln(19.0)], 10, 0.05), [true, false]);
        assert_eq!(by_e_values(&[ln(199.0), ln(100.1)], 10, 0.05), [true, true]);
        assert_eq!(by_e_values(&[ln(199.0), ln(99.0)], 10, 0.05), [false, false]);
    }
}
