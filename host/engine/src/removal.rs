//! Taking away a folder that others have filled: however deep it is, whatever its permissions are, and without following
//! links. The standard library goes down as deep as the folder is, with a descriptor and a frame for each level.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Removes whatever is at a path. What is not there is no error.
///
/// # Errors
/// Something of it could not be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(why) => return Err(why),
        Ok(is) if !is.is_dir() => return fs::remove_file(path),
        Ok(_) => {}
    }
    open_up(path)?;
    let mut next = 0;
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)?.collect::<io::Result<Vec<_>>>()? {
            if entry.file_type()?.is_dir() {
                folders.push(lifted(&entry.path(), path, &mut next)?);
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        if folder != path {
            fs::remove_dir(&folder)?;
        }
    }
    fs::remove_dir(path)
}

/// Moves a folder up to `top`, so that no path is ever longer than two levels below it.
fn lifted(folder: &Path, top: &Path, next: &mut u64) -> io::Result<PathBuf> {
    open_up(folder)?;
    loop {
        *next += 1;
        let place = top.join(format!(".removed-{next}"));
        if fs::symlink_metadata(&place).is_err() {
            return fs::rename(folder, &place).map(|()| place);
        }
    }
}

/// Its owner may have taken the right to change it away.
fn open_up(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_however_deep_it_is_and_whatever_its_permissions_are() {
        let home = tempfile::tempdir().unwrap();
        let kept = home.path().join("kept");
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("file"), "mine").unwrap();
        let top = home.path().join("top");
        fs::create_dir(&top).unwrap();
        std::os::unix::fs::symlink(&kept, top.join("link")).unwrap();
        fs::create_dir(top.join(".removed-1")).unwrap();
        // Built from below: no path of it is long.
        let mut below = home.path().join("deep");
        fs::create_dir(&below).unwrap();
        for level in 0..20_000 {
            let above = home.path().join(format!("level-{level}"));
            fs::create_dir(&above).unwrap();
            fs::rename(&below, above.join("d")).unwrap();
            below = above;
        }
        fs::set_permissions(&below, Permissions::from_mode(0o500)).unwrap();
        fs::rename(&below, top.join("deep")).unwrap();
        remove(&top).unwrap();
        assert!(!top.exists());
        assert_eq!(fs::read_to_string(kept.join("file")).unwrap(), "mine");
        remove(&top).unwrap();
    }
}
