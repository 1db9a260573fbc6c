//! Working trees: tasks that change files do so in a git worktree of their own, and what is accepted is landed on one
//! branch by a serial queue.

mod git;
pub mod queue;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

pub use git::{Git, GitError};

use crate::id::{Epoch, RunId, TaskId};

/// What the operator configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The repository's own folder.
    pub repository: PathBuf,
    /// The branch on which accepted work lands.
    pub target: String,
    /// Profiles whose programs must all end well in a tree before it lands.
    pub checks: Vec<String>,
    /// Where trees are made.
    pub folder: PathBuf,
}

/// All trees of one repository.
#[derive(Debug)]
pub struct Workspaces {
    pub settings: Settings,
    git: Git,
    /// Git guards its own files badly when two commands add and remove trees at once.
    trees: Mutex<()>,
}

/// A tree and what it started from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    pub path: PathBuf,
    pub branch: String,
    pub base: String,
}

/// What an attempt claims to have changed: a tree, and the commit that its changes came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub tree: Tree,
    pub head: String,
}

/// Whose tree it is.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    pub run: RunId,
    pub task: TaskId,
    pub epoch: Epoch,
    pub name: &'a str,
}

/// Named by what was claimed, which no other store or run can claim as well.
fn landed_ref(claim: &Claim) -> String {
    format!("refs/baton/landed/{}", claim.head)
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

/// Under these names the host tells of a tree in an outcome.
pub mod attr {
    pub const TREE: &str = "workspace.tree";
    pub const BRANCH: &str = "workspace.branch";
    pub const BASE: &str = "workspace.base";
    pub const HEAD: &str = "workspace.head";
    pub const CHANGED: &str = "workspace.changed";
    pub const PATHS: &str = "workspace.paths";
}

impl Workspaces {
    /// Finds the repository, and makes the target branch from what is checked out if there is none.
    ///
    /// # Errors
    /// It is no repository, it has no commit, or git is not there.
    pub async fn open(settings: Settings) -> Result<Self, GitError> {
        let named = settings.repository.canonicalize().map_err(|why| {
            GitError::NoRepository(format!("{} can't be read: {why}", settings.repository.display()))
        })?;
        let git = Git::at(&named);
        let top = git.run(&["rev-parse", "--show-toplevel"]).await.map_err(|why| match why {
            GitError::Failed { .. } => GitError::NoRepository(format!(
                "{} is in no git repository: run `git init` there, or name another folder",
                named.display()
            )),
            other @ (GitError::Missing(_) | GitError::NoRepository(_) | GitError::Conflict(_)) => other,
        })?;
        if Path::new(top.trim()).canonicalize().ok().as_ref() != Some(&named) {
            let (named, top) = (named.display(), top.trim());
            return Err(GitError::NoRepository(format!(
                "{named} is a folder inside the repository {top}: name that"
            )));
        }
        // Git prints real paths, and trees are recognised by theirs.
        let unmade = |why: std::io::Error| {
            GitError::NoRepository(format!("{} can't be made: {why}", settings.folder.display()))
        };
        std::fs::create_dir_all(&settings.folder).map_err(unmade)?;
        let folder = settings.folder.canonicalize().map_err(unmade)?;
        let settings = Settings { folder, ..settings };
        if git.run(&["rev-parse", "--verify", "--quiet", "HEAD"]).await.is_err() {
            return Err(GitError::NoRepository(format!(
                "{} has no commit yet, and trees of tasks start from one: git commit --allow-empty -m start",
                named.display()
            )));
        }
        let target = format!("refs/heads/{}", settings.target);
        if git.run(&["rev-parse", "--verify", "--quiet", &target]).await.is_err() {
            git.run(&["branch", &settings.target, "HEAD"]).await?;
        }
        Ok(Self { settings, git, trees: Mutex::default() })
    }

    /// What lands now would land on this commit.
    ///
    /// # Errors
    /// Git's own.
    pub async fn tip(&self) -> Result<String, GitError> {
        self.git.commit(&format!("refs/heads/{}", self.settings.target)).await
    }

    /// A folder and a branch that no other attempt has. The task's name is there for people only.
    fn names(&self, site: &Site<'_>) -> (PathBuf, String) {
        let fits = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let slug: String = site.name.chars().map(fits).take(40).collect();
        let (task, epoch) = (site.task, site.epoch);
        let own = format!("{task}.{epoch}-{}", slug.trim_matches('-'));
        (self.settings.folder.join(site.run.to_string()).join(&own), format!("baton/{}/{own}", site.run))
    }

    /// The tree of the newest attempt of a task, if one is left.
    fn left(&self, site: &Site<'_>) -> Option<Tree> {
        let folder = self.settings.folder.join(site.run.to_string());
        let prefix = format!("{}.", site.task);
        let epoch = |name: &str| name.strip_prefix(&prefix)?.split('-').next()?.parse::<u32>().ok();
        let names = std::fs::read_dir(&folder).ok()?.flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let newest = names.filter_map(|name| Some((epoch(&name)?, name))).max()?.1;
        let branch = format!("baton/{}/{newest}", site.run);
        Some(Tree { path: folder.join(newest), branch, base: String::new() })
    }

    /// A tree for an attempt, from the target's tip. `keep` takes up the one of the attempt before.
    ///
    /// # Errors
    /// Git's own.
    pub async fn begin(&self, site: Site<'_>, keep: bool) -> Result<Tree, GitError> {
        let _one_at_a_time = self.trees.lock().await;
        let target = format!("refs/heads/{}", self.settings.target);
        if let Some(tree) = self.left(&site).filter(|_| keep) {
            let base = self.git.run(&["merge-base", &target, &tree.branch]).await?.trim().to_owned();
            return Ok(Tree { base, ..tree });
        }
        let (path, branch) = self.names(&site);
        self.remove(&path, &branch).await;
        let base = self.git.commit(&target).await?;
        let at = path.display().to_string();
        self.git.run(&["worktree", "add", "--quiet", "--force", "-B", &branch, &at, &base]).await?;
        Ok(Tree { path, branch, base })
    }

    /// Commits what an attempt left, and says what it changed, with the commit that it came to.
    ///
    /// # Errors
    /// Git's own.
    pub async fn seal(&self, tree: &Tree, message: &str) -> Result<(String, Vec<Change>), GitError> {
        let own = Git::at(&tree.path);
        own.run(&["add", "--all"]).await?;
        if !own.run(&["status", "--porcelain"]).await?.trim().is_empty() {
            own.run(&["commit", "--quiet", "--no-verify", "--message", message]).await?;
        }
        let head = own.commit("HEAD").await?;
        let listed = own.run(&["diff", "--name-status", "-z", "-M", &tree.base, &head]).await?;
        Ok((head, changes(&listed)))
    }

    /// Takes the trees of these tasks away, up to the attempts that are named.
    pub async fn sweep(&self, over: &[(RunId, TaskId, Epoch)]) {
        let Ok(trees) = self.list().await else { return };
        for (path, branch) in trees {
            let is_over = over.iter().any(|(run, task, epoch)| {
                let of = branch.strip_prefix(&format!("baton/{run}/{task}."));
                of.and_then(|own| own.split('-').next()?.parse().ok()).is_some_and(|own: u32| own <= epoch.0)
            });
            if is_over {
                self.discard(&Tree { path, branch, base: String::new() }).await;
            }
        }
    }

    /// Takes a tree and its branch away. What was landed stays landed.
    pub async fn discard(&self, tree: &Tree) {
        let _one_at_a_time = self.trees.lock().await;
        self.remove(&tree.path, &tree.branch).await;
    }

    /// A tree that is not there is no error, nor is one that git has forgotten.
    async fn remove(&self, path: &Path, branch: &str) {
        let at = path.display().to_string();
        let _ = self.git.run(&["worktree", "remove", "--force", "--force", &at]).await;
        let _ = std::fs::remove_dir_all(path);
        let _ = self.git.run(&["worktree", "prune"]).await;
        let _ = self.git.run(&["branch", "--quiet", "-D", branch]).await;
    }

    /// Puts what an attempt claimed, no more and no less, on top of another commit; says which files stand against it.
    /// Begins from what was claimed each time: a try before this one may have been cut off anywhere.
    ///
    /// # Errors
    /// The conflict, or git's own.
    pub async fn rebase(&self, claim: &Claim, onto: &str) -> Result<String, GitError> {
        let own = Git::at(&claim.tree.path);
        let _ = own.run(&["rebase", "--abort"]).await;
        own.run(&["checkout", "--quiet", "--force", &claim.tree.branch]).await?;
        own.run(&["reset", "--quiet", "--hard", &claim.head]).await?;
        own.run(&["clean", "--quiet", "--force", "-d"]).await?;
        let rebased = own.run(&["rebase", "--quiet", "--onto", onto, &claim.tree.base]).await;
        if let Err(why) = rebased {
            let files = own.run(&["diff", "--name-only", "--diff-filter=U"]).await.unwrap_or_default();
            let _ = own.run(&["rebase", "--abort"]).await;
            let files: Vec<&str> = files.lines().collect();
            return Err(if files.is_empty() { why } else { GitError::Conflict(files.join(", ")) });
        }
        own.commit("HEAD").await
    }

    /// The commit with which a claim landed, if it did: also when the host died before it could say so.
    pub async fn landed(&self, claim: &Claim) -> Option<String> {
        self.git.commit(&landed_ref(claim)).await.ok()
    }

    /// Moves the target from one commit to another that follows it, and marks these claims as landed with it. Where the
    /// target is checked out, its files follow.
    ///
    /// # Errors
    /// Somebody else moved it, or local changes are in the way.
    pub async fn advance(&self, from: &str, to: &str, claims: &[&Claim]) -> Result<(), GitError> {
        let target = format!("refs/heads/{}", self.settings.target);
        let listed = self.git.run(&["worktree", "list", "--porcelain"]).await?;
        let is_here = |entry: &&str| entry.lines().any(|line| line == format!("branch {target}"));
        let checked_out = listed.split("\n\n").find(is_here);
        let folder =
            checked_out.and_then(|entry| entry.lines().find_map(|line| line.strip_prefix("worktree ")));
        let mut moves: String =
            claims.iter().map(|claim| format!("update {} {to}\n", landed_ref(claim))).collect();
        match folder {
            Some(folder) => {
                Git::at(Path::new(folder)).run(&["merge", "--quiet", "--ff-only", to]).await?;
            }
            None => moves.push_str(&format!("update {target} {to} {from}\n")),
        }
        self.git.told(&["update-ref", "--stdin"], &moves).await?;
        Ok(())
    }

    /// The trees that are there, by branch.
    ///
    /// # Errors
    /// Git's own.
    pub async fn list(&self) -> Result<Vec<(PathBuf, String)>, GitError> {
        let listed = self.git.run(&["worktree", "list", "--porcelain"]).await?;
        let of = |entry: &str| {
            let value = |key: &str| entry.lines().find_map(|line| line.strip_prefix(key)).map(str::to_owned);
            let branch = value("branch refs/heads/")?;
            let path = PathBuf::from(value("worktree ")?);
            // Another store may have its trees in the same repository.
            path.starts_with(&self.settings.folder).then_some((path, branch))
        };
        Ok(listed.split("\n\n").filter_map(of).collect())
    }

    /// Takes the target into the branch that is checked out.
    ///
    /// # Errors
    /// A conflict, or local changes in the way.
    pub async fn promote(&self) -> Result<String, GitError> {
        self.git.run(&["merge", "--no-edit", &self.settings.target]).await
    }
}

/// Reads `diff --name-status -z`: a letter, then one path, or two for a rename or a copy.
fn changes(listed: &str) -> Vec<Change> {
    let mut fields = listed.split('\0').filter(|field| !field.is_empty());
    let mut changes = Vec::new();
    while let Some(letter) = fields.next() {
        let status: String = letter.chars().take(1).collect();
        let from = if matches!(status.as_str(), "R" | "C") { fields.next().map(str::to_owned) } else { None };
        let Some(path) = fields.next() else { break };
        changes.push(Change { path: path.to_owned(), status, from });
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_with_their_renames() {
        let change = |path: &str, status: &str, from: Option<&str>| Change {
            path: path.into(),
            status: status.into(),
            from: from.map(str::to_owned),
        };
        assert_eq!(
            changes("M\0a b.rs\0R100\0old.rs\0new.rs\0D\0gone\0"),
            [change("a b.rs", "M", None), change("new.rs", "R", Some("old.rs")), change("gone", "D", None)]
        );
    }
}
