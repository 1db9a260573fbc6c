//! Grants: what the operator lets a plugin do. A plugin is linked with the interfaces that it imports *and* was granted;
//! it can't call any other.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, de};
use thiserror::Error;

/// One permission. `log`, `progress`, `workspace` and `people` need none: they have no effect outside of the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// Start native programs of the matching profiles.
    Process(NamePattern),
    /// Send requests to the matching services.
    Http(NamePattern),
    /// Keep values between attempts.
    Memory,
}

/// The profiles or services that a grant covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamePattern {
    /// All, written `*`.
    Any,
    /// The one of this name.
    One(String),
}

impl NamePattern {
    fn include(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::One(granted) => granted == name,
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::One(name) => f.write_str(name),
        }
    }
}

impl Grant {
    /// The grants of a bundled plugin: it is trusted as the binary is.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![Self::Process(NamePattern::Any), Self::Http(NamePattern::Any), Self::Memory]
    }

    /// Whether it covers starting programs of this profile.
    #[must_use]
    pub fn allows_profile(&self, name: &str) -> bool {
        match self {
            Self::Process(names) => names.include(name),
            Self::Http(_) | Self::Memory => false,
        }
    }

    /// Whether it covers requests to this service.
    #[must_use]
    pub fn allows_service(&self, name: &str) -> bool {
        match self {
            Self::Http(names) => names.include(name),
            Self::Process(_) | Self::Memory => false,
        }
    }

    /// The interface that it permits.
    #[must_use]
    pub fn opens(&self) -> GatedInterface {
        match self {
            Self::Process(_) => GatedInterface::Process,
            Self::Http(_) => GatedInterface::Http,
            Self::Memory => GatedInterface::Memory,
        }
    }
}

/// An interface that needs a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GatedInterface {
    /// Native programs.
    Process,
    /// HTTP requests.
    Http,
    /// Values kept between attempts.
    Memory,
}

impl GatedInterface {
    /// Every interface that needs a grant.
    pub const ALL: [Self; 3] = [Self::Process, Self::Http, Self::Memory];

    /// Its name as a component imports it, without a version.
    #[must_use]
    pub fn interface(self) -> &'static str {
        match self {
            Self::Process => "baton:host/process",
            Self::Http => "baton:host/http",
            Self::Memory => "baton:host/memory",
        }
    }

    /// What it lets a plugin do, to complete a sentence that begins with "asks to".
    #[must_use]
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Process => "start native programs",
            Self::Http => "send requests",
            Self::Memory => "remember things between attempts",
        }
    }

    /// A grant of it, as written after `--grant`.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::Process => "process:PROFILE",
            Self::Http => "http:SERVICE",
            Self::Memory => "memory",
        }
    }

    /// The table that the configuration needs before a grant of it has any effect. None if it needs none.
    #[must_use]
    pub fn table(self) -> Option<&'static str> {
        match self {
            Self::Process => Some("[profiles.PROFILE] argv = [\"program\", \"argument\"]"),
            Self::Http => Some("[services.SERVICE] url = \"https://…\""),
            Self::Memory => None,
        }
    }

    /// The grant of it that covers every name.
    #[must_use]
    pub fn any(self) -> Grant {
        match self {
            Self::Process => Grant::Process(NamePattern::Any),
            Self::Http => Grant::Http(NamePattern::Any),
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

/// A text that is no grant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "expected a grant such as \"process:PROFILE\", \"http:SERVICE\", \"http:*\" or \"memory\", not {0:?}"
)]
pub struct InvalidGrant(String);

impl FromStr for Grant {
    type Err = InvalidGrant;

    fn from_str(text: &str) -> Result<Self, InvalidGrant> {
        let names =
            |name: &str| if name == "*" { NamePattern::Any } else { NamePattern::One(name.to_owned()) };
        match text.split_once(':') {
            Some(("process", name)) if !name.is_empty() => Ok(Self::Process(names(name))),
            Some(("http", name)) if !name.is_empty() => Ok(Self::Http(names(name))),
            None if text == "memory" => Ok(Self::Memory),
            Some(_) | None => Err(InvalidGrant(text.to_owned())),
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

/// Interfaces that every plugin may import without a grant.
pub const FREE: [&str; 3] = ["baton:types/core", "baton:host/log", "baton:router/words"];
/// Interfaces that agent adapters may import without a grant, in addition to [`FREE`].
pub const FREE_FOR_AGENTS: [&str; 3] = ["baton:host/progress", "baton:host/workspace", "baton:host/people"];
