//! One call's store: its limits, its log, and what ended it.

use std::sync::Arc;

use baton_core::excerpt::{MESSAGE, excerpt};
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store, Trap, UpdateDeadline};

use super::capability::Capabilities;
use super::capability::log::Lines;
use super::limits::{Limits, Name};
use super::{PluginError, engine};

/// What a store holds. A strategy has no powers.
pub(super) struct Sandbox {
    pub(super) limiter: Limiter,
    pub(super) log: Lines,
    pub(super) powers: Option<Arc<Capabilities>>,
    /// Programs that are talked to and responses under way.
    pub(super) table: ResourceTable,
    /// Questions that the attempt may still ask.
    pub(super) questions: u32,
}

impl Sandbox {
    /// What the attempt may do. Only adapters are linked to what asks for it.
    pub(super) fn powers(&self) -> wasmtime::Result<Arc<Capabilities>> {
        self.powers.clone().ok_or_else(|| wasmtime::Error::msg("a strategy has no powers"))
    }
}

/// Counts memory and tables, and remembers which limit was hit.
pub(super) struct Limiter {
    memory: usize,
    table: usize,
    used: usize,
    pub(super) hit: Option<Name>,
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
            self.hit = Some(Name::Memory);
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
            self.hit = Some(Name::Table);
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

/// Who is called, for messages, and under which limits.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) limits: Limits,
}

impl Identity {
    /// A store for one call of a strategy: fuel, a deadline that traps, no powers.
    pub(super) fn pure_store(&self, engine: &wasmtime::Engine) -> Result<Store<Sandbox>, PluginError> {
        let mut store = self.store(engine, None);
        store.set_epoch_deadline(self.limits.ticks());
        store.epoch_deadline_trap();
        if let Some(fuel) = self.limits.fuel {
            store.set_fuel(fuel).map_err(|why| self.host(&why))?;
        }
        Ok(store)
    }

    /// A store for one attempt: yields at every tick, and is stopped when its computing time is used up or its lease
    /// is gone.
    pub(super) fn effectful_store(
        &self,
        engine: &wasmtime::Engine,
        powers: Arc<Capabilities>,
    ) -> Store<Sandbox> {
        let mut store = self.store(engine, Some(powers));
        store.set_epoch_deadline(1);
        let mut left = self.limits.ticks();
        store.epoch_deadline_callback(move |context| {
            left = left.saturating_sub(1);
            // Who must stop for another reason cleans up and hands in what is paid for, until its grace is over.
            let revoked = context.data().powers.as_ref().is_some_and(|powers| powers.is_barred());
            if left == 0 || revoked {
                return Ok(UpdateDeadline::Interrupt);
            }
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }

    fn store(&self, engine: &wasmtime::Engine, powers: Option<Arc<Capabilities>>) -> Store<Sandbox> {
        let limiter = Limiter { memory: self.limits.memory, table: self.limits.table, used: 0, hit: None };
        let log = Lines::new(self.name.clone(), self.limits.log_lines);
        let questions = self.limits.asks.questions.unwrap_or(0);
        let sandbox = Sandbox { limiter, log, powers, table: ResourceTable::new(), questions };
        let mut store = Store::new(engine, sandbox);
        store.limiter(|sandbox| &mut sandbox.limiter);
        store.set_hostcall_fuel(self.limits.copied);
        store.set_max_component_handles(self.limits.handles);
        store
    }

    pub(super) fn host(&self, why: &dyn std::fmt::Display) -> PluginError {
        PluginError::Host { plugin: self.name.clone(), why: why.to_string() }
    }

    pub(super) fn nonsense(&self, why: impl Into<String>) -> PluginError {
        PluginError::InvalidAnswer { plugin: self.name.clone(), why: excerpt(why, MESSAGE) }
    }

    pub(super) fn refused(&self, why: impl Into<String>) -> PluginError {
        PluginError::Refused { plugin: self.name.clone(), why: excerpt(why, MESSAGE) }
    }

    /// It went over one of its limits.
    pub(super) fn over(&self, limit: Name) -> PluginError {
        self.limits.exceeded(&self.name, limit)
    }

    /// What ended a call that gave no answer.
    pub(super) fn ended(&self, error: &wasmtime::Error, store: &Store<Sandbox>) -> PluginError {
        let trap = error.downcast_ref::<Trap>().copied();
        let text = format!("{error:#}");
        let limit = match trap {
            Some(Trap::OutOfFuel) => Some(Name::Fuel),
            Some(Trap::Interrupt) => Some(Name::Cpu),
            Some(Trap::StackOverflow) => Some(Name::Stack),
            Some(_) | None if text.contains("too much data is being copied") => Some(Name::Copied),
            Some(_) | None if text.contains("handle limit exceeded") => Some(Name::Handles),
            Some(_) | None => store.data().limiter.hit,
        };
        match limit {
            Some(limit) => self.over(limit),
            None if text.contains("maximum concurrent") => self.host(&format!(
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

/// The cause without the backtrace.
fn short(text: &str) -> String {
    let cause = text.rsplit(": ").next().unwrap_or(text);
    let line = if text.contains("wasm trap") { cause } else { text };
    line.lines().next().unwrap_or_default().trim().to_owned()
}
