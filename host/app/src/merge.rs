//! Taking what was accepted into the branch that is checked out.

use baton_engine::workspace::Workspaces;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::runtime::Builder;

use crate::runs::Nothing;
use crate::{App, AppError};

/// A branch that took in what was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Merged {
    /// The branch on which accepted work lands.
    pub target: String,
    /// What git says of it, in one line.
    pub said: String,
}

pub(crate) fn merge(app: &App, _: &Nothing) -> Result<Merged, AppError> {
    let settings = app.config.workspace.clone().ok_or_else(|| {
        AppError::invalid("there is no [workspace] in baton.toml, so nothing lands on a branch")
    })?;
    let target = settings.target.clone();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let unavailable = |why: &dyn std::fmt::Display| AppError::unavailable(why.to_string());
    let workspaces = runtime.block_on(Workspaces::open(settings)).map_err(|why| unavailable(&why))?;
    let said = runtime
        .block_on(workspaces.promote())
        .map_err(|why| AppError::Refused { why: why.to_string(), source: Some(why.into()) })?;
    Ok(Merged { target, said: summary(&said).to_owned() })
}

/// The line of what git says that sums it up. After the count of changed files come those that were created, renamed or
/// deleted, each indented.
fn summary(said: &str) -> &str {
    let is_count = |line: &str| line.trim_start().starts_with(|c: char| c.is_ascii_digit());
    let mut lines = said.trim_end().lines().filter(|line| !line.starts_with(' ') || is_count(line));
    lines.next_back().unwrap_or("merged").trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_is_summed_up_by_its_count_of_files() {
        let merged = "Updating 1..2\nFast-forward\n 2 new.txt | 1 +\n 1 file changed, 1 insertion(+)\n create mode 100644 2 new.txt\n";
        assert_eq!(summary(merged), "1 file changed, 1 insertion(+)");
        assert_eq!(summary("Already up to date.\n"), "Already up to date.");
        assert_eq!(summary(""), "merged");
    }
}
