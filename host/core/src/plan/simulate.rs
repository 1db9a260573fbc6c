//! Predicts a run from a plan's estimates: list scheduling on agents that never fail and start at once.

use std::collections::HashSet;
use std::time::Duration;

use super::{Plan, graph};
use crate::agent::Card;
use crate::span::Span;

/// One workstream's place in the predicted timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Position in the plan.
    pub workstream: usize,
    /// Position among the agents.
    pub agent: usize,
    /// Since the start of the run.
    pub start: Span,
    /// Since the start of the run.
    pub end: Span,
}

/// A predicted run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Sorted by start, then by agent.
    pub slots: Vec<Slot>,
    /// From the start to the last end.
    pub span: Span,
    /// Workstreams that none of the agents can do, and those that depend on them.
    pub stranded: Vec<usize>,
}

/// Agents that can do everything, to predict the effect of more agents.
#[must_use]
pub fn generalists(count: usize) -> Vec<Option<Card>> {
    vec![None; count]
}

/// Schedules by priority, then by the longest remaining chain, with the same locks and skills as a real run. `None`
/// stands for an agent that can do everything.
#[must_use]
pub fn timeline(plan: &Plan, agents: &[Option<Card>]) -> Timeline {
    let shape = graph::shape(plan);
    let terms: Vec<_> = plan.workstreams.iter().map(super::Workstream::terms).collect();
    let children = dependents(plan);
    let mut waiting: Vec<usize> =
        plan.workstreams.iter().map(|workstream| workstream.depends_on.len()).collect();
    let urgency =
        |index: &usize| (-plan.workstreams[*index].priority, std::cmp::Reverse(shape.tail[*index]), *index);
    let mut ready: Vec<usize> = (0..waiting.len()).filter(|&index| waiting[index] == 0).collect();
    let mut running: Vec<Slot> = Vec::new();
    let mut slots = Vec::new();
    let mut now = Duration::ZERO;
    loop {
        ready.sort_by_key(urgency);
        let mut started = HashSet::new();
        for &index in &ready {
            let conflicts = running
                .iter()
                .any(|slot| terms[slot.workstream].scope.conflict(&terms[index].scope).is_some());
            let free = |agent: &usize| !running.iter().any(|slot| slot.agent == *agent);
            let able =
                |agent: &usize| agents[*agent].as_ref().is_none_or(|card| card.suits(&terms[index]).is_ok());
            let agent = (0..agents.len()).filter(free).find(able).filter(|_| !conflicts);
            let Some(agent) = agent else { continue };
            let end = now + plan.workstreams[index].expected().0;
            running.push(Slot { workstream: index, agent, start: Span(now), end: Span(end) });
            started.insert(index);
        }
        ready.retain(|index| !started.contains(index));
        let Some(next) = running.iter().map(|slot| slot.end.0).min() else { break };
        now = next;
        let (done, still): (Vec<Slot>, Vec<Slot>) = running.into_iter().partition(|slot| slot.end.0 <= now);
        running = still;
        for slot in done {
            for &child in &children[slot.workstream] {
                waiting[child] -= 1;
                if waiting[child] == 0 {
                    ready.push(child);
                }
            }
            slots.push(slot);
        }
    }
    let done: HashSet<usize> = slots.iter().map(|slot| slot.workstream).collect();
    slots.sort_by_key(|slot| (slot.start, slot.agent));
    Timeline {
        slots,
        span: Span(now),
        stranded: (0..waiting.len()).filter(|index| !done.contains(index)).collect(),
    }
}

/// For each workstream those that depend on it.
fn dependents(plan: &Plan) -> Vec<Vec<usize>> {
    let mut children = vec![Vec::new(); plan.workstreams.len()];
    for (index, workstream) in plan.workstreams.iter().enumerate() {
        for parent in workstream.depends_on.iter().filter_map(|parent| plan.position(parent)) {
            children[parent].push(index);
        }
    }
    children
}
