//! The two engines: one for strategies, where a call must be reproducible, and one for agents, which wait.

use std::thread;

use wasmtime::{Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::PluginError;
use super::limits::{MEMORY_CEILING, STACK, TABLE_CEILING, TICK};
use baton_core::kind::Kind;

/// Calls of strategies that may run at once.
const PURE_SLOTS: u32 = 32;
/// Adapters that may be called at once: attempts, probes, and what is left of attempts that were stopped.
pub(super) const AGENT_SLOTS: u32 = 1024;
/// Attempts that may be given out at once.
pub const ATTEMPTS: u32 = AGENT_SLOTS - 64;

/// Everything that plugins run on. Cheap to clone; a thread moves the epochs on until the last one is gone.
#[derive(Clone)]
pub struct Engines {
    pub(super) pure: Engine,
    pub(super) effectful: Engine,
}

impl Engines {
    /// # Errors
    /// [`PluginError::Host`] if the machine can't run WebAssembly.
    pub fn start() -> Result<Self, PluginError> {
        let engines = Self { pure: pooled(true, PURE_SLOTS)?, effectful: pooled(false, AGENT_SLOTS)? };
        let clocks = vec![engines.pure.weak(), engines.effectful.weak()];
        thread::Builder::new().name("baton-epoch".into()).spawn(move || tick(&clocks)).map_err(failed)?;
        Ok(engines)
    }

    pub(super) fn of(&self, kind: Kind) -> &Engine {
        if kind.is_pure() { &self.pure } else { &self.effectful }
    }
}

fn failed(why: impl std::fmt::Display) -> PluginError {
    PluginError::Host { plugin: "the plugin engine".into(), why: why.to_string() }
}

fn tick(clocks: &[EngineWeak]) {
    loop {
        thread::sleep(TICK);
        let alive: Vec<Engine> = clocks.iter().filter_map(EngineWeak::upgrade).collect();
        if alive.is_empty() {
            return;
        }
        alive.iter().for_each(Engine::increment_epoch);
    }
}

/// What decides how code is compiled: the same in the process that compiles and the one that runs.
fn compiling(pure: bool) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .epoch_interruption(true)
        .consume_fuel(pure)
        .cranelift_nan_canonicalization(pure)
        .relaxed_simd_deterministic(true)
        .shared_memory(false)
        .wasm_gc(false)
        .wasm_memory64(false)
        .max_wasm_stack(STACK)
        .memory_init_cow(true)
        .native_unwind_info(cfg!(windows));
    if !pure {
        config.async_stack_size(STACK * 2);
    }
    config
}

/// An engine that only compiles, without reserving address space for instances.
pub(super) fn compiler(kind: Kind) -> wasmtime::Result<Engine> {
    Engine::new(&compiling(kind.is_pure()))
}

/// Instances come from a pool; where the address space is too small for one, from the system, under the same limits.
fn pooled(pure: bool, slots: u32) -> Result<Engine, PluginError> {
    let mut config = compiling(pure);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(pure, slots)));
    match Engine::new(&config) {
        Ok(engine) => Ok(engine),
        Err(why) => {
            tracing::warn!("no pool for plugin instances, calls will be slower: {why}");
            Engine::new(&compiling(pure)).map_err(failed)
        }
    }
}

fn pool(pure: bool, slots: u32) -> PoolingAllocationConfig {
    let scan = PoolingAllocationConfig::is_pagemap_scan_available();
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_core_instances((slots * 4).max(128))
        .total_memories(slots * 2)
        .total_tables(slots * 4)
        .max_core_instances_per_component(64)
        .max_memories_per_component(2)
        .max_tables_per_component(16)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .table_elements(TABLE_CEILING)
        .max_memory_size(MEMORY_CEILING)
        .linear_memory_keep_resident(if scan { 2 << 20 } else { 0 })
        .table_keep_resident(if scan { 64 << 10 } else { 0 })
        .pagemap_scan(Enabled::Auto)
        .decommit_batch_size(16)
        .max_unused_warm_slots(slots / 4);
    if !pure {
        pool.total_stacks(slots);
    }
    pool
}
