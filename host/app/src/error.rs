//! Why an operation could not be done, by what its caller does next.

use std::error::Error;
use std::path::Path;

use thiserror::Error;

use crate::config::ConfigError;
use crate::control::ConnectError;
use baton_core::command::CommandError;
use baton_core::malformed::Malformed;
use baton_core::op::Rejection;
use baton_core::plan::error::PlanErrors;
use baton_core::plan::template::TemplateError;
use baton_engine::simulator::SimulationError;
use baton_engine::workspace::GitError;
use baton_plugin::PluginError;
use baton_plugin::source::SourceError;
use baton_store::{OpenError, ReadError};

/// What is at the bottom of an error.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why an operation was not done; the variant says what its caller does next, the text names the place and the remedy.
#[derive(Debug, Error)]
pub enum AppError {
    /// Correct the request, the plan or the configuration.
    #[error("{what}")]
    Invalid {
        /// What was expected, what was found, and where.
        what: String,
        /// What found it.
        source: Option<Cause>,
    },
    /// Name something that exists.
    #[error("{what}")]
    NotFound {
        /// What was asked for, and what lists those that exist.
        what: String,
    },
    /// It is not allowed in the present state: do what the text says first.
    #[error("{why}")]
    Refused {
        /// The rule, and what lifts it.
        why: String,
        /// What refused it.
        source: Option<Cause>,
    },
    /// What is stored is not what the request assumes: compare both, and choose.
    #[error("{why}")]
    Conflict {
        /// What differs, and what may be chosen.
        why: String,
    },
    /// Ask again later: somebody else has the store.
    #[error("{why}")]
    Busy {
        /// Who has it.
        why: String,
        /// What waited in vain.
        source: Option<Cause>,
    },
    /// What is stored is not what was written: `baton db check` says where, a backup is the way back.
    #[error("{why}")]
    Corrupt {
        /// Which value is not what it should be.
        why: String,
        /// What read it.
        source: Option<Cause>,
    },
    /// The machine, the host or the store prevented it.
    #[error("{why}")]
    Unavailable {
        /// What failed.
        why: String,
        /// How.
        source: Option<Cause>,
    },
}

impl AppError {
    /// [`AppError::Invalid`], found by the operation itself.
    #[must_use]
    pub fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), source: None }
    }

    /// [`AppError::NotFound`].
    #[must_use]
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into() }
    }

    /// [`AppError::Refused`] by a rule of the operation itself.
    #[must_use]
    pub fn refused(why: impl Into<String>) -> Self {
        Self::Refused { why: why.into(), source: None }
    }

    /// [`AppError::Unavailable`], without another error below it.
    #[must_use]
    pub fn unavailable(why: impl Into<String>) -> Self {
        Self::Unavailable { why: why.into(), source: None }
    }

    /// A file that can't be read or written.
    pub(crate) fn at(path: &Path, why: std::io::Error) -> Self {
        Self::Invalid { what: format!("{}: {why}", path.display()), source: Some(why.into()) }
    }

    /// What is stored contradicts itself.
    #[must_use]
    pub fn corrupt(why: impl Into<String>) -> Self {
        Self::Corrupt { why: why.into(), source: None }
    }

    /// A read that failed.
    #[must_use]
    pub fn unreadable(why: impl Into<Cause>) -> Self {
        let cause = why.into();
        let why = format!("the store can't be read: {cause}");
        match cause.downcast_ref::<ReadError>() {
            Some(ReadError::Busy(_)) => Self::Busy { why, source: Some(cause) },
            // A row that another names was there.
            Some(ReadError::Corrupt(_) | ReadError::NotFound(_)) => {
                Self::Corrupt { why, source: Some(cause) }
            }
            Some(ReadError::Failed(_)) | None => Self::Unavailable { why, source: Some(cause) },
        }
    }
}

impl From<CommandError> for AppError {
    fn from(why: CommandError) -> Self {
        let text = why.to_string();
        match why {
            CommandError::Invalid { .. } => Self::Invalid { what: text, source: Some(why.into()) },
            CommandError::NotFound { .. } => Self::NotFound { what: text },
            CommandError::Refused { .. } => Self::Refused { why: text, source: Some(why.into()) },
            CommandError::Conflict { .. } => Self::Conflict { why: text },
            CommandError::Busy { .. } | CommandError::Ending => {
                Self::Busy { why: text, source: Some(why.into()) }
            }
            CommandError::Unavailable { .. } => Self::Unavailable { why: text, source: Some(why.into()) },
        }
    }
}

impl From<OpenError> for AppError {
    fn from(why: OpenError) -> Self {
        let text = why.to_string();
        match why {
            OpenError::Missing(_)
            | OpenError::TakenAway { .. }
            | OpenError::NotAStore { .. }
            | OpenError::TooNew { .. }
            | OpenError::TooOld { .. }
            | OpenError::Foreign => Self::Invalid { what: text, source: Some(why.into()) },
            OpenError::Locked { .. } => Self::Busy { why: text, source: Some(why.into()) },
            OpenError::Unusable { .. } | OpenError::OldSqlite(_) | OpenError::Database(_) => {
                Self::Unavailable { why: text, source: Some(why.into()) }
            }
        }
    }
}

impl From<ConfigError> for AppError {
    fn from(why: ConfigError) -> Self {
        Self::Invalid { what: why.to_string(), source: Some(why.into()) }
    }
}

impl From<Malformed> for AppError {
    fn from(why: Malformed) -> Self {
        Self::Invalid { what: why.to_string(), source: Some(why.into()) }
    }
}

impl From<TemplateError> for AppError {
    fn from(why: TemplateError) -> Self {
        Self::Invalid { what: why.to_string(), source: Some(why.into()) }
    }
}

impl From<SimulationError> for AppError {
    fn from(why: SimulationError) -> Self {
        Self::Unavailable { why: why.to_string(), source: Some(why.into()) }
    }
}

impl From<PlanErrors> for AppError {
    fn from(why: PlanErrors) -> Self {
        Self::Invalid { what: why.to_string(), source: Some(why.into()) }
    }
}

impl From<PluginError> for AppError {
    fn from(why: PluginError) -> Self {
        let text = why.to_string();
        match why {
            PluginError::Host { .. } => Self::Unavailable { why: text, source: Some(why.into()) },
            PluginError::Incompatible { .. }
            | PluginError::NotGranted { .. }
            | PluginError::Refused { .. }
            | PluginError::Trapped { .. }
            | PluginError::OverLimit { .. }
            | PluginError::InvalidAnswer { .. } => Self::Invalid { what: text, source: Some(why.into()) },
        }
    }
}

impl From<SourceError> for AppError {
    fn from(why: SourceError) -> Self {
        let text = why.to_string();
        match why {
            SourceError::Malformed(..) => Self::Invalid { what: text, source: Some(why.into()) },
            SourceError::Unreachable(..) => Self::Unavailable { why: text, source: Some(why.into()) },
            SourceError::OtherContent { .. } => Self::Refused { why: text, source: Some(why.into()) },
        }
    }
}

impl From<GitError> for AppError {
    fn from(why: GitError) -> Self {
        Self::Unavailable { why: why.to_string(), source: Some(why.into()) }
    }
}

impl From<std::io::Error> for AppError {
    fn from(why: std::io::Error) -> Self {
        Self::Unavailable { why: why.to_string(), source: Some(why.into()) }
    }
}

impl From<Rejection> for AppError {
    fn from(why: Rejection) -> Self {
        CommandError::from(why).into()
    }
}

impl From<ConnectError> for AppError {
    fn from(why: ConnectError) -> Self {
        Self::Unavailable { why: why.to_string(), source: Some(why.into()) }
    }
}
