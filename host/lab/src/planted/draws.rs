//! A stream of random draws from one seed.

use baton_core::seed::Seed;
use baton_learn::number::real;

pub(super) struct Draws {
    seed: Seed,
    drawn: i64,
}

impl Draws {
    pub(super) fn of(seed: Seed) -> Self {
        Self { seed, drawn: 0 }
    }

    /// A uniform draw from 0.0 (inclusive) to 1.0 (exclusive).
    pub(super) fn fraction(&mut self) -> f64 {
        self.drawn += 1;
        self.seed.of(self.drawn).fraction()
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.fraction()
    }

    /// An index below `count`; 0 if that is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let at = self.fraction() * real(bound);
        (0..bound).rev().find(|place| real(*place) <= at).unwrap_or(0)
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let place = self.below(from.len());
        from.get(place)
    }

    /// This many different indices, in random order.
    pub(super) fn sample<T: Clone>(&mut self, from: &[T], count: usize) -> Vec<T> {
        let mut left = from.to_vec();
        let mut found = Vec::new();
        while found.len() < count && !left.is_empty() {
            let place = self.below(left.len());
            found.push(left.swap_remove(place));
        }
        found
    }

    /// A factor whose logarithm is normal with mean 0 and this deviation.
    /// Source: Box and Muller, "A Note on the Generation of Random Normal Deviates", 1958.
    pub(super) fn factor(&mut self, deviation: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.fraction()).ln()).sqrt();
        (deviation * radius * (std::f64::consts::TAU * self.fraction()).cos()).exp()
    }
}
