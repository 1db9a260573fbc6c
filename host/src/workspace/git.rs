//! The git command, without what a user's or a repository's configuration might make it do: hooks, signing, questions.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use thiserror::Error;
use tokio::process::Command;

/// Git in one folder.
#[derive(Clone, Debug)]
pub struct Git {
    folder: PathBuf,
}

#[derive(Debug, Error)]
pub enum GitError {
    #[error("git can't be started: {0}")]
    Missing(std::io::Error),
    #[error("git {command}: {said}")]
    Failed { command: String, said: String },
    #[error("conflicts in {0}")]
    Conflict(String),
}

const QUIET: [&str; 8] = [
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "commit.gpgSign=false",
    "-c",
    "rebase.autoStash=false",
    "-c",
    "core.quotePath=false",
];

impl Git {
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// What it printed.
    ///
    /// # Errors
    /// It did not end with 0.
    pub async fn run(&self, args: &[&str]) -> Result<String, GitError> {
        let mut command = Command::new("git");
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EDITOR"] {
            command.env_remove(name);
        }
        let output = command
            .args(QUIET)
            .args(args)
            .current_dir(&self.folder)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", "true")
            .env("GIT_AUTHOR_NAME", "Baton")
            .env("GIT_AUTHOR_EMAIL", "baton@localhost")
            .env("GIT_COMMITTER_NAME", "Baton")
            .env("GIT_COMMITTER_EMAIL", "baton@localhost")
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(GitError::Missing)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = [output.stderr, output.stdout].concat();
        let said = String::from_utf8_lossy(&said).trim().chars().take(1000).collect();
        Err(GitError::Failed { command: args.first().copied().unwrap_or_default().to_owned(), said })
    }

    /// The commit that a name stands for.
    ///
    /// # Errors
    /// There is none.
    pub async fn commit(&self, name: &str) -> Result<String, GitError> {
        let full = self.run(&["rev-parse", "--verify", &format!("{name}^{{commit}}")]).await?;
        Ok(full.trim().to_owned())
    }
}
