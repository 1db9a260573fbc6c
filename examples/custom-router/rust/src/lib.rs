//! Track record: those who have done such work well go first, while they have room.
//!
//! The same router in three languages: `router.js` and `router.py` beside this crate give the same answers, byte for
//! byte. So all arithmetic is in whole millionths and becomes `f64` at the very end.

use std::cmp::Reverse;

use baton_sdk::log;
use baton_sdk::router::{
    Agent, Answer, Assignment, Attr, Choice, Config, Factor, RouteError, Router, Score, Snapshot, Task,
};

/// One, in millionths.
const ONE: u64 = 1_000_000;

/// What the factors count for in percent, unless the operator's configuration says otherwise.
const WEIGHTS: [(&str, u64); 3] = [("record", 60), ("room", 30), ("focus", 10)];

/// What being full costs, in percent: more than all else can gain, so that the full come last.
const FULL: u64 = 1000;

/// How many are named for the case that the chosen one is gone.
const FALLBACKS: usize = 3;

struct TrackRecord;

impl Router for TrackRecord {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        let weights = weights(Config(&snapshot.config))?;
        let calls = calls(&snapshot.state)?;
        let mut workers: Vec<Worker> = snapshot.agents.iter().map(Worker::of).collect();
        let decisions = snapshot.decide(|request, candidates| {
            let assignment = assign(&snapshot, weights, &request.task, candidates, &workers);
            workers[assignment.agent as usize].used += 1;
            Choice::Assign(assignment)
        });
        log::debug(&format!("call {calls}: {} decided", decisions.len()));
        Ok(Answer::from(decisions).with_factors(factors(weights)).with_state(calls.to_le_bytes().into()))
    }
}

/// What is kept of an agent while the batch is decided.
struct Worker {
    /// With what this batch has given it.
    used: u64,
    hash: u64,
}

impl Worker {
    fn of(agent: &Agent) -> Self {
        Self { used: agent.running.into(), hash: fnv1a(&agent.id) }
    }
}

/// One candidate. The values are millionths, the total is hundred-millionths.
struct Entry {
    agent: u32,
    record: u64,
    room: u64,
    focus: u64,
    full: u64,
    total: i64,
    /// Decides between equals: another order for each task, and the same whenever this decision is made again.
    lot: u64,
}

fn assign(
    snapshot: &Snapshot,
    weights: [u64; 3],
    task: &Task,
    candidates: &[u32],
    workers: &[Worker],
) -> Assignment {
    let draw = mix(snapshot.seed ^ fnv1a(&task.id));
    let entries: Vec<Entry> = candidates
        .iter()
        .map(|&index| {
            let (agent, worker) = (&snapshot.agents[index as usize], &workers[index as usize]);
            let capacity = u64::from(agent.capacity);
            let left = capacity.saturating_sub(worker.used);
            let (record, room, focus) = (record(agent, task), share(left, capacity), focus(agent, task));
            let full = if left == 0 { ONE } else { 0 };
            let gain = record * weights[0] + room * weights[1] + focus * weights[2];
            Entry {
                agent: index,
                record,
                room,
                focus,
                full,
                total: gain as i64 - (full * FULL) as i64,
                lot: mix(draw ^ worker.hash),
            }
        })
        .collect();
    let mut ranked: Vec<&Entry> = entries.iter().collect();
    ranked.sort_by_key(|entry| (Reverse(entry.total), Reverse(entry.lot), entry.agent));
    let best = ranked[0];
    Assignment {
        agent: best.agent,
        fallbacks: ranked[1..].iter().take(FALLBACKS).map(|entry| entry.agent).collect(),
        scores: entries.iter().map(|entry| score(entry, best.agent)).collect(),
        reason: format!(
            "{} leads {}{}: record {} %, room {} %, focus {} %",
            snapshot.name(best.agent),
            entries.len(),
            if best.full == ONE { ", all full" } else { "" },
            best.record / 10_000,
            best.room / 10_000,
            best.focus / 10_000,
        ),
    }
}

/// How much of the agent's work on the task's skills was accepted; on all skills if the task names none. Two finished
/// attempts are made up, one of them accepted: who has done nothing yet is worth a half.
fn record(agent: &Agent, task: &Task) -> u64 {
    let (mut accepted, mut all) = (1, 2);
    for stats in &agent.stats {
        if task.skills.is_empty() || task.skills.contains(&stats.skill) {
            accepted += u64::from(stats.accepted);
            all += u64::from(stats.accepted) + u64::from(stats.refused) + u64::from(stats.failed);
        }
    }
    share(accepted, all)
}

/// How much of what the agent can do this task wants: specialists before generalists.
fn focus(agent: &Agent, task: &Task) -> u64 {
    let wanted = agent.skills.iter().filter(|skill| task.skills.contains(skill)).count();
    share(wanted as u64, agent.skills.len() as u64)
}

/// In millionths, rounded down; of nothing, nothing.
fn share(part: u64, whole: u64) -> u64 {
    (part * ONE).checked_div(whole).unwrap_or(0)
}

/// FNV-1a over UTF-8.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The finisher of SplitMix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn score(entry: &Entry, chosen: u32) -> Score {
    let values = [entry.record, entry.room, entry.focus, entry.full];
    Score {
        agent: entry.agent,
        total: entry.total as f64 / 1e8,
        propensity: if entry.agent == chosen { 1.0 } else { 0.0 },
        values: values.iter().map(|value| *value as f64 / 1e6).collect(),
        forecast: None,
    }
}

fn factors(weights: [u64; 3]) -> Vec<Factor> {
    let named = WEIGHTS.iter().zip(weights).map(|((name, _), weight)| (*name, weight as f64));
    named
        .chain([("full", -(FULL as f64))])
        .map(|(name, weight)| Factor { name: name.to_owned(), weight: weight / 100.0 })
        .collect()
}

fn weights(config: Config) -> Result<[u64; 3], RouteError> {
    let mut weights = WEIGHTS.map(|(_, weight)| weight);
    for (weight, (name, _)) in weights.iter_mut().zip(WEIGHTS) {
        if let Some(text) = config.get(name) {
            *weight = percent(text).ok_or_else(|| {
                let why = format!("is `{text}`, expected a whole percentage from 0 to 100");
                RouteError::BadConfig(Attr::new(name, why))
            })?;
        }
    }
    Ok(weights)
}

/// One to three digits, at most 100.
fn percent(text: &str) -> Option<u64> {
    let digits = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|value| digits && *value <= 100)
}

/// How many calls there were, with this one: eight bytes, the lowest first.
fn calls(state: &[u8]) -> Result<u64, RouteError> {
    if state.is_empty() {
        return Ok(1);
    }
    match <[u8; 8]>::try_from(state) {
        Ok(bytes) => Ok(u64::from_le_bytes(bytes).wrapping_add(1)),
        Err(_) => Err(RouteError::BadState(format!("{} bytes, expected 8", state.len()))),
    }
}

baton_sdk::router!(TrackRecord);

#[cfg(test)]
mod tests {
    use baton_sdk::fixture::{agent, snapshot, stats};
    use baton_sdk::router::SkillStats;

    use super::*;

    fn chosen(snapshot: Snapshot) -> Vec<u32> {
        let answer = TrackRecord::route(snapshot).unwrap();
        answer
            .decisions
            .iter()
            .map(|decision| match &decision.choice {
                Choice::Assign(assignment) => assignment.agent,
                other => panic!("not an assignment: {other:?}"),
            })
            .collect()
    }

    fn proven(id: &str, accepted: u32, refused: u32) -> Agent {
        let stats = SkillStats { accepted, refused, ..stats("rust") };
        Agent { capacity: 4, stats: vec![stats], ..agent(id, &["rust"]) }
    }

    #[test]
    fn the_better_record_goes_first_until_its_room_is_gone() {
        let agents = vec![proven("a", 0, 0), proven("b", 98, 0)];
        assert_eq!(chosen(snapshot(agents, &["rust"], 10)), [1, 1, 1, 1, 0, 0, 0, 0, 1, 1]);
    }

    #[test]
    fn totals_are_the_sums_of_their_factors() {
        let agents = vec![proven("a", 7, 6), proven("b", 1, 2), agent("c", &["go", "rust", "sql"])];
        let answer = TrackRecord::route(snapshot(agents, &["rust"], 12)).unwrap();
        for decision in &answer.decisions {
            let Choice::Assign(assignment) = &decision.choice else { panic!() };
            for score in &assignment.scores {
                let terms = answer.factors.iter().zip(&score.values);
                let sum: f64 = terms.map(|(factor, value)| factor.weight * value).sum();
                assert!((sum - score.total).abs() < 1e-9, "{sum} {score:?}");
            }
        }
    }

    #[test]
    fn hashes_are_the_published_ones() {
        assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(mix(0x9e37_79b9_7f4a_7c15), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn what_can_not_be_used_is_named() {
        for text in ["101", "+5", "", "0010", "many"] {
            let config = [Attr::new("room", text)];
            let Err(RouteError::BadConfig(attr)) = weights(Config(&config)) else {
                panic!("{text} was taken");
            };
            assert_eq!(attr.name, "room");
        }
        assert_eq!(weights(Config(&[Attr::new("room", "100")])).unwrap(), [60, 100, 10]);
        assert!(matches!(calls(&[1, 2, 3]), Err(RouteError::BadState(_))));
        assert_eq!(calls(&[255, 0, 0, 0, 0, 0, 0, 0]).unwrap(), 256);
    }
}
