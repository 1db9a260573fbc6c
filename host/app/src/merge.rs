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
    /// The last line that git said.
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
    Ok(Merged { target, said: said.trim().lines().last().unwrap_or("merged").to_owned() })
}
