//! `baton:host/workspace`: the folder that belongs to the attempt.

use crate::bindings::agent::baton::host::workspace::Host;
use crate::sandbox::Sandbox;

impl Host for Sandbox {
    async fn folder(&mut self) -> wasmtime::Result<Option<String>> {
        let powers = self.powers()?;
        Ok(powers.folder.as_ref().map(|folder| folder.display().to_string()))
    }
}
