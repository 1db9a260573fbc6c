//! Reference policies that no plugin could implement: they know the truth, or assign every task to an agent's queue
//! on arrival.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use baton_core::seed::Seed;

use super::Played;
use crate::world::World;
use crate::world::draw::{self, Draw};

/// What a policy may use when a task arrives.
#[derive(Clone, Copy, Debug)]
pub struct Queues<'a> {
    pub world: &'a World,
    /// Index of the task that has come.
    pub task: usize,
    pub now_ms: u64,
    /// By agent: tasks that it was given and has not ended.
    pub pending: &'a [u32],
    /// For randomised policies.
    pub seed: Seed,
}

/// How a reference policy chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    Random,
    /// Round robin.
    RoundRobin,
    /// The fewest pending tasks for its capacity; random among equals.
    LeastLoaded,
    /// The least loaded agent that declares the skill.
    Capability,
    /// Always the agent that is best over all skills before any drift.
    BestSingle,
    /// The agent with the highest probability of success. Knows every agent's skill, and drift.
    SkillOracle,
    /// The least loaded agent that will succeed. Knows outcomes.
    TaskOracle,
}

impl Reference {
    pub const ALL: [Self; 7] = [
        Self::Random,
        Self::RoundRobin,
        Self::LeastLoaded,
        Self::Capability,
        Self::BestSingle,
        Self::SkillOracle,
        Self::TaskOracle,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::RoundRobin => "round-robin",
            Self::LeastLoaded => "least-loaded",
            Self::Capability => "capability",
            Self::BestSingle => "best-single",
            Self::SkillOracle => "skill-oracle",
            Self::TaskOracle => "task-oracle",
        }
    }

    /// Simulates a whole world.
    #[must_use]
    pub fn play(self, world: &World) -> Vec<Played> {
        queue_per_agent(world, |queues| self.choose(queues))
    }

    /// The agent for a task; none if no agent is present.
    #[must_use]
    pub fn choose(self, queues: &Queues<'_>) -> Option<usize> {
        let Queues { world, task, .. } = *queues;
        let there: Vec<usize> = (0..world.agents.len()).filter(|agent| world.present(*agent, task)).collect();
        let any = || queues.least_loaded(&there);
        let of = |which: &dyn Fn(usize) -> bool| {
            let some: Vec<usize> = there.iter().copied().filter(|agent| which(*agent)).collect();
            queues.least_loaded(&some)
        };
        match self {
            Self::Random => there.get(draw::below(queues.seed.of(-1), there.len())).copied(),
            Self::RoundRobin => there.get(task % there.len().max(1)).copied(),
            Self::LeastLoaded => any(),
            Self::Capability => of(&|agent| world.declares(agent, task)).or_else(any),
            Self::BestSingle => there.into_iter().max_by(|one, other| {
                world.quality(*one).total_cmp(&world.quality(*other)).then(other.cmp(one))
            }),
            Self::SkillOracle => world.skill_oracle(task),
            Self::TaskOracle => of(&|agent| world.truth(agent, task)).or_else(any),
        }
    }
}

impl Queues<'_> {
    /// The agent of these with the fewest pending tasks for its capacity; random among equals.
    #[must_use]
    pub fn least_loaded(&self, of: &[usize]) -> Option<usize> {
        let load = |agent: usize| {
            let capacity = self.world.agents.get(agent).map_or(1, |agent| agent.capacity.max(1));
            f64::from(self.pending.get(agent).copied().unwrap_or(0)) / f64::from(capacity)
        };
        let least = of.iter().map(|agent| load(*agent)).fold(f64::INFINITY, f64::min);
        let equals: Vec<usize> = of.iter().copied().filter(|agent| load(*agent) <= least).collect();
        equals.get(draw::below(self.seed, equals.len())).copied()
    }
}

/// An agent's queue: first come, first served.
#[derive(Clone, Debug)]
struct Queue {
    /// When each place is free again.
    places: BinaryHeap<Reverse<u64>>,
    /// When each task that is pending will end.
    ends: BinaryHeap<Reverse<u64>>,
}

impl Queue {
    fn new(capacity: u32) -> Self {
        Self { places: (0..capacity.max(1)).map(|_| Reverse(0)).collect(), ends: BinaryHeap::new() }
    }

    fn pending(&mut self, now: u64) -> u32 {
        while self.ends.peek().is_some_and(|Reverse(end)| *end <= now) {
            self.ends.pop();
        }
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// When a task that comes now will start and end.
    fn push(&mut self, now: u64, takes: u64) -> (u64, u64) {
        let start = self.places.pop().map_or(now, |Reverse(free)| free.max(now));
        let end = start.saturating_add(takes);
        self.places.push(Reverse(end));
        self.ends.push(Reverse(end));
        (start, end)
    }
}

/// Plays a world in which each task joins the queue of an agent as soon as it arrives, is tried once and stays there.
/// If `choose` names no agent, the task is not played.
#[must_use]
pub fn queue_per_agent(world: &World, mut choose: impl FnMut(&Queues<'_>) -> Option<usize>) -> Vec<Played> {
    let mut queues: Vec<Queue> = world.agents.iter().map(|agent| Queue::new(agent.capacity)).collect();
    let mut played = Vec::with_capacity(world.tasks.len());
    for (task, at) in world.tasks.iter().enumerate() {
        let now = at.arrives;
        let pending: Vec<u32> = queues.iter_mut().map(|queue| queue.pending(now)).collect();
        let seed = draw::one(Seed(world.config.seed), Draw::Policy, task);
        let chosen = choose(&Queues { world, task, now_ms: now, pending: &pending, seed });
        let Some((agent, queue)) = chosen.and_then(|agent| Some((agent, queues.get_mut(agent)?))) else {
            continue;
        };
        let (started_ms, ended_ms) = queue.push(now, world.service_ms(agent, task));
        played.push(Played {
            task,
            agent,
            arrived_ms: now,
            started_ms,
            ended_ms,
            accepted: world.observed(agent, task, 0),
            truth: world.truth(agent, task),
        });
    }
    played
}
