//! What the operator configured.

use std::str::FromStr;

use baton_sdk::agent::{Attr, Config};
use baton_sdk::config::Unusable;

const KEYS: [&str; 6] = ["service", "tenant", "poll-ms", "card", "base", "probe"];

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Probe {
    /// Nothing is sent.
    Check,
    /// The card is fetched.
    Card,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Settings<'a> {
    pub service: &'a str,
    pub tenant: Option<&'a str>,
    pub poll_ms: u64,
    pub card: &'a str,
    /// The service's own path: what the card's address has in front of the path that is sent.
    pub base: &'a str,
    pub probe: Probe,
}

impl<'a> Settings<'a> {
    pub fn read(config: &'a [Attr]) -> Result<Self, Unusable> {
        let config = Config(config);
        config.only(&KEYS)?;
        let card = config.get("card").unwrap_or("/.well-known/agent-card.json");
        if !card.starts_with('/') {
            return Err(Unusable::new("card", "must be a path that begins with `/`"));
        }
        let base = config.get("base").unwrap_or("").trim_end_matches('/');
        if !base.is_empty() && !base.starts_with('/') {
            return Err(Unusable::new("base", "must be a path that begins with `/`"));
        }
        let poll_ms = config.parse("poll-ms", "a number")?.unwrap_or(1000);
        if poll_ms == 0 {
            return Err(Unusable::new("poll-ms", "must be at least 1"));
        }
        Ok(Self {
            service: config.required("service")?,
            tenant: config.get("tenant"),
            poll_ms,
            card,
            base,
            probe: config.parse("probe", "`check` or `card`")?.unwrap_or(if config.asks_thoroughly() {
                Probe::Card
            } else {
                Probe::Check
            }),
        })
    }
}

/// No value of this name.
#[derive(Debug)]
pub struct Unknown;

impl FromStr for Probe {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        match text {
            "check" => Ok(Self::Check),
            "card" => Ok(Self::Card),
            _ => Err(Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, value: &str) -> String {
        let attrs = [Attr::new("service", "s"), Attr::new(name, value)];
        Settings::read(&attrs).unwrap_err().to_string()
    }

    #[test]
    fn a_service_is_enough() {
        let attrs = [Attr::new("service", "s")];
        let settings = Settings::read(&attrs).unwrap();
        assert_eq!(
            (settings.card, settings.base, settings.poll_ms),
            ("/.well-known/agent-card.json", "", 1000)
        );
    }

    #[test]
    fn what_can_not_be_used_is_named() {
        assert_eq!(refused("card", "x.json"), "configuration key `card` must be a path that begins with `/`");
        assert_eq!(refused("base", "v1"), "configuration key `base` must be a path that begins with `/`");
        assert_eq!(refused("poll-ms", "0"), "configuration key `poll-ms` must be at least 1");
        assert_eq!(
            refused("tenants", "t"),
            "configuration key `tenants` is unknown; the nearest is `tenant`"
        );
    }
}
