//! Why a command was not carried out, by what its sender does next.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::MAX_BYTES;
use crate::excerpt::{MESSAGE, excerpt};
use crate::op::{HostError, Rejection, StoreError};

/// Why a command was not carried out, classified by what the sender does next.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "error")]
pub enum CommandError {
    /// Correct the command.
    #[error("{what}")]
    Invalid {
        /// What was expected and found.
        what: String,
    },
    /// Name something that exists.
    #[error("there is no {what}")]
    NotFound {
        /// What doesn't exist.
        what: String,
    },
    /// It isn't allowed in the present state: follow the remedy first, if there is one.
    #[error("{}", with_remedy(why, remedy.as_deref()))]
    Refused {
        /// The reason.
        why: String,
        /// What would allow it; none = nothing that the sender can do.
        remedy: Option<String>,
    },
    /// The stored state isn't what the command assumes: compare both, and choose.
    #[error("{}", with_remedy(why, Some(remedy)))]
    Conflict {
        /// The difference.
        why: String,
        /// The commands to choose from.
        remedy: String,
    },
    /// Send it again later.
    #[error("{why}")]
    Busy {
        /// The reason.
        why: String,
    },
    /// The host is ending and did nothing: send it again to whoever has the store next.
    #[error("the host is ending: try again")]
    Ending,
    /// It can't be carried out at the moment, or its result is unknown: check the state before sending it again.
    #[error("{why}")]
    Unavailable {
        /// The reason.
        why: String,
    },
}

fn with_remedy(why: &str, remedy: Option<&str>) -> String {
    match remedy {
        Some(remedy) => format!("{why}\n{remedy}"),
        None => why.to_owned(),
    }
}

impl From<Rejection> for CommandError {
    fn from(why: Rejection) -> Self {
        match why {
            Rejection::NotFound(what) => Self::NotFound { what },
            Rejection::Invalid(what) => Self::Invalid { what },
            Rejection::Refused(_) => Self::Refused { why: why.to_string(), remedy: None },
            Rejection::PlanChanged { run, diff } => Self::Conflict {
                why: excerpt(format!("the plan changed since {run} was opened:\n{diff}"), MESSAGE),
                remedy: format!(
                    "`baton plan amend {run} PLAN` takes the change over, `baton run PLAN --again` starts anew"
                ),
            },
            Rejection::HeldElsewhere { .. } | Rejection::Store(StoreError::Busy(_)) => {
                Self::Busy { why: why.to_string() }
            }
            Rejection::Store(
                StoreError::Corrupt(_)
                | StoreError::Failed(_)
                | StoreError::Fenced { .. }
                | StoreError::Closed,
            )
            | Rejection::Host(
                HostError::Stopped | HostError::NoAnswer | HostError::Protocol(_) | HostError::Broke(_),
            ) => Self::Unavailable { why: why.to_string() },
            Rejection::Host(HostError::Ending) => Self::Ending,
        }
    }
}

impl CommandError {
    /// The error for a command of more than [`MAX_BYTES`].
    #[must_use]
    pub fn too_long() -> Self {
        let most = MAX_BYTES >> 20;
        let what = format!(
            "a request to a host has at most {most} MiB: submit a larger plan while no host runs, or divide it"
        );
        Self::Invalid { what }
    }
}
