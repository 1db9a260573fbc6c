//! Working trees: tasks that change files do so in a tree of their own, with a repository of its own. What is accepted
//! is landed on one branch of the operator's repository by a serial queue; nothing else of it is written.

mod git;
mod landing;
pub mod queue;
mod repository;
mod seal;
mod tree;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

pub use git::{Git, GitError};
pub use seal::{SealError, Sealed};
pub use tree::{Key, Tree};

use repository::Repository;

/// What the operator configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The repository's own folder.
    pub repository: PathBuf,
    /// The branch on which accepted work lands.
    pub target: String,
    /// Profiles whose programs must all end well in a tree before it lands.
    pub checks: Vec<String>,
    /// The store, in which trees are made.
    pub store: PathBuf,
}

impl Settings {
    /// Where trees are made.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.store.join("worktrees")
    }
}

/// All trees of one store, and the repository that they are of.
#[derive(Debug)]
pub struct Workspaces {
    pub settings: Settings,
    theirs: Repository,
    own: Repository,
    /// What the store's refs in the operator's repository are called by: two stores may share one.
    store: String,
    /// One tree is made or taken away at a time.
    trees: Mutex<()>,
}

/// What an attempt claims to have changed: the commit that its tree started from, and the one that it ended with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub key: Key,
    pub tree: PathBuf,
    pub base: String,
    pub head: String,
}

impl Claim {
    /// Whether there is nothing to land.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.base == self.head
    }
}

/// Whose tree it is.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    pub key: Key,
    pub name: &'a str,
}

impl Site<'_> {
    /// The task's name is there for people only.
    fn folder(&self) -> String {
        let fits = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let slug: String = self.name.chars().map(fits).take(40).collect();
        format!("{}-{}", self.key.task, slug.trim_matches('-'))
    }
}

/// A file that an attempt changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub path: String,
    /// Git's letter: A, M, D, R, C or T.
    pub status: String,
    /// Where a renamed or copied file was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// The names under which the host describes a tree in an outcome.
pub mod attr {
    pub const TREE: &str = "workspace.tree";
    /// The attempt that claimed it.
    pub const CLAIM: &str = "workspace.claim";
    pub const BASE: &str = "workspace.base";
    pub const HEAD: &str = "workspace.head";
    pub const CHANGED: &str = "workspace.changed";
    pub const PATHS: &str = "workspace.paths";
    /// Whether a part of a composite task changed files.
    pub const BELOW: &str = "workspace.parts-changed";
}

impl Workspaces {
    /// Objects that trees borrow: the operator's, with what those are borrowed from, and the store's own.
    #[must_use]
    pub fn borrowed_objects(&self) -> Vec<PathBuf> {
        let mut all = vec![self.theirs.common.join("objects"), self.own.common.join("objects")];
        let mut at = 0;
        while let Some(objects) = all.get(at).cloned() {
            let further = std::fs::read_to_string(objects.join("info/alternates")).unwrap_or_default();
            let further = further.lines().map(|line| objects.join(line));
            let new: Vec<PathBuf> = further.filter(|one| !all.contains(one)).collect();
            all.extend(new);
            at += 1;
        }
        all
    }

    /// Finds the repository, and makes the target branch from what is checked out if there is none.
    ///
    /// # Errors
    /// It is no repository, it has no commit, or git is not there.
    pub async fn open(settings: Settings) -> Result<Self, GitError> {
        let theirs = Repository::find(&settings.repository).await?;
        let unmade = |why| GitError::Folder { path: settings.store.clone(), why };
        std::fs::create_dir_all(settings.folder()).map_err(unmade)?;
        // Trees are recognised by their real paths.
        let store = settings.store.canonicalize().map_err(unmade)?;
        let settings = Settings { store, ..settings };
        if theirs.git.commit("HEAD").await.is_err() {
            return Err(GitError::NoRepository(format!(
                "{} has no commit yet, and trees of tasks start from one: git commit --allow-empty -m start",
                theirs.top.as_deref().unwrap_or(&theirs.common).display()
            )));
        }
        let own = Repository::own(&settings.store.join("git"), &theirs).await?;
        let digest = blake3::hash(settings.store.as_os_str().as_encoded_bytes());
        let store = digest.to_hex().chars().take(12).collect();
        let opened = Self { settings, theirs, own, store, trees: Mutex::default() };
        opened.make_target().await?;
        Ok(opened)
    }

    async fn make_target(&self) -> Result<(), GitError> {
        let git = &self.theirs.git;
        let name = &self.settings.target;
        if let Ok(other) = git.run(&["symbolic-ref", "--quiet", &self.target()]).await {
            return Err(GitError::NoRepository(format!(
                "the branch {name} stands for {other}: name that in target of [workspace]"
            )));
        }
        if git.commit(&self.target()).await.is_ok() {
            return Ok(());
        }
        if git.run(&["check-ref-format", &self.target()]).await.is_err() {
            let why = format!("target = {name:?} is no name of a branch, such as \"baton/accepted\"");
            return Err(GitError::NoRepository(why));
        }
        let head = git.commit("HEAD").await?;
        let made = git.run(&["update-ref", "-m", "baton: start", &self.target(), &head, ""]).await;
        made.map(|_| ()).map_err(|why| {
            why.map_failed(|said| {
                GitError::NoRepository(format!(
                    "the branch {name} can't be made: {said}: name another in target of [workspace]"
                ))
            })
        })
    }

    /// The target's full name.
    fn target(&self) -> String {
        format!("refs/heads/{}", self.settings.target)
    }

    /// What lands now would land on this commit.
    ///
    /// # Errors
    /// Git's own.
    pub async fn tip(&self) -> Result<String, GitError> {
        let name = &self.settings.target;
        self.theirs.git.commit(&self.target()).await.map_err(|why| {
            why.map_failed(|_| {
                GitError::NoRepository(format!(
                    "there is no branch {name} any more: make it again, `git branch {name}`"
                ))
            })
        })
    }

    /// Takes away what is kept for tasks that have ended: trees up to the attempts that are named, and the marks of
    /// their landings.
    pub async fn sweep(&self, over: &[Key]) {
        for key in over {
            self.discard(*key).await;
        }
        let is_over = |mark: Key| {
            over.iter().any(|key| (key.run, key.task) == (mark.run, mark.task) && mark.epoch <= key.epoch)
        };
        self.forget(is_over).await;
    }

    /// Takes the target into the branch that is checked out.
    ///
    /// # Errors
    /// A conflict, or local changes in the way.
    pub async fn promote(&self) -> Result<String, GitError> {
        let top: &Path = self.theirs.top.as_deref().ok_or_else(|| {
            GitError::NoRepository("the repository is bare: nothing is checked out in it".into())
        })?;
        // Not a tag of the same name.
        let message = format!("Merge branch '{}'", self.settings.target);
        self.theirs.git.with_tree(top).run(&["merge", "-m", &message, &self.target()]).await
    }
}
