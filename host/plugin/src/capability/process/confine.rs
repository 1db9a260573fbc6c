//! The confinement of a program: what its profile allows, and what the attempt adds.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::profile::Profile;
use crate::capability::Capabilities;
use crate::confine::{self, Confinement, Net};

/// What a confined program may access in addition to its own folder, the system and its tools: the table
/// `[profiles.NAME.confine]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfinePolicy {
    /// Files and folders it may read.
    pub read: Vec<PathBuf>,
    /// Files and folders it may write.
    pub write: Vec<PathBuf>,
    /// Where it may connect to.
    pub net: Net,
    /// Whether it may use Unix sockets.
    pub unix_sockets: bool,
    /// Files that it may not write in any folder, such as the configuration, which says what is confined.
    pub keep: Vec<PathBuf>,
    /// Home folders whose toolchains it may read.
    pub homes: Vec<PathBuf>,
}

/// The confinement of a program that starts in `cwd`; none = it is not confined.
pub(super) fn confinement(capabilities: &Capabilities, profile: &Profile, cwd: &Path) -> Option<Confinement> {
    let confine = profile.confine.as_ref()?;
    let mut confinement = Confinement {
        write: confine.write.clone(),
        read: confine.read.clone(),
        hide: capabilities.store.iter().cloned().collect(),
        keep: confine.keep.clone(),
        homes: confine.homes.clone(),
        script: script(profile),
        net: confine.net.clone(),
        unix_sockets: confine.unix_sockets,
        view: capabilities.supervisor.as_deref().is_some_and(has_view),
    };
    // The host's own list: the one in the working tree may have been written by an earlier attempt.
    confinement.read.extend(capabilities.borrowed_objects.iter().cloned());
    match &capabilities.folder {
        Some(tree) => confinement.write.push(tree.clone()),
        None if capabilities.may_write => confinement.write.push(cwd.to_owned()),
        None => confinement.read.push(cwd.to_owned()),
    }
    Some(confinement)
}

/// Whether programs can have a mount namespace on this machine. Found out once.
fn has_view(supervisor: &Path) -> bool {
    static VIEW: OnceLock<bool> = OnceLock::new();
    *VIEW.get_or_init(|| confine::probe(supervisor).is_ok_and(|enforced| enforced.view))
}

/// The script of an interpreter: the first argument that names a file. Only arguments without placeholders count, which a
/// task can't change.
fn script(profile: &Profile) -> Option<PathBuf> {
    let written = profile.argv.iter().skip(1).filter(|argument| !argument.contains('{'));
    written
        .map(|argument| profile.cwd.base.join(&profile.cwd.path).join(argument))
        .find(|path| path.is_file())
}

/// Messages of programs that were denied something.
const REFUSALS: [&str; 6] = [
    "Permission denied",
    "permission denied",
    "Operation not permitted",
    "Read-only file system",
    "EACCES",
    "EROFS",
];

/// A hint for the operator if the output of a program says that something was denied.
pub(super) fn hint(profile: &Profile, output: &[u8]) -> Option<String> {
    let confine = profile.confine.as_ref()?;
    let output = String::from_utf8_lossy(output);
    if !REFUSALS.iter().any(|refusal| output.contains(refusal)) {
        return None;
    }
    let list =
        |paths: &[PathBuf]| paths.iter().map(|path| format!(", {}", path.display())).collect::<String>();
    Some(format!(
        "it is confined and may write its own folder{}, read the system and its tools{}, and connect {}: \
         [profiles.{}.confine] write, read, net and unix-sockets allow more",
        list(&confine.write),
        list(&confine.read),
        confine.net,
        profile.name
    ))
}
