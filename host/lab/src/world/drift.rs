//! Drift, resolved for a pool and a number of tasks.

use super::config::{Drift, Which, within};
use super::draw;

/// A drift whose agent and positions are resolved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    drift: Drift,
    agent: Option<usize>,
    from: usize,
    until: usize,
}

impl Shift {
    /// `best` is whom [`Which::Best`] means; none in an empty pool.
    #[must_use]
    pub fn of(drift: Drift, best: Option<usize>, tasks: usize) -> Self {
        let none = (None, 1.0, 1.0);
        let (which, at, until) = match drift {
            Drift::None => none,
            Drift::Step { at, agent, .. }
            | Drift::Joins { at, agent }
            | Drift::Leaves { at, agent }
            | Drift::Price { at, agent, .. } => (Some(agent), at, 1.0),
            Drift::Decay { at, until, agent, .. } | Drift::Recovery { at, until, agent, .. } => {
                (Some(agent), at, until)
            }
        };
        let agent = which.and_then(|which| match which {
            Which::Best => best,
            Which::Index(index) => Some(index),
        });
        let from = place(at, tasks);
        Self { drift, agent, from, until: place(until, tasks).max(from) }
    }

    /// The first task that it touches.
    #[must_use]
    pub fn at(&self) -> Option<usize> {
        self.agent.map(|_| self.from)
    }

    fn touches(&self, agent: usize, task: usize) -> bool {
        self.agent == Some(agent) && task >= self.from
    }

    /// Whether the agent's chance with this task is another than without drift.
    #[must_use]
    pub fn changes(&self, agent: usize, task: usize) -> bool {
        self.agent == Some(agent) && self.factor(agent, task) != 1.0
    }

    /// The factor on the agent's probability of success, at least 0.0: above 1 it is better than before.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "positions of tasks")]
    pub fn factor(&self, agent: usize, task: usize) -> f64 {
        match self.drift {
            Drift::None | Drift::Price { .. } => 1.0,
            Drift::Joins { .. } | Drift::Leaves { .. } => f64::from(u8::from(self.present(agent, task))),
            Drift::Step { to, .. } if self.touches(agent, task) => within(to, 0.0, 1e6),
            Drift::Recovery { to, .. } if self.touches(agent, task) && task < self.until => {
                within(to, 0.0, 1e6)
            }
            Drift::Decay { to, .. } if self.touches(agent, task) && task >= self.until => {
                within(to, 0.0, 1e6)
            }
            Drift::Decay { to, .. } if self.touches(agent, task) => {
                let way = (task - self.from) as f64 / (self.until - self.from) as f64;
                1.0 + way * (within(to, 0.0, 1e6) - 1.0)
            }
            Drift::Step { .. } | Drift::Recovery { .. } | Drift::Decay { .. } => 1.0,
        }
    }

    /// Whether the agent is there when this task comes.
    #[must_use]
    pub fn present(&self, agent: usize, task: usize) -> bool {
        match self.drift {
            Drift::Joins { .. } => self.agent != Some(agent) || task >= self.from,
            Drift::Leaves { .. } => !self.touches(agent, task),
            Drift::None
            | Drift::Step { .. }
            | Drift::Decay { .. }
            | Drift::Recovery { .. }
            | Drift::Price { .. } => true,
        }
    }

    /// The factor on the agent's price.
    #[must_use]
    pub fn price(&self, agent: usize, task: usize) -> f64 {
        match self.drift {
            Drift::Price { to, .. } if self.touches(agent, task) => within(to, 0.0, 1e6),
            Drift::None
            | Drift::Step { .. }
            | Drift::Decay { .. }
            | Drift::Recovery { .. }
            | Drift::Joins { .. }
            | Drift::Leaves { .. }
            | Drift::Price { .. } => 1.0,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of tasks")]
fn place(fraction: f64, tasks: usize) -> usize {
    let place = draw::whole(within(fraction, 0.0, 1.0) * tasks as f64);
    usize::try_from(place).unwrap_or(usize::MAX).min(tasks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(drift: Drift, agent: usize) -> Vec<f64> {
        let shift = Shift::of(drift, Some(1), 8);
        (0..8).map(|task| shift.factor(agent, task)).collect()
    }

    #[test]
    fn a_step_is_for_good_and_for_one_agent() {
        let drift = Drift::Step { at: 0.5, agent: Which::Best, to: 0.35 };
        assert_eq!(factors(drift, 1), [1.0, 1.0, 1.0, 1.0, 0.35, 0.35, 0.35, 0.35]);
        assert_eq!(factors(drift, 0), [1.0; 8]);
    }

    #[test]
    fn a_decay_is_even_and_ends() {
        let drift = Drift::Decay { at: 0.25, until: 0.75, agent: Which::Index(0), to: 0.0 };
        assert_eq!(factors(drift, 0), [1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]);
    }

    #[test]
    fn a_decay_that_ends_where_it_begins_is_a_step() {
        let drift = Drift::Decay { at: 0.5, until: 0.1, agent: Which::Index(0), to: 0.5 };
        assert_eq!(factors(drift, 0), [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5]);
    }

    #[test]
    fn who_recovers_is_as_good_as_before() {
        let drift = Drift::Recovery { at: 0.25, until: 0.5, agent: Which::Index(0), to: 0.5 };
        assert_eq!(factors(drift, 0), [1.0, 1.0, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn who_is_absent_can_do_nothing() {
        let joins = Shift::of(Drift::Joins { at: 0.5, agent: Which::Index(2) }, None, 8);
        let leaves = Shift::of(Drift::Leaves { at: 0.5, agent: Which::Index(2) }, None, 8);
        let there = |shift: Shift| [3, 4].map(|task| (shift.present(2, task), shift.factor(2, task)));
        assert_eq!(there(joins), [(false, 0.0), (true, 1.0)]);
        assert_eq!(there(leaves), [(true, 1.0), (false, 0.0)]);
        assert!(joins.present(0, 0) && leaves.present(0, 7));
    }

    #[test]
    fn a_price_changes_nothing_but_the_price() {
        let drift = Drift::Price { at: 0.5, agent: Which::Index(0), to: 3.0 };
        let shift = Shift::of(drift, None, 8);
        assert_eq!([3, 4].map(|task| shift.price(0, task)), [1.0, 3.0]);
        assert_eq!(factors(drift, 0), [1.0; 8]);
    }

    #[test]
    fn nothing_happens_to_the_best_of_nobody() {
        let shift = Shift::of(Drift::Step { at: 0.0, agent: Which::Best, to: 0.0 }, None, 8);
        assert_eq!((shift.at(), shift.factor(0, 4)), (None, 1.0));
    }
}
