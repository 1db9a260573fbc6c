//! What one call of a plugin may use. On by default, set per plugin in the configuration.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use baton_core::kind::Kind;

use super::PluginError;

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
    /// What it may have the host do, where plugins of its kind can ask for it.
    pub asks: Asks,
}

/// How much one plugin may have the host do for one task and for one run: what it asks for comes back to it, and it may
/// ask again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// Tasks that a router has done first, before it decides on one.
    pub consultations: Option<u32>,
    pub consultations_per_run: Option<u32>,
    /// Times that an executor is asked about one attempt of a composite task.
    pub rounds: Option<u32>,
    /// Children of one such attempt.
    pub children: Option<u32>,
    pub children_per_run: Option<u32>,
    /// Questions of one attempt to people, whoever answers them.
    pub questions: Option<u32>,
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
    Consultations,
    ConsultationsPerRun,
    Rounds,
    Children,
    ChildrenPerRun,
    Questions,
}

impl Name {
    pub const ALL: [Self; 15] = [
        Self::Memory,
        Self::Table,
        Self::Fuel,
        Self::Cpu,
        Self::Wall,
        Self::Copied,
        Self::Handles,
        Self::LogLines,
        Self::Stack,
        Self::Consultations,
        Self::ConsultationsPerRun,
        Self::Rounds,
        Self::Children,
        Self::ChildrenPerRun,
        Self::Questions,
    ];

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
            Self::Consultations => "consultations",
            Self::ConsultationsPerRun => "consultations-per-run",
            Self::Rounds => "rounds",
            Self::Children => "children",
            Self::ChildrenPerRun => "children-per-run",
            Self::Questions => "questions",
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
            asks: Asks::of(kind),
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

    /// That a plugin went over one of them, and what can be done about it.
    #[must_use]
    pub fn exceeded(&self, plugin: &str, limit: Name) -> PluginError {
        PluginError::OverLimit {
            plugin: plugin.to_owned(),
            limit,
            allowed: self.shown(limit),
            remedy: remedy(plugin, limit),
        }
    }

    /// A limit's value as it would be written in the configuration.
    #[must_use]
    pub fn shown(&self, name: Name) -> String {
        let span = |span: Duration| baton_core::span::Span(span).to_string();
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
            Name::Consultations => asked(self.asks.consultations),
            Name::ConsultationsPerRun => asked(self.asks.consultations_per_run),
            Name::Rounds => asked(self.asks.rounds),
            Name::Children => asked(self.asks.children),
            Name::ChildrenPerRun => asked(self.asks.children_per_run),
            Name::Questions => asked(self.asks.questions),
        }
    }
}

fn remedy(plugin: &str, limit: Name) -> String {
    match limit {
        Name::Stack => "it recurses too deeply; this limit is fixed".into(),
        Name::Memory
        | Name::Table
        | Name::Fuel
        | Name::Cpu
        | Name::Wall
        | Name::Copied
        | Name::Handles
        | Name::LogLines
        | Name::Consultations
        | Name::ConsultationsPerRun
        | Name::Rounds
        | Name::Children
        | Name::ChildrenPerRun
        | Name::Questions => {
            format!("fix it, or set [plugins.{}.limits] {limit} in baton.toml", key(plugin))
        }
    }
}

/// A name as a key of TOML: a component that is named by its path needs quotes.
fn key(plugin: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if plugin.chars().all(is_bare) { plugin.to_owned() } else { format!("{plugin:?}") }
}

/// How a limit is shown of what plugins of a kind can't ask for.
pub const NONE: &str = "-";

fn asked(limit: Option<u32>) -> String {
    limit.map_or_else(|| NONE.into(), |limit| limit.to_string())
}

impl Asks {
    fn of(kind: Kind) -> Self {
        let none = Self::default();
        match kind {
            Kind::Router => Self { consultations: Some(3), consultations_per_run: Some(10_000), ..none },
            Kind::Executor => {
                Self { rounds: Some(10_000), children: Some(10_000), children_per_run: Some(100_000), ..none }
            }
            Kind::Validator => none,
            Kind::Agent => Self { questions: Some(64), ..none },
        }
    }

    /// With what is configured, for what plugins of this kind can ask for.
    fn with(self, own: &Overrides) -> Self {
        let set = |usual: Option<u32>, own: Option<u32>| usual.map(|usual| own.unwrap_or(usual));
        Self {
            consultations: set(self.consultations, own.consultations),
            consultations_per_run: set(self.consultations_per_run, own.consultations_per_run),
            rounds: set(self.rounds, own.rounds),
            children: set(self.children, own.children),
            children_per_run: set(self.children_per_run, own.children_per_run),
            questions: set(self.questions, own.questions),
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
    pub memory: Option<baton_core::size::Size>,
    pub table: Option<usize>,
    pub fuel: Option<u64>,
    pub cpu: Option<baton_core::span::Span>,
    pub copied: Option<baton_core::size::Size>,
    pub handles: Option<usize>,
    pub log_lines: Option<u32>,
    pub consultations: Option<u32>,
    pub consultations_per_run: Option<u32>,
    pub rounds: Option<u32>,
    pub children: Option<u32>,
    pub children_per_run: Option<u32>,
    pub questions: Option<u32>,
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
            asks: limits.asks.with(self),
        }
    }
}
