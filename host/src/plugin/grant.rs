//! What an operator lets a plugin do. A plugin gets what it asks for *and* was granted; the rest is not even linked.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, de};

/// One permission. `log` and `progress` need none: they reach nobody but the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// Start native programs by this profile, or by any.
    Process(Profiles),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profiles {
    Any,
    Named(String),
}

impl Grant {
    #[must_use]
    pub fn allows_profile(&self, name: &str) -> bool {
        match self {
            Self::Process(Profiles::Any) => true,
            Self::Process(Profiles::Named(granted)) => granted == name,
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(Profiles::Any) => f.write_str("process:*"),
            Self::Process(Profiles::Named(name)) => write!(f, "process:{name}"),
        }
    }
}

impl FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("process", "*")) => Ok(Self::Process(Profiles::Any)),
            Some(("process", name)) if !name.is_empty() => {
                Ok(Self::Process(Profiles::Named(name.to_owned())))
            }
            Some(_) | None => {
                Err(format!("expected a grant such as \"process:PROFILE\" or \"process:*\", not {text:?}"))
            }
        }
    }
}

impl Serialize for Grant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Grant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The interface that a grant opens, as a component imports it.
pub const PROCESS: &str = "baton:host/process";
/// What every agent may import without being asked about.
pub const FREE: [&str; 3] = ["baton:types/core", "baton:host/log", "baton:host/progress"];
