//! Values of plugins' own settings.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Plugins are told text; numbers and booleans may be written as such.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string, a number or a boolean")]
pub(super) enum Scalar {
    Text(String),
    Whole(i64),
    Real(f64),
    Truth(bool),
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Whole(number) => write!(f, "{number}"),
            Self::Real(number) => write!(f, "{number}"),
            Self::Truth(truth) => write!(f, "{truth}"),
        }
    }
}

pub(super) fn texts(values: BTreeMap<String, Scalar>) -> BTreeMap<String, String> {
    values.into_iter().map(|(name, value)| (name, value.to_string())).collect()
}
