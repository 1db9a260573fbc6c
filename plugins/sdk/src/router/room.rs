//! The load of the agents, including the assignments of the current answer.

use super::{Agent, Choice};

/// Loads by index into `snapshot.agents`.
pub struct Room {
    agents: Vec<Load>,
}

struct Load {
    used: u32,
    capacity: u32,
}

impl Room {
    /// The loads of the snapshot.
    pub fn of(agents: &[Agent]) -> Self {
        let load = |agent: &Agent| Load { used: agent.running, capacity: agent.capacity.max(1) };
        Self { agents: agents.iter().map(load).collect() }
    }

    /// The share of an agent's capacity in use: 0.0 = idle, 1.0 = full, more = overbooked in this answer.
    pub fn load(&self, agent: u32) -> f64 {
        self.agents.get(agent as usize).map_or(1.0, |load| f64::from(load.used) / f64::from(load.capacity))
    }

    /// Whether it has no room for another attempt.
    pub fn is_full(&self, agent: u32) -> bool {
        self.agents.get(agent as usize).is_none_or(|load| load.used >= load.capacity)
    }

    /// The number of attempts that another one would have to wait for, divided by the agent's capacity, if `others` are
    /// assigned first; 0.0 if there is room.
    pub fn ahead(&self, agent: u32, others: u32) -> f64 {
        self.agents.get(agent as usize).map_or(0.0, |load| {
            let ahead = load.used.saturating_add(others).saturating_add(1).saturating_sub(load.capacity);
            f64::from(ahead) / f64::from(load.capacity)
        })
    }

    /// 1.0 for a full agent, 0.0 for one with room: a value for a [`Scorecard`](super::Scorecard).
    pub fn full(&self, agent: u32) -> f64 {
        f64::from(u8::from(self.is_full(agent)))
    }

    /// Counts an assignment, so that the next request of the batch sees it.
    pub fn note(&mut self, choice: &Choice) {
        if let Choice::Assign(assignment) = choice
            && let Some(load) = self.agents.get_mut(assignment.agent as usize)
        {
            load.used = load.used.saturating_add(1);
        }
    }
}
