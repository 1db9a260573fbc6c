//! How one process asks another that hosts the store: commands that change something, and questions about what the host
//! decides by. Frames over a Unix socket that only the owner of the store can reach.

mod client;
mod frame;
mod registry;
mod server;

use baton_core::command::{Command, CommandError};
use baton_core::id::{RunId, TaskId};
use baton_engine::Phase;
use baton_engine::command::Reply;
use baton_engine::waits::Wait;
use baton_engine::why::Known;
use serde::{Deserialize, Serialize};

pub use client::{Client, ConnectError};
pub use server::Server;

/// Of the frames and of what is in them. It grows with every change that an older peer would misread; peers of different
/// versions say so and part. 1 was JSON, one object a line.
pub const PROTOCOL: u32 = 2;

/// How each side introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Hello {
    protocol: u32,
    /// The version of the binary, for people.
    baton: String,
    pid: u32,
}

impl Hello {
    fn own() -> Self {
        Self { protocol: PROTOCOL, baton: env!("CARGO_PKG_VERSION").to_owned(), pid: std::process::id() }
    }
}

/// One frame from a client, after its hello.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Request {
    Command(Box<Command>),
    Query(Query),
}

/// What only the host knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Query {
    /// Where a run stands.
    Phase(RunId),
    /// What a run waits for.
    Waits(RunId),
    /// What keeps a task from going on, as far as rows do not tell.
    Why(TaskId),
}

/// The answer to one frame.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Response {
    Done(Box<Reply>),
    Phase(Phase),
    Waits(Vec<Wait>),
    Why(Box<Known>),
    Failed(CommandError),
    /// Others needed the place: nothing was done, ask again.
    Full,
}

impl Response {
    /// For clients that asked for something else.
    fn unexpected(&self) -> CommandError {
        let what = match self {
            Self::Done(_) => "a result",
            Self::Phase(_) => "where a run stands",
            Self::Waits(_) => "what a run waits for",
            Self::Why(_) => "what a task waits for",
            Self::Failed(_) => "a refusal",
            Self::Full => "that it has no place",
        };
        CommandError::Unavailable { why: format!("the host answered {what}, which is not what it was asked") }
    }
}
