//! The git command. Every call names its repository and its tree, runs in an environment of its own, and does little of
//! what a repository's configuration might make it do: no hooks, monitors, signing, questions or network. Filters that
//! the operator's configuration names do run, because without them files would not be what they are elsewhere.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use thiserror::Error;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Git on one repository, with one tree and one index where a command needs them.
#[derive(Clone, Debug)]
pub struct Git {
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    /// Where git looks for the repository itself: only to find out which one the operator means.
    Folder(PathBuf),
    Named(Box<Named>),
}

#[derive(Clone, Debug)]
struct Named {
    dir: PathBuf,
    tree: Option<PathBuf>,
    index: Option<PathBuf>,
    /// Another folder of objects to read from.
    objects: Option<PathBuf>,
}

#[derive(Debug, Error)]
pub enum GitError {
    #[error("git can't be started: {0}")]
    Missing(std::io::Error),
    #[error("git {command}: {said}")]
    Failed { command: String, said: String },
    #[error("{0}")]
    NoRepository(String),
    #[error("{}: {why}", path.display())]
    Folder { path: PathBuf, why: std::io::Error },
    /// The operator's files can't follow the target.
    #[error(
        "the target is checked out in {}, and its files can't follow: {said}; commit or stash what is changed there, or \
         check out another branch",
        path.display()
    )]
    InTheWay { path: PathBuf, said: String },
}

impl GitError {
    /// What git said, in words of whoever asked; every other error as it is.
    pub(crate) fn map_failed(self, worded: impl FnOnce(String) -> Self) -> Self {
        match self {
            Self::Failed { said, .. } => worded(said),
            other @ (Self::Missing(_)
            | Self::NoRepository(_)
            | Self::Folder { .. }
            | Self::InTheWay { .. }) => other,
        }
    }
}

/// A command of git that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// Characters of git's output that are kept.
const SAID: usize = 1000;

/// Nothing else of the host's environment reaches git: its own variables would send it to other places.
const KEPT: [&str; 6] = ["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "USER", "LOGNAME"];

/// For an index of Baton's own: the operator's, which follow the target where it is checked out, are as they set them up.
const OWN_INDEX: [&str; 3] =
    ["core.untrackedCache=false", "core.sparseCheckout=false", "core.splitIndex=false"];

const SETTINGS: [&str; 12] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=false",
    // What is reported as done must be on disk.
    "core.fsync=committed,reference",
    "core.fsyncMethod=batch",
    "commit.gpgSign=false",
    "i18n.commitEncoding=UTF-8",
    "gc.auto=0",
    "maintenance.auto=false",
    "merge.autoStash=false",
    "submodule.recurse=false",
    "protocol.allow=never",
];

impl Git {
    /// Git that looks for a repository from a folder upwards.
    #[must_use]
    pub fn looking_from(folder: &Path) -> Self {
        Self { place: Place::Folder(folder.to_owned()) }
    }

    /// Git on the repository with this git directory.
    #[must_use]
    pub fn of(dir: &Path) -> Self {
        let named = Named { dir: dir.to_owned(), tree: None, index: None, objects: None };
        Self { place: Place::Named(Box::new(named)) }
    }

    /// The same repository with these files as its tree.
    #[must_use]
    pub fn with_tree(&self, path: &Path) -> Self {
        self.but(|named| named.tree = Some(path.to_owned()))
    }

    /// The same repository with this file as its index.
    #[must_use]
    pub fn with_index(&self, file: &Path) -> Self {
        self.but(|named| named.index = Some(file.to_owned()))
    }

    /// The same repository, which also reads these objects.
    #[must_use]
    pub fn with_objects(&self, folder: &Path) -> Self {
        self.but(|named| named.objects = Some(folder.to_owned()))
    }

    fn but(&self, change: impl FnOnce(&mut Named)) -> Self {
        let mut git = self.clone();
        if let Place::Named(named) = &mut git.place {
            change(named);
        }
        git
    }

    /// What it printed, without the line's end.
    ///
    /// # Errors
    /// It did not end with 0, or not in time.
    pub async fn run(&self, args: &[&str]) -> Result<String, GitError> {
        self.told(args, "").await
    }

    /// The same, for a command that reads its standard input.
    ///
    /// # Errors
    /// It did not end with 0, or not in time.
    pub async fn told(&self, args: &[&str], input: &str) -> Result<String, GitError> {
        let output = self.output(args, input).await?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned());
        }
        Err(failed(args, &output))
    }

    /// How it ended and what it printed, for a command whose other exit codes are answers too.
    ///
    /// # Errors
    /// It could not be started, or did not end in time.
    pub async fn output(&self, args: &[&str], input: &str) -> Result<Output, GitError> {
        let work = async {
            let mut child = self.command(args).spawn().map_err(GitError::Missing)?;
            if let Some(mut stdin) = child.stdin.take() {
                // A command that does not read to the end says itself what is wrong.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
            child.wait_with_output().await.map_err(GitError::Missing)
        };
        in_time(args, work).await
    }

    /// Runs `args` here with what `source` prints as its input.
    ///
    /// # Errors
    /// One of both did not end with 0, or not in time.
    pub async fn fed_by(
        &self,
        args: &[&str],
        source: &Self,
        from: &[&str],
        input: &str,
    ) -> Result<(), GitError> {
        let work = async {
            let mut first = source.command(from).spawn().map_err(GitError::Missing)?;
            let piped: Option<Stdio> = first.stdout.take().and_then(|out| out.try_into().ok());
            let mut second = self.command(args);
            let second =
                second.stdin(piped.unwrap_or_else(Stdio::null)).spawn().map_err(GitError::Missing)?;
            if let Some(mut stdin) = first.stdin.take() {
                let _ = stdin.write_all(input.as_bytes()).await;
            }
            let (first, second) = tokio::join!(first.wait_with_output(), second.wait_with_output());
            let (first, second) = (first.map_err(GitError::Missing)?, second.map_err(GitError::Missing)?);
            if !first.status.success() {
                return Err(failed(from, &first));
            }
            if second.status.success() { Ok(()) } else { Err(failed(args, &second)) }
        };
        in_time(args, work).await
    }

    /// The commit that a name stands for.
    ///
    /// # Errors
    /// There is none.
    pub async fn commit(&self, name: &str) -> Result<String, GitError> {
        self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")])
            .await
    }

    fn settings(&self) -> impl Iterator<Item = &'static str> {
        let has_own_index = match &self.place {
            Place::Folder(_) => false,
            Place::Named(named) => named.index.is_some(),
        };
        SETTINGS.into_iter().chain(OWN_INDEX.into_iter().filter(move |_| has_own_index))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.env_clear().envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command
            .envs([("GIT_TERMINAL_PROMPT", "0"), ("GIT_EDITOR", "true"), ("GIT_OPTIONAL_LOCKS", "0")])
            .envs([
                ("GIT_LITERAL_PATHSPECS", "1"),
                ("LC_ALL", "C"),
                ("GIT_PAGER", "cat"),
                ("GIT_DEFAULT_REF_FORMAT", "files"),
            ]);
        match &self.place {
            Place::Folder(folder) => {
                command.current_dir(folder);
            }
            Place::Named(named) => {
                let Named { dir, tree, index, objects } = named.as_ref();
                command.current_dir(tree.as_ref().unwrap_or(dir)).env("GIT_DIR", dir);
                command.envs(tree.iter().map(|tree| ("GIT_WORK_TREE", tree)));
                command.envs(index.iter().map(|index| ("GIT_INDEX_FILE", index)));
                command.envs(objects.iter().map(|from| ("GIT_ALTERNATE_OBJECT_DIRECTORIES", from)));
            }
        }
        command
            .args(self.settings().flat_map(|setting| [OsString::from("-c"), setting.into()]))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

async fn in_time<T>(args: &[&str], work: impl Future<Output = Result<T, GitError>>) -> Result<T, GitError> {
    let hangs = |_| GitError::Failed {
        command: name(args),
        said: format!("it had not ended after {} s", PATIENCE.as_secs()),
    };
    tokio::time::timeout(PATIENCE, work).await.map_err(hangs)?
}

fn failed(args: &[&str], output: &Output) -> GitError {
    let said = [output.stderr.as_slice(), output.stdout.as_slice()].concat();
    let said = String::from_utf8_lossy(&said).trim().chars().take(SAID).collect();
    GitError::Failed { command: name(args), said }
}

fn name(args: &[&str]) -> String {
    args.first().copied().unwrap_or_default().to_owned()
}
