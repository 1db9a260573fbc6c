//! The walls around a native program: what it may read, write and connect to. Linux alone has the means: Landlock for
//! files, ports and signals, a mount namespace for what Landlock does not look at, seccomp for sockets. A process puts
//! them around itself just before it becomes the program; nothing takes them down again.

mod allow;
mod calls;
mod files;
mod rights;
mod view;

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use allow::Program;

/// What a program is let out to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walls {
    /// Files, and folders with all below them. What may be written may be read.
    pub write: Vec<PathBuf>,
    pub read: Vec<PathBuf>,
    /// Folders that are not seen even where they lie in one that is.
    pub hide: Vec<PathBuf>,
    /// Files that are not written even where they lie in a folder that is.
    pub keep: Vec<PathBuf>,
    /// Of its user and of the one that it is told of: their toolchains are read, and nothing that is as wide as they are.
    pub homes: Vec<PathBuf>,
    /// What the program's interpreter is told to read.
    pub script: Option<PathBuf>,
    pub net: Net,
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

/// What of the walls holds on this kernel.
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

/// Puts the walls around this process, for good.
///
/// # Errors
/// One that this kernel has could not be put up: the program must not be started.
pub fn enter(walls: &Walls, program: &Program) -> io::Result<Holds> {
    let write = walls.write.iter().chain(program.temporary.iter());
    let write: Vec<PathBuf> = write.filter_map(|path| path.canonicalize().ok()).collect();
    let view = view::freeze(&write, walls)?;
    rights::drop()?;
    let mut read = allow::readable(program, walls);
    read.extend(walls.read.iter().cloned());
    let landlock = files::restrict(&read, &write, &walls.net)?;
    let calls = calls::filter(&walls.net, walls.unix_sockets)?;
    Ok(Holds { landlock, view, calls })
}
