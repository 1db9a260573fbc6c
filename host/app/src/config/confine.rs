//! `[profiles.NAME.confine]`: what a program is let out to beyond what every program is.

use std::fmt;
use std::path::{Path, PathBuf};

use baton_plugin::capability::process::ConfinePolicy;
use baton_plugin::confine::Net;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// `"off"`, or a table.
#[derive(Debug)]
pub(super) enum ConfineTable {
    Off,
    On(Openings),
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Openings {
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    net: NetValue,
    unix_sockets: bool,
}

#[derive(Debug, Default)]
struct NetValue(Net);

impl ConfineTable {
    /// `~` is the first of these homes, the program's; what is relative starts at the configuration. None = not confined.
    pub(super) fn resolve(self, folder: &Path, homes: &[PathBuf]) -> Option<ConfinePolicy> {
        let openings = match self {
            Self::Off => return None,
            Self::On(openings) => openings,
        };
        let place = |path: PathBuf| match (path.strip_prefix("~"), homes.first()) {
            (Ok(rest), Some(home)) => home.join(rest),
            (Ok(_) | Err(_), _) => folder.join(path),
        };
        Some(ConfinePolicy {
            read: openings.read.into_iter().map(place).collect(),
            write: openings.write.into_iter().map(place).collect(),
            net: openings.net.0,
            unix_sockets: openings.unix_sockets,
            homes: homes.to_vec(),
            // What git would run for whoever works there next.
            keep: [super::NAME, ".git/config", ".git/hooks"].map(|name| folder.join(name)).to_vec(),
        })
    }
}

impl Default for ConfineTable {
    fn default() -> Self {
        Self::On(Openings::default())
    }
}

impl<'de> Deserialize<'de> for ConfineTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OffOrOpenings;
        impl<'de> Visitor<'de> for OffOrOpenings {
            type Value = ConfineTable;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"off\" or a table with read, write, net and unix-sockets")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
                match word {
                    "off" => Ok(ConfineTable::Off),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Openings::deserialize(MapAccessDeserializer::new(map)).map(ConfineTable::On)
            }
        }
        deserializer.deserialize_any(OffOrOpenings)
    }
}

impl<'de> Deserialize<'de> for NetValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrPorts;
        impl<'de> Visitor<'de> for WordOrPorts {
            type Value = NetValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"any\", \"none\" or a list of ports such as [443]")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
                match word {
                    "any" => Ok(NetValue(Net::Any)),
                    "none" => Ok(NetValue(Net::None)),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut ports = Vec::new();
                while let Some(port) = seq.next_element()? {
                    ports.push(port);
                }
                Ok(NetValue(Net::Ports(ports)))
            }
        }
        deserializer.deserialize_any(WordOrPorts)
    }
}
