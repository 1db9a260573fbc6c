//! Files that are there as a whole or not at all, also after a power cut.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Makes an empty file that only its owner may read, whatever the umask; one that is there is taken away first.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(why) if why.kind() == io::ErrorKind::NotFound => {}
        Err(why) => return Err(why),
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Waits until the names in a folder are on the disk.
///
/// # Errors
/// It can't be opened, or the disk failed.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Waits until the content of a file is on the disk.
pub(super) fn sync_file(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Gives a file that is complete and on the disk its place.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(folder_of(to))
}

/// Writes a file so that a reader finds all of it or nothing.
///
/// # Errors
/// It can't be written.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(path, &std::process::id().to_string());
    let mut file = create_private(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    rename(&beside, path)
}

/// A name in the same folder.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
