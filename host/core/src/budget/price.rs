//! What usage costs.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::{Basis, Money};
use crate::usage::Usage;

/// Of one model, for a million tokens each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Price {
    pub input: Money,
    pub output: Money,
    /// Input that the far side had kept; as any other input unless it is said.
    #[serde(default)]
    pub cached_input: Option<Money>,
}

pub type Prices = BTreeMap<String, Price>;

/// How an agent's usage becomes money.
#[derive(Clone, Debug, Default)]
pub struct Tariff {
    pub prices: Arc<Prices>,
    /// The model of an agent that does not say whose tokens it used.
    pub model: Option<String>,
    /// What every attempt costs, whatever it used; 0 for a program that costs nothing.
    pub attempt: Option<Money>,
}

impl Price {
    #[must_use]
    pub fn of(&self, usage: &Usage) -> Money {
        let cached = usage.cached_input_tokens.min(usage.input_tokens);
        let parts = [
            (usage.input_tokens - cached, self.input),
            (cached, self.cached_input.unwrap_or(self.input)),
            (usage.output_tokens, self.output),
        ];
        let millionths: u128 =
            parts.iter().map(|(tokens, price)| u128::from(*tokens) * u128::from(price.0)).sum();
        // Rounded up: a cap must not be passed by many small amounts.
        let whole = u64::try_from(millionths.div_ceil(1_000_000)).unwrap_or(u64::MAX);
        Money(whole.min(Money::MOST.0))
    }
}

impl Tariff {
    /// What so much usage costs, if anyone knows: the agent itself first. Tokens that were not told cost something that nobody
    /// knows, and not nothing.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Option<(Money, Basis)> {
        let table = || {
            if usage.input_tokens == 0 && usage.output_tokens == 0 {
                return None;
            }
            let model = usage.model.as_ref().or(self.model.as_ref())?;
            Some((self.prices.get(model)?.of(usage), Basis::Priced))
        };
        usage
            .cost_micros
            .map(|micros| (Money(micros), Basis::Reported))
            .or_else(|| Some((self.attempt?, Basis::Priced)))
            .or_else(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_cost_what_the_table_says_rounded_up() {
        let price =
            Price { input: Money(250_000), output: Money(2_000_000), cached_input: Some(Money(25_000)) };
        let usage =
            Usage { input_tokens: 1_001, output_tokens: 10, cached_input_tokens: 1_000, ..Usage::default() };
        // 1 × 0.25 + 1,000 × 0.025 + 10 × 2 millionths
        assert_eq!(price.of(&usage), Money(46));
    }

    #[test]
    fn the_agents_own_word_comes_first() {
        let prices =
            Arc::new(Prices::from([("m".into(), Price { input: Money(1_000_000), ..Price::default() })]));
        let tariff = Tariff { prices, model: Some("m".into()), attempt: None };
        let usage = Usage { input_tokens: 3, ..Usage::default() };
        assert_eq!(tariff.cost(&usage), Some((Money(3), Basis::Priced)));
        assert_eq!(
            tariff.cost(&Usage { cost_micros: Some(9), ..usage.clone() }),
            Some((Money(9), Basis::Reported))
        );
        assert_eq!(tariff.cost(&Usage { model: Some("other".into()), ..usage }), None);
    }

    #[test]
    fn tokens_that_were_not_told_are_not_free() {
        let prices =
            Arc::new(Prices::from([("m".into(), Price { input: Money(1_000_000), ..Price::default() })]));
        let untold = Usage { requests: 3, model: Some("m".into()), ..Usage::default() };
        let tariff = Tariff { prices, model: None, attempt: None };
        assert_eq!(tariff.cost(&untold), None);
        let declared = Tariff { attempt: Some(Money(0)), ..tariff };
        assert_eq!(declared.cost(&untold), Some((Money(0), Basis::Priced)));
    }
}
