//! `baton:host/memory`: what an agent remembers between attempts, in a namespace of its own.

use super::Capabilities;
use super::desk::{KeepError, StateRequest};
use crate::bindings::agent::baton::host::memory::{Host, MemoryError};
use crate::sandbox::Sandbox;

const KEY: usize = 256;
const VALUE: usize = 64 << 10;

impl Host for Sandbox {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, MemoryError>> {
        let powers = self.powers()?;
        if powers.stopped().is_some() {
            return Ok(Err(MemoryError::Stopped));
        }
        let agent = powers.agent.clone();
        let found = powers.desk.ask(|reply| StateRequest::Recall { agent, key, reply }).await;
        Ok(found.ok_or(MemoryError::Stopped))
    }

    async fn put(&mut self, key: String, value: String) -> wasmtime::Result<Result<(), MemoryError>> {
        let powers = self.powers()?;
        if key.is_empty() || key.len() > KEY || value.len() > VALUE {
            let why = format!(
                "a key has 1 to {KEY} bytes and a value at most {VALUE}, not {} and {}",
                key.len(),
                value.len()
            );
            return Ok(Err(MemoryError::TooLarge(why)));
        }
        Ok(remember(&powers, key, Some(value)).await)
    }

    async fn remove(&mut self, key: String) -> wasmtime::Result<Result<(), MemoryError>> {
        let powers = self.powers()?;
        Ok(remember(&powers, key, None).await)
    }

    async fn keys(&mut self, prefix: String) -> wasmtime::Result<Result<Vec<String>, MemoryError>> {
        let powers = self.powers()?;
        if powers.stopped().is_some() {
            return Ok(Err(MemoryError::Stopped));
        }
        let agent = powers.agent.clone();
        let found = powers.desk.ask(|reply| StateRequest::Keys { agent, prefix, reply }).await;
        Ok(found.ok_or(MemoryError::Stopped))
    }
}

async fn remember(powers: &Capabilities, key: String, value: Option<String>) -> Result<(), MemoryError> {
    if powers.stopped().is_some() {
        return Err(MemoryError::Stopped);
    }
    let (task, epoch, agent) = (powers.task, powers.epoch, powers.agent.clone());
    match powers.desk.ask(|reply| StateRequest::Remember { task, epoch, agent, key, value, reply }).await {
        Some(Ok(())) => Ok(()),
        Some(Err(KeepError::Full(why))) => Err(MemoryError::TooLarge(why)),
        Some(Err(KeepError::Stale)) | None => Err(MemoryError::Stopped),
    }
}
