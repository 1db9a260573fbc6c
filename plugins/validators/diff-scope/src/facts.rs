//! The host's facts about the attempt's worktree.

use baton_sdk::validator::{Attr, Config};
use serde_json::Value;

#[derive(Debug, PartialEq)]
pub struct Facts {
    pub changed: Vec<Change>,
    /// The globs that the task declares.
    pub declared: Vec<String>,
}

#[derive(Debug, PartialEq)]
pub struct Change {
    /// Where it is now, and where it was if it was moved.
    pub paths: Vec<String>,
    /// Git's letter.
    pub status: String,
}

const NO_WORKTREE: &str = "what was changed is not known: the attempt had no git worktree of its own. Give the task the \
    effect `workspace` in a project that is a git repository, or do without this validator";

impl Facts {
    /// Fails if the host has no facts.
    pub fn read(attrs: &[Attr]) -> Result<Self, String> {
        let attrs = Config(attrs);
        let Some(changed) = attrs.get("workspace.changed") else {
            return Err(NO_WORKTREE.to_owned());
        };
        let changed: Vec<Value> = serde_json::from_str(changed)
            .map_err(|_| String::from("workspace.changed is no list, so what was changed is not known"))?;
        let changed = changed
            .iter()
            .map(|change| change_of(change).ok_or_else(|| format!("workspace.changed holds {change}")))
            .collect::<Result<Vec<Change>, String>>()?;
        let declared = attrs.get("workspace.paths").unwrap_or("[]");
        let declared = serde_json::from_str(declared)
            .map_err(|_| String::from("workspace.paths is no list, so what may be changed is not known"))?;
        Ok(Self { changed, declared })
    }
}

fn change_of(change: &Value) -> Option<Change> {
    let path = change.get("path")?.as_str()?.to_owned();
    let from = change.get("from").and_then(Value::as_str).map(str::to_owned);
    let status = change.get("status").and_then(Value::as_str).unwrap_or("M").to_owned();
    Some(Change { paths: std::iter::once(path).chain(from).collect(), status })
}
