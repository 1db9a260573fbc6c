//! Where a store lives, and the right to write it.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

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

    /// The head of the record when the store was last at rest, kept apart from the database: nothing in the database shows
    /// that a log was lost, and with it the newest events and the ends of their chains.
    pub(crate) fn head(&self) -> PathBuf {
        self.0.join("baton.head")
    }

    fn lock_file(&self) -> PathBuf {
        self.0.join("baton.lock")
    }
}

/// What a lock's file says beside the process while that brings the store to another schema.
const MIGRATING: &str = "migrating";
/// How often the lock of a store that is being migrated is tried, and how many times: for ten minutes.
const PAUSE: Duration = Duration::from_millis(50);
const TRIES: u32 = 12_000;

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
    /// Takes the right to write a store until this is dropped. While another process migrates the store, this waits, for
    /// ten minutes at most.
    ///
    /// # Errors
    /// [`OpenError::Locked`] names the process that holds it.
    pub fn take(home: &Home) -> Result<Self, OpenError> {
        let mut pid = String::new();
        for tried in 0..TRIES {
            pid = match Self::try_take(home)? {
                Ok(lock) => return Ok(lock),
                Err(holder) => match holder.split_once(' ') {
                    Some((pid, MIGRATING)) => pid.to_owned(),
                    Some(_) | None => {
                        return Err(OpenError::Locked { folder: home.0.clone(), pid: holder });
                    }
                },
            };
            if tried == 0 {
                tracing::warn!(
                    "process {pid} brings the store to schema {}: waiting for it",
                    schema::VERSION
                );
            }
            std::thread::sleep(PAUSE);
        }
        Err(OpenError::Locked { folder: home.0.clone(), pid: format!("{pid}, which is still migrating it") })
    }

    /// The lock, or what its file says of the process that holds it.
    fn try_take(home: &Home) -> Result<Result<Self, String>, OpenError> {
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
            let mut holder = String::new();
            file.read_to_string(&mut holder).map_err(unusable)?;
            return Ok(Err(holder.trim().to_owned()));
        }
        let lock = Self { file };
        lock.say(&std::process::id().to_string()).map_err(unusable)?;
        Ok(Ok(lock))
    }

    /// Tells others for the time of a call that they need only wait.
    pub(crate) fn migrating<T>(&self, call: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
        let pid = std::process::id();
        let unusable = |why: std::io::Error| OpenError::unusable("baton.lock", why);
        self.say(&format!("{pid} {MIGRATING}")).map_err(unusable)?;
        let done = call();
        self.say(&pid.to_string()).map_err(unusable)?;
        done
    }

    fn say(&self, text: &str) -> std::io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(text.as_bytes())
    }
}
