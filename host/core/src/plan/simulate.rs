//! What a plan's estimates predict: list scheduling on agents that are never wrong and never wait.

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
    pub start: Span,
    pub end: Span,
}

/// A predicted run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// By start, then by agent.
    pub slots: Vec<Slot>,
    pub span: Span,
    /// What no agent could be found for, because of its skills, track or agent.
    pub stranded: Vec<usize>,
}

/// Agents that can do everything, for asking what more of them would bring.
#[must_use]
pub fn generalists(count: usize) -> Vec<Option<Card>> {
    vec![None; count]
}

/// Schedules the longest remaining chain first, with the same locks and skills as a real run. `None` stands for an
/// agent that can do everything.
#[must_use]
pub fn timeline(plan: &Plan, agents: &[Option<Card>]) -> Timeline {
    let shape = graph::shape(plan);
    let terms: Vec<_> = plan.workstreams.iter().map(super::Workstream::terms).collect();
    let mut waiting: Vec<usize> =
        plan.workstreams.iter().map(|workstream| workstream.depends_on.len()).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); waiting.len()];
    for (index, workstream) in plan.workstreams.iter().enumerate() {
        for parent in &workstream.depends_on {
            if let Some(parent) = plan.position(parent) {
                children[parent].push(index);
            }
        }
    }
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
            let clashes = running
                .iter()
                .any(|slot| terms[slot.workstream].scope.conflict(&terms[index].scope).is_some());
            let able = |agent: &usize| {
                !running.iter().any(|slot| slot.agent == *agent)
                    && agents[*agent].as_ref().is_none_or(|card| {
                        card.has_skills(&terms[index].skills)
                            && card.serves(terms[index].scope.track.as_deref())
                            && terms[index].agent.as_ref().is_none_or(|wanted| *wanted == card.name)
                    })
            };
            let Some(agent) = (0..agents.len()).find(able).filter(|_| !clashes) else { continue };
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
