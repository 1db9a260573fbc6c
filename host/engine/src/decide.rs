//! Asking the router: from picked tasks to a snapshot, and from an answer to operations.

use std::collections::{BTreeMap, HashMap, HashSet};

use baton_core::budget::Amount;
use baton_core::clock::Time;
use baton_core::fault::{ErrorClass, Fault};
use baton_core::id::{AgentId, RunId, TaskId, TermsId};
use baton_core::knowledge::Tally;
use baton_core::op::{Assign, Decision, Op, Pick, RouterChoice, Until};
use baton_core::outcome::Outcome;
use baton_core::plan::Workstream;
use baton_core::seed::Seed;
use baton_core::task::{State, Task, WaitingOn};
use baton_plugin::router::{
    Agent, Answer, Attr, Choice, Request, SkillStats, Snapshot, attrs, consultation, request,
};

use super::board::Board;
use super::pool::{Opinion, Pool, Worker};
use super::routing::Asked;

/// A picked task with what the router and then the agent need to know of it.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub task: Task,
    pub spec: Workstream,
    pub feedback: Vec<String>,
    /// Consultations so far, and the result of the newest.
    pub consulted: (usize, Option<Outcome>),
    /// Agents that have siblings from which it is to be kept apart.
    pub avoid: Vec<AgentId>,
    /// The outcomes of the tasks on which it depends; read when it starts.
    pub inputs: Vec<(String, Outcome)>,
}

/// One question to a router, with what is needed to act on its answer.
#[derive(Clone, Debug)]
pub struct Batch {
    pub run: RunId,
    pub snapshot: Snapshot,
    /// In the order of the snapshot's agents.
    pub agents: Vec<AgentId>,
    /// In the order of its requests.
    pub tasks: Vec<Prepared>,
    /// How often the router may have something done first for one task.
    pub consultations: u32,
    /// The trial that went on when the router was asked.
    pub trial: Option<Asked>,
}

/// The result of a question.
#[derive(Debug)]
pub struct Answered {
    pub batch: Box<Batch>,
    pub answer: Answer,
    /// None where decisions are not kept.
    pub decision: Option<Decision>,
}

/// Room that is left at each agent while a batch is put together.
pub struct Room {
    /// At all of them together.
    places: u32,
    left: Vec<u32>,
    candidates: HashMap<TermsId, Vec<usize>>,
}

impl Room {
    #[must_use]
    pub fn of(pool: &Pool, now: Time, places: u32) -> Self {
        Self {
            places,
            left: pool.workers.iter().map(|worker| worker.room(now)).collect(),
            candidates: HashMap::new(),
        }
    }

    #[must_use]
    pub fn is_none(&self) -> bool {
        self.places == 0 || self.left.iter().all(|left| *left == 0)
    }

    /// Takes a place for a task with these terms at whoever of its candidates has most, if any has one.
    pub fn take(&mut self, pool: &Pool, terms_id: TermsId, terms: &baton_core::task::TaskPolicy) -> bool {
        let left = &mut self.left;
        let candidates = self.candidates.entry(terms_id).or_insert_with(|| {
            let able = |index: &usize| left[*index] > 0 && pool.workers[*index].suits(terms).is_ok();
            (0..pool.workers.len()).filter(able).collect()
        });
        match candidates.iter().copied().max_by_key(|index| left[*index]) {
            Some(best) if left[best] > 0 && self.places > 0 => {
                left[best] -= 1;
                self.places -= 1;
                true
            }
            Some(_) | None => false,
        }
    }
}

/// What a question holds beside tasks and agents.
pub struct Asking<'a> {
    pub now: Time,
    pub seed: Seed,
    pub config: &'a BTreeMap<String, String>,
    /// What the router's last answer left.
    pub state: Vec<u8>,
    /// How often it may have something done first for one task.
    pub consultations: u32,
    /// The trial that goes on.
    pub trial: Option<Asked>,
}

/// Everything that the router may depend on.
#[must_use]
pub fn batch(run: RunId, tasks: Vec<Prepared>, pool: &Pool, board: &Board, asking: Asking<'_>) -> Batch {
    let Asking { now, seed, config, state, consultations, trial } = asking;
    let mut sets: Vec<Vec<u32>> = Vec::new();
    let mut set_of: HashMap<TermsId, u32> = HashMap::new();
    for prepared in &tasks {
        set_of.entry(prepared.task.terms).or_insert_with(|| {
            let terms = board.terms(prepared.task.terms);
            let able = pool.workers.iter().zip(0_u32..);
            let set: Vec<u32> = able
                .filter(|(worker, _)| worker.room(now) > 0 && worker.suits(terms).is_ok())
                .map(|(_, index)| index)
                .collect();
            place(&mut sets, set)
        });
    }
    let mut requests = Vec::with_capacity(tasks.len());
    for prepared in &tasks {
        let common = set_of[&prepared.task.terms];
        let own = apart(&sets[common as usize], prepared, pool);
        let set = own.map_or(common, |own| place(&mut sets, own));
        requests.push(ask(prepared, set, now));
    }
    let snapshot = Snapshot {
        now: now.millis(),
        seed: seed.0,
        agents: pool.workers.iter().map(view).collect(),
        candidate_sets: sets,
        requests,
        config: attrs(config),
        state,
    };
    let agents = pool.workers.iter().map(|worker| worker.agent.id).collect();
    Batch { run, snapshot, agents, tasks, consultations, trial }
}

/// Where this set stands among those that are known by now.
fn place(sets: &mut Vec<Vec<u32>>, set: Vec<u32>) -> u32 {
    let known = sets.iter().position(|known| *known == set).unwrap_or_else(|| {
        sets.push(set);
        sets.len() - 1
    });
    u32::try_from(known).unwrap_or(u32::MAX)
}

/// The candidates without those that the task is to be kept apart from, if any are left.
fn apart(common: &[u32], prepared: &Prepared, pool: &Pool) -> Option<Vec<u32>> {
    let avoided = |index: &u32| {
        pool.workers.get(*index as usize).is_some_and(|worker| prepared.avoid.contains(&worker.agent.id))
    };
    let own: Vec<u32> = common.iter().copied().filter(|index| !avoided(index)).collect();
    (!own.is_empty() && own.len() < common.len()).then_some(own)
}

fn ask(prepared: &Prepared, candidates: u32, now: Time) -> Request {
    let queued = match prepared.task.state {
        State::Ready { since } => now.since(since),
        _ => std::time::Duration::ZERO,
    };
    let queued_ms = u64::try_from(queued.as_millis()).unwrap_or(u64::MAX);
    let feedback = prepared.feedback.clone();
    request(&prepared.task, &prepared.spec, feedback, candidates, queued_ms, prepared.consulted.1.as_ref())
}

fn view(worker: &Worker) -> Agent {
    let card = &worker.agent.card;
    let unseen = worker.opinions.keys().filter(|skill| !worker.stats.contains_key(*skill));
    let mut skills: Vec<&String> = worker.stats.keys().chain(unseen).collect();
    skills.sort();
    Agent {
        id: card.name.clone(),
        kind: card.kind(),
        skills: card.skills.clone(),
        tracks: card.tracks.clone(),
        capacity: card.capacity,
        running: worker.running,
        stats: skills.into_iter().map(|skill| known(worker, skill)).collect(),
        attrs: Vec::new(),
    }
}

fn known(worker: &Worker, skill: &str) -> SkillStats {
    let nothing = Tally::default();
    let tally = worker.stats.get(skill).unwrap_or(&nothing);
    SkillStats {
        skill: skill.to_owned(),
        accepted: tally.accepted,
        refused: tally.refused,
        failed: tally.failures(),
        successes: tally.acceptance.sum,
        trials: tally.acceptance.weight,
        latency: whole(tally.latency.get().unwrap_or_default()),
        cost_micros: tally.cost.get().map(whole),
        quality: tally.quality.get(),
        last: tally.last.millis(),
        attrs: worker.opinions.get(skill).map(feedback).unwrap_or_default(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a mean of what began as such numbers"
)]
fn whole(mean: f64) -> u64 {
    mean.round() as u64
}

/// What an agent and the budget say to one more task.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// It is taken, and so much is set aside.
    Taken(Option<Amount>),
    /// Not now.
    None,
    /// Never: the task has used up all that it may.
    Broke(Fault),
}

/// People's ratings of an agent's work.
fn feedback(opinion: &Opinion) -> Vec<Attr> {
    let said = [
        ("feedback.verdicts", opinion.verdicts.to_string()),
        ("feedback.score", opinion.score().to_string()),
    ];
    said.map(|(name, value)| Attr { name: name.to_owned(), value }).to_vec()
}

/// What an answer comes to.
#[derive(Debug, Default)]
pub struct Verdict {
    pub ops: Vec<Op>,
    /// Tasks that nothing was decided for, because their agents are full by now.
    pub returned: Vec<TaskId>,
}

/// Turns a checked answer into operations, and keeps its record with them. `room` is asked for each assignment and takes the place that it finds.
pub fn act(
    batch: &Batch,
    answer: &Answer,
    decision: Option<Decision>,
    now: Time,
    lease_until: Time,
    is_current: impl Fn(&Task) -> bool,
    mut room: impl FnMut(&Prepared, AgentId) -> Place,
) -> Verdict {
    let mut verdict = Verdict::default();
    let mut picks = Vec::new();
    // Siblings of one question that are to be kept apart: the second that gets the same agent is asked about again.
    let mut taken: HashSet<(TaskId, &str, AgentId)> = HashSet::new();
    for (decision, prepared) in answer.decisions.iter().zip(&batch.tasks) {
        let task = prepared.task.id;
        if !is_current(&prepared.task) {
            verdict.returned.push(task);
            continue;
        }
        match &decision.choice {
            Choice::Assign(assignment) => {
                let wanted = std::iter::once(&assignment.agent).chain(&assignment.fallbacks);
                let agents = wanted.filter_map(|index| batch.agents.get(*index as usize).copied());
                let group = prepared.spec.apart.as_deref().zip(prepared.task.parent.map(|parent| parent.id));
                let agents = agents
                    .filter(|agent| {
                        group.is_none_or(|(group, parent)| !taken.contains(&(parent, group, *agent)))
                    })
                    .collect::<Vec<_>>();
                let mut places = agents.into_iter().map(|agent| (agent, room(prepared, agent)));
                match places.find(|(_, place)| *place != Place::None) {
                    Some((agent, Place::Taken(reserve))) => {
                        taken.extend(group.map(|(group, parent)| (parent, group, agent)));
                        picks.push(Pick { task, agent, reserve });
                    }
                    Some((_, Place::Broke(fault))) => verdict.ops.push(Op::Reject { task, fault }),
                    Some((_, Place::None)) | None => verdict.returned.push(task),
                }
            }
            Choice::Defer(pause) => {
                let until = now + std::time::Duration::from_millis((*pause).max(1));
                verdict.ops.push(Op::Defer { task, until });
            }
            Choice::Reject(why) => {
                let fault = Fault::new(ErrorClass::Refused, format!("the router turned it down: {why}"));
                verdict.ops.push(Op::Reject { task, fault });
            }
            Choice::Consult(new) => verdict.ops.push(consult(prepared, new, batch.consultations)),
        }
    }
    if !picks.is_empty() || decision.is_some() {
        verdict.ops.push(Op::Assign(Box::new(Assign { run: batch.run, picks, lease_until, decision })));
    }
    verdict
}

/// What is kept of a decision. The states are taken out and kept apart, because many decisions share one.
#[must_use]
pub fn record(snapshot: &mut Snapshot, answer: &mut Answer, router: RouterChoice, fuel: u64) -> Decision {
    let before = std::mem::take(&mut snapshot.state);
    let state = std::mem::take(&mut answer.state);
    let (input, answer) = (json(snapshot), json(answer));
    Decision { router, input, answer, before, state, fuel, trial: None }
}

/// What was kept of a decision, without the states.
///
/// # Errors
/// It is not what [`record`] writes.
pub fn recorded(input: &str, answer: &str) -> serde_json::Result<(Snapshot, Answer)> {
    Ok((serde_json::from_str(input)?, serde_json::from_str(answer)?))
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|why| format!("{{\"unrecorded\":\"{why}\"}}"))
}

fn consult(prepared: &Prepared, new: &baton_plugin::router::NewTask, most: u32) -> Op {
    let task = prepared.task.id;
    let refuse = |why: String| Op::Reject { task, fault: Fault::new(ErrorClass::Refused, why) };
    if prepared.consulted.0 >= most as usize {
        return refuse(format!(
            "the router asked for more than {most} consultations ([plugins.ROUTER.limits] consultations)"
        ));
    }
    match consultation(new.clone()) {
        Ok(child) => Op::Spawn {
            task,
            epoch: prepared.task.epoch,
            stage: WaitingOn::Routing,
            children: vec![Workstream { id: format!("{}-{}", child.id, prepared.consulted.0 + 1), ..child }],
            until: Until::All,
        },
        Err(why) => refuse(why.to_string()),
    }
}
