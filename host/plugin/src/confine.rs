//! Confines native programs: what they may read, write and connect to. Linux only: Landlock for files, ports and signals;
//! a mount namespace for what Landlock does not check; seccomp for sockets. A process applies the confinement to itself,
//! which can't be undone, and then executes the program.

mod allow;
mod calls;
mod files;
mod rights;
mod view;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

pub use allow::Executable;

/// What a program may access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Files, and folders with all below them, that it may write and read.
    pub write: Vec<PathBuf>,
    /// Files, and folders with all below them, that it may read.
    pub read: Vec<PathBuf>,
    /// Folders that are hidden, even inside of one that it may read.
    pub hide: Vec<PathBuf>,
    /// Files that are read-only, even inside of a folder that it may write.
    pub keep: Vec<PathBuf>,
    /// Home folders whose toolchains it may read, but never the whole folder.
    pub homes: Vec<PathBuf>,
    /// The script, where the program is an interpreter.
    pub script: Option<PathBuf>,
    /// Where it may connect to.
    pub net: Net,
    /// Whether to create a mount namespace. Set it only where [`probe`] found that it works: a failed attempt leaves the
    /// process in a user namespace without a user.
    pub view: bool,
    /// Whether it may use Unix sockets, and thereby every service that listens on one of this user's.
    pub unix_sockets: bool,
}

/// Where it may connect to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Net {
    /// Anywhere.
    #[default]
    Any,
    /// To these TCP ports. With 53 among them also anywhere by UDP, which name lookup needs.
    Ports(Vec<u16>),
    /// Nowhere.
    None,
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("anywhere"),
            Self::Ports(ports) => {
                let ports: Vec<_> = ports.iter().map(ToString::to_string).collect();
                write!(f, "to port {}", ports.join(", "))
            }
            Self::None => f.write_str("nowhere"),
        }
    }
}

/// Which parts of a confinement the kernel enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforcement {
    /// The ABI version of Landlock that is enforced; 0 = none, and files are not confined.
    pub landlock: u32,
    /// Whether the program has its own mount namespace. Without one it can change modes, owners and times of this user's
    /// files, and reach a store inside of the folder that it works in.
    pub view: bool,
    /// Whether system calls are filtered.
    pub calls: bool,
}

impl Enforcement {
    /// What is not enforced, for messages; empty if everything is.
    #[must_use]
    pub fn gaps(self) -> Vec<&'static str> {
        let gaps = [
            (self.landlock < 1, "files outside their folder (Landlock is missing: Linux 5.13)"),
            (self.landlock < 3, "cutting files short (Landlock 3: Linux 6.2)"),
            (self.landlock < 4, "ports (Landlock 4: Linux 6.7)"),
            (self.landlock < 6, "signals to other processes (Landlock 6: Linux 6.12)"),
            (
                !self.view,
                "modes, owners and times of files, and a store in the folder they work in (no mount namespace)",
            ),
            (!self.calls, "sockets (no seccomp on this machine)"),
        ];
        gaps.into_iter().filter(|(open, _)| *open).map(|(_, what)| what).collect()
    }
}

/// Applies a confinement to this process. It can't be undone.
///
/// # Errors
/// The kernel has a mechanism that could not be applied. The program must not be started then.
pub fn enter(confinement: &Confinement, program: &Executable) -> io::Result<Enforcement> {
    let write = confinement.write.iter().chain(program.temporary.iter());
    let write: Vec<PathBuf> = write.filter_map(|path| path.canonicalize().ok()).collect();
    let view = confinement.view && view::freeze(&write, confinement)?;
    let own_terminals = view && view::own_terminals();
    rights::drop()?;
    let mut read = allow::readable(program, confinement);
    read.extend(confinement.read.iter().cloned());
    let landlock = files::restrict(&read, &write, &confinement.net, own_terminals)?;
    let calls = calls::filter(&confinement.net, confinement.unix_sockets)?;
    Ok(Enforcement { landlock, view, calls })
}

/// Finds out what this kernel enforces, in a child process, so that this process is not confined. `supervisor` is the
/// `baton` binary.
///
/// # Errors
/// The child could not be started, or could not apply a mechanism that the kernel has.
pub fn probe(supervisor: &Path) -> io::Result<Enforcement> {
    let output = Command::new(supervisor).arg("__confinement").env_clear().output()?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
