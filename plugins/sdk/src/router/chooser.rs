//! Chooses agents by what is expected of each. The tasks of a batch are decided one after the other, with the load that the
//! earlier decisions add. A task waits for a busy agent if that is worth it.

mod bid;
mod told;

use super::line::{Line, Place};
use super::lottery::{Belief, drawn};
use super::preference::{Preference, factors};
use super::{Assignment, Choice, Factor, Request, Room, Snapshot, Task};
use crate::seed::fnv1a;

use bid::{Bid, Guess};

pub use bid::Prospect;

/// A task that waits is deferred for this share of the expected wait.
const PAUSE: f64 = 0.25;
/// The shortest deferral, as a share of the usual duration of an attempt.
const SHORTEST: f64 = 0.05;

/// The longest deferral that the contract allows, in milliseconds.
const LONGEST: f64 = 3_600_000.0;

/// A task that does not return for this many usual durations of an attempt loses its place in line.
const GRACE: f64 = 2.0;

/// Decides the requests of a snapshot, in their order.
pub struct Chooser<'a> {
    snapshot: &'a Snapshot,
    preference: &'a Preference,
    weights: [f64; 4],
    /// The usual duration of an attempt in milliseconds; none before the first.
    usual: Option<f64>,
    room: Room,
    line: Line,
    /// Hashes of the agents' names.
    names: Vec<u64>,
    /// Buffers for the current request, by candidate. Reused, because the arena reclaims memory only at the end of the call.
    bids: Vec<Bid>,
    beliefs: Vec<Belief>,
}

impl<'a> Chooser<'a> {
    /// `usual` is the usual duration of an attempt in milliseconds, `line` the waiting line after the last answer.
    pub fn new(
        snapshot: &'a Snapshot,
        preference: &'a Preference,
        usual: Option<f64>,
        mut line: Line,
    ) -> Self {
        line.forget(snapshot.now, usual.map_or(0, |usual| (GRACE * usual) as u64));
        Self {
            snapshot,
            preference,
            weights: preference.weights(usual),
            usual,
            room: Room::of(&snapshot.agents),
            line,
            names: snapshot.agents.iter().map(|agent| fnv1a(agent.id.as_bytes())).collect(),
            bids: Vec::new(),
            beliefs: Vec::new(),
        }
    }

    /// The factors of the totals.
    pub fn factors(&self) -> Vec<Factor> {
        factors(self.weights)
    }

    /// The waiting line after all decisions.
    pub fn into_line(self) -> Line {
        self.line
    }

    /// Assigns a candidate that has room, drawn by lot, or defers the task. `prospects` has one entry per agent of the snapshot.
    pub fn choose(&mut self, request: &Request, candidates: &[u32], prospects: &[Prospect]) -> Choice {
        let own = name(&request.task);
        let stood = self.line.take(own);
        // A new task queues behind those that were deferred earlier, including in this batch.
        let (since, own) = stood.map_or((self.snapshot.now, u64::MAX), |place| (place.since, own));
        let ahead = self.ahead(request.task.priority, since, own);
        let guess = Guess::of(request, candidates, prospects);
        self.bids.clear();
        for &agent in candidates {
            if let Some(prospect) = prospects.get(agent as usize) {
                let bid = self.bid(agent, prospect, &guess, &ahead);
                self.bids.push(bid);
            }
        }
        let wanted = self.worth_waiting_for(&request.task, prospects, &guess, &ahead, since);
        if let Some((agent, wait)) = wanted
            && let Some(choice) = self.put_off(&request.task, agent, wait, since)
        {
            return choice;
        }
        let choice = self.assign(request);
        self.room.note(&choice);
        choice
    }

    /// For each agent, the number of tasks in line for it before a task of this priority that waits since then.
    fn ahead(&self, priority: i32, since: u64, task: u64) -> Vec<u32> {
        let mut ahead = vec![0; self.names.len()];
        for agent in self.line.before(priority, since, task) {
            if let Some(at) = self.names.iter().position(|name| *name == agent) {
                ahead[at] += 1;
            }
        }
        ahead
    }

    fn bid(&self, agent: u32, prospect: &Prospect, guess: &Guess, ahead: &[u32]) -> Bid {
        let others = ahead.get(agent as usize).copied().unwrap_or(0);
        Bid::of(agent, prospect, guess, &self.room, others, self.preference, self.weights)
    }

    /// The busy agent that is worth more than all agents with room in spite of the wait, and the wait in milliseconds. None
    /// once the task has waited for long enough, or if the usual duration of an attempt is unknown.
    fn worth_waiting_for(
        &self,
        task: &Task,
        prospects: &[Prospect],
        guess: &Guess,
        ahead: &[u32],
        since: u64,
    ) -> Option<(u32, f64)> {
        let waited = self.snapshot.now.saturating_sub(since) as f64;
        if waited >= self.preference.patience * self.usual? {
            return None;
        }
        let free = self.bids.iter().filter(|bid| bid.queue == 0.0);
        let mut most = free.map(|bid| bid.total).fold(f64::NEG_INFINITY, f64::max);
        let mut best = None;
        let mut weigh = |bid: &Bid| {
            if bid.queue > 0.0 && bid.total > most {
                most = bid.total;
                best = Some((bid.agent, bid.wait()));
            }
        };
        self.bids.iter().for_each(&mut weigh);
        for (agent, prospect) in (0..).zip(prospects) {
            if self.is_busy_and_suits(agent, task) {
                weigh(&self.bid(agent, prospect, guess, ahead));
            }
        }
        best
    }

    /// Whether an agent has no room and could do the task, as far as the snapshot tells.
    fn is_busy_and_suits(&self, agent: u32, task: &Task) -> bool {
        let Some(agent) = self.snapshot.agents.get(agent as usize) else { return false };
        agent.running >= agent.capacity
            && task.skills.iter().all(|skill| agent.declares(skill))
            && task.track.as_ref().is_none_or(|track| agent.tracks.is_empty() || agent.tracks.contains(track))
    }

    /// Puts a task in line for an agent; none if the line is full.
    fn put_off(&mut self, task: &Task, agent: u32, wait: f64, since: u64) -> Option<Choice> {
        let shortest = self.usual.map_or(0.0, |usual| SHORTEST * usual).min(LONGEST);
        let pause = (PAUSE * wait).clamp(shortest, LONGEST).max(1.0) as u64;
        let place = Place {
            task: name(task),
            agent: self.names.get(agent as usize).copied()?,
            priority: task.priority,
            since,
            until: self.snapshot.now.saturating_add(pause),
        };
        self.line.put(place).then_some(Choice::Defer(pause))
    }

    /// Draws among the candidates with no one in line, otherwise those with room, otherwise all.
    fn assign(&mut self, request: &Request) -> Choice {
        let places = |which: &dyn Fn(&Bid) -> bool| -> Vec<usize> {
            (0..self.bids.len()).filter(|at| which(&self.bids[*at])).collect()
        };
        let mut open = places(&|bid| bid.queue == 0.0);
        if open.is_empty() {
            open = places(&|bid| !self.room.is_full(bid.agent));
        }
        if open.is_empty() {
            open = places(&|_| true);
        }
        self.beliefs.clear();
        self.beliefs.extend(open.iter().map(|at| self.bids[*at].belief()));
        let chances = self.preference.lottery.chances(&self.beliefs);
        let fraction = self.snapshot.random(&request.task).fraction();
        let Some(lot) = drawn(&chances, fraction) else {
            return Choice::Reject(String::from("no agent is eligible"));
        };
        for (at, chance) in open.iter().zip(&chances) {
            self.bids[*at].propensity = chance.clamp(0.0, 1.0);
        }
        Choice::Assign(self.assignment(&open, open[lot]))
    }

    fn assignment(&self, open: &[usize], chosen: usize) -> Assignment {
        let others = told::best(&self.bids, open, chosen);
        let bid = &self.bids[chosen];
        let is_best = others.first().is_none_or(|best| bid.total >= self.bids[*best].total);
        let reason = format!(
            "{} is expected to succeed with {:.2} (confidence {:.2}) and {} {}",
            self.snapshot.name(bid.agent),
            bid.success,
            bid.confidence,
            if is_best { "seems the best of" } else { "was drawn by lot from" },
            open.len(),
        );
        Assignment {
            agent: bid.agent,
            fallbacks: others.iter().map(|at| self.bids[*at].agent).collect(),
            scores: told::scores(&self.bids, chosen, self.snapshot.requests.len()),
            reason,
        }
    }
}

/// The hash that identifies a task in line.
fn name(task: &Task) -> u64 {
    fnv1a(task.id.as_bytes()) ^ fnv1a(task.run.as_bytes()).rotate_left(32)
}

#[cfg(test)]
mod tests;
