//! Limits of one call of a plugin. All have defaults; the table `[plugins.NAME.limits]` changes them.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use baton_core::kind::Kind;

use super::PluginError;

/// The limits of one plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory in bytes, over all memories of an instance. Tables are not included.
    pub memory: usize,
    /// Elements of one table.
    pub table: usize,
    /// Instructions, as wasmtime counts fuel. Only for pure kinds, where it makes running out reproducible; none for agents.
    pub fuel: Option<u64>,
    /// CPU time, checked every 10 ms.
    pub cpu: Duration,
    /// Time from call to answer including waiting. Always none: attempts of agents have their own timeouts.
    pub wall: Option<Duration>,
    /// The most bytes that are copied between host and plugin in one host call or answer.
    pub copied: usize,
    /// The most handles to host resources that are open at once.
    pub handles: usize,
    /// Log lines. Further ones are counted and dropped.
    pub log_lines: u32,
    /// Limits on what it asks of the host.
    pub asks: Asks,
}

/// How much a plugin may ask of the host, per task and per run. A plugin is called again with what it asked for and may ask
/// again, so a single call's limits do not bound it. None = plugins of this kind can't ask for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// Tasks that a router may have done before it decides on one task.
    pub consultations: Option<u32>,
    /// The same over a whole run.
    pub consultations_per_run: Option<u32>,
    /// Calls of an executor about one attempt at a composite task.
    pub rounds: Option<u32>,
    /// Children of one attempt at a composite task.
    pub children: Option<u32>,
    /// Children of composite tasks over a whole run.
    pub children_per_run: Option<u32>,
    /// Questions to people in one attempt, whether or not they are answered.
    pub questions: Option<u32>,
}

/// One of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitKind {
    /// [`Limits::memory`].
    Memory,
    /// [`Limits::table`].
    Table,
    /// [`Limits::fuel`].
    Fuel,
    /// [`Limits::cpu`].
    Cpu,
    /// [`Limits::wall`].
    Wall,
    /// [`Limits::copied`].
    Copied,
    /// [`Limits::handles`].
    Handles,
    /// [`Limits::log_lines`].
    LogLines,
    /// [`STACK`], which can't be configured.
    Stack,
    /// [`Asks::consultations`].
    Consultations,
    /// [`Asks::consultations_per_run`].
    ConsultationsPerRun,
    /// [`Asks::rounds`].
    Rounds,
    /// [`Asks::children`].
    Children,
    /// [`Asks::children_per_run`].
    ChildrenPerRun,
    /// [`Asks::questions`].
    Questions,
}

impl LimitKind {
    /// Every limit, in the order in which they are listed.
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

    /// Its key in the configuration.
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

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.key())
    }
}

const MIB: usize = 1 << 20;

/// Stack of a plugin in bytes. The same for all, because it is a property of the engine.
pub const STACK: usize = 512 << 10;
/// The largest memory limit that can be configured, in bytes.
pub const MEMORY_CEILING: usize = 512 * MIB;
/// The largest table limit that can be configured, in elements.
pub const TABLE_CEILING: usize = 100_000;
/// The largest component that is accepted, in bytes.
pub const COMPONENT_CEILING: u64 = 64 << 20;

impl Limits {
    /// The default limits of a kind.
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
            // Room for a score of each of 1,000 agents on each of 256 tasks.
            Kind::Router => Self { memory: 128 * MIB, copied: 64 * MIB, ..pure },
            Kind::Validator => pure,
            Kind::Executor => {
                Self { memory: 256 * MIB, cpu: Duration::from_secs(5), copied: 64 * MIB, ..pure }
            }
            Kind::Agent => Self { fuel: None, cpu: Duration::from_secs(60), ..pure },
        }
    }

    /// The CPU limit in ticks of the epoch, at least 1.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        u64::try_from(self.cpu.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// The error of a plugin that exceeded a limit, with how to raise it.
    #[must_use]
    pub fn exceeded(&self, plugin: &str, limit: LimitKind) -> PluginError {
        PluginError::OverLimit {
            plugin: plugin.to_owned(),
            limit,
            allowed: self.shown(limit),
            remedy: remedy(plugin, limit),
        }
    }

    /// The value of a limit, as the configuration writes it.
    #[must_use]
    pub fn shown(&self, name: LimitKind) -> String {
        let span = |span: Duration| baton_core::span::Span(span).to_string();
        match name {
            LimitKind::Memory => bytes(self.memory),
            LimitKind::Table => format!("{} elements", self.table),
            LimitKind::Fuel => self.fuel.map_or_else(|| "none".into(), |fuel| fuel.to_string()),
            LimitKind::Cpu => span(self.cpu),
            LimitKind::Wall => self.wall.map_or_else(|| "the attempt's timeout".into(), span),
            LimitKind::Copied => bytes(self.copied),
            LimitKind::Handles => self.handles.to_string(),
            LimitKind::LogLines => self.log_lines.to_string(),
            LimitKind::Stack => bytes(STACK),
            LimitKind::Consultations => asked(self.asks.consultations),
            LimitKind::ConsultationsPerRun => asked(self.asks.consultations_per_run),
            LimitKind::Rounds => asked(self.asks.rounds),
            LimitKind::Children => asked(self.asks.children),
            LimitKind::ChildrenPerRun => asked(self.asks.children_per_run),
            LimitKind::Questions => asked(self.asks.questions),
        }
    }
}

fn remedy(plugin: &str, limit: LimitKind) -> String {
    match limit {
        LimitKind::Stack => "it recurses too deeply; this limit is fixed".into(),
        LimitKind::Memory
        | LimitKind::Table
        | LimitKind::Fuel
        | LimitKind::Cpu
        | LimitKind::Wall
        | LimitKind::Copied
        | LimitKind::Handles
        | LimitKind::LogLines
        | LimitKind::Consultations
        | LimitKind::ConsultationsPerRun
        | LimitKind::Rounds
        | LimitKind::Children
        | LimitKind::ChildrenPerRun
        | LimitKind::Questions => {
            format!("fix it, or set [plugins.{}.limits] {limit} in baton.toml", key(plugin))
        }
    }
}

/// A plugin's name as a TOML key: quoted if it is a path.
fn key(plugin: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if plugin.chars().all(is_bare) { plugin.to_owned() } else { format!("{plugin:?}") }
}

/// Stands for a limit on something that plugins of the kind can't ask for.
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

    /// The configured values in place of the defaults. A limit that the kind does not have stays none.
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

/// The period of the epoch: CPU time is measured in these.
pub const TICK: Duration = Duration::from_millis(10);

/// A number of bytes in the largest unit that divides it: `64MiB`, `1KiB`, `100B`.
#[must_use]
pub fn bytes(count: usize) -> String {
    match count {
        count if count >= MIB && count % MIB == 0 => format!("{}MiB", count / MIB),
        count if count >= 1024 && count % 1024 == 0 => format!("{}KiB", count / 1024),
        count => format!("{count}B"),
    }
}

/// The table `[plugins.NAME.limits]`. None = the default; each has the meaning of the field of the same name in [`Limits`] or
/// [`Asks`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Overrides {
    /// Linear memory, at most [`MEMORY_CEILING`].
    pub memory: Option<baton_core::size::Size>,
    /// Table elements, at most [`TABLE_CEILING`].
    pub table: Option<usize>,
    /// Instructions; ignored for agents.
    pub fuel: Option<u64>,
    /// CPU time.
    pub cpu: Option<baton_core::span::Span>,
    /// Bytes copied per host call or answer.
    pub copied: Option<baton_core::size::Size>,
    /// Open handles.
    pub handles: Option<usize>,
    /// Log lines.
    pub log_lines: Option<u32>,
    /// Consultations per task.
    pub consultations: Option<u32>,
    /// Consultations per run.
    pub consultations_per_run: Option<u32>,
    /// Calls per attempt at a composite task.
    pub rounds: Option<u32>,
    /// Children per attempt at a composite task.
    pub children: Option<u32>,
    /// Children per run.
    pub children_per_run: Option<u32>,
    /// Questions to people per attempt.
    pub questions: Option<u32>,
}

impl Overrides {
    /// The limits with the configured values in place, cut to the ceilings.
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
