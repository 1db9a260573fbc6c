//! The operator's preferences: what a success is worth against time and money.
//!
//! Keys of every router that chooses by it, with their ranges and defaults:
//!
//! - `success` (0 to 1000, 1): the worth of an accepted outcome. The next four are prices in the same unit:
//! - `wait` (0 to 1000, 0.025): of the usual duration of an attempt, counted from now to the end of the attempt;
//! - `minute` (0 to 1000): of a minute, instead of `wait`;
//! - `money` (0 to 1000, 0.01): of one unit of the operator's currency;
//! - `load` (0 to 1000, 0.01): of a full agent compared to an idle one.
//! - `quality` (0 to 1, 0): how far a success is weighted by the usual score of the agent's checks, from not at all to fully.
//! - `explore` (0 to 1, 0.1): the share of choices that go to agents by their chance of being the best;
//! - `floor` (0 to 1, 0.02): the share that is divided evenly, so that every agent is tried again eventually.
//! - `patience` (0 to 1000, 40): the longest that a task may wait for a busy agent, in usual durations of an attempt; 0 = it
//!   never waits.

use super::Factor;
use super::lottery::Lottery;
use crate::config::{Config, Unusable};

/// The preferences, read from the configuration; the fields are the keys above.
pub struct Preference {
    /// Worth of an accepted outcome.
    pub success: f64,
    /// Price of time.
    pub time: Time,
    /// Price of one unit of currency.
    pub money: f64,
    /// Price of a full agent.
    pub load: f64,
    /// Weight of the usual score, 0.0 to 1.0.
    pub quality: f64,
    /// The draw, with `explore` and `floor`.
    pub lottery: Lottery,
    /// The longest wait for a busy agent, in usual durations of an attempt.
    pub patience: f64,
}

/// The price of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Time {
    /// Per usual duration of an attempt.
    Attempt(f64),
    /// Per minute.
    Minute(f64),
}

/// Milliseconds in a minute.
pub const MINUTE_MS: f64 = 60_000.0;

impl Preference {
    /// The configuration keys.
    pub const KEYS: [&str; 9] =
        ["success", "wait", "minute", "money", "load", "quality", "explore", "floor", "patience"];

    /// Reads the preferences.
    ///
    /// # Errors
    /// A value is out of its range, `wait` and `minute` are both set, or `explore` and `floor` add up to more than 1.
    pub fn read(config: Config<'_>) -> Result<Self, Unusable> {
        let explore = number(config, "explore", 1.0)?.unwrap_or(0.1);
        let floor = number(config, "floor", 1.0)?.unwrap_or(0.02);
        if explore + floor > 1.0 {
            return Err(Unusable::new("floor", format!("is `{floor}`, more than `explore` leaves")));
        }
        let time = match (number(config, "wait", 1e3)?, number(config, "minute", 1e3)?) {
            (Some(_), Some(_)) => return Err(Unusable::new("minute", "is given beside `wait`")),
            (None, Some(price)) => Time::Minute(price),
            (price, None) => Time::Attempt(price.unwrap_or(0.025)),
        };
        Ok(Self {
            success: number(config, "success", 1e3)?.unwrap_or(1.0),
            time,
            money: number(config, "money", 1e3)?.unwrap_or(0.01),
            load: number(config, "load", 1e3)?.unwrap_or(0.01),
            quality: number(config, "quality", 1.0)?.unwrap_or(0.0),
            lottery: Lottery::new(explore, floor),
            patience: number(config, "patience", 1e3)?.unwrap_or(40.0),
        })
    }

    /// The weights of success, wait in minutes, cost in units of currency, and load. `usual` is the usual duration of an
    /// attempt in milliseconds; if it is unknown and time is priced by it, time costs nothing.
    pub fn weights(&self, usual: Option<f64>) -> [f64; 4] {
        let minute = match (self.time, usual) {
            (Time::Minute(price), _) => price,
            (Time::Attempt(price), Some(usual)) => price * MINUTE_MS / usual.max(1.0),
            (Time::Attempt(_), None) => 0.0,
        };
        // Not `-0.0`, whose bytes differ.
        [self.success, 0.0 - minute, 0.0 - self.money, 0.0 - self.load]
    }
}

/// The factors with these weights.
pub fn factors(weights: [f64; 4]) -> Vec<Factor> {
    let names = ["success", "wait", "cost", "load"];
    names.iter().zip(weights).map(|(name, weight)| Factor { name: (*name).to_owned(), weight }).collect()
}

/// A setting from 0 to `most`.
fn number(config: Config<'_>, key: &str, most: f64) -> Result<Option<f64>, Unusable> {
    let expected = format!("a number from 0 to {most}");
    match config.parse(key, &expected)? {
        Some(value) if !(0.0..=most).contains(&value) => {
            Err(Unusable::new(key, format!("is `{value}`, expected {expected}")))
        }
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Attr;

    fn read(config: &[(&str, &str)]) -> Result<Preference, Unusable> {
        let attrs: Vec<Attr> = config.iter().map(|(name, value)| Attr::new(*name, *value)).collect();
        Preference::read(Config(&attrs))
    }

    fn wrong(config: &[(&str, &str)]) -> String {
        read(config).err().map_or(String::new(), |unusable| unusable.to_string())
    }

    #[test]
    fn time_is_priced_by_the_usual_attempt_or_by_the_minute() {
        let usual = read(&[]).unwrap().weights(Some(600_000.0));
        assert!((usual[1] + 0.0025).abs() < 1e-12, "{usual:?}");
        assert_eq!(read(&[]).unwrap().weights(None), [1.0, 0.0, -0.01, -0.01]);
        let config = [("minute", "0.5"), ("success", "10"), ("money", "2"), ("load", "0")];
        assert_eq!(read(&config).unwrap().weights(None), [10.0, -0.5, -2.0, 0.0]);
    }

    #[test]
    fn what_can_not_be_used_is_named() {
        assert_eq!(
            wrong(&[("wait", "-1")]),
            "configuration key `wait` is `-1`, expected a number from 0 to 1000"
        );
        assert_eq!(
            wrong(&[("wait", "1"), ("minute", "1")]),
            "configuration key `minute` is given beside `wait`"
        );
        assert_eq!(
            wrong(&[("explore", "0.99")]),
            "configuration key `floor` is `0.02`, more than `explore` leaves"
        );
        assert_eq!(
            wrong(&[("quality", "NaN")]),
            "configuration key `quality` is `NaN`, expected a number from 0 to 1"
        );
        assert_eq!(
            wrong(&[("patience", "long")]),
            "configuration key `patience` is `long`, expected a number from 0 to 1000"
        );
    }
}
