//! The configuration of a plugin.

use std::fmt::Display;
use std::str::FromStr;

use crate::words::Attr;

/// A view of `config`. Of a key that occurs twice the last value counts, so that a plan's `with` overrides the operator's
/// configuration.
#[derive(Clone, Copy)]
pub struct Config<'a>(pub &'a [Attr]);

/// A configuration value that is missing or can't be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Unusable {
    /// The key.
    pub key: String,
    /// What is wrong with it, to follow the key in a sentence.
    pub why: String,
}

impl<'a> Config<'a> {
    /// The value of a key; none if it is not set.
    pub fn get(self, key: &str) -> Option<&'a str> {
        let attr = self.0.iter().rev().find(|attr| attr.name == key)?;
        Some(&attr.value)
    }

    /// The value of a key.
    ///
    /// # Errors
    /// It is not set.
    pub fn required(self, key: &str) -> Result<&'a str, Unusable> {
        self.get(key).ok_or_else(|| Unusable::new(key, "is required"))
    }

    /// The parsed value of a key; none if it is not set. `expected` describes a valid value.
    ///
    /// # Errors
    /// It does not parse.
    pub fn parse<T: FromStr>(self, key: &str, expected: &str) -> Result<Option<T>, Unusable> {
        let Some(text) = self.get(key) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Unusable::new(key, format!("is `{text}`, expected {expected}"))),
        }
    }

    /// Whether a probe was requested by a person and may start a program or send a request, as long as that costs nothing. The
    /// host's own probes, once a minute, must not.
    pub fn asks_thoroughly(self) -> bool {
        self.get("baton.probe") == Some("thorough")
    }

    /// Refuses unknown keys: those that are neither in `known` nor begin with an entry of it that ends in a dot. Keys that
    /// begin with `baton.` are the host's and pass.
    ///
    /// # Errors
    /// The first unknown key, with the most similar known one.
    pub fn only(self, known: &[&str]) -> Result<(), Unusable> {
        let is_own = |attr: &&Attr| !attr.name.starts_with("baton.");
        match self.0.iter().filter(is_own).find(|attr| !is_known(&attr.name, known)) {
            None => Ok(()),
            Some(attr) => {
                Err(Unusable::new(&attr.name, format!("is unknown{}", suggestion(&attr.name, known))))
            }
        }
    }
}

impl Unusable {
    /// An unusable value of a key.
    pub fn new(key: &str, why: impl Into<String>) -> Self {
        Self { key: key.to_owned(), why: why.into() }
    }
}

impl Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "configuration key `{}` {}", self.key, self.why)
    }
}

/// The shape of the `bad-config` arms: the key, and why.
impl From<Unusable> for Attr {
    fn from(unusable: Unusable) -> Self {
        Attr::new(unusable.key, unusable.why)
    }
}

fn is_known(name: &str, known: &[&str]) -> bool {
    known.iter().any(|key| name == *key || (key.ends_with('.') && name.starts_with(key)))
}

fn suggestion(name: &str, known: &[&str]) -> String {
    match known.iter().min_by_key(|key| distance(name, key)) {
        None => String::from("; this plugin has no configuration"),
        Some(key) if key.ends_with('.') => format!("; the nearest is `{key}…`"),
        Some(key) => format!("; the nearest is `{key}`"),
    }
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.chars().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_two_wins() {
        let attrs = [Attr::new("key", "first"), Attr::new("key", "second")];
        assert_eq!(Config(&attrs).get("key"), Some("second"));
        assert_eq!(Config(&attrs).get("other"), None);
    }

    #[test]
    fn what_does_not_parse_is_named() {
        let attrs = [Attr::new("retries", "many")];
        let unusable = Config(&attrs).parse::<u32>("retries", "a number").unwrap_err();
        assert_eq!(unusable.to_string(), "configuration key `retries` is `many`, expected a number");
    }

    #[test]
    fn unknown_keys_name_the_nearest() {
        let attrs = [Attr::new("skill.rust", "1"), Attr::new("latncy-ms", "5")];
        let unusable = Config(&attrs).only(&["latency-ms", "jitter-ms", "skill."]).unwrap_err();
        assert_eq!(unusable, Unusable::new("latncy-ms", "is unknown; the nearest is `latency-ms`"));
    }

    #[test]
    fn distances_are_levenshteins() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
