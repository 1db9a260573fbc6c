//! Where a store lives, and the right to write it.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::OpenError;
use crate::{durable, schema};

/// Where a store lives.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

impl Home {
    /// In this folder, whether there is a store or not.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder that was named.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The file of the database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.0.join("baton.db")
    }

    /// Where a host listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.0.join("baton.sock")
    }

    /// Where the components of installed plugins lie.
    #[must_use]
    pub fn plugins(&self) -> PathBuf {
        self.0.join("plugins")
    }

    /// Whether a store was opened here before. A file without tables is what is left of a first opening that was killed.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.database().exists() && !matches!(schema::version_of(self), Ok(0))
    }

    /// Where a copy is made that is to become the store.
    pub(crate) fn restoring(&self) -> PathBuf {
        self.0.join("baton.db.restoring")
    }

    /// Without a store, what lies here of one that was: what a restore was to replace, else what it had copied so far.
    pub(crate) fn left_over(&self) -> Option<PathBuf> {
        if self.database().exists() {
            return None;
        }
        let before = |number: u32| self.0.join(format!("baton.db.before-restore-{number}"));
        let kept = (1..).map(before).take_while(|path| path.exists()).last();
        kept.or_else(|| Some(self.restoring()).filter(|path| path.exists()))
    }

    /// Makes the folder, for its owner only, and hides it from git wherever it lies.
    fn make(&self) -> std::io::Result<()> {
        if self.0.is_dir() {
            return Ok(());
        }
        if let Some(above) = self.0.parent() {
            fs::create_dir_all(above)?;
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        fs::write(self.0.join(".gitignore"), "*\n")?;
        durable::sync_folder(durable::folder_of(&self.0))
    }

    /// An empty database for its owner only, whatever the umask, where there never was a store.
    pub(crate) fn prepare(&self) -> Result<(), OpenError> {
        if let Some(left) = self.left_over() {
            return Err(OpenError::TakenAway { folder: self.0.clone(), left });
        }
        if self.database().exists() {
            return Ok(());
        }
        let unusable = |why: std::io::Error| OpenError::unusable(self.database(), why);
        durable::create_private(&self.database()).map_err(unusable)?;
        durable::sync_folder(&self.0).map_err(unusable)
    }

    /// What the record came to when the store was last at rest, apart from the database: of a log that was lost, and
    /// with it the newest events and the ends of their chains, nothing in the database tells.
    pub(crate) fn head(&self) -> PathBuf {
        self.0.join("baton.head")
    }

    fn lock_file(&self) -> PathBuf {
        self.0.join("baton.lock")
    }
}

/// The right to write: an advisory lock on a file of its own, because touching the database file outside SQLite
/// would drop SQLite's own locks.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// Closing the file would do, were it not for a program that is just being started: until it runs, it has a copy.
impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs4::FileExt::unlock(&self.file);
    }
}

impl Lock {
    /// Takes the right to write a store until this is dropped.
    ///
    /// # Errors
    /// [`OpenError::Locked`] names the process that holds it.
    pub fn take(home: &Home) -> Result<Self, OpenError> {
        let unusable = |why: std::io::Error| OpenError::unusable(&home.0, why);
        home.make().map_err(unusable)?;
        let path = home.lock_file();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(unusable)?;
        if fs4::FileExt::try_lock(&file).is_err() {
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(unusable)?;
            return Err(OpenError::Locked { folder: home.0.clone(), pid: pid.trim().to_owned() });
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(unusable)?;
        write!(file, "{}", std::process::id()).map_err(unusable)?;
        Ok(Self { file })
    }
}
