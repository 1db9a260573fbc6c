//! A task's tree: a checkout of its own repository, whose git directory the agent may do with what it likes. What Baton
//! has to know of it (where it is, what it started from, its index) lies in the store, out of the agent's way.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use baton_core::id::{Epoch, RunId, TaskId};
use baton_core::malformed::Malformed;
use serde::{Deserialize, Serialize};

use super::git::{Git, GitError};
use super::repository::{self, SHAPE, write};
use super::{Site, Workspaces};
use crate::removal;

/// Which attempt of which task: `r1/t4.2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub run: RunId,
    pub task: TaskId,
    pub epoch: Epoch,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.{}", self.run, self.task, self.epoch)
    }
}

impl FromStr for Key {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let wrong = || Malformed::new("an attempt such as r1/t4.2", text);
        let (run, rest) = text.split_once('/').ok_or_else(wrong)?;
        let (task, epoch) = rest.split_once('.').ok_or_else(wrong)?;
        let epoch = Epoch(epoch.parse().map_err(|_| wrong())?);
        Ok(Self { run: run.parse()?, task: task.parse()?, epoch })
    }
}

/// A tree and the commit that it started from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    pub key: Key,
    pub path: PathBuf,
    pub base: String,
}

/// What the store keeps of a tree. A folder in its place that has another inode is another folder.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    epoch: u32,
    path: PathBuf,
    base: String,
    device: u64,
    inode: u64,
    /// Of its git directory.
    git_inode: u64,
}

const RECORD: &str = "tree.json";
/// Trees that are being taken away.
const GONE: &str = ".gone-";

impl Workspaces {
    /// A tree for an attempt, from the target's tip. All attempts of a task work at the same path; `keep` takes up what
    /// the attempt before left there.
    ///
    /// # Errors
    /// Git's own, or the folder's.
    pub async fn begin(&self, site: Site<'_>, keep: bool) -> Result<Tree, GitError> {
        let _one_at_a_time = self.trees.lock().await;
        let left = self.record(site.key).filter(|record| keep && record.is_there());
        if let Some(left) = left {
            let record = Record { epoch: site.key.epoch.0, ..left };
            self.note(site.key, &record)?;
            return Ok(Tree { key: site.key, path: record.path, base: record.base });
        }
        let base = self.tip().await?;
        let path = self.settings.folder().join(site.key.run.to_string()).join(site.folder());
        self.remove(site.key);
        self.check_out(&path, &base).await?;
        let index = self.kept(site.key).join("index");
        let folder = |why| GitError::Folder { path: path.clone(), why };
        std::fs::create_dir_all(self.kept(site.key)).map_err(folder)?;
        std::fs::copy(path.join(".git/index"), index).map_err(folder)?;
        let is = std::fs::symlink_metadata(&path).map_err(folder)?;
        let record = Record {
            epoch: site.key.epoch.0,
            path: path.clone(),
            base: base.clone(),
            device: is.dev(),
            inode: is.ino(),
            git_inode: git_inode(&path).unwrap_or(0),
        };
        self.note(site.key, &record)?;
        Ok(Tree { key: site.key, path, base })
    }

    /// Makes a checkout of a commit with a repository of its own, which borrows objects and knows the operator's
    /// branches and tags by name.
    pub(super) async fn check_out(&self, path: &Path, commit: &str) -> Result<(), GitError> {
        clear(path.to_owned()).await?;
        repository::init(path, &self.theirs, false).await?;
        let dir = path.join(".git");
        let borrowed = repository::alternates(&[&self.theirs.common, &self.own.common]);
        write(&dir.join("objects/info/alternates"), borrowed.as_bytes())?;
        let identity = "[user]\n\tname = Baton\n\temail = baton@localhost\n";
        write(&dir.join(SHAPE), (self.theirs.shape.clone() + identity).as_bytes())?;
        repository::copy_shallow(&self.theirs, &dir)?;
        let names = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"];
        let names = self.theirs.git.run(&names).await?;
        if !names.is_empty() {
            write(&dir.join("packed-refs"), format!("{names}\n").as_bytes())?;
        }
        write(&dir.join("HEAD"), format!("{commit}\n").as_bytes())?;
        Git::of(&dir).with_tree(path).run(&["read-tree", "--reset", "-u", commit]).await?;
        Ok(())
    }

    /// Whether the folder at a tree's path is the one that was made for it.
    pub(super) fn is_there(&self, tree: &Tree) -> bool {
        self.record(tree.key).is_some_and(|record| record.is_there())
    }

    /// Whether a tree still has the git directory that was made for it: another knows nothing of what was left unfinished.
    pub(super) fn has_its_git(&self, tree: &Tree) -> bool {
        self.record(tree.key).is_some_and(|record| git_inode(&tree.path) == Some(record.git_inode))
    }

    /// Where the store keeps what it knows of a task's tree.
    pub(super) fn kept(&self, key: Key) -> PathBuf {
        self.own.common.join("trees").join(key.run.to_string()).join(key.task.to_string())
    }

    fn record(&self, key: Key) -> Option<Record> {
        serde_json::from_slice(&std::fs::read(self.kept(key).join(RECORD)).ok()?).ok()
    }

    fn note(&self, key: Key, record: &Record) -> Result<(), GitError> {
        let json = serde_json::to_vec(record).unwrap_or_default();
        write(&self.kept(key).join(RECORD), &json)
    }

    /// Takes a task's tree away, unless a later attempt has it.
    pub async fn discard(&self, key: Key) {
        let _one_at_a_time = self.trees.lock().await;
        if self.record(key).is_none_or(|record| record.epoch <= key.epoch.0) {
            self.remove(key);
        }
    }

    /// A tree that is not there is no error. Its place is free at once; its files, of which an agent may have made any
    /// number, go meanwhile.
    fn remove(&self, key: Key) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let folder = self.settings.folder();
        if let Some(record) = self.record(key).filter(|record| record.path.starts_with(&folder)) {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let gone = folder.join(format!("{GONE}{}-{number}", std::process::id()));
            match std::fs::rename(&record.path, &gone) {
                Ok(()) => drop(tokio::task::spawn_blocking(move || removal::remove(&gone))),
                Err(_) => drop(removal::remove(&record.path)),
            }
        }
        let _ = std::fs::remove_dir_all(self.kept(key));
    }

    /// Takes away what a host left that ended while it took trees away.
    pub async fn clear_gone(&self) {
        let entries = std::fs::read_dir(self.settings.folder()).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(GONE)) {
            let _ = clear(entry.path()).await;
        }
    }

    /// The trees that are there.
    #[must_use]
    pub fn list(&self) -> Vec<Tree> {
        let folders = |at: &Path| std::fs::read_dir(at).into_iter().flatten().flatten();
        let mut trees = Vec::new();
        for run in folders(&self.own.common.join("trees")) {
            for task in folders(&run.path()) {
                let name = |entry: &std::fs::DirEntry| entry.file_name().into_string().unwrap_or_default();
                let Ok(key) = format!("{}/{}.0", name(&run), name(&task)).parse::<Key>() else { continue };
                if let Some(Record { epoch, path, base, .. }) = self.record(key) {
                    trees.push(Tree { key: Key { epoch: Epoch(epoch), ..key }, path, base });
                }
            }
        }
        trees.sort_by_key(|tree| tree.key);
        trees
    }
}

fn git_inode(tree: &Path) -> Option<u64> {
    let is = std::fs::symlink_metadata(tree.join(".git")).ok()?;
    is.is_dir().then(|| is.ino())
}

impl Record {
    fn is_there(&self) -> bool {
        let is = std::fs::symlink_metadata(&self.path);
        let same = is.is_ok_and(|is| is.is_dir() && (is.dev(), is.ino()) == (self.device, self.inode));
        // Neither may a folder above it lead elsewhere.
        same && self.path.canonicalize().is_ok_and(|real| real == self.path)
    }
}

/// Makes sure that nothing is left at a path: what is checked out there must be all that there is.
pub(super) async fn clear(path: PathBuf) -> Result<(), GitError> {
    let cleared = tokio::task::spawn_blocking(move || {
        removal::remove(&path).map_err(|why| GitError::Folder { path, why })
    });
    cleared.await.unwrap_or_else(|why| Err(GitError::Missing(std::io::Error::other(why))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let key = Key { run: RunId(1), task: TaskId(4), epoch: Epoch(2) };
        assert_eq!(key.to_string(), "r1/t4.2");
        assert_eq!("r1/t4.2".parse(), Ok(key));
        assert!("r1/t4".parse::<Key>().is_err() && "main".parse::<Key>().is_err());
    }
}
