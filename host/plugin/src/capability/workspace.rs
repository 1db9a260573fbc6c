//! `baton:host/workspace`: the attempt's working tree.

use crate::bindings::agent::baton::host::workspace::Host;
use crate::sandbox::Sandbox;

impl Host for Sandbox {
    async fn folder(&mut self) -> wasmtime::Result<Option<String>> {
        let capabilities = self.capabilities()?;
        Ok(capabilities.folder.as_ref().map(|folder| folder.display().to_string()))
    }
}
