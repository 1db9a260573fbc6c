//! The wasmtime store of one call: its limits, its log, and why it ended.

use std::sync::Arc;

use baton_core::excerpt::{MESSAGE, excerpt};
use wasmtime::component::ResourceTable;
use wasmtime::{PoolConcurrencyLimitError, ResourceLimiter, Store, Trap, UpdateDeadline};

use super::capability::Capabilities;
use super::capability::log::CallLog;
use super::limits::{LimitKind, Limits};
use super::slots::Slot;
use super::{Engines, PluginError, engine};

/// The data of a store.
pub(super) struct Sandbox {
    pub(super) limiter: Limiter,
    pub(super) log: CallLog,
    /// None for pure kinds.
    pub(super) capabilities: Option<Arc<Capabilities>>,
    /// Running programs and HTTP responses.
    pub(super) table: ResourceTable,
    /// Questions to people that are left.
    pub(super) questions: u32,
}

impl Sandbox {
    /// What the attempt may do. Fails for pure kinds, which are not linked with the interfaces that call this.
    pub(super) fn capabilities(&self) -> wasmtime::Result<Arc<Capabilities>> {
        self.capabilities.clone().ok_or_else(|| wasmtime::Error::msg("a strategy has no capabilities"))
    }
}

/// Limits memory and tables, and records which limit was exceeded.
pub(super) struct Limiter {
    memory: usize,
    table: usize,
    used: usize,
    pub(super) hit: Option<LimitKind>,
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used + desired.saturating_sub(current);
        if used > self.memory {
            self.hit = Some(LimitKind::Memory);
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.table {
            self.hit = Some(LimitKind::Table);
            return Ok(false);
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        128
    }

    fn tables(&self) -> usize {
        64
    }

    fn memories(&self) -> usize {
        8
    }
}

/// The plugin that is called, for messages, and its limits.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) limits: Limits,
}

impl Identity {
    /// A store for one call of a pure plugin: with fuel, and an epoch deadline that traps. Waits for a free
    /// slot, which must outlive the store: bind it before the store.
    pub(super) fn pure_store(&self, engines: &Engines) -> Result<(Slot, Store<Sandbox>), PluginError> {
        let slot = engines.pure_slots.take();
        let mut store = self.store(&engines.pure, None);
        store.set_epoch_deadline(self.limits.ticks());
        store.epoch_deadline_trap();
        if let Some(fuel) = self.limits.fuel {
            store.set_fuel(fuel).map_err(|why| self.host(&why))?;
        }
        Ok((slot, store))
    }

    /// A store for one attempt: yields at every tick, and is interrupted when its CPU time is used up or the attempt is
    /// fenced.
    pub(super) fn effectful_store(
        &self,
        engine: &wasmtime::Engine,
        capabilities: Arc<Capabilities>,
    ) -> Store<Sandbox> {
        let mut store = self.store(engine, Some(capabilities));
        store.set_epoch_deadline(1);
        let mut left = self.limits.ticks();
        store.epoch_deadline_callback(move |context| {
            left = left.saturating_sub(1);
            // Who must stop for another reason cleans up and hands in what is paid for, until its grace is over.
            let revoked =
                context.data().capabilities.as_ref().is_some_and(|capabilities| capabilities.is_fenced());
            if left == 0 || revoked {
                return Ok(UpdateDeadline::Interrupt);
            }
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }

    fn store(&self, engine: &wasmtime::Engine, capabilities: Option<Arc<Capabilities>>) -> Store<Sandbox> {
        let limiter = Limiter { memory: self.limits.memory, table: self.limits.table, used: 0, hit: None };
        let log = CallLog::new(self.name.clone(), self.limits.log_lines);
        let questions = self.limits.asks.questions.unwrap_or(0);
        let sandbox = Sandbox { limiter, log, capabilities, table: ResourceTable::new(), questions };
        let mut store = Store::new(engine, sandbox);
        store.limiter(|sandbox| &mut sandbox.limiter);
        store.set_hostcall_fuel(self.limits.copied);
        store.set_max_component_handles(self.limits.handles);
        store
    }

    /// The error of a host that could not run the plugin.
    pub(super) fn host(&self, why: &dyn std::fmt::Display) -> PluginError {
        PluginError::Host { plugin: self.name.clone(), why: why.to_string() }
    }

    /// The error of an answer that violates the contract.
    pub(super) fn invalid_answer(&self, why: impl Into<String>) -> PluginError {
        PluginError::InvalidAnswer { plugin: self.name.clone(), why: excerpt(why, MESSAGE) }
    }

    /// The error of a plugin that returned an error of its contract.
    pub(super) fn refused(&self, why: impl Into<String>) -> PluginError {
        PluginError::Refused { plugin: self.name.clone(), why: excerpt(why, MESSAGE) }
    }

    /// The error of a plugin that exceeded a limit.
    pub(super) fn over(&self, limit: LimitKind) -> PluginError {
        self.limits.exceeded(&self.name, limit)
    }

    /// The error of a call that trapped.
    pub(super) fn ended(&self, error: &wasmtime::Error, store: &Store<Sandbox>) -> PluginError {
        let trap = error.downcast_ref::<Trap>().copied();
        let text = format!("{error:#}");
        let limit = match trap {
            Some(Trap::OutOfFuel) => Some(LimitKind::Fuel),
            Some(Trap::Interrupt) => Some(LimitKind::Cpu),
            Some(Trap::StackOverflow) => Some(LimitKind::Stack),
            // wasmtime 48 has no types for these two; tests/plugins pins that they are recognised.
            Some(_) | None if text.contains("too much data is being copied") => Some(LimitKind::Copied),
            Some(_) | None if text.contains("handle limit exceeded") => Some(LimitKind::Handles),
            Some(_) | None => store.data().limiter.hit,
        };
        match limit {
            Some(limit) => self.over(limit),
            None if error.is::<PoolConcurrencyLimitError>() => self.host(&format!(
                "all {} places for attempts are taken: lower the agents' capacities",
                engine::AGENT_SLOTS
            )),
            None => {
                let why = store.data().log.panic().map_or_else(|| short(&text), str::to_owned);
                PluginError::Trapped { plugin: self.name.clone(), why: excerpt(why, MESSAGE) }
            }
        }
    }
}

/// The cause without the backtrace of the guest.
fn short(text: &str) -> String {
    let cause = text.rsplit(": ").next().unwrap_or(text);
    let line = if text.contains("wasm trap") { cause } else { text };
    line.lines().next().unwrap_or_default().trim().to_owned()
}
