//! How a judged claim comes onto the target: its change from where it started, merged as trees on top of what landed
//! meanwhile, as one commit. No history is replayed and no file of the operator's is needed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use baton_store::failpoint;

use super::git::{Git, GitError};
use super::tree::Key;
use super::{Claim, Workspaces};

/// A claim on top of another commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Merged {
    /// This commit holds both.
    Clean(String),
    /// They differ in these files.
    Conflict(Vec<String>),
}

impl Workspaces {
    /// Puts what was claimed on top of a commit.
    pub(super) async fn merge(&self, claim: &Claim, onto: &str) -> Result<Merged, GitError> {
        let git = &self.own.git;
        if onto == claim.base {
            return Ok(Merged::Clean(claim.head.clone()));
        }
        // Merged from where the claim started, also if the target does not hold that any more.
        let theirs = git.run(&["rev-parse", &format!("{onto}^{{tree}}")]).await?;
        let theirs = self.record_commit(&theirs, &claim.base, "the target").await?;
        let args = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", &theirs, &claim.head];
        let output = git.output(&args, "").await?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut fields = said.split('\0').filter(|field| !field.is_empty()).map(str::to_owned);
        match (output.status.code(), fields.next()) {
            (Some(0), Some(content)) => {
                let message = git.run(&["log", "-1", "--format=%B", &claim.head]).await?;
                Ok(Merged::Clean(self.record_commit(&content, onto, &message).await?))
            }
            (Some(1), Some(_)) => Ok(Merged::Conflict(fields.collect())),
            (_, _) => {
                let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                Err(GitError::Failed { command: "merge-tree".into(), said })
            }
        }
    }

    /// The commit with which a claim landed, if it did: also when the host died before it could say so.
    pub(super) async fn landed(&self, claim: &Claim) -> Option<String> {
        let commit = self.theirs.git.commit(&self.mark(claim.key)).await.ok()?;
        let args = ["merge-base", "--is-ancestor", &commit, &self.target()];
        let output = self.theirs.git.output(&args, "").await.ok()?;
        output.status.success().then_some(commit)
    }

    /// Moves the target from one commit to another that follows it, on which each of these claims has its own. Where
    /// the target is checked out, its files follow.
    ///
    /// # Errors
    /// Somebody else moved it, or local changes are in the way.
    pub(super) async fn advance(
        &self,
        from: &str,
        to: &str,
        claims: &[(Key, String)],
    ) -> Result<(), GitError> {
        let git = &self.theirs.git;
        let wanted = format!("{to}\n^{from}\n");
        let pack = ["pack-objects", "--quiet", "--revs", "--stdout"];
        git.fed_by(&["unpack-objects", "-q"], &self.own.git, &pack, &wanted).await?;
        failpoint::hit("landing-brought");
        // A mark whose commit the target does not hold marks a landing that never was.
        let marks: String =
            claims.iter().map(|(key, commit)| format!("update {} {commit}\n", self.mark(*key))).collect();
        git.told(&["update-ref", "--stdin"], &marks).await?;
        failpoint::hit("landing-marked");
        let places = self.checked_out().await?;
        for (at, place) in places.iter().enumerate() {
            if let Err(why) = place.follow(from, to).await {
                for followed in &places[..at] {
                    let _ = followed.follow(to, from).await;
                }
                return Err(why);
            }
        }
        failpoint::hit("landing-followed");
        let moved =
            git.run(&["update-ref", "--no-deref", "-m", "baton: land", &self.target(), to, from]).await;
        if moved.is_err() {
            for place in &places {
                let _ = place.follow(to, from).await;
            }
        }
        failpoint::hit("landing-moved");
        moved.map(|_| ())
    }

    /// The operator's trees in which the target is checked out.
    async fn checked_out(&self) -> Result<Vec<Place>, GitError> {
        let listed = self.theirs.git.run(&["worktree", "list", "--porcelain", "-z"]).await?;
        let branch = format!("branch {}", self.target());
        let mut places = Vec::new();
        for entry in listed.split("\0\0") {
            let mut lines = entry.split('\0');
            let folder = lines.next().and_then(|line| line.strip_prefix("worktree "));
            if let Some(folder) = folder.filter(|_| lines.any(|line| line == branch)) {
                let asked = ["rev-parse", "--absolute-git-dir"];
                let dir = Git::looking_from(Path::new(folder)).run(&asked).await?;
                let git = Git::of(Path::new(&dir)).with_tree(Path::new(folder));
                places.push(Place { git, folder: folder.into() });
            }
        }
        Ok(places)
    }

    /// The attempts that are marked as landed, or as on their way.
    pub async fn marked(&self) -> Vec<Key> {
        let own = format!("{}/", self.marks());
        let listed = self.theirs.git.run(&["for-each-ref", "--format=%(refname)", &own]).await;
        let listed = listed.unwrap_or_default();
        listed.lines().filter_map(|name| name.strip_prefix(&own)?.parse().ok()).collect()
    }

    /// Forgets that attempts landed. Their tasks have ended: nobody will ask again.
    pub(super) async fn forget(&self, is_over: impl Fn(Key) -> bool) {
        let over = self.marked().await.into_iter().filter(|key| is_over(*key));
        let gone: String = over.map(|key| format!("delete {}\n", self.mark(key))).collect();
        if !gone.is_empty() {
            let _ = self.theirs.git.told(&["update-ref", "--stdin"], &gone).await;
        }
    }

    /// Where the store marks its landings: another store has other marks.
    fn marks(&self) -> String {
        format!("refs/baton/{}", self.store)
    }

    fn mark(&self, key: Key) -> String {
        format!("{}/{key}", self.marks())
    }
}

/// A tree of the operator's in which the target is checked out.
struct Place {
    git: Git,
    folder: PathBuf,
}

impl Place {
    /// Git overwrites files that it ignores. They are the operator's all the same.
    async fn has_room(&self, from: &str, to: &str) -> Result<(), GitError> {
        let args = ["diff-tree", "-r", "-z", "--name-only", "--diff-filter=A", from, to];
        let added = self.git.run(&args).await?;
        let tracked = self.git.run(&["ls-files", "-z"]).await?;
        let tracked: BTreeSet<&str> = tracked.split('\0').collect();
        for path in added.split('\0').filter(|path| !path.is_empty() && !tracked.contains(path)) {
            let above = Path::new(path).ancestors().filter(|part| !part.as_os_str().is_empty());
            for (at, part) in above.enumerate() {
                let Ok(is) = std::fs::symlink_metadata(self.folder.join(part)) else { continue };
                let is_tracked = part.to_str().is_some_and(|part| tracked.contains(part));
                if (at == 0 || !is.is_dir()) && !is_tracked {
                    let said = format!("{} is in the way, and git does not know it", part.display());
                    return Err(GitError::InTheWay { path: self.folder.clone(), said });
                }
            }
        }
        Ok(())
    }

    /// Takes its files from one commit to another, all or none. Done before, it changes nothing.
    async fn follow(&self, from: &str, to: &str) -> Result<(), GitError> {
        let _ = self.git.run(&["update-index", "-q", "--refresh"]).await;
        self.has_room(from, to).await?;
        let followed = self.git.run(&["read-tree", "-m", "-u", from, to]).await;
        followed
            .map(|_| ())
            .map_err(|why| why.map_failed(|said| GitError::InTheWay { path: self.folder.clone(), said }))
    }
}
