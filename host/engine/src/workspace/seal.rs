//! What an attempt left in its tree, as one commit in the store's own repository: what validators judge is what lands.
//! What git would leave out in silence is refused in words that help the next attempt.

use std::path::Path;

use thiserror::Error;

use super::git::{Git, GitError};
use super::{Change, Tree, Workspaces};

/// A commit with what was left, on top of the commit that the tree started from. Without a change it is that commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub head: String,
    pub changes: Vec<Change>,
}

#[derive(Debug, Error)]
pub enum SealError {
    /// The attempt's own doing, in words for the next one.
    #[error("{0}")]
    Left(String),
    #[error("what it left can't be read: {0}")]
    Git(#[from] GitError),
}

/// Git's mode of an entry that stands for a commit of another repository.
const GITLINK: &str = "160000";

/// Operations that leave a tree between two states, by what they leave in a git directory.
const UNDER_WAY: [(&str, &str); 5] = [
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("sequencer", "cherry-pick or revert"),
    ("BISECT_START", "bisect"),
    ("BISECT_LOG", "bisect"),
];

impl Workspaces {
    /// Commits what is in a tree, whatever became of the tree's own git directory.
    ///
    /// # Errors
    /// It can't be carried whole: [`SealError::Left`] says why.
    pub async fn seal(&self, tree: &Tree, message: &str) -> Result<Sealed, SealError> {
        if !self.is_there(tree) {
            let why = "its working tree was moved, or removed and made again: change files in it and leave the folder in its place";
            return Err(SealError::Left(why.into()));
        }
        self.is_finished(tree).await?;
        let path = tree.path.clone();
        let found = tokio::task::spawn_blocking(move || oddities(&path)).await;
        let odd = found.map_err(|why| GitError::Missing(std::io::Error::other(why)))?;
        let git = self.reading(tree, &self.kept(tree.key).join("index"));
        carried(&git, odd).await?;
        nested(&git).await?;
        self.submodules(tree, &git).await?;
        git.run(&["add", "--all"]).await.map_err(untakeable)?;
        let content = git.run(&["write-tree"]).await?;
        let listed = git.run(&["diff-tree", "-r", "-z", "-M", "--raw", &tree.base, &content]).await?;
        let changes = changes(&listed);
        if let Some(link) = changes.iter().find(|change| change.is_gitlink) {
            let why = format!(
                "{} stands for a commit of another repository, which can't be carried: change submodules in their own repository",
                link.change.path
            );
            return Err(SealError::Left(why));
        }
        let changes: Vec<Change> = changes.into_iter().map(|entry| entry.change).collect();
        if !self.has_its_git(tree) {
            self.without_markers(&content, &changes).await?;
        }
        let head = match changes.is_empty() {
            true => tree.base.clone(),
            false => self.record_commit(&content, &tree.base, message).await?,
        };
        Ok(Sealed { head, changes })
    }

    /// Git on the store's repository, with a tree's files and an index: never by the tree's own configuration, which may
    /// name programs to run.
    fn reading(&self, tree: &Tree, index: &Path) -> Git {
        self.own.git.with_tree(&tree.path).with_index(index)
    }

    /// Whether git was left in the middle of something, by the tree's own git directory.
    async fn is_finished(&self, tree: &Tree) -> Result<(), SealError> {
        let dir = tree.path.join(".git");
        let unfinished = |what: &str, files: &str| {
            let with = if files.is_empty() { String::new() } else { format!(", with conflicts in {files}") };
            SealError::Left(format!("it left a {what} unfinished{with}: finish it or abort it"))
        };
        let index = dir.join("index");
        let mut files = String::new();
        if index.is_file() {
            let listed = self.reading(tree, &index);
            let listed = listed.run(&["ls-files", "--unmerged", "-z"]).await.unwrap_or_default();
            let mut paths: Vec<&str> =
                listed.split('\0').filter_map(|entry| Some(entry.split_once('\t')?.1)).collect();
            paths.dedup();
            files = paths.join(", ");
            self.is_whole(tree, &index).await?;
        }
        match UNDER_WAY.iter().find(|(name, _)| dir.join(name).exists()) {
            Some((_, what)) => Err(unfinished(what, &files)),
            None if !files.is_empty() => Err(unfinished("merge", &files)),
            None => Ok(()),
        }
    }

    /// A sparse checkout takes files away that are not meant to be deleted.
    async fn is_whole(&self, tree: &Tree, index: &Path) -> Result<(), SealError> {
        let listed = self.reading(tree, index);
        let listed = listed.run(&["ls-files", "-t", "-z"]).await.unwrap_or_default();
        let skipped = listed.split('\0').filter_map(|entry| entry.strip_prefix("S "));
        match skipped.into_iter().find(|path| std::fs::symlink_metadata(tree.path.join(path)).is_err()) {
            None => Ok(()),
            Some(path) => Err(SealError::Left(format!(
                "it set up a sparse checkout, in which {path} and others are missing: git sparse-checkout disable"
            ))),
        }
    }

    /// Where the git directory is gone that would say that a merge or rebase was left unfinished, its traces would land.
    async fn without_markers(&self, content: &str, changes: &[Change]) -> Result<(), SealError> {
        let args =
            ["grep", "-l", "-z", "-e", "^<<<<<<< ", "--and", "--not", "-e", "^<<<<<<< SEARCH", content];
        let found = self.own.git.output(&args, "").await?;
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        let marked = found.split('\0').filter_map(|path| path.split_once(':').map(|(_, path)| path));
        match marked.into_iter().find(|path| changes.iter().any(|change| change.path == **path)) {
            None => Ok(()),
            Some(path) => Err(SealError::Left(format!(
                "it took the tree's .git away and left conflict markers in {path}: resolve them"
            ))),
        }
    }

    /// A submodule that was filled must hold what its commit holds, or what was done in it would be lost.
    async fn submodules(&self, tree: &Tree, git: &Git) -> Result<(), SealError> {
        let listed = git.run(&["ls-files", "--stage", "-z"]).await?;
        let links = listed.split('\0').filter_map(|entry| {
            let (what, path) = entry.split_once('\t')?;
            let mut what = what.split(' ');
            (what.next()? == GITLINK).then_some((what.next()?, path))
        });
        for (commit, path) in links {
            let folder = tree.path.join(path);
            let is_link = std::fs::symlink_metadata(&folder).is_ok_and(|is| is.is_symlink());
            let is_elsewhere = folder.canonicalize().is_ok_and(|real| real != folder);
            let is_empty =
                !is_link && std::fs::read_dir(&folder).map_or(true, |mut entries| entries.next().is_none());
            // Through a link git would take files that are not in the tree.
            let is_changed =
                is_link || is_elsewhere || (!is_empty && !self.holds(tree, &folder, commit).await);
            if is_changed {
                let why = format!(
                    "it worked in the submodule {path}, whose commits can't be carried: change submodules in their own repository, and leave {path} as it was"
                );
                return Err(SealError::Left(why));
            }
        }
        Ok(())
    }

    /// Whether a submodule's files are those of its commit. Its own git directory is asked for objects only.
    async fn holds(&self, tree: &Tree, folder: &Path, commit: &str) -> bool {
        let index = self.kept(tree.key).join("submodule.index");
        let _ = std::fs::remove_file(&index);
        let git = self.own.git.with_tree(folder).with_index(&index);
        let Some(objects) = objects_of(folder) else { return false };
        let git = git.with_objects(&objects);
        let taken = async {
            git.run(&["add", "--all"]).await?;
            let found = git.run(&["write-tree"]).await?;
            Ok::<bool, GitError>(found == git.run(&["rev-parse", &format!("{commit}^{{tree}}")]).await?)
        };
        taken.await.unwrap_or(false)
    }

    /// Makes a commit in the store's own repository.
    pub(super) async fn record_commit(
        &self,
        content: &str,
        parent: &str,
        message: &str,
    ) -> Result<String, GitError> {
        let who = ["-c", "user.name=Baton", "-c", "user.email=baton@localhost"];
        let args = [&who[..], &["commit-tree", content, "-p", parent, "-F", "-"]].concat();
        self.own.git.told(&args, message).await
    }

    /// What may explain that a tree has no change: files that its ignore rules keep out, and work that was put aside.
    pub async fn left_out(&self, tree: &Tree) -> Option<String> {
        if tree.path.join(".git/refs/stash").exists() {
            return Some("it left its work in a stash: apply it".into());
        }
        let git = self.reading(tree, &self.kept(tree.key).join("index"));
        let args = ["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"];
        let ignored = git.run(&args).await.ok()?;
        let shown: Vec<&str> = ignored.split('\0').filter(|path| !path.is_empty()).take(5).collect();
        (!shown.is_empty()).then(|| format!("what it wrote is ignored by git: {}", shown.join(", ")))
    }
}

/// What is in a tree that git hangs on or leaves out without a word: files that are none where git reads its rules, and
/// whatever is called `.git` below the top. Folders are counted, because an agent may make any number.
#[derive(Debug, Default)]
struct Oddities {
    rules: Option<String>,
    gits: Vec<String>,
    too_many: bool,
}

/// Folders of a tree that are looked at.
const FOLDERS: usize = 1_000_000;

fn oddities(tree: &Path) -> Oddities {
    let mut odd = Oddities::default();
    let mut folders = vec![tree.to_owned()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        seen += 1;
        odd.too_many |= seen > FOLDERS;
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten().filter(|_| seen <= FOLDERS) {
            let (path, name) = (entry.path(), entry.file_name());
            let Ok(kind) = entry.file_type() else { continue };
            let shown = || path.strip_prefix(tree).unwrap_or(&path).display().to_string();
            match name.to_str() {
                Some(".git") if folder == tree => {}
                Some(".git") => odd.gits.push(shown()),
                Some(".gitignore" | ".gitattributes" | ".gitmodules")
                    if !kind.is_file() && !kind.is_symlink() =>
                {
                    odd.rules = Some(shown());
                }
                Some(_) | None if kind.is_dir() => folders.push(path),
                Some(_) | None => {}
            }
        }
    }
    odd
}

/// Refuses what git would hang on, or leave out although nothing says that it is to be ignored.
async fn carried(git: &Git, odd: Oddities) -> Result<(), SealError> {
    if let Some(path) = odd.rules {
        return Err(SealError::Left(format!("{path} must be a file: git reads its rules there")));
    }
    if odd.too_many {
        return Err(SealError::Left(format!(
            "its tree has more than {FOLDERS} folders: take out what is not needed"
        )));
    }
    for path in odd.gits {
        let folder = path.trim_end_matches(".git").trim_end_matches('/');
        let listed = git.run(&["ls-files", "--stage", "--", folder]).await?;
        let is_ignored =
            git.output(&["check-ignore", "-q", "--no-index", folder], "").await?.status.success();
        if !is_ignored && !listed.starts_with(GITLINK) {
            return Err(SealError::Left(format!(
                "{folder}/ is a git repository of its own, and its files can't be carried into this one: remove {path} and keep the files"
            )));
        }
    }
    Ok(())
}

/// Where a folder's own repository, if it has one, keeps its objects.
fn objects_of(folder: &Path) -> Option<std::path::PathBuf> {
    let git = folder.join(".git");
    if git.is_dir() {
        return Some(git.join("objects"));
    }
    if !std::fs::symlink_metadata(&git).ok()?.is_file() {
        return None;
    }
    let link = std::fs::read_to_string(&git).ok()?;
    Some(folder.join(link.strip_prefix("gitdir:")?.trim()).join("objects"))
}

/// Repositories of their own inside the tree, of which git would take none of the files.
async fn nested(git: &Git) -> Result<(), SealError> {
    let listed = git.run(&["ls-files", "--others", "--exclude-standard", "-z"]).await.map_err(untakeable)?;
    match listed.split('\0').find(|path| path.ends_with('/')) {
        None => Ok(()),
        Some(path) => Err(SealError::Left(format!(
            "{path} is a git repository of its own, and its files can't be carried into this one: remove {path}.git and keep the files"
        ))),
    }
}

/// Git can't take files that it may not read, or whose names it refuses.
fn untakeable(why: GitError) -> SealError {
    match why {
        GitError::Failed { said, .. } => SealError::Left(format!("git can't take what it left: {said}")),
        GitError::Missing(_)
        | GitError::NoRepository(_)
        | GitError::Folder { .. }
        | GitError::InTheWay { .. } => SealError::Git(why),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    change: Change,
    is_gitlink: bool,
}

/// Reads `diff-tree --raw -z`: modes, objects and a letter, then one path, or two for a rename or a copy.
fn changes(listed: &str) -> Vec<Entry> {
    let mut fields = listed.split('\0').filter(|field| !field.is_empty());
    let mut entries = Vec::new();
    while let Some(head) = fields.next() {
        let is_gitlink = head.split([' ', ':']).any(|part| part == GITLINK);
        let status: String = head.rsplit(' ').next().unwrap_or_default().chars().take(1).collect();
        let from = if matches!(status.as_str(), "R" | "C") { fields.next().map(str::to_owned) } else { None };
        let Some(path) = fields.next() else { break };
        entries.push(Entry { change: Change { path: path.to_owned(), status, from }, is_gitlink });
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_with_their_renames_and_links() {
        let entry = |path: &str, status: &str, from: Option<&str>, is_gitlink| Entry {
            change: Change { path: path.into(), status: status.into(), from: from.map(str::to_owned) },
            is_gitlink,
        };
        let listed = ":100644 100644 aa bb M\0a b.rs\0:100644 100644 aa aa R100\0old.rs\0new.rs\0\
                      :000000 160000 00 cc A\0web\0:100644 000000 aa 00 D\0gone\0";
        assert_eq!(
            changes(listed),
            [
                entry("a b.rs", "M", None, false),
                entry("new.rs", "R", Some("old.rs"), false),
                entry("web", "A", None, true),
                entry("gone", "D", None, false)
            ]
        );
    }
}
