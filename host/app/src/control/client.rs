//! The client's side.

use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use baton_core::command::{Command, CommandError};
use baton_core::id::{RunId, TaskId};
use baton_engine::command::Reply;
use baton_engine::why::Known;
use baton_store::Home;
use thiserror::Error;

use super::frame::{self, Head};
use super::{Hello, PROTOCOL, Query, Request, Response};
use crate::host::{Halt, RunWaits};

/// The host introduces itself within this.
const HELLO: Duration = Duration::from_secs(10);
/// A question is answered, and a command carried out, within this.
const ANSWER: Duration = Duration::from_secs(60);
/// One that has the host look through the record.
const LONG_ANSWER: Duration = Duration::from_secs(3600);
/// How often a request is sent that the host has no place for.
const ATTEMPTS: u32 = 10;

/// A host that runs, to be asked. Each request has a connection of its own.
#[derive(Debug)]
pub struct Client {
    home: Home,
    /// The one over which the host introduced itself.
    first: Option<UnixStream>,
    pid: u32,
}

/// Why a host can't be asked although something listens at the store's socket.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Find out who may write to the store's folder.
    #[error("{path} belongs to user {uid}, and nothing is said to it: who may write to its folder?")]
    Foreign {
        /// The socket.
        path: String,
        /// Who listens there.
        uid: u32,
    },
    /// Use the binary that hosts the store, or end that host.
    #[error(
        "the host (process {pid}) is baton {theirs} and speaks version {protocol} of the control protocol; this is baton {ours}, \
         which speaks {PROTOCOL}: use the same binary for both, or end that host first"
    )]
    OtherVersion {
        /// The host's process.
        pid: u32,
        /// The host's version.
        theirs: String,
        /// The protocol that the host speaks.
        protocol: u32,
        /// The version of this binary.
        ours: &'static str,
    },
    /// Use the binary that hosts the store, or end that host: it is from before protocols had a number in their greeting.
    #[error(
        "the host is an older baton, which speaks version 1 of the control protocol, and this one speaks {PROTOCOL}: use the same \
         binary for both, or end that host first"
    )]
    Older,
    /// Try again, or end the process that has the store.
    #[error("what listens at {path} does not answer as a host: {source}")]
    Silent {
        /// The socket.
        path: String,
        /// What went wrong with the exchange.
        source: std::io::Error,
    },
}

impl Client {
    /// The running host, if there is one. This takes no lock, so it holds up nobody.
    ///
    /// # Errors
    /// Something listens that is no host, or one of another version.
    pub fn connect(home: &Home) -> Result<Option<Self>, ConnectError> {
        let mut attempts = 1;
        loop {
            match Self::greeted(home) {
                // A host that has no place closes the connection.
                Err(ConnectError::Silent { source, .. }) if attempts < ATTEMPTS && is_closed(&source) => {
                    attempts += 1;
                }
                greeted => return greeted,
            }
        }
    }

    fn greeted(home: &Home) -> Result<Option<Self>, ConnectError> {
        let path = home.socket();
        let Ok(stream) = UnixStream::connect(&path) else { return Ok(None) };
        let path = path.display().to_string();
        let silent = |source| ConnectError::Silent { path: path.clone(), source };
        let peer = rustix::net::sockopt::socket_peercred(stream.as_fd()).map_err(|why| silent(why.into()))?;
        if peer.uid != rustix::process::getuid() {
            return Err(ConnectError::Foreign { path, uid: peer.uid.as_raw() });
        }
        let mut stream = stream;
        let greeted = greet(&mut stream).map_err(silent)?;
        match greeted {
            Some(Hello { protocol: PROTOCOL, pid, .. }) => {
                Ok(Some(Self { home: home.clone(), first: Some(stream), pid }))
            }
            Some(Hello { protocol, baton: theirs, pid }) => {
                let ours = env!("CARGO_PKG_VERSION");
                Err(ConnectError::OtherVersion { pid, theirs, protocol, ours })
            }
            None => Err(ConnectError::Older),
        }
    }

    /// Whether something listens at a store's socket.
    #[must_use]
    pub fn is_there(home: &Home) -> bool {
        UnixStream::connect(home.socket()).is_ok()
    }

    /// The host's process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Has the host carry a command out; it is durable when this returns.
    ///
    /// # Errors
    /// Why it was not carried out.
    pub fn command(&mut self, command: Command) -> Result<Reply, CommandError> {
        let within = if command.is_long() { LONG_ANSWER } else { ANSWER };
        match self.ask(&Request::Command(Box::new(command)), within)? {
            Response::Done(reply) => Ok(*reply),
            other => Err(other.unexpected()),
        }
    }

    /// Why a run does not go on by itself; none while it does.
    ///
    /// # Errors
    /// The host does not answer.
    pub fn halt(&mut self, run: RunId) -> Result<Option<Halt>, CommandError> {
        match self.ask(&Request::Query(Query::Phase(run)), ANSWER)? {
            Response::Phase(phase) => Ok(Halt::of(phase)),
            other => Err(other.unexpected()),
        }
    }

    /// What a run waits for.
    ///
    /// # Errors
    /// The host does not answer.
    pub fn waits(&mut self, run: RunId) -> Result<RunWaits, CommandError> {
        match self.ask(&Request::Query(Query::Waits(run)), ANSWER)? {
            Response::Waits(waits) => Ok(RunWaits(waits)),
            other => Err(other.unexpected()),
        }
    }

    /// What the host knows of why a task is not running.
    ///
    /// # Errors
    /// The host does not answer.
    pub(crate) fn why(&mut self, task: TaskId) -> Result<Known, CommandError> {
        match self.ask(&Request::Query(Query::Why(task)), ANSWER)? {
            Response::Why(known) => Ok(*known),
            other => Err(other.unexpected()),
        }
    }

    fn ask(&mut self, request: &Request, within: Duration) -> Result<Response, CommandError> {
        let frame = frame::of(request, "").map_err(|why| gone(&why))?;
        if frame.len() - 4 > frame::LONGEST {
            return Err(CommandError::too_long());
        }
        for _ in 0..ATTEMPTS {
            let mut stream = self.stream()?;
            match exchange(&mut stream, &frame, within) {
                Ok(Response::Full) => {}
                Ok(Response::Failed(why)) => return Err(why),
                Ok(response) => return Ok(response),
                Err(why) => return Err(gone(&why)),
            }
        }
        let why = format!("the host had no place for this {ATTEMPTS} times: who connects to it so often?");
        Err(CommandError::Busy { why })
    }

    fn stream(&mut self) -> Result<UnixStream, CommandError> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let unavailable = |why: &dyn std::fmt::Display| CommandError::Unavailable { why: why.to_string() };
        let client = Self::connect(&self.home).map_err(|why| unavailable(&why))?;
        client.and_then(|client| client.first).ok_or(CommandError::Ending)
    }
}

/// Whether the other side has closed the connection.
fn is_closed(why: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(why.kind(), UnexpectedEof | ConnectionReset | BrokenPipe)
}

/// Both introduce themselves; none if the host is from before frames.
fn greet(stream: &mut UnixStream) -> std::io::Result<Option<Hello>> {
    stream.set_read_timeout(Some(HELLO))?;
    stream.set_write_timeout(Some(HELLO))?;
    frame::write(stream, &Hello::own(), "\n")?;
    match frame::read(stream)? {
        (Head::Frame(_), body) => Ok(Some(serde_json::from_slice(&body)?)),
        (Head::Old, _) => Ok(None),
        (Head::TooLong(length), _) => {
            Err(std::io::Error::other(format!("it answers with a frame of {length} bytes")))
        }
    }
}

fn exchange(stream: &mut UnixStream, frame: &[u8], within: Duration) -> std::io::Result<Response> {
    use std::io::Write as _;
    stream.set_read_timeout(Some(within))?;
    // A host without a place says so and closes the connection: its answer is read all the same.
    let sent = stream.write_all(frame);
    match frame::read(stream) {
        Ok((Head::Frame(_), body)) => Ok(serde_json::from_slice(&body)?),
        Ok((Head::TooLong(_) | Head::Old, _)) => Err(std::io::Error::other("its answer is no frame")),
        Err(why) => Err(sent.err().unwrap_or(why)),
    }
}

fn gone(why: &std::io::Error) -> CommandError {
    CommandError::Unavailable {
        why: format!("the host did not answer, so what became of this is not known: {why}"),
    }
}
