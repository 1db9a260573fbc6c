//! The git command, without what a user's or a repository's configuration might make it do: hooks, signing, questions.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use thiserror::Error;
use tokio::io::AsyncWriteExt as _;
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
    #[error("{0}")]
    NoRepository(String),
    #[error("conflicts in {0}")]
    Conflict(String),
}

/// A command of git that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(300);

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
    /// It did not end with 0, or not in time.
    pub async fn run(&self, args: &[&str]) -> Result<String, GitError> {
        self.told(args, "").await
    }

    /// The same, for a command that is told something on its standard input.
    ///
    /// # Errors
    /// It did not end with 0, or not in time.
    pub async fn told(&self, args: &[&str], input: &str) -> Result<String, GitError> {
        let name = || args.first().copied().unwrap_or_default().to_owned();
        let work = async {
            let mut child = self.command(args).spawn().map_err(GitError::Missing)?;
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(input.as_bytes()).await.map_err(GitError::Missing)?;
            }
            child.wait_with_output().await.map_err(GitError::Missing)
        };
        let output = tokio::time::timeout(PATIENCE, work).await;
        let output =
            output.map_err(|_| GitError::Failed { command: name(), said: "no end in sight".into() })??;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = [output.stderr, output.stdout].concat();
        let said = String::from_utf8_lossy(&said).trim().chars().take(1000).collect();
        Err(GitError::Failed { command: name(), said })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(name);
        }
        command
            .args(QUIET)
            .args(args)
            .current_dir(&self.folder)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", "true")
            .env("GIT_AUTHOR_NAME", "Baton")
            .env("GIT_AUTHOR_EMAIL", "baton@localhost")
            .env("GIT_COMMITTER_NAME", "Baton")
            .env("GIT_COMMITTER_EMAIL", "baton@localhost")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
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
