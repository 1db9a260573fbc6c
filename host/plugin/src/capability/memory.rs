//! `baton:host/memory`: values that an agent keeps between attempts. Each agent has its own namespace.

use super::Capabilities;
use super::state::{KeepError, StateRequest};
use crate::bindings::agent::baton::host::memory::{Host, MemoryError};
use crate::sandbox::Sandbox;

/// The most bytes of a key.
const KEY: usize = 256;
/// The most bytes of a value.
const VALUE: usize = 64 << 10;

impl Host for Sandbox {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, MemoryError>> {
        let capabilities = self.capabilities()?;
        if capabilities.cancel_reason().is_some() {
            return Ok(Err(MemoryError::Stopped));
        }
        let agent = capabilities.agent.clone();
        let found = capabilities.state_client.ask(|reply| StateRequest::Recall { agent, key, reply }).await;
        Ok(found.ok_or(MemoryError::Stopped))
    }

    async fn put(&mut self, key: String, value: String) -> wasmtime::Result<Result<(), MemoryError>> {
        let capabilities = self.capabilities()?;
        if key.is_empty() || key.len() > KEY || value.len() > VALUE {
            let why = format!(
                "a key has 1 to {KEY} bytes and a value at most {VALUE}, not {} and {}",
                key.len(),
                value.len()
            );
            return Ok(Err(MemoryError::TooLarge(why)));
        }
        Ok(remember(&capabilities, key, Some(value)).await)
    }

    async fn remove(&mut self, key: String) -> wasmtime::Result<Result<(), MemoryError>> {
        let capabilities = self.capabilities()?;
        Ok(remember(&capabilities, key, None).await)
    }

    async fn keys(&mut self, prefix: String) -> wasmtime::Result<Result<Vec<String>, MemoryError>> {
        let capabilities = self.capabilities()?;
        if capabilities.cancel_reason().is_some() {
            return Ok(Err(MemoryError::Stopped));
        }
        let agent = capabilities.agent.clone();
        let found = capabilities.state_client.ask(|reply| StateRequest::Keys { agent, prefix, reply }).await;
        Ok(found.ok_or(MemoryError::Stopped))
    }
}

async fn remember(
    capabilities: &Capabilities,
    key: String,
    value: Option<String>,
) -> Result<(), MemoryError> {
    if capabilities.cancel_reason().is_some() {
        return Err(MemoryError::Stopped);
    }
    let (task, epoch, agent) = (capabilities.task, capabilities.epoch, capabilities.agent.clone());
    match capabilities
        .state_client
        .ask(|reply| StateRequest::Remember { task, epoch, agent, key, value, reply })
        .await
    {
        Some(Ok(())) => Ok(()),
        Some(Err(KeepError::Full(why))) => Err(MemoryError::TooLarge(why)),
        Some(Err(KeepError::Stale)) | None => Err(MemoryError::Stopped),
    }
}
