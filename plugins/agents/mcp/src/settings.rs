//! What the operator configured.

use baton_sdk::agent::talk::IdleTimeout;
use baton_sdk::agent::{Attr, Config};
use baton_sdk::config::Unusable;
use serde_json::{Map, Value};

use crate::version::Era;

pub const KEYS: [&str; 9] =
    ["profile", "service", "path", "tool", "arguments", "input-as", "prefer", "silence-s", "tool-timeout-s"];

/// Those that mean nothing to a service, which has timeouts of its own.
const OF_PROGRAMS: [&str; 2] = ["silence-s", "tool-timeout-s"];

#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub link: Link,
    pub tool: String,
    /// What the input's own members are put on top of.
    pub arguments: Map<String, Value>,
    pub input_as: String,
    pub prefer: Era,
}

/// How the server is reached.
#[derive(Clone, Debug, PartialEq)]
pub enum Link {
    Program { profile: String, idle_timeout: IdleTimeout },
    Service { service: String, path: String },
}

impl Settings {
    pub fn read(attrs: &[Attr]) -> Result<Self, Unusable> {
        let config = Config(attrs);
        config.only(&KEYS)?;
        Ok(Self {
            link: link(config)?,
            tool: config.required("tool")?.to_owned(),
            arguments: arguments(config)?,
            input_as: config.get("input-as").unwrap_or("input").to_owned(),
            prefer: prefer(config)?,
        })
    }
}

/// Each kind of link has a key that means nothing to the other.
fn link(config: Config<'_>) -> Result<Link, Unusable> {
    match (config.get("profile"), config.get("service")) {
        (Some(_), Some(_)) => Err(Unusable::new("service", "is given beside `profile`: only one may be")),
        (None, None) => Err(Unusable::new("profile", "is required, or `service`")),
        (Some(_), None) if config.get("path").is_some() => {
            Err(Unusable::new("path", "belongs to `service`, and `profile` is given"))
        }
        (Some(profile), None) => {
            Ok(Link::Program { profile: profile.to_owned(), idle_timeout: idle_timeout(config)? })
        }
        (None, Some(service)) => {
            if let Some(key) = OF_PROGRAMS.into_iter().find(|key| config.get(key).is_some()) {
                return Err(Unusable::new(key, "belongs to `profile`; a service has a timeout of its own"));
            }
            let path = config.get("path").unwrap_or("");
            if !path.is_empty() && !path.starts_with('/') {
                return Err(Unusable::new("path", "must be empty or begin with `/`"));
            }
            Ok(Link::Service { service: service.to_owned(), path: path.to_owned() })
        }
    }
}

/// A configured idle timeout also applies while the tool runs, unless that has its own.
fn idle_timeout(config: Config<'_>) -> Result<IdleTimeout, Unusable> {
    let idle_timeout = IdleTimeout::read(config)?;
    match (config.get("silence-s"), config.get("tool-timeout-s")) {
        (Some(_), None) => Ok(IdleTimeout { tool_ms: idle_timeout.idle_ms, ..idle_timeout }),
        (_, _) => Ok(idle_timeout),
    }
}

fn arguments(config: Config<'_>) -> Result<Map<String, Value>, Unusable> {
    let Some(text) = config.get("arguments") else {
        return Ok(Map::new());
    };
    serde_json::from_str(text).map_err(|why| Unusable::new("arguments", format!("is no JSON object: {why}")))
}

fn prefer(config: Config<'_>) -> Result<Era, Unusable> {
    match config.get("prefer") {
        None | Some("2026-07-28") => Ok(Era::Modern),
        Some("2025-11-25") => Ok(Era::Legacy),
        Some(other) => {
            Err(Unusable::new("prefer", format!("is `{other}`, expected `2026-07-28` or `2025-11-25`")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        let attrs: Vec<Attr> = pairs.iter().map(|(name, value)| Attr::new(*name, *value)).collect();
        Settings::read(&attrs).map_err(|unusable| unusable.to_string())
    }

    #[test]
    fn a_link_and_a_tool_are_enough() {
        let settings = read(&[("service", "s"), ("tool", "t")]).unwrap();
        assert_eq!(settings.link, Link::Service { service: String::from("s"), path: String::new() });
        assert_eq!((settings.input_as.as_str(), settings.prefer), ("input", Era::Modern));
        let settings = read(&[("profile", "p"), ("tool", "t"), ("prefer", "2025-11-25")]).unwrap();
        assert_eq!(
            settings.link,
            Link::Program { profile: String::from("p"), idle_timeout: IdleTimeout::default() }
        );
        assert_eq!(settings.prefer, Era::Legacy);
    }

    #[test]
    fn what_can_not_be_used_is_named() {
        for (pairs, why) in [
            (&[("tool", "t")][..], "`profile` is required, or `service`"),
            (&[("profile", "p")], "`tool` is required"),
            (
                &[("profile", "p"), ("service", "s"), ("tool", "t")],
                "`service` is given beside `profile`: only one may be",
            ),
            (
                &[("profile", "p"), ("path", "/x"), ("tool", "t")],
                "`path` belongs to `service`, and `profile` is given",
            ),
            (
                &[("service", "s"), ("silence-s", "3"), ("tool", "t")],
                "`silence-s` belongs to `profile`; a service has a timeout of its own",
            ),
            (&[("service", "s"), ("path", "x"), ("tool", "t")], "`path` must be empty or begin with `/`"),
            (
                &[("service", "s"), ("tool", "t"), ("prefer", "1")],
                "`prefer` is `1`, expected `2026-07-28` or `2025-11-25`",
            ),
            (
                &[("service", "s"), ("tool", "t"), ("argument", "{}")],
                "`argument` is unknown; the nearest is `arguments`",
            ),
        ] {
            assert_eq!(read(pairs), Err(format!("configuration key {why}")));
        }
        let why = read(&[("service", "s"), ("tool", "t"), ("arguments", "[]")]).unwrap_err();
        assert!(why.starts_with("configuration key `arguments` is no JSON object: "), "{why}");
    }
}
