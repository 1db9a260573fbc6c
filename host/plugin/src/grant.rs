//! What an operator lets a plugin do. A plugin gets what it asks for *and* was granted; the rest is not even linked.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, de};

/// One permission. `log`, `progress`, `workspace` and `people` need none: they reach nobody but the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// Start native programs by this profile, or by any.
    Process(Names),
    /// Send requests to this service, or to any.
    Http(Names),
    /// Remember things between attempts.
    Memory,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Names {
    Any,
    One(String),
}

impl Names {
    fn include(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::One(granted) => granted == name,
        }
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::One(name) => f.write_str(name),
        }
    }
}

impl Grant {
    /// What a bundled plugin may use: it is as trusted as the binary that carries it.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![Self::Process(Names::Any), Self::Http(Names::Any), Self::Memory]
    }

    #[must_use]
    pub fn allows_profile(&self, name: &str) -> bool {
        match self {
            Self::Process(names) => names.include(name),
            Self::Http(_) | Self::Memory => false,
        }
    }

    #[must_use]
    pub fn allows_service(&self, name: &str) -> bool {
        match self {
            Self::Http(names) => names.include(name),
            Self::Process(_) | Self::Memory => false,
        }
    }

    /// The interface that it opens, as a component imports it.
    #[must_use]
    pub fn opens(&self) -> Gated {
        match self {
            Self::Process(_) => Gated::Process,
            Self::Http(_) => Gated::Http,
            Self::Memory => Gated::Memory,
        }
    }
}

/// An interface that nobody gets unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gated {
    Process,
    Http,
    Memory,
}

impl Gated {
    pub const ALL: [Self; 3] = [Self::Process, Self::Http, Self::Memory];

    /// As a component imports it.
    #[must_use]
    pub fn interface(self) -> &'static str {
        match self {
            Self::Process => "baton:host/process",
            Self::Http => "baton:host/http",
            Self::Memory => "baton:host/memory",
        }
    }

    /// What it lets a plugin do, after "asks to".
    #[must_use]
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Process => "start native programs",
            Self::Http => "send requests",
            Self::Memory => "remember things between attempts",
        }
    }

    /// A grant of it as an operator would write it.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::Process => "process:PROFILE",
            Self::Http => "http:SERVICE",
            Self::Memory => "memory",
        }
    }

    /// What must be in the configuration for a grant of it to be worth something.
    #[must_use]
    pub fn table(self) -> Option<&'static str> {
        match self {
            Self::Process => Some("[profiles.PROFILE] argv = [\"program\", \"argument\"]"),
            Self::Http => Some("[services.SERVICE] url = \"https://…\""),
            Self::Memory => None,
        }
    }

    /// The widest grant of it.
    #[must_use]
    pub fn any(self) -> Grant {
        match self {
            Self::Process => Grant::Process(Names::Any),
            Self::Http => Grant::Http(Names::Any),
            Self::Memory => Grant::Memory,
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(names) => write!(f, "process:{names}"),
            Self::Http(names) => write!(f, "http:{names}"),
            Self::Memory => f.write_str("memory"),
        }
    }
}

impl FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = |name: &str| if name == "*" { Names::Any } else { Names::One(name.to_owned()) };
        match text.split_once(':') {
            Some(("process", name)) if !name.is_empty() => Ok(Self::Process(names(name))),
            Some(("http", name)) if !name.is_empty() => Ok(Self::Http(names(name))),
            None if text == "memory" => Ok(Self::Memory),
            Some(_) | None => Err(format!(
                "expected a grant such as \"process:PROFILE\", \"http:SERVICE\", \"http:*\" or \"memory\", not {text:?}"
            )),
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

/// What every plugin may import without being asked about.
pub const FREE: [&str; 3] = ["baton:types/core", "baton:host/log", "baton:router/words"];
/// What every adapter may import beside that.
pub const FREE_FOR_AGENTS: [&str; 3] = ["baton:host/progress", "baton:host/workspace", "baton:host/people"];
