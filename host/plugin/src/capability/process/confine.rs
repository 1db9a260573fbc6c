//! What a profile lets its programs out to, and what an attempt adds to it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::profile::Profile;
use crate::capability::Capabilities;
use crate::confine::{self, Confinement, Net};

/// Beyond its own place, the system and itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confine {
    pub read: Vec<PathBuf>,
    pub write: Vec<PathBuf>,
    pub net: Net,
    pub unix_sockets: bool,
    /// Not to be written in any folder: the configuration says what is confined.
    pub keep: Vec<PathBuf>,
    /// Whose toolchains are read.
    pub homes: Vec<PathBuf>,
}

/// None = it is not confined.
pub(super) fn confinement(powers: &Capabilities, profile: &Profile, cwd: &Path) -> Option<Confinement> {
    let confine = profile.confine.as_ref()?;
    let mut confinement = Confinement {
        write: confine.write.clone(),
        read: confine.read.clone(),
        hide: powers.store.iter().cloned().collect(),
        keep: confine.keep.clone(),
        homes: confine.homes.clone(),
        script: script(profile),
        net: confine.net.clone(),
        unix_sockets: confine.unix_sockets,
        view: powers.supervisor.as_deref().is_some_and(has_view),
    };
    // What a tree itself says that it borrows may be the word of the attempt before.
    confinement.read.extend(powers.borrowed_objects.iter().cloned());
    match &powers.folder {
        Some(tree) => confinement.write.push(tree.clone()),
        None if powers.may_write => confinement.write.push(cwd.to_owned()),
        None => confinement.read.push(cwd.to_owned()),
    }
    Some(confinement)
}

/// Asked once of this machine.
fn has_view(supervisor: &Path) -> bool {
    static VIEW: OnceLock<bool> = OnceLock::new();
    *VIEW.get_or_init(|| confine::holds(supervisor).is_ok_and(|holds| holds.view))
}

/// The first argument that names a file, as an interpreter's does: as the operator wrote it, and not as a task filled it.
fn script(profile: &Profile) -> Option<PathBuf> {
    let written = profile.argv.iter().skip(1).filter(|argument| !argument.contains('{'));
    written
        .map(|argument| profile.cwd.base.join(&profile.cwd.path).join(argument))
        .find(|path| path.is_file())
}

/// What programs say when something is refused to them.
const REFUSALS: [&str; 6] = [
    "Permission denied",
    "permission denied",
    "Operation not permitted",
    "Read-only file system",
    "EACCES",
    "EROFS",
];

/// What to say to whoever wonders why a program failed that speaks of a refusal.
pub(super) fn hint(profile: &Profile, said: &[u8]) -> Option<String> {
    let confine = profile.confine.as_ref()?;
    let said = String::from_utf8_lossy(said);
    if !REFUSALS.iter().any(|refusal| said.contains(refusal)) {
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
