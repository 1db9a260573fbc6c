//! Why an operation was not carried out, by what its caller does next.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::clock::Time;
use crate::id::RunId;
use crate::plan::diff::Diff;
use crate::task::transition::Refused;

/// Why an operation was refused. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each variant's message says when it occurs")]
pub enum Rejection {
    #[error("there is no {0}")]
    NotFound(String),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("run {run} was opened from another version of this plan:\n{diff}")]
    PlanChanged { run: RunId, diff: Diff },
    #[error("{0}")]
    Invalid(String),
    #[error(
        "a host on another machine ({machine}, process {pid}) has this store until {until}: try again then"
    )]
    HeldElsewhere { machine: String, pid: u32, until: Time },
    /// The store could not carry it out.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The host did not take it, or gave no answer that could be read.
    #[error(transparent)]
    Host(#[from] HostError),
}

/// Why the store did not carry an operation out, by what the caller does next. Causes are text, because this goes from
/// thread to thread and from process to process.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreError {
    /// Nothing was written: try again.
    #[error("{0}")]
    Busy(String),
    /// What is stored is not what was written: `baton db check` says where, and a backup is the way back.
    #[error("{0}")]
    Corrupt(String),
    /// The disk, the memory or a file's permissions: fix that and start the host again. Whether the operation was
    /// carried out is unknown until the store is read again.
    #[error("{0}")]
    Failed(String),
    /// Nothing was written: this host may do nothing more.
    #[error("another host (boot {newest}) took the store over from this one (boot {own})")]
    Fenced {
        /// The boot of this host.
        own: u32,
        /// The boot of the one that has the store.
        newest: u32,
    },
    /// Nothing was written: the store was closed, or had failed before. Open it again.
    #[error("the writer has stopped")]
    Closed,
}

/// Why a host gave no answer. Whether the operation was carried out is unknown until the store is read again.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostError {
    /// It is ending and did not take the operation: nothing was written.
    #[error("the host is ending")]
    Ending,
    /// It has stopped.
    #[error("the host has stopped")]
    Stopped,
    /// It took the operation and gave no answer.
    #[error("the host gave no answer")]
    NoAnswer,
    /// The process at the store's socket uses another protocol, or the socket failed.
    #[error("{0}")]
    Protocol(String),
    /// A fault of Baton's own.
    #[error("the scheduler broke: {0}")]
    Broke(String),
}
