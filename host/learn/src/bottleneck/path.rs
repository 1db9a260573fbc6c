//! The critical path of a run, followed from its last end back to its start.

use std::collections::BTreeMap;

use baton_core::clock::Time;
use baton_core::episode::Episode;
use baton_core::id::TaskId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::history::History;

/// First to last.
pub type Path = Vec<Step>;

/// One attempt on a critical path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// The event that ended the attempt.
    pub seq: i64,
    /// The task.
    pub task: TaskId,
    /// Its id in the plan.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The agent's name.
    pub agent: String,
    /// What it waited for last.
    pub link: Link,
    /// From the end of that to its start, in milliseconds.
    pub waiting_ms: u64,
    /// From its start to its end, in milliseconds.
    pub working_ms: u64,
}

/// What kept an attempt from starting earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// Nothing: it is the first of its path.
    Start,
    /// A task that it depends on.
    Dependency,
    /// An earlier attempt at the same task.
    Retry,
    /// Its agent, which was busy with another task.
    Agent,
}

impl Step {
    /// Waiting and working, in milliseconds.
    #[must_use]
    pub fn total_ms(&self) -> u64 {
        self.waiting_ms.saturating_add(self.working_ms)
    }
}

/// The attempts of each agent, sorted by their ends.
type Queues<'a> = BTreeMap<&'a str, Vec<&'a Episode>>;

/// The critical path of a run whose first task was ready at `start`. It follows agents as well as dependencies, which
/// is called a critical sequence. Source: Wiest, "Some Properties of Schedules for Large Projects with Limited
/// Resources", 1964.
pub(super) fn path(attempts: &[&Episode], history: &History, start: Time) -> Path {
    let mut queues: Queues = BTreeMap::new();
    for episode in attempts {
        queues.entry(&episode.agent).or_default().push(episode);
    }
    for queue in queues.values_mut() {
        queue.sort_by_key(|episode| place(episode));
    }
    let mut steps = Vec::new();
    let mut next = attempts.iter().max_by_key(|episode| place(episode)).copied();
    let mut until = next.map_or(start, |last| last.ended);
    while let Some(episode) = next {
        let began = episode.started.min(until).max(start);
        let cause = cause(episode, &queues, history);
        let from = cause.map_or(start, |(_, before)| before.ended.min(began).max(start));
        steps.push(Step {
            seq: episode.seq,
            task: episode.task,
            name: episode.name.clone(),
            kind: episode.kind.clone(),
            agent: episode.agent.clone(),
            link: cause.map_or(Link::Start, |(link, _)| link),
            waiting_ms: between(from, began),
            working_ms: between(began, until),
        });
        until = from;
        next = cause.map(|(_, before)| before);
    }
    steps.reverse();
    steps
}

fn between(from: Time, to: Time) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}

/// The order in which attempts ended.
fn place(episode: &Episode) -> (Time, i64) {
    (episode.ended, episode.seq)
}

fn cause<'a>(episode: &Episode, queues: &Queues<'a>, history: &History<'a>) -> Option<(Link, &'a Episode)> {
    if let Some(before) = queued_behind(episode, queues) {
        return Some((Link::Agent, before));
    }
    let earlier = history.attempts(episode.task).iter().map(|before| (Link::Retry, *before));
    let needed = episode.depends_on.iter().filter_map(|task| history.accepted(*task));
    earlier
        .chain(needed.map(|before| (Link::Dependency, before)))
        .filter(|(_, before)| {
            before.run == episode.run && before.ended <= episode.started && place(before) < place(episode)
        })
        .max_by_key(|(_, before)| place(before))
}

/// The attempt that its agent was busy with, if that explains more than half of its wait.
fn queued_behind<'a>(episode: &Episode, queues: &Queues<'a>) -> Option<&'a Episode> {
    let queue = queues.get(episode.agent.as_str())?;
    let (ready, started) = (episode.ready, episode.started);
    let after = queue.partition_point(|other| other.ended <= started && place(other) < place(episode));
    let before = *queue.get(after.checked_sub(1)?)?;
    let idle = started.since(before.ended);
    (before.ended > ready && before.task != episode.task && idle * 2 < started.since(ready)).then_some(before)
}

#[cfg(test)]
mod tests {
    use baton_core::knowledge::Verdict;

    use super::*;

    fn episode(seq: i64, task: i64, agent: &str, times: [i64; 3], depends_on: &[i64]) -> Episode {
        Episode {
            task: TaskId(task),
            agent: agent.into(),
            ready: Time(times[0]),
            started: Time(times[1]),
            ended: Time(times[2]),
            depends_on: depends_on.iter().map(|id| TaskId(*id)).collect(),
            ..crate::sample::sample(seq)
        }
    }

    fn steps(episodes: &[Episode]) -> Vec<(i64, Link, u64, u64)> {
        let attempts: Vec<&Episode> = episodes.iter().collect();
        let start = episodes.iter().map(|episode| episode.ready).min().unwrap();
        path(&attempts, &History::of(episodes), start)
            .iter()
            .map(|step| (step.seq, step.link, step.waiting_ms, step.working_ms))
            .collect()
    }

    #[test]
    fn a_chain_of_dependencies_adds_up() {
        let episodes = [
            episode(1, 1, "a", [0, 10, 100], &[]),
            episode(2, 2, "b", [0, 0, 50], &[]),
            episode(3, 3, "b", [105, 120, 200], &[1, 2]),
        ];
        assert_eq!(steps(&episodes), [(1, Link::Start, 10, 90), (3, Link::Dependency, 20, 80)]);
    }

    #[test]
    fn a_task_that_queued_for_its_agent_leads_to_what_the_agent_did() {
        let episodes = [
            episode(1, 1, "a", [0, 0, 100], &[]),
            episode(2, 2, "a", [0, 101, 160], &[]),
            episode(3, 3, "b", [0, 0, 150], &[]),
        ];
        assert_eq!(steps(&episodes), [(1, Link::Start, 0, 100), (2, Link::Agent, 1, 59)]);
    }

    #[test]
    fn a_wait_that_the_agent_does_not_explain_stays_with_the_task() {
        let episodes = [episode(1, 1, "a", [0, 0, 20], &[]), episode(2, 2, "a", [0, 100, 160], &[])];
        assert_eq!(steps(&episodes), [(2, Link::Start, 100, 60)]);
    }

    #[test]
    fn attempts_that_came_to_nothing_are_on_the_path() {
        let mut episodes = [
            episode(1, 1, "a", [0, 0, 100], &[]),
            episode(2, 1, "b", [110, 120, 150], &[]),
            episode(3, 2, "b", [150, 150, 170], &[1]),
        ];
        episodes[0].verdict = Verdict::Refused;
        let found = steps(&episodes);
        assert_eq!(found, [(1, Link::Start, 0, 100), (2, Link::Retry, 20, 30), (3, Link::Dependency, 0, 20)]);
    }

    #[test]
    fn times_that_contradict_one_another_do_no_harm() {
        let episodes = [
            episode(1, 1, "a", [50, 50, 50], &[2]),
            episode(2, 2, "a", [50, 50, 50], &[1]),
            episode(3, 3, "a", [90, 40, 60], &[1, 2, 3]),
        ];
        let total: u64 = steps(&episodes).iter().map(|(_, _, waiting, working)| waiting + working).sum();
        assert_eq!(total, 10);
    }
}
