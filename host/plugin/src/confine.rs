//! Confinement of native programs: what they may read, write and connect to. On Linux only: Landlock for files, ports and
//! signals; a mount namespace for what Landlock does not check; seccomp for sockets. A process applies it to itself before
//! it executes the program, and can't undo it.

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

pub use allow::Program;

/// What a program may access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Files, and folders with all below them. What may be written may be read.
    pub write: Vec<PathBuf>,
    pub read: Vec<PathBuf>,
    /// Folders that stay hidden, also below one that is open.
    pub hide: Vec<PathBuf>,
    /// Files that stay read-only, also below a folder that may be written.
    pub keep: Vec<PathBuf>,
    /// Home folders whose toolchains may be read, but never as a whole.
    pub homes: Vec<PathBuf>,
    /// The script that the program's interpreter reads.
    pub script: Option<PathBuf>,
    pub net: Net,
    /// Whether a view of its own can be had here; who tries in vain is left with an identity that is nobody's.
    pub view: bool,
    /// Whether it may use Unix sockets, and with them whatever listens on one of this user's.
    pub unix_sockets: bool,
}

/// Where it may connect to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Net {
    #[default]
    Any,
    /// By TCP; and by UDP to anywhere where 53 is among them, because names are looked up so.
    Ports(Vec<u16>),
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

/// What of it this kernel supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holds {
    /// The version of Landlock; 0 without it, and then files are not confined at all.
    pub landlock: u32,
    /// Whether a mount namespace of its own can be had, without which modes, owners and times of files of this user's,
    /// and a store in the folder that a program works in, are within its reach.
    pub view: bool,
    /// Whether system calls can be filtered.
    pub calls: bool,
}

impl Holds {
    /// What does not hold, in words; none where all of it does.
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

/// Applies the confinement to this process; it can't be undone.
///
/// # Errors
/// The kernel has a mechanism that could not be applied: the program must not be started.
pub fn enter(confinement: &Confinement, program: &Program) -> io::Result<Holds> {
    let write = confinement.write.iter().chain(program.temporary.iter());
    let write: Vec<PathBuf> = write.filter_map(|path| path.canonicalize().ok()).collect();
    let view = confinement.view && view::freeze(&write, confinement)?;
    let own_terminals = view && view::own_terminals();
    rights::drop()?;
    let mut read = allow::readable(program, confinement);
    read.extend(confinement.read.iter().cloned());
    let landlock = files::restrict(&read, &write, &confinement.net, own_terminals)?;
    let calls = calls::filter(&confinement.net, confinement.unix_sockets)?;
    Ok(Holds { landlock, view, calls })
}

/// What holds on this kernel, as a process of its own found out: this one stays as it is.
///
/// # Errors
/// It could not be started, or a wall could not be put up.
pub fn holds(supervisor: &Path) -> io::Result<Holds> {
    let said = Command::new(supervisor).arg("__confinement").env_clear().output()?;
    serde_json::from_slice(&said.stdout)
        .map_err(|_| io::Error::other(String::from_utf8_lossy(&said.stderr).trim().to_owned()))
}
