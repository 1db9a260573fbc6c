//! What an attempt says that it has used up, held against what it may.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use baton_core::budget::price::Tariff;
use baton_core::budget::{Amount, Cap, Money, Resource};
use baton_core::usage::Usage;

#[derive(Debug, Default)]
pub struct Meter {
    used: Mutex<Usage>,
    /// Whether a program was started or a request sent: who reaches nobody spends nothing.
    reached: AtomicBool,
    /// What the attempt may use.
    pub allowance: Cap,
    pub tariff: Tariff,
}

impl Meter {
    #[must_use]
    pub fn new(allowance: Cap, tariff: Tariff) -> Self {
        Self { used: Mutex::default(), reached: AtomicBool::default(), allowance, tariff }
    }

    /// Takes what was used so far, in all; names what there is too much of.
    pub fn read(&self, used: Usage) -> Option<Resource> {
        let cost = self.tariff.cost(&used).map_or(Money(0), |(money, _)| money);
        let over = self.allowance.exceeded(&Amount::of(&used, cost, 0));
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = used;
        over
    }

    /// Somebody was reached who may cost something.
    pub fn reach(&self) {
        self.reached.store(true, Ordering::Relaxed);
    }

    #[must_use]
    pub fn has_reached(&self) -> bool {
        self.reached.load(Ordering::Relaxed)
    }

    /// The last reading.
    #[must_use]
    pub fn used(&self) -> Usage {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
