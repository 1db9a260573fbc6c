//! Randomised choice: mostly the candidate that seems best, sometimes one that might be best, and every candidate once in a
//! while. The draw uses exactly the propensities that are recorded.

use super::normal::Normal;

/// The most candidates whose chance of being the best is computed: the cost grows with the square of their number.
const CONTENDERS: usize = 16;

/// Cells of the grid for the numeric integration.
const CELLS: usize = 64;

/// The belief about the worth of a candidate: a normal distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Belief {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation; 0 = certain.
    pub sd: f64,
}

/// Divides the propensity: the share `explore` by the chance of being the best (probability matching, Thompson, 1933), the
/// share `floor` evenly, the rest to the highest mean.
pub struct Lottery {
    explore: f64,
    floor: f64,
    normal: Normal,
}

impl Lottery {
    /// Both shares and their sum are 0.0 to 1.0.
    pub fn new(explore: f64, floor: f64) -> Self {
        Self { explore, floor, normal: Normal::new() }
    }

    /// The propensity of each candidate. They add up to 1, and with a floor none is 0.
    pub fn chances(&self, beliefs: &[Belief]) -> Vec<f64> {
        let Some(best) = first_most(beliefs.iter().map(|belief| belief.mean)) else {
            return Vec::new();
        };
        let mut chances = vec![self.floor / beliefs.len() as f64; beliefs.len()];
        chances[best] += 1.0 - self.explore - self.floor;
        if self.explore > 0.0 {
            let contenders = contenders(beliefs, best);
            for (place, chance) in contenders.iter().zip(self.best(beliefs, &contenders)) {
                chances[*place] += self.explore * chance;
            }
        }
        chances
    }

    /// The chance of each contender to be worth more than all others, integrated over a grid: in each cell, the chance that it
    /// lies there, times the chance that all others lie below the cell's middle. Normalised, because the grid is finite.
    fn best(&self, beliefs: &[Belief], contenders: &[usize]) -> Vec<f64> {
        let reach = |side: f64| {
            contenders
                .iter()
                .map(|&place| beliefs[place].mean + side * 4.0 * beliefs[place].sd)
                .fold(f64::NEG_INFINITY, f64::max)
        };
        let (low, high) = (reach(-1.0), reach(1.0));
        let width = (high - low) / CELLS as f64;
        if width <= 0.0 {
            let is_best = |place: &usize| f64::from(u8::from(beliefs[*place].mean >= high));
            return divided(contenders.iter().map(is_best).collect());
        }
        let mut sums = vec![0.0; contenders.len()];
        let mut below = vec![0.0; contenders.len()];
        let mut next = below.clone();
        let mut after = vec![1.0; contenders.len() + 1];
        for cell in 0..=CELLS {
            let edge = low + width * cell as f64;
            for (value, &place) in next.iter_mut().zip(contenders) {
                *value = self.below(beliefs[place], edge);
            }
            // Worth below the first edge can't be the best.
            if cell > 0 {
                gather(&mut sums, &below, &next, &mut after);
            }
            std::mem::swap(&mut below, &mut next);
        }
        divided(sums)
    }

    fn below(&self, belief: Belief, edge: f64) -> f64 {
        match belief.sd > 0.0 {
            true => self.normal.below((edge - belief.mean) / belief.sd),
            false => f64::from(u8::from(belief.mean < edge)),
        }
    }
}

/// Normalises to a sum of 1.
fn divided(parts: Vec<f64>) -> Vec<f64> {
    let total: f64 = parts.iter().sum();
    match total > 0.0 {
        true => parts.iter().map(|part| part / total).collect(),
        false => vec![1.0 / parts.len() as f64; parts.len()],
    }
}

/// Adds one cell: `below` and `next` are the probabilities of each contender below its edges. `after` is a buffer for the
/// products over the later contenders.
fn gather(sums: &mut [f64], below: &[f64], next: &[f64], after: &mut [f64]) {
    let middle = |place: usize| 0.5 * (below[place] + next[place]);
    for place in (0..sums.len()).rev() {
        after[place] = after[place + 1] * middle(place);
    }
    let mut before = 1.0;
    for (place, sum) in sums.iter_mut().enumerate() {
        *sum += (next[place] - below[place]) * before * after[place + 1];
        before *= middle(place);
    }
}

/// The contenders: the best mean, and the highest means plus two standard deviations; ascending.
fn contenders(beliefs: &[Belief], best: usize) -> Vec<usize> {
    let hope = |place: &usize| beliefs[*place].mean + 2.0 * beliefs[*place].sd;
    let mut places: Vec<usize> = (0..beliefs.len()).filter(|place| *place != best).collect();
    if places.len() >= CONTENDERS {
        let higher = |a: &usize, b: &usize| hope(b).total_cmp(&hope(a)).then(a.cmp(b));
        places.select_nth_unstable_by(CONTENDERS - 2, higher);
        places.truncate(CONTENDERS - 1);
    }
    places.push(best);
    places.sort_unstable();
    places
}

/// The position of the highest value, the first among equals.
fn first_most(values: impl Iterator<Item = f64>) -> Option<usize> {
    let mut most: Option<(usize, f64)> = None;
    for (place, value) in values.enumerate() {
        if most.is_none_or(|(_, known)| value > known) {
            most = Some((place, value));
        }
    }
    most.map(|(place, _)| place)
}

/// The index that a uniform number from 0.0 to 1.0 selects; never one with propensity 0. None if there is no candidate.
pub fn drawn(chances: &[f64], fraction: f64) -> Option<usize> {
    let mut sum = 0.0;
    let reached = chances.iter().position(|chance| {
        sum += chance;
        fraction < sum
    });
    // Rounding can leave the sum a little below 1.
    reached.or_else(|| chances.iter().rposition(|chance| *chance > 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SplitMix64;

    fn belief(mean: f64, sd: f64) -> Belief {
        Belief { mean, sd }
    }

    fn normal(random: &mut SplitMix64) -> f64 {
        (0..12).map(|_| random.fraction()).sum::<f64>() - 6.0
    }

    #[test]
    fn chances_of_being_best_are_those_of_drawing_and_comparing() {
        let beliefs = [belief(0.6, 0.05), belief(0.5, 0.2), belief(0.62, 0.01), belief(0.1, 0.3)];
        let chances = Lottery::new(1.0, 0.0).chances(&beliefs);
        let mut random = SplitMix64::new(5);
        let mut wins = [0.0; 4];
        for _ in 0..200_000 {
            let drawn = beliefs.map(|belief| belief.mean + belief.sd * normal(&mut random));
            wins[first_most(drawn.into_iter()).unwrap()] += 1.0 / 200_000.0;
        }
        for (chance, won) in chances.iter().zip(wins) {
            assert!((chance - won).abs() < 0.006, "{chances:?} {wins:?}");
        }
    }

    #[test]
    fn two_of_them_are_compared_exactly() {
        let chances = Lottery::new(1.0, 0.0).chances(&[belief(0.1, 0.3), belief(0.0, 0.4)]);
        // Φ(0.1 / 0.5)
        assert!((chances[0] - 0.579_260).abs() < 1e-4, "{chances:?}");
    }

    #[test]
    fn chances_add_up_and_nobody_is_left_out() {
        for count in [1, 2, 15, 16, 17, 1000] {
            let mut random = SplitMix64::new(count);
            let beliefs: Vec<Belief> =
                (0..count).map(|_| belief(random.fraction(), 0.3 * random.fraction())).collect();
            let chances = Lottery::new(0.1, 0.02).chances(&beliefs);
            assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            assert!(chances.iter().all(|chance| *chance >= 0.02 / count as f64));
            let best = first_most(beliefs.iter().map(|belief| belief.mean)).unwrap();
            assert_eq!(first_most(chances.iter().copied()), Some(best));
        }
        assert!(Lottery::new(0.1, 0.02).chances(&[]).is_empty());
    }

    #[test]
    fn without_doubt_the_best_takes_all_and_equals_share() {
        let lottery = Lottery::new(0.1, 0.0);
        assert_eq!(lottery.chances(&[belief(0.2, 0.0), belief(0.3, 0.0)]), [0.0, 1.0]);
        let equal = lottery.chances(&[belief(0.3, 0.0), belief(0.3, 0.0)]);
        assert!((equal[0] - 0.95).abs() < 1e-9 && (equal[1] - 0.05).abs() < 1e-9, "{equal:?}");
    }

    #[test]
    fn the_lot_falls_as_often_as_it_should() {
        let chances = [0.0, 0.25, 0.0, 0.75, 0.0];
        assert_eq!([0.0, 0.2, 0.25, 0.999, 1.0].map(|f| drawn(&chances, f)), [1, 1, 3, 3, 3].map(Some));
        assert_eq!(drawn(&[], 0.5), None);
    }
}
