//! Budgets: caps, accounts and reservations. Pure: the ledger is a projection of the attempts' rows.

pub mod ledger;
pub mod price;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::span::Span;
use crate::usage::Usage;

/// Millionths of the operator's currency. Written as a decimal number: `0.5` is 500,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(transparent)]
pub struct Money(#[schemars(with = "f64", range(min = 0.0))] pub u64);

const UNIT: u64 = 1_000_000;

impl Money {
    /// The largest amount, nine billion units of the currency: up to there JSON numbers are exact.
    pub const MOST: Self = Self(9_000_000_000 * UNIT);
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, millionths) = (self.0 / UNIT, self.0 % UNIT);
        let decimals = format!("{millionths:06}");
        let shown = decimals.trim_end_matches('0');
        f.pad(&format!("{whole}.{}", if shown.len() < 2 { &decimals[..2] } else { shown }))
    }
}

impl Serialize for Money {
    #[expect(clippy::cast_precision_loss, reason = "exact up to nine billion units of the currency")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / UNIT as f64)
    }
}

impl<'de> Deserialize<'de> for Money {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the range is checked before"
    )]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let units = f64::deserialize(deserializer)?;
        let fits = units.is_finite() && (0.0..=9e9).contains(&units);
        if !fits {
            return Err(de::Error::custom(format!(
                "expected an amount of money from 0 to 9 billion, not {units}"
            )));
        }
        Ok(Self((units * UNIT as f64).round() as u64))
    }
}

/// Limits on resources; none = unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cap {
    /// In the operator's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
    /// Input and output tokens together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Durations of attempts, added up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall: Option<Span>,
    /// Steps of the agent, as it counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns: Option<u64>,
}

/// Quantities of each resource, used or reserved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Amount {
    /// In millionths of the operator's currency.
    pub money: Money,
    /// Input and output tokens together.
    pub tokens: u64,
    /// Duration of attempts, in milliseconds.
    pub wall_ms: u64,
    /// Steps of the agent, as it counts them.
    pub turns: u64,
}

/// A resource that a cap can limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// The operator's currency, in millionths.
    Money,
    /// Input and output tokens together.
    Tokens,
    /// Duration of attempts, in milliseconds.
    Wall,
    /// Steps of the agent.
    Turns,
}

impl Resource {
    /// In the order in which caps are checked.
    pub const ALL: [Self; 4] = [Self::Money, Self::Tokens, Self::Wall, Self::Turns];

    /// A quantity in words, with its unit.
    #[must_use]
    pub fn shown(self, quantity: u64) -> String {
        match self {
            Self::Money => Money(quantity).to_string(),
            Self::Tokens => format!("{quantity} tokens"),
            Self::Wall => Span::from_millis(quantity).to_string(),
            Self::Turns => format!("{quantity} turns"),
        }
    }
}

impl Amount {
    /// The amounts in an attempt's usage, with its cost and its duration.
    #[must_use]
    pub fn of(usage: &Usage, money: Money, wall_ms: u64) -> Self {
        Self {
            money,
            tokens: usage.input_tokens.saturating_add(usage.output_tokens),
            wall_ms,
            turns: usage.turns,
        }
    }

    /// The quantity of one resource, in its unit.
    #[must_use]
    pub fn get(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Money => self.money.0,
            Resource::Tokens => self.tokens,
            Resource::Wall => self.wall_ms,
            Resource::Turns => self.turns,
        }
    }

    fn with(mut self, resource: Resource, quantity: u64) -> Self {
        match resource {
            Resource::Money => self.money = Money(quantity),
            Resource::Tokens => self.tokens = quantity,
            Resource::Wall => self.wall_ms = quantity,
            Resource::Turns => self.turns = quantity,
        }
        self
    }

    fn map(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Resource::ALL.into_iter().fold(self, |amount, resource| {
            amount.with(resource, with(amount.get(resource), other.get(resource)))
        })
    }

    /// Resource by resource, saturating.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.map(other, u64::saturating_add)
    }

    /// Resource by resource, not below zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.map(other, u64::saturating_sub)
    }
}

impl Cap {
    /// The limit on one resource, in its unit; none = unlimited.
    #[must_use]
    pub fn get(&self, resource: Resource) -> Option<u64> {
        match resource {
            Resource::Money => self.money.map(|money| money.0),
            Resource::Tokens => self.tokens,
            Resource::Wall => self.wall.map(Span::millis),
            Resource::Turns => self.turns,
        }
    }

    fn from_each(quantity: impl Fn(Resource) -> Option<u64>) -> Self {
        Self {
            money: quantity(Resource::Money).map(Money),
            tokens: quantity(Resource::Tokens),
            wall: quantity(Resource::Wall).map(Span::from_millis),
            turns: quantity(Resource::Turns),
        }
    }

    /// Whether nothing is limited.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The stricter of both, resource by resource.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self::from_each(|resource| self.get(resource).into_iter().chain(other.get(resource)).min())
    }

    /// This cap, with `other`'s limits where this has none.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self::from_each(|resource| self.get(resource).or(other.get(resource)))
    }

    /// What is left of the limits after `gone`.
    #[must_use]
    pub fn less(&self, gone: &Amount) -> Self {
        Self::from_each(|resource| Some(self.get(resource)?.saturating_sub(gone.get(resource))))
    }

    /// The first resource of which nothing is left.
    #[must_use]
    pub fn reached(&self, by: &Amount) -> Option<Resource> {
        Resource::ALL
            .into_iter()
            .find(|resource| self.get(*resource).is_some_and(|cap| by.get(*resource) >= cap))
    }

    /// The first resource of which there is more than this.
    #[must_use]
    pub fn exceeded(&self, by: &Amount) -> Option<Resource> {
        Resource::ALL
            .into_iter()
            .find(|resource| self.get(*resource).is_some_and(|cap| by.get(*resource) > cap))
    }

    /// As an amount to reserve: zero where there is no limit.
    #[must_use]
    pub fn amount(&self) -> Amount {
        Resource::ALL.into_iter().fold(Amount::default(), |amount, resource| {
            amount.with(resource, self.get(resource).unwrap_or_default())
        })
    }
}

/// The operator's caps. An agent's own is on its card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Caps {
    /// One attempt; this is what is reserved when it starts.
    pub attempt: Cap,
    /// All attempts of one task and of the tasks below it.
    pub task: Cap,
    /// All attempts of one run.
    pub run: Cap,
    /// All runs together, in one day (UTC).
    pub day: Cap,
}

/// The operator's caps and prices.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    /// The limits.
    pub caps: Caps,
    /// Prices by model.
    pub prices: std::sync::Arc<price::Prices>,
}

impl Caps {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What an attempt used and what it cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bill {
    /// As reported by the agent.
    pub usage: Usage,
    /// 0 if the basis is [`Basis::Unknown`].
    pub cost: Money,
    /// How `cost` is known.
    pub basis: Basis,
    /// Duration of the attempt, in milliseconds.
    pub wall_ms: u64,
}

/// How a cost is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Reported by the agent.
    Reported,
    /// Computed from the price table, or the agent's flat cost per attempt.
    Priced,
    /// Unknown: the reservation counts as spent, so that the cap binds.
    Reserved,
    /// Unknown, and nothing was reserved.
    Unknown,
}

impl Bill {
    /// The amounts charged to the accounts.
    #[must_use]
    pub fn amount(&self) -> Amount {
        Amount::of(&self.usage, self.cost, self.wall_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact_to_the_millionth() {
        let read = |text: &str| serde_json::from_str::<Money>(text).map_err(|why| why.to_string());
        assert_eq!(read("0.5"), Ok(Money(500_000)));
        assert_eq!(read("0.000001"), Ok(Money(1)));
        assert_eq!(read("12"), Ok(Money(12_000_000)));
        assert_eq!(read("-1"), Err("expected an amount of money from 0 to 9 billion, not -1".into()));
        assert_eq!(
            [Money(500_000), Money(1), Money(12_340_000)].map(|money| money.to_string()),
            ["0.50", "0.000001", "12.34"]
        );
    }

    #[test]
    fn caps_combine_good_by_good() {
        let money = Cap { money: Some(Money(5)), tokens: Some(10), ..Cap::default() };
        let tokens = Cap { tokens: Some(7), turns: Some(1), ..Cap::default() };
        assert_eq!(
            money.and(&tokens),
            Cap { money: Some(Money(5)), tokens: Some(7), turns: Some(1), ..Cap::default() }
        );
        assert_eq!(money.or(&tokens).tokens, Some(10));
        let gone = Amount { money: Money(5), tokens: 3, ..Amount::default() };
        assert_eq!(money.reached(&gone), Some(Resource::Money));
        assert_eq!(money.exceeded(&gone), None);
        assert_eq!(money.less(&gone), Cap { money: Some(Money(0)), tokens: Some(7), ..Cap::default() });
    }
}
