//! What a success is worth against time and money, as the operator configures it.
//!
//! Keys of every router that chooses by it, with their ranges and defaults:
//!
//! - `success` (0 to 1000, 1): what an accepted outcome is worth. The others are prices in the same unit:
//! - `wait` (0 to 1000, 0.025): of as much time as an attempt usually takes, from now to the end of the attempt;
//! - `minute` (0 to 1000): of a minute of it, instead of `wait`;
//! - `money` (0 to 1000, 0.01): of one unit of the operator's currency;
//! - `load` (0 to 1000, 0.01): of an agent that is full, against one that is idle.
//! - `quality` (0 to 1, 0): how far a success counts by the score that the agent's checks usually have: not at all, or
//!   wholly.
//! - `explore` (0 to 1, 0.1): the share of choices that go to whoever might be the best, as likely as that is;
//! - `floor` (0 to 1, 0.02): the share that is divided evenly, so that everybody is seen again some day.
//! - `patience` (0 to 1000, 40): for how many times what an attempt usually takes a task may wait for somebody busy who is
//!   worth it; 0 = not at all.

use super::Factor;
use super::lottery::Lottery;
use crate::config::{Config, Unusable};

/// The operator's, read from the configuration.
pub struct Preference {
    pub success: f64,
    pub time: Time,
    pub money: f64,
    pub load: f64,
    pub quality: f64,
    pub lottery: Lottery,
    pub patience: f64,
}

/// What time costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Time {
    /// So much for what an attempt usually takes.
    Attempt(f64),
    Minute(f64),
}

pub const MINUTE_MS: f64 = 60_000.0;

impl Preference {
    pub const KEYS: [&str; 9] =
        ["success", "wait", "minute", "money", "load", "quality", "explore", "floor", "patience"];

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

    /// Success, wait in minutes, cost in units of currency, load. `usual` is what an attempt usually takes, in
    /// milliseconds; where nobody knows and time is priced by it, time costs nothing.
    pub fn weights(&self, usual: Option<f64>) -> [f64; 4] {
        let minute = match (self.time, usual) {
            (Time::Minute(price), _) => price,
            (Time::Attempt(price), Some(usual)) => price * MINUTE_MS / usual.max(1.0),
            (Time::Attempt(_), None) => 0.0,
        };
        // Not `-0.0`, which would be another factor to whoever compares bytes.
        [self.success, 0.0 - minute, 0.0 - self.money, 0.0 - self.load]
    }
}

/// The factors of such weights.
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
