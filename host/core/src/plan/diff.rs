//! Differences between two versions of a plan.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Plan, Workstream};

/// A difference, as sorted workstream ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diff {
    /// Only in the new version.
    pub added: Vec<String>,
    /// Only in the old version.
    pub removed: Vec<String>,
    /// In both versions, with the keys that differ.
    pub changed: Vec<(String, Vec<String>)>,
}

impl Diff {
    /// Whether both versions say the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        lines.extend(self.removed.iter().map(|id| format!("- {id}")));
        lines.extend(self.added.iter().map(|id| format!("+ {id}")));
        lines.extend(self.changed.iter().map(|(id, keys)| format!("~ {id}: {}", keys.join(", "))));
        f.write_str(&lines.join("\n"))
    }
}

/// Compares two versions workstream by workstream.
#[must_use]
pub fn diff(before: &Plan, after: &Plan) -> Diff {
    let mut diff = Diff::default();
    for old in &before.workstreams {
        match after.position(&old.id) {
            None => diff.removed.push(old.id.clone()),
            Some(place) => {
                let keys = changed_keys(old, &after.workstreams[place]);
                if !keys.is_empty() {
                    diff.changed.push((old.id.clone(), keys));
                }
            }
        }
    }
    let fresh = after.workstreams.iter().filter(|new| before.position(&new.id).is_none());
    diff.added = fresh.map(|new| new.id.clone()).collect();
    diff
}

fn changed_keys(old: &Workstream, new: &Workstream) -> Vec<String> {
    let fields = |workstream: &Workstream| match serde_json::to_value(workstream) {
        Ok(serde_json::Value::Object(map)) => map,
        Ok(_) | Err(_) => serde_json::Map::new(),
    };
    let (old, new) = (fields(old), fields(new));
    let mut keys: Vec<String> =
        old.keys().chain(new.keys()).filter(|key| old.get(*key) != new.get(*key)).cloned().collect();
    keys.sort();
    keys.dedup();
    keys
}
