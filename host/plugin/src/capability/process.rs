//! `baton:host/process`: native programs that the operator allows by profiles.

mod confine;
pub mod pidfd;
mod profile;
mod run;
mod spawn;
mod supervise_request;
mod talk;

use thiserror::Error;
use wasmtime::component::Resource;

pub use confine::ConfinePolicy;
pub use profile::{NoProgram, Profile, StartFolder};
pub use supervise_request::{GracePeriods, SuperviseRequest};
pub use talk::Program;

use crate::bindings::agent::baton::host::process::{
    Command, Completed, Ending, Host, HostProgram, Line, ProcessError,
};
use crate::bindings::shared::baton::types::core::Attr;
use crate::capability::NotAllowed;
use crate::sandbox::Sandbox;

/// The most bytes of standard error that are kept: its end.
const STDERR_TAIL: usize = 16 << 10;
/// How long to wait for the end of a program's output after it has exited: a process that it left behind may hold its
/// output open.
const LINGER: std::time::Duration = std::time::Duration::from_millis(500);

/// Why a program that the host runs for itself did not succeed.
#[derive(Debug, Error)]
pub enum RunError {
    /// There is no such profile.
    #[error(transparent)]
    NoProfile(#[from] NotAllowed),
    /// It could not be started. Fix the profile or the machine.
    #[error("{profile} could not be run: {why}")]
    NotStarted {
        /// The profile.
        profile: String,
        /// The error of the contract.
        why: String,
    },
    /// It had not exited before the deadline.
    #[error("{profile} had not ended after {seconds} s")]
    TimedOut {
        /// The profile.
        profile: String,
        /// The time that it had, in seconds.
        seconds: u64,
    },
    /// It exited with anything but 0: what it checks is not in order.
    #[error("{profile} {ending}: {output}")]
    Failed {
        /// The profile.
        profile: String,
        /// How it ended.
        ending: String,
        /// The end of its output and of its standard error, at most 2 KiB.
        output: String,
    },
}

impl From<NotAllowed> for ProcessError {
    fn from(why: NotAllowed) -> Self {
        Self::Denied(why.to_string())
    }
}

/// Runs a profile's program for the host itself. `values` fill the placeholders of its arguments.
///
/// # Errors
/// It could not be run, or did not exit with 0 before the deadline.
pub async fn run_to_end(
    capabilities: &super::Capabilities,
    name: &str,
    values: &[(&str, &str)],
    stdin: Vec<u8>,
) -> Result<(), RunError> {
    let profile = capabilities.profiles.find(capabilities, "host", name)?;
    let attr = |(name, value): &(&str, &str)| Attr { name: (*name).to_owned(), value: (*value).to_owned() };
    let command = Command { profile: name.to_owned(), values: values.iter().map(attr).collect(), stdin };
    let left = capabilities.deadline.since(capabilities.clock.now());
    let completed = match tokio::time::timeout(left, run::run(capabilities, &profile, &command)).await {
        Ok(Ok(completed)) => completed,
        Ok(Err(why)) => {
            return Err(RunError::NotStarted { profile: name.to_owned(), why: format!("{why:?}") });
        }
        Err(_) => return Err(RunError::TimedOut { profile: name.to_owned(), seconds: left.as_secs() }),
    };
    if matches!(completed.ending, Ending::Exited(0)) {
        return Ok(());
    }
    let output = [completed.stdout, completed.stderr].concat();
    let tail = output.len().saturating_sub(OUTPUT_TAIL);
    Err(RunError::Failed {
        profile: name.to_owned(),
        ending: ended(&completed.ending),
        output: String::from_utf8_lossy(&output[tail..]).trim().to_owned(),
    })
}

/// How a program ended, for messages.
fn ended(ending: &Ending) -> String {
    match ending {
        Ending::Exited(code) => format!("ended with exit code {code}"),
        Ending::Signalled(signal) => format!("was ended by signal {signal}"),
        Ending::TimedOut(after) => format!("was killed after {after} ms"),
        Ending::TooMuchOutput(limit) => format!("was killed: it wrote more than {limit} bytes"),
    }
}

/// The most bytes of a failed program's output in a message: its end.
const OUTPUT_TAIL: usize = 2 << 10;

impl Host for Sandbox {
    async fn run(&mut self, command: Command) -> wasmtime::Result<Result<Completed, ProcessError>> {
        let capabilities = self.capabilities()?;
        if capabilities.await_lease().await.is_some() {
            return Ok(Err(ProcessError::Stopped));
        }
        Ok(match capabilities.profiles.find(&capabilities, "process.run", &command.profile) {
            Ok(profile) => run::run(&capabilities, &profile, &command).await,
            Err(denied) => Err(denied.into()),
        })
    }

    async fn check(&mut self, profile: String) -> wasmtime::Result<Result<(), ProcessError>> {
        let capabilities = self.capabilities()?;
        Ok(capabilities
            .profiles
            .find(&capabilities, "process.check", &profile)
            .map_err(ProcessError::from)
            .and_then(|profile| {
                let found = profile.program(&profile.start_folder(capabilities.folder.as_deref()));
                found.map(|_| ()).map_err(|why| why.of(&profile))
            }))
    }

    async fn place(&mut self, profile: String) -> wasmtime::Result<Result<String, ProcessError>> {
        let capabilities = self.capabilities()?;
        let found = capabilities.profiles.find(&capabilities, "process.place", &profile);
        Ok(found.map_err(ProcessError::from).map(|profile| {
            let place = profile.start_folder(capabilities.folder.as_deref());
            std::path::absolute(&place).unwrap_or(place).display().to_string()
        }))
    }

    async fn start(&mut self, command: Command) -> wasmtime::Result<Result<Resource<Program>, ProcessError>> {
        let capabilities = self.capabilities()?;
        if capabilities.await_lease().await.is_some() {
            return Ok(Err(ProcessError::Stopped));
        }
        let found = capabilities.profiles.find(&capabilities, "process.start", &command.profile);
        let started = match found {
            Ok(profile) => Program::start(&capabilities, profile, command).await,
            Err(denied) => Err(denied.into()),
        };
        match started {
            Ok(program) => Ok(Ok(self.table.push(program)?)),
            Err(error) => Ok(Err(error)),
        }
    }
}

impl HostProgram for Sandbox {
    async fn read_line(
        &mut self,
        program: Resource<Program>,
        timeout_ms: Option<u64>,
    ) -> wasmtime::Result<Result<Line, ProcessError>> {
        let capabilities = self.capabilities()?;
        Ok(self.table.get_mut(&program)?.read_line(&capabilities, timeout_ms).await)
    }

    async fn write(
        &mut self,
        program: Resource<Program>,
        bytes: Vec<u8>,
    ) -> wasmtime::Result<Result<(), ProcessError>> {
        let capabilities = self.capabilities()?;
        capabilities.await_lease().await;
        if capabilities.is_fenced() {
            return Ok(Err(ProcessError::Stopped));
        }
        self.table.get_mut(&program)?.write(bytes);
        Ok(Ok(()))
    }

    async fn close_input(&mut self, program: Resource<Program>) -> wasmtime::Result<()> {
        self.table.get_mut(&program)?.close_input();
        Ok(())
    }

    async fn finish(
        &mut self,
        program: Resource<Program>,
        timeout_ms: u64,
    ) -> wasmtime::Result<Result<Completed, ProcessError>> {
        let capabilities = self.capabilities()?;
        Ok(self.table.get_mut(&program)?.finish(&capabilities, timeout_ms).await)
    }

    async fn drop(&mut self, program: Resource<Program>) -> wasmtime::Result<()> {
        self.table.delete(program)?;
        Ok(())
    }
}
