//! Git, where tasks change files.

use std::path::PathBuf;

use super::{Condition, Diagnosis, diagnosis};
use crate::AppError;
use crate::config::Config;
use baton_engine::workspace::{Git, GitError, Settings};

const OTHER: &str = "run `git init` there, or name another folder in [workspace] repository";

/// Merges of trees without a checkout came with it.
const OLDEST: (u32, u32) = (2, 38);

pub(super) fn repository(config: &Config) -> Result<Vec<Diagnosis>, AppError> {
    let Some(settings) = &config.workspace else { return Ok(Vec::new()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let place = settings.repository.display().to_string();
    Ok(vec![diagnosis("git", place, runtime.block_on(look(settings)))])
}

async fn look(settings: &Settings) -> Condition {
    let git = Git::looking_from(&settings.repository);
    if !settings.repository.is_dir() {
        return Condition::fault("there is no such folder", "fix repository of [workspace]");
    }
    let version = match git.run(&["version"]).await {
        Ok(said) => said.trim().to_owned(),
        Err(why) => return Condition::fault(why.to_string(), "install git 2.38 or newer"),
    };
    if number(&version).is_none_or(|found| found < OLDEST) {
        return Condition::fault(version, "install git 2.38 or newer");
    }
    let top = match git.run(&["rev-parse", "--show-toplevel"]).await {
        Ok(top) => PathBuf::from(top.trim()),
        Err(why) => return Condition::fault(said(why), OTHER),
    };
    if top.canonicalize().ok() != settings.repository.canonicalize().ok() {
        return Condition::fault(
            format!("it is a folder inside the repository {}", top.display()),
            format!("name that: repository = {:?}", top.display().to_string()),
        );
    }
    if git.run(&["rev-parse", "--verify", "--quiet", "HEAD"]).await.is_err() {
        return Condition::fault(
            "the repository has no commit yet",
            "make one: trees of tasks start from a commit (`git commit --allow-empty -m start`)",
        );
    }
    Condition::good(format!("{version}, work lands on {}", settings.target))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_its_first_two_numbers_whatever_follows() {
        assert_eq!(number("git version 2.47.3"), Some((2, 47)));
        assert_eq!(number("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(number("git version 3"), None);
    }
}
