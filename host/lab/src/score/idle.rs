//! Capacity that is idle while there is work for it.

use super::Played;
use crate::world::World;

/// An event of a task or an agent. Simultaneous events may come in any order: only the time between events counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// A task of this class begins to wait.
    Arrived {
        class: usize,
    },
    Ended {
        agent: usize,
    },
    Started {
        class: usize,
        agent: usize,
    },
}

/// Agent-seconds of free capacity while some task was waiting that the agent could have taken: it declares the skill
/// and is there. Each free place counts, however many tasks wait. Strategies that assign tasks on arrival are
/// penalised here for queues behind one agent while another is free.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a run, below 2^53")]
pub fn while_queued(world: &World, played: &[Played]) -> f64 {
    let able = able(world);
    let mut waiting = vec![0_i64; 2 * world.skills.len()];
    let mut free: Vec<i64> = world.agents.iter().map(|agent| i64::from(agent.capacity)).collect();
    let (mut now, mut idle) = (0, 0_u64);
    for (at, event) in events(world, played) {
        idle = idle.saturating_add(wanted(&able, &waiting, &free).saturating_mul(at - now));
        now = at;
        match event {
            Event::Arrived { class } => waiting[class] += 1,
            Event::Ended { agent } => free[agent] += 1,
            Event::Started { class, agent } => {
                waiting[class] -= 1;
                free[agent] -= 1;
            }
        }
    }
    idle as f64 / 1000.0
}

/// Free places of agents that could take something that waits.
fn wanted(able: &[Vec<bool>], waiting: &[i64], free: &[i64]) -> u64 {
    let could = |classes: &[bool]| classes.iter().zip(waiting).any(|(able, waiting)| *able && *waiting > 0);
    let wanted = able.iter().zip(free).filter(|(classes, _)| could(classes));
    wanted.map(|(_, free)| u64::try_from(*free).unwrap_or(0)).sum()
}

fn events(world: &World, played: &[Played]) -> Vec<(u64, Event)> {
    let mut events = Vec::with_capacity(3 * played.len());
    for one in played {
        let (class, agent) = (class(world, one.task), one.agent);
        let started = one.started_ms.max(one.arrived_ms);
        events.push((one.arrived_ms, Event::Arrived { class }));
        events.push((started, Event::Started { class, agent }));
        events.push((one.ended_ms.max(started), Event::Ended { agent }));
    }
    events.sort_by_key(|(at, _)| *at);
    events
}

/// Tasks that the same agents can take: one class for each skill before and after drift, when agents may come and go.
fn class(world: &World, task: usize) -> usize {
    let after = world.drift_at().is_some_and(|at| task >= at);
    2 * world.tasks.get(task).map_or(0, |task| task.skill) + usize::from(after)
}

fn able(world: &World) -> Vec<Vec<bool>> {
    let mut able = vec![vec![false; 2 * world.skills.len()]; world.agents.len()];
    for task in 0..world.tasks.len() {
        let class = class(world, task);
        for (agent, classes) in able.iter_mut().enumerate() {
            classes[class] = world.declares(agent, task) && world.present(agent, task);
        }
    }
    able
}
