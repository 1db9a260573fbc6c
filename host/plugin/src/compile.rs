//! Compiles components in a child process with limits on memory and CPU time. Compiling can cost a thousand times what
//! running does, and WebAssembly has no bound for it; this way a hostile component can do no worse than fail to compile.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::{io, process};

use rustix::process::{Pid, Resource, Rlimit, Signal, getppid, set_parent_process_death_signal, setrlimit};

use thiserror::Error;

use super::engine;
use baton_core::kind::Kind;

/// Why a component was not compiled.
#[derive(Debug, Error)]
pub enum CompileError {
    /// The compiler rejected the component. Report it to the plugin's author.
    #[error("{0}")]
    Rejected(String),
    /// The compiler exceeded its limits, or was killed.
    #[error("compiling it took more than {CPU_SECONDS} s or {mib} MiB, and was stopped ({0})", mib = MEMORY >> 20)]
    OverLimit(process::ExitStatus),
    /// The machine has no resources for a child process.
    #[error("the compiler can't be started: {0}")]
    Start(#[source] io::Error),
    /// The exchange with the child process failed, or the child could not limit itself.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is no parent to compile for.
    #[error("the host that asked for it is gone")]
    Orphaned,
}

/// Address space of the child, in bytes.
const MEMORY: u64 = 4 << 30;
/// CPU time of the child.
const CPU_SECONDS: u64 = 180;

/// Where components are compiled.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// In a child process: this program (the `baton` binary) is started with `__compile`.
    Child(PathBuf),
    /// In this process, without limits: for components that are trusted.
    InProcess,
}

impl Compiler {
    pub(super) fn compile(&self, kind: Kind, wasm: &[u8]) -> Result<Vec<u8>, CompileError> {
        match self {
            Self::Child(program) => in_child(program, kind, wasm),
            Self::InProcess => precompile(kind, wasm),
        }
    }
}

fn precompile(kind: Kind, wasm: &[u8]) -> Result<Vec<u8>, CompileError> {
    let engine = engine::compiler(kind).map_err(|why| CompileError::Rejected(why.to_string()))?;
    engine.precompile_component(wasm).map_err(|why| CompileError::Rejected(format!("{why:#}")))
}

fn in_child(program: &PathBuf, kind: Kind, wasm: &[u8]) -> Result<Vec<u8>, CompileError> {
    let mut child = Command::new(program)
        .args(["__compile", kind.as_str(), &std::process::id().to_string()])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(CompileError::Start)?;
    let (mut stdin, wasm) = (child.stdin.take(), wasm.to_owned());
    let feed = thread::spawn(move || stdin.as_mut().map(|stdin| stdin.write_all(&wasm)));
    let output = child.wait_with_output()?;
    let _ = feed.join();
    if output.status.success() {
        return Ok(output.stdout);
    }
    let message = String::from_utf8_lossy(&output.stderr);
    let message = message.lines().last().unwrap_or_default();
    Err(match output.status.code() {
        Some(1) => CompileError::Rejected(message.to_owned()),
        Some(_) | None => CompileError::OverLimit(output.status),
    })
}

/// The child's side: limits itself, then reads a component from standard input and writes it compiled to standard output.
/// `host` is the process id of the parent.
///
/// # Errors
/// The compiler's message, to be printed for the parent; or the parent is gone.
pub fn child(kind: Kind, host: i32) -> Result<(), CompileError> {
    // A killed host must not leave a child that computes for minutes. The signal follows the parent's thread, not its
    // process; that thread waits for this child.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
    if getppid() != Pid::from_raw(host) {
        return Err(CompileError::Orphaned);
    }
    let cap = |most| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::As, cap(MEMORY)).map_err(io::Error::from)?;
    setrlimit(Resource::Cpu, cap(CPU_SECONDS)).map_err(io::Error::from)?;
    setrlimit(Resource::Core, cap(0)).map_err(io::Error::from)?;
    let mut wasm = Vec::new();
    std::io::stdin().lock().read_to_end(&mut wasm)?;
    let compiled = precompile(kind, &wasm)?;
    std::io::stdout().lock().write_all(&compiled)?;
    Ok(())
}
