//! Git, where tasks change files.

use std::path::PathBuf;

use baton_app::config::Config;
use baton_engine::workspace::{Git, GitError, Settings};

use super::super::Failure;
use super::{Check, Finding, check};

const OTHER: &str = "run `git init` there, or name another folder in [workspace] repository";

/// Merges of trees without a checkout came with it.
const OLDEST: (u32, u32) = (2, 38);

pub(super) fn repository(config: &Config) -> Result<Vec<Check>, Failure> {
    let Some(settings) = &config.workspace else { return Ok(Vec::new()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let place = settings.repository.display().to_string();
    Ok(vec![check("git", place, runtime.block_on(look(settings)))])
}

async fn look(settings: &Settings) -> Finding {
    let git = Git::looking_from(&settings.repository);
    if !settings.repository.is_dir() {
        return Finding::fault("there is no such folder", "fix repository of [workspace]");
    }
    let version = match git.run(&["version"]).await {
        Ok(said) => said.trim().to_owned(),
        Err(why) => return Finding::fault(why.to_string(), "install git 2.38 or newer"),
    };
    if number(&version).is_none_or(|found| found < OLDEST) {
        return Finding::fault(version, "install git 2.38 or newer");
    }
    let top = match git.run(&["rev-parse", "--show-toplevel"]).await {
        Ok(top) => PathBuf::from(top.trim()),
        Err(why) => return Finding::fault(said(why), OTHER),
    };
    if top.canonicalize().ok() != settings.repository.canonicalize().ok() {
        return Finding::fault(
            format!("it is a folder inside the repository {}", top.display()),
            format!("name that: repository = {:?}", top.display().to_string()),
        );
    }
    if git.run(&["rev-parse", "--verify", "--quiet", "HEAD"]).await.is_err() {
        return Finding::fault(
            "the repository has no commit yet",
            "make one: trees of tasks start from a commit (`git commit --allow-empty -m start`)",
        );
    }
    Finding::good(format!("{version}, work lands on {}", settings.target))
}

fn said(why: GitError) -> String {
    match why {
        GitError::Failed { said, .. } => said,
        GitError::Missing(_)
        | GitError::NoRepository(_)
        | GitError::Folder { .. }
        | GitError::InTheWay { .. } => why.to_string(),
    }
}

/// `git version 2.47.3` is 2.47.
fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(' ').nth(2)?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
