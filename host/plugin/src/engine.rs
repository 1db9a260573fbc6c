//! The two wasmtime engines: a synchronous, deterministic one for pure plugins, and an asynchronous one for agents, whose
//! calls wait for the world.

use std::sync::Arc;
use std::thread;

use wasmtime::{Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::PluginError;
use super::limits::{MEMORY_CEILING, STACK, TABLE_CEILING, TICK};
use super::slots::Slots;
use baton_core::kind::Kind;

/// Concurrent calls of pure plugins.
const PURE_SLOTS: u32 = 32;
/// Concurrent calls of adapters: attempts, probes, and attempts that were cancelled and have not stopped yet.
pub(super) const AGENT_SLOTS: u32 = 1024;
/// The most attempts that may run at once on one host; the remaining slots are for probes and cancelled attempts.
pub const ATTEMPTS: u32 = AGENT_SLOTS - 64;

/// What plugins run on. Cheap to clone. A thread advances the epochs until the last clone is dropped.
#[derive(Clone)]
pub struct Engines {
    pub(super) pure: Engine,
    pub(super) pure_slots: Arc<Slots>,
    pub(super) effectful: Engine,
}

impl Engines {
    /// Creates the engines and starts the thread that advances their epochs.
    ///
    /// # Errors
    /// [`PluginError::Host`] if the machine can't run WebAssembly, or starts no thread.
    pub fn start() -> Result<Self, PluginError> {
        let engines = Self {
            pure: pooled(true, PURE_SLOTS)?,
            pure_slots: Slots::new(PURE_SLOTS),
            effectful: pooled(false, AGENT_SLOTS)?,
        };
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

/// The settings that affect compiled code. The process that compiles and the one that runs must agree on them.
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

/// An engine with a pool of instances. Where the address space is too small for a pool, instances are allocated one by
/// one, under the same limits.
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
