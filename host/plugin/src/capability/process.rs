//! `baton:host/process`: native programs, as the operator's profiles allow them.

mod confine;
mod order;
pub mod pidfd;
mod profile;
mod run;
mod spawn;
mod talk;

use wasmtime::component::Resource;

pub use confine::Confine;
pub use order::{Graces, Order};
pub use profile::{Place, Profile};
pub use talk::Program;

use crate::bindings::agent::baton::host::process::{
    Command, Completed, Ending, Host, HostProgram, Line, ProcessError,
};
use crate::bindings::shared::baton::types::core::Attr;
use crate::sandbox::Sandbox;

/// What is kept of a program's standard error: its end.
const STDERR_TAIL: usize = 16 << 10;
/// After a program has ended, what it left running may still hold its output open for so long.
const LINGER: std::time::Duration = std::time::Duration::from_millis(500);

/// Runs a profile's program for the host itself.
///
/// # Errors
/// It did not end with 0 before the deadline: what it said last.
pub async fn run_to_end(
    powers: &super::Capabilities,
    name: &str,
    values: &[(&str, &str)],
    stdin: Vec<u8>,
) -> Result<(), String> {
    let profile = powers.profiles.find(powers, "host", name)?;
    let attr = |(name, value): &(&str, &str)| Attr { name: (*name).to_owned(), value: (*value).to_owned() };
    let command = Command { profile: name.to_owned(), values: values.iter().map(attr).collect(), stdin };
    let left = powers.deadline.since(powers.clock.now());
    let completed = match tokio::time::timeout(left, run::run(powers, &profile, &command)).await {
        Ok(Ok(completed)) => completed,
        Ok(Err(why)) => return Err(format!("{name} could not be run: {why:?}")),
        Err(_) => return Err(format!("{name} had not ended after {} s", left.as_secs())),
    };
    if matches!(completed.ending, Ending::Exited(0)) {
        return Ok(());
    }
    let said = [completed.stdout, completed.stderr].concat();
    let tail = said.len().saturating_sub(SAID);
    Err(format!("{name} {}: {}", ended(&completed.ending), String::from_utf8_lossy(&said[tail..]).trim()))
}

/// How a program ended, in words.
fn ended(ending: &Ending) -> String {
    match ending {
        Ending::Exited(code) => format!("ended with exit code {code}"),
        Ending::Signalled(signal) => format!("was ended by signal {signal}"),
        Ending::TimedOut(after) => format!("was killed after {after} ms"),
        Ending::TooMuchOutput(limit) => format!("was killed: it wrote more than {limit} bytes"),
    }
}

/// What is told of a check that failed: its end.
const SAID: usize = 2 << 10;

impl Host for Sandbox {
    async fn run(&mut self, command: Command) -> wasmtime::Result<Result<Completed, ProcessError>> {
        let powers = self.powers()?;
        if powers.admitted().await.is_some() {
            return Ok(Err(ProcessError::Stopped));
        }
        Ok(match powers.profiles.find(&powers, "process.run", &command.profile) {
            Ok(profile) => run::run(&powers, &profile, &command).await,
            Err(denied) => Err(ProcessError::Denied(denied)),
        })
    }

    async fn check(&mut self, profile: String) -> wasmtime::Result<Result<(), ProcessError>> {
        let powers = self.powers()?;
        Ok(powers
            .profiles
            .find(&powers, "process.check", &profile)
            .map_err(ProcessError::Denied)
            .and_then(|profile| profile.program(&profile.place(powers.folder.as_deref())).map(|_| ())))
    }

    async fn place(&mut self, profile: String) -> wasmtime::Result<Result<String, ProcessError>> {
        let powers = self.powers()?;
        let found = powers.profiles.find(&powers, "process.place", &profile);
        Ok(found.map_err(ProcessError::Denied).map(|profile| {
            let place = profile.place(powers.folder.as_deref());
            std::path::absolute(&place).unwrap_or(place).display().to_string()
        }))
    }

    async fn start(&mut self, command: Command) -> wasmtime::Result<Result<Resource<Program>, ProcessError>> {
        let powers = self.powers()?;
        if powers.admitted().await.is_some() {
            return Ok(Err(ProcessError::Stopped));
        }
        let found = powers.profiles.find(&powers, "process.start", &command.profile);
        let started = match found {
            Ok(profile) => Program::start(&powers, profile, command).await,
            Err(denied) => Err(ProcessError::Denied(denied)),
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
        patience: Option<u64>,
    ) -> wasmtime::Result<Result<Line, ProcessError>> {
        let powers = self.powers()?;
        Ok(self.table.get_mut(&program)?.read_line(&powers, patience).await)
    }

    async fn write(
        &mut self,
        program: Resource<Program>,
        bytes: Vec<u8>,
    ) -> wasmtime::Result<Result<(), ProcessError>> {
        let powers = self.powers()?;
        powers.admitted().await;
        if powers.is_barred() {
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
        patience: u64,
    ) -> wasmtime::Result<Result<Completed, ProcessError>> {
        let powers = self.powers()?;
        Ok(self.table.get_mut(&program)?.finish(&powers, patience).await)
    }

    async fn drop(&mut self, program: Resource<Program>) -> wasmtime::Result<()> {
        self.table.delete(program)?;
        Ok(())
    }
}
