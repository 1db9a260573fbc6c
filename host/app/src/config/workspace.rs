//! `[workspace]`: the repository that tasks change, each in a tree of its own.

use std::path::{Path, PathBuf};

use baton_engine::workspace::Settings;
use baton_plugin::capability::Resources;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct WorkspaceTable {
    repository: PathBuf,
    target: Option<String>,
    checks: Vec<String>,
}

impl WorkspaceTable {
    /// # Errors
    /// A check is no profile.
    pub(super) fn resolve(self, folder: &Path, store: &Path, offer: &Resources) -> Result<Settings, String> {
        if let Some(missing) = self.checks.iter().find(|check| !offer.profiles.contains_key(*check)) {
            return Err(format!("workspace: there is no profile {missing}"));
        }
        Ok(Settings {
            repository: folder.join(self.repository),
            target: self.target.unwrap_or_else(|| "baton/accepted".into()),
            checks: self.checks,
            store: store.to_owned(),
        })
    }
}
