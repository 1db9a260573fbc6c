//! Compiling a component outside the host: it can cost a thousand times what running it does, and nothing in
//! WebAssembly bounds it. A child process with limits of its own does it, so that the worst that a component can do
//! is to fail to compile.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use rustix::process::{Pid, Resource, Rlimit, Signal, getppid, set_parent_process_death_signal, setrlimit};

use baton_core::kind::Kind;

use super::engine;

/// What the child may use.
const MEMORY: u64 = 4 << 30;
const CPU_SECONDS: u64 = 180;

/// Who compiles.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// A child process of this program, which must understand `__compile`.
    Child(PathBuf),
    /// This process, for those who trust what they load.
    InProcess,
}

impl Compiler {
    pub(super) fn compile(&self, kind: Kind, wasm: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Self::Child(program) => in_child(program, kind, wasm),
            Self::InProcess => precompile(kind, wasm),
        }
    }
}

fn precompile(kind: Kind, wasm: &[u8]) -> Result<Vec<u8>, String> {
    let engine = engine::compiler(kind).map_err(|why| why.to_string())?;
    engine.precompile_component(wasm).map_err(|why| format!("{why:#}"))
}

fn in_child(program: &PathBuf, kind: Kind, wasm: &[u8]) -> Result<Vec<u8>, String> {
    let mut child = Command::new(program)
        .args(["__compile", kind.as_str(), &std::process::id().to_string()])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|why| format!("the compiler can't be started: {why}"))?;
    let (mut stdin, wasm) = (child.stdin.take(), wasm.to_owned());
    let feed = thread::spawn(move || stdin.as_mut().map(|stdin| stdin.write_all(&wasm)));
    let output = child.wait_with_output().map_err(|why| why.to_string())?;
    let _ = feed.join();
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().last().unwrap_or_default();
    Err(match output.status.code() {
        Some(1) => said.to_owned(),
        Some(_) | None => format!(
            "compiling it took more than {CPU_SECONDS} s or {} MiB, and was stopped ({})",
            MEMORY >> 20,
            output.status
        ),
    })
}

/// The child's side: limits itself, reads a component, writes it compiled.
///
/// # Errors
/// What the compiler said, for the parent to read.
pub fn child(kind: Kind, host: i32) -> Result<(), String> {
    // A host that was killed leaves nobody behind who computes for minutes. It waits in the thread that started this.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|why| why.to_string())?;
    if getppid() != Pid::from_raw(host) {
        return Err("the host that wanted it is gone".into());
    }
    let cap = |most| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::As, cap(MEMORY)).map_err(|why| why.to_string())?;
    setrlimit(Resource::Cpu, cap(CPU_SECONDS)).map_err(|why| why.to_string())?;
    setrlimit(Resource::Core, cap(0)).map_err(|why| why.to_string())?;
    let mut wasm = Vec::new();
    std::io::stdin().lock().read_to_end(&mut wasm).map_err(|why| why.to_string())?;
    let compiled = precompile(kind, &wasm)?;
    std::io::stdout().lock().write_all(&compiled).map_err(|why| why.to_string())
}
