//! How an attempt ended, as it is stored and shown.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::fault::ErrorClass;

/// How an attempt ended. It is stored and shown as one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Its outcome was accepted.
    Accepted,
    /// Its agent is done; validators or the merge queue have yet to decide about the outcome.
    Claimed,
    /// Accepted, and in the way of what landed meanwhile.
    Conflicted,
    /// Given back without blame.
    Released,
    /// Stopped by a person, or because its task is not wanted any more.
    Cancelled,
    /// It asked a person; another attempt goes on with the answer.
    Asked,
    /// It failed, or its outcome was refused.
    Failed(ErrorClass),
}

impl Ending {
    /// The word that stands for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Claimed => "claimed",
            Self::Conflicted => "conflicted",
            Self::Released => "released",
            Self::Cancelled => "cancelled",
            Self::Asked => "asked",
            Self::Failed(class) => class.as_str(),
        }
    }

    /// Those that are not failures.
    const OTHERS: [Self; 6] =
        [Self::Accepted, Self::Claimed, Self::Conflicted, Self::Released, Self::Cancelled, Self::Asked];
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// No attempt ends so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no ending of an attempt")]
pub struct UnknownEnding(String);

impl FromStr for Ending {
    type Err = UnknownEnding;

    fn from_str(word: &str) -> Result<Self, UnknownEnding> {
        let failures = ErrorClass::ALL.into_iter().map(Self::Failed);
        Self::OTHERS
            .into_iter()
            .chain(failures)
            .find(|ending| ending.as_str() == word)
            .ok_or_else(|| UnknownEnding(word.to_owned()))
    }
}

impl JsonSchema for Ending {
    fn schema_name() -> Cow<'static, str> {
        "Ending".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "How an attempt ended: accepted, claimed, conflicted, released, cancelled, asked, or the class of its failure.",
        })
    }
}

impl Serialize for Ending {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_for_one_ending() {
        let all: Vec<Ending> =
            Ending::OTHERS.into_iter().chain(ErrorClass::ALL.into_iter().map(Ending::Failed)).collect();
        for ending in &all {
            assert_eq!(ending.as_str().parse(), Ok(*ending));
        }
        assert_eq!("no-such".parse::<Ending>(), Err(UnknownEnding("no-such".into())));
    }
}
