//! What can be seen of a task before it is done: two noisy views of its difficulty, and one number that says nothing.

use baton_core::seed::Seed;

use super::copula::{Belief, cumulative};
use super::draw;

/// How difficult the plan says a task is, 0.0 to 1.0: Φ of the first view.
pub const DIFFICULTY: &str = "plan.difficulty";
/// How long the plan thinks it takes, in minutes: lognormal in the second view, with median 20.
pub const ESTIMATE: &str = "estimate-minutes";
/// How many words its title has, 3 to 14: noise.
pub const WORDS: &str = "title-words";

/// How much each of two views must tell so that both together explain `observability` of the variance: with
/// `x = √r·d + √(1−r)·η` the two leave `(1−r)/(1+r)` of it, which is `1 − obs` for `r = obs/(2−obs)`.
fn reliability(observability: f64) -> f64 {
    observability / (2.0 - observability)
}

/// Two views of a difficulty, each N(0, 1) over all tasks.
#[must_use]
pub fn views(difficulty: f64, observability: f64, seed: Seed) -> [f64; 2] {
    let r = reliability(observability);
    [0, 1].map(|view| r.sqrt() * difficulty + (1.0 - r).sqrt() * draw::normal(seed.of(view)))
}

/// What someone who sees both views should believe: the normal posterior under the prior N(0, 1), with mean
/// `√r·(x₁+x₂)/(1+r)` (Gelman et al., "Bayesian Data Analysis", 3rd ed., 2013, section 2.5).
#[must_use]
pub fn belief(views: [f64; 2], observability: f64) -> Belief {
    let r = reliability(observability);
    Belief { mean: r.sqrt() * (views[0] + views[1]) / (1.0 + r), variance: (1.0 - r) / (1.0 + r) }
}

/// The features by name. Each view is turned one to one, so nothing of it is lost.
#[must_use]
pub fn features(views: [f64; 2], seed: Seed) -> Vec<(String, f64)> {
    vec![
        (DIFFICULTY.to_owned(), cumulative(views[0])),
        (ESTIMATE.to_owned(), 20.0 * (0.5 * views[1]).exp()),
        (WORDS.to_owned(), (3.0 + 12.0 * seed.fraction()).floor()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_views_together_explain_what_observability_says() {
        for observability in [0.0, 0.2, 0.5, 0.8, 1.0] {
            let left = belief([0.3, -0.2], observability).variance;
            assert!((left - (1.0 - observability)).abs() < 1e-12);
        }
    }

    #[test]
    fn the_belief_is_the_regression_of_difficulty_on_the_views() {
        for observability in [0.3, 0.5, 0.9] {
            let (mut bias, mut error, mut along) = (0.0, 0.0, 0.0);
            let draws = 40_000;
            for index in 0..draws {
                let seed = Seed(11).of(index);
                let difficulty = draw::normal(seed.of(7));
                let belief = belief(views(difficulty, observability, seed), observability);
                let miss = difficulty - belief.mean;
                bias += miss / 40_000.0;
                error += miss * miss / 40_000.0;
                along += miss * belief.mean / 40_000.0;
            }
            assert!(bias.abs() < 0.02 && along.abs() < 0.02, "{bias} {along}");
            assert!((error - (1.0 - observability)).abs() < 0.02, "{observability}: {error}");
        }
    }

    #[test]
    fn full_observability_shows_the_difficulty_itself() {
        let belief = belief(views(1.3, 1.0, Seed(5)), 1.0);
        assert!((belief.mean - 1.3).abs() < 1e-12 && belief.variance.abs() < 1e-12);
    }

    #[test]
    fn harder_tasks_are_said_to_be_harder_and_longer() {
        let of = |difficulty| features(views(difficulty, 1.0, Seed(5)), Seed(6));
        let (easy, hard) = (of(-1.0), of(1.0));
        assert!(easy[0].1 < hard[0].1 && easy[1].1 < hard[1].1);
        assert_eq!(easy[2], hard[2]);
    }
}
