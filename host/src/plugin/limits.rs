//! What one call of a plugin may use. On by default, set per plugin in the configuration.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Kind;

/// The limits of one plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory in bytes, all memories of an instance together with their tables apart.
    pub memory: usize,
    /// Elements of a table.
    pub table: usize,
    /// Instructions, as wasmtime counts them; only for the pure kinds, where the verdict is reproducible.
    pub fuel: Option<u64>,
    /// Computing time. Checked every tick of 10 ms.
    pub cpu: Duration,
    /// Time from call to answer, waiting included; only for agents, whose attempts have timeouts of their own.
    pub wall: Option<Duration>,
    /// Bytes that may be copied between host and plugin in one host call or answer.
    pub copied: usize,
    /// Handles to host resources at once.
    pub handles: usize,
    /// Lines of log.
    pub log_lines: u32,
}

/// A limit by its name in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    Memory,
    Table,
    Fuel,
    Cpu,
    Wall,
    Copied,
    Handles,
    /// What is beyond is counted and dropped.
    LogLines,
    Stack,
}

impl Name {
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Table => "table",
            Self::Fuel => "fuel",
            Self::Cpu => "cpu",
            Self::Wall => "wall",
            Self::Copied => "copied",
            Self::Handles => "handles",
            Self::LogLines => "log-lines",
            Self::Stack => "stack",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.key())
    }
}

const MIB: usize = 1 << 20;

/// Stack of a plugin, the same for all: it is a property of the engine.
pub const STACK: usize = 512 << 10;
/// The most memory and table elements that a plugin can be given.
pub const MEMORY_CEILING: usize = 512 * MIB;
pub const TABLE_CEILING: usize = 100_000;
/// The largest component that is read.
pub const COMPONENT_CEILING: u64 = 64 << 20;

impl Limits {
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        let pure = Self {
            memory: 64 * MIB,
            table: 20_000,
            fuel: Some(10_000_000_000),
            cpu: Duration::from_secs(2),
            wall: None,
            copied: 16 * MIB,
            handles: 256,
            log_lines: 256,
        };
        match kind {
            // A score for each of 1,000 agents on each of 256 tasks must fit.
            Kind::Router => Self { memory: 128 * MIB, copied: 64 * MIB, ..pure },
            Kind::Validator => pure,
            Kind::Executor => {
                Self { memory: 256 * MIB, cpu: Duration::from_secs(5), copied: 64 * MIB, ..pure }
            }
            Kind::Agent => Self { fuel: None, cpu: Duration::from_secs(60), ..pure },
        }
    }

    /// Ticks of the epoch after which a call is stopped.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        u64::try_from(self.cpu.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// A limit's value as it would be written in the configuration.
    #[must_use]
    pub fn shown(&self, name: Name) -> String {
        let span = |span: Duration| crate::span::Span(span).to_string();
        match name {
            Name::Memory => bytes(self.memory),
            Name::Table => format!("{} elements", self.table),
            Name::Fuel => self.fuel.map_or_else(|| "none".into(), |fuel| fuel.to_string()),
            Name::Cpu => span(self.cpu),
            Name::Wall => self.wall.map_or_else(|| "the attempt's timeout".into(), span),
            Name::Copied => bytes(self.copied),
            Name::Handles => self.handles.to_string(),
            Name::LogLines => self.log_lines.to_string(),
            Name::Stack => bytes(STACK),
        }
    }
}

/// How often the epoch moves on.
pub const TICK: Duration = Duration::from_millis(10);

#[must_use]
pub fn bytes(count: usize) -> String {
    match count {
        count if count >= MIB && count % MIB == 0 => format!("{}MiB", count / MIB),
        count if count >= 1024 && count % 1024 == 0 => format!("{}KiB", count / 1024),
        count => format!("{count}B"),
    }
}

/// What a plugin's configuration changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Overrides {
    pub memory: Option<crate::size::Size>,
    pub table: Option<usize>,
    pub fuel: Option<u64>,
    pub cpu: Option<crate::span::Span>,
    pub copied: Option<crate::size::Size>,
    pub handles: Option<usize>,
    pub log_lines: Option<u32>,
}

impl Overrides {
    #[must_use]
    pub fn over(&self, limits: Limits) -> Limits {
        Limits {
            memory: self.memory.map_or(limits.memory, |size| size.0).min(MEMORY_CEILING),
            table: self.table.unwrap_or(limits.table).min(TABLE_CEILING),
            fuel: limits.fuel.map(|fuel| self.fuel.unwrap_or(fuel)),
            cpu: self.cpu.map_or(limits.cpu, |span| span.0),
            wall: limits.wall,
            copied: self.copied.map_or(limits.copied, |size| size.0),
            handles: self.handles.unwrap_or(limits.handles),
            log_lines: self.log_lines.unwrap_or(limits.log_lines),
        }
    }
}
