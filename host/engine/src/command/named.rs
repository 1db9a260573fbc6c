//! The plugins that commands name. A command that names one which is not there is refused: an agent without its adapter and
//! a run without its router could only fail later.

use baton_core::command::{Command, CommandError};
use baton_core::excerpt::excerpt;
use baton_core::op::RouterChoice;
use baton_plugin::PluginError;
use baton_plugin::library::Library;

/// A plugin that must be there before a command is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// The adapter of an agent, by name.
    Adapter(String),
    /// A router, by name and digest.
    Router(RouterChoice),
}

impl Named {
    /// The plugin that a command names, if it names one.
    pub(super) fn by(command: &Command) -> Option<Self> {
        match command {
            Command::PutAgent { card } => Some(Self::Adapter(card.adapter.clone())),
            Command::Submit(submission) => Some(Self::Router(submission.router.clone())),
            Command::UseRouter { router, .. } | Command::StartTrial { router, .. } => {
                Some(Self::Router(router.clone()))
            }
            Command::Promote { router, .. } => router.clone().map(Self::Router),
            Command::Backtest(asked) => Some(Self::Router(asked.router.clone())),
            Command::Amend { .. }
            | Command::Pause(_)
            | Command::Resume(_)
            | Command::Cancel { .. }
            | Command::Retry { .. }
            | Command::Drop { .. }
            | Command::Answer { .. }
            | Command::Feedback { .. }
            | Command::SetStanding { .. }
            | Command::RemoveAgent { .. }
            | Command::PutPlugin(_)
            | Command::RemovePlugin { .. }
            | Command::MoveTrial { .. }
            | Command::EndTrial { .. }
            | Command::Consolidate
            | Command::ForgetNote { .. }
            | Command::Drain => None,
        }
    }

    /// Reads the plugin, so it must not be called on the loop.
    ///
    /// # Errors
    /// [`CommandError::NotFound`] if it can't be loaded, or is of another kind.
    pub(super) fn check(&self, library: &Library) -> Result<(), CommandError> {
        let (what, found) = match self {
            Self::Adapter(name) => (format!("adapter {:?}", short(name)), library.check_adapter(name)),
            Self::Router(RouterChoice { name, digest }) => {
                (format!("router {:?}", short(name)), library.check_router(name, digest))
            }
        };
        found.map_err(|why| CommandError::NotFound { what: format!("{what}: {}\n{REMEDY}", cause(why)) })
    }
}

const REMEDY: &str = "`baton plugin list` shows the plugins that are there, `baton plugin add` installs one";

fn short(name: &str) -> String {
    excerpt(name, 128)
}

/// Without the plugin's name, which was said.
fn cause(why: PluginError) -> String {
    match why {
        PluginError::Incompatible { why, .. } => why,
        other @ (PluginError::NotGranted { .. }
        | PluginError::Refused { .. }
        | PluginError::Trapped { .. }
        | PluginError::OverLimit { .. }
        | PluginError::InvalidAnswer { .. }
        | PluginError::Host { .. }) => other.to_string(),
    }
}
