//! What may be spent, and on what: caps, accounts, reservations. Pure: the ledger is a projection of the attempts' rows.

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
    /// Nine billion units of the currency.
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

/// What may be used up; none = without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cap {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
    /// Input and output tokens together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Time of attempts, added up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall: Option<Span>,
    /// Steps of an agent, in its own count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns: Option<u64>,
}

/// What was used up, or is set aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Amount {
    pub money: Money,
    pub tokens: u64,
    pub wall_ms: u64,
    pub turns: u64,
}

/// What a cap can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    Money,
    Tokens,
    Wall,
    Turns,
}

impl Resource {
    pub const ALL: [Self; 4] = [Self::Money, Self::Tokens, Self::Wall, Self::Turns];

    /// A quantity of it as people write it.
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
    #[must_use]
    pub fn of(usage: &Usage, money: Money, wall_ms: u64) -> Self {
        Self {
            money,
            tokens: usage.input_tokens.saturating_add(usage.output_tokens),
            wall_ms,
            turns: usage.turns,
        }
    }

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

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.map(other, u64::saturating_add)
    }

    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.map(other, u64::saturating_sub)
    }
}

impl Cap {
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

    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The stricter of both, resource by resource.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self::from_each(|resource| self.get(resource).into_iter().chain(other.get(resource)).min())
    }

    /// This, and the other where this says nothing.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self::from_each(|resource| self.get(resource).or(other.get(resource)))
    }

    /// What is left when so much is gone.
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

    /// As an amount to set aside: nothing where there is no limit.
    #[must_use]
    pub fn amount(&self) -> Amount {
        Resource::ALL.into_iter().fold(Amount::default(), |amount, resource| {
            amount.with(resource, self.get(resource).unwrap_or_default())
        })
    }
}

/// What the operator allows. An agent's own cap is on its card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Caps {
    /// One attempt: what is set aside when it starts.
    pub attempt: Cap,
    /// All attempts of one task.
    pub task: Cap,
    pub run: Cap,
    /// All runs, in one day (UTC).
    pub day: Cap,
}

/// What the operator allows, and what things cost.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    pub caps: Caps,
    pub prices: std::sync::Arc<price::Prices>,
}

impl Caps {
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What an attempt came to, in money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bill {
    pub usage: Usage,
    pub cost: Money,
    pub basis: Basis,
    /// How long the attempt took.
    pub wall_ms: u64,
}

/// How a cost is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The agent said so.
    Reported,
    /// Usage times the price table, or what the agent costs per attempt.
    Priced,
    /// Nobody knows: what was set aside counts as spent, so that the cap binds.
    Reserved,
    /// Nobody knows, and nothing was set aside.
    Unknown,
}

impl Bill {
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
