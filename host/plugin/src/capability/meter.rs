//! Meters the usage that an attempt reports against its budget.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use baton_core::budget::price::Tariff;
use baton_core::budget::{Amount, Cap, Money, Resource};
use baton_core::usage::Usage;

/// The usage of one attempt.
#[derive(Debug, Default)]
pub struct UsageMeter {
    used: Mutex<Usage>,
    /// Whether a program was started or a request sent. An attempt that did neither has cost nothing.
    reached: AtomicBool,
    /// The attempt's budget.
    pub allowance: Cap,
    /// Prices, for usage that is reported without a cost.
    pub tariff: Tariff,
}

impl UsageMeter {
    /// A meter that reads zero.
    #[must_use]
    pub fn new(allowance: Cap, tariff: Tariff) -> Self {
        Self { used: Mutex::default(), reached: AtomicBool::default(), allowance, tariff }
    }

    /// Records the usage so far, which is a total and not an increment. Returns the resource that is over budget, if any.
    pub fn read(&self, used: Usage) -> Option<Resource> {
        let cost = self.tariff.cost(&used).map_or(Money(0), |(money, _)| money);
        let over = self.allowance.exceeded(&Amount::of(&used, cost, 0));
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = used;
        over
    }

    /// Records that a program was started or a request sent.
    pub fn reach(&self) {
        self.reached.store(true, Ordering::Relaxed);
    }

    /// Whether a program was started or a request sent.
    #[must_use]
    pub fn has_reached(&self) -> bool {
        self.reached.load(Ordering::Relaxed)
    }

    /// The usage that was recorded last.
    #[must_use]
    pub fn used(&self) -> Usage {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
