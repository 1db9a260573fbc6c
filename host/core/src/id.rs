//! Ids, a type for each kind of thing, so that they can't be mixed up.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::malformed::Malformed;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                text.strip_prefix($prefix)
                    .and_then(|digits| digits.parse().ok())
                    .filter(|number| *number > 0)
                    .map($name)
                    .ok_or_else(|| Malformed::new(concat!($prefix, " and a number, such as ", $prefix, "1"), text))
            }
        }
    };
}

id!(
    /// One execution of a plan: `r1`, `r2`, …
    RunId,
    "r"
);
id!(
    /// A task, unique in the store. People use the plan's own ids instead (`ws-22`, `r1/ws-22`).
    TaskId,
    "t"
);
id!(
    /// A registered agent.
    AgentId,
    "a"
);
id!(
    /// A router's recorded decision on one batch of tasks.
    DecisionId,
    "d"
);
id!(
    /// A question for a person.
    QuestionId,
    "q"
);
id!(
    /// An interned set of [`crate::task::TaskPolicy`].
    TermsId,
    "k"
);

/// The fencing token of a task's attempts. It grows when an attempt begins and when one is revoked, so that an
/// attempt with an older epoch can neither commit nor act.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The epoch after this one, saturating.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_prints() {
        assert_eq!("r17".parse(), Ok(RunId(17)));
        assert_eq!(RunId(17).to_string(), "r17");
    }

    #[test]
    fn a_foreign_prefix_is_refused() {
        let why = |text: &str| text.parse::<RunId>().map_err(|why| why.to_string());
        assert_eq!(why("t17"), Err("expected r and a number, such as r1, not \"t17\"".into()));
        assert_eq!(why("r0"), Err("expected r and a number, such as r1, not \"r0\"".into()));
    }
}
