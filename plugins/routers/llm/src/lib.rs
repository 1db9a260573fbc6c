//! Asks an agent who should do a task, and uses its answer if it names a candidate.
//!
//! Configuration: `agent`, the name of the agent that is asked, or `skills`, the skills that it must declare, separated by
//! commas; `cache`, the number of answers that are kept (256; 0 to 512). The question is a task of its own, `TASK/route-1`,
//! with the task, the candidates and their statistics in its input; its output must be
//! `{"agent": id, "reason"?: one sentence}`. The same question (title, input, skills, candidates) is not asked again
//! while its answer is kept.
//!
//! No question is asked if only one agent is eligible, for the router's own questions, and for a task whose question brought
//! no usable answer. In these cases, and if the answer names no candidate, the least loaded of the agents that declare most
//! of the wanted skills is chosen, and the reason says why.

mod hash;
mod memory;
mod question;
mod reply;
mod settings;

use baton_sdk::router::{
    Agent, Answer, Choice, Config, Outcome, Request, Room, RouteError, Router, Scorecard, Snapshot,
};
use hash::Hash;
use memory::Memory;
use reply::Reply;
use settings::Settings;

struct Llm;

/// The steps between the weights make the order lexicographic: no task wants a million skills, and no load in a batch reaches
/// a thousand.
const CARD: Scorecard<3> = Scorecard([("chosen", 1e9), ("skills", 1e3), ("load", -1.0)]);

impl Router for Llm {
    fn route(snapshot: Snapshot) -> Result<Answer, RouteError> {
        decide(&snapshot)
    }
}

/// One request with everything that its decision depends on except the state.
struct Case<'a> {
    settings: &'a Settings,
    snapshot: &'a Snapshot,
    request: &'a Request,
    candidates: &'a [u32],
}

enum Verdict {
    Ask,
    /// The named agent, and the source of the answer.
    Take(u32, String),
    /// Why the router has to decide by itself.
    Fall(String),
}

fn decide(snapshot: &Snapshot) -> Result<Answer, RouteError> {
    let settings = Settings::read(Config(&snapshot.config))?;
    let mut memory = Memory::read(&snapshot.state, settings.cache).map_err(RouteError::BadState)?;
    if let Some(request) = snapshot.requests.first() {
        memory.enter(Hash::new().text(&request.task.run).get());
    }
    let mut room = Room::of(&snapshot.agents);
    let decisions = snapshot.decide(|request, candidates| {
        let case = Case { settings: &settings, snapshot, request, candidates };
        let choice = match case.verdict(&mut memory) {
            Verdict::Ask => Choice::Consult(question::question(&settings, snapshot, request, candidates)),
            Verdict::Take(agent, why) => case.assign(Some(agent), &why, &room),
            Verdict::Fall(why) => case.assign(None, &why, &room),
        };
        room.note(&choice);
        choice
    });
    Ok(Answer::from(decisions).with_factors(CARD.factors()).with_state(memory.write()))
}

impl Case<'_> {
    fn verdict(&self, memory: &mut Memory) -> Verdict {
        let task = &self.request.task;
        if question::is_question(task) {
            return Verdict::Fall(String::from("who answers this router's question is not asked"));
        }
        if self.candidates.len() < 2 {
            return Verdict::Fall(String::from("nobody else is eligible"));
        }
        let id = Hash::new().text(&task.run).text(&task.id).get();
        if let Some(outcome) = &self.request.consulted {
            return self.heard(outcome, id, memory);
        }
        let known = memory.recall(self.key());
        if let Some(agent) = known.and_then(|agent| self.candidate(&agent)) {
            let why = format!("{} chose it when this was asked before", self.settings.whom());
            return Verdict::Take(agent, why);
        }
        match self.obstacle(id, memory) {
            Some(why) => Verdict::Fall(why),
            None => {
                memory.ask(id);
                Verdict::Ask
            }
        }
    }

    fn heard(&self, outcome: &Outcome, id: u64, memory: &mut Memory) -> Verdict {
        let whom = self.settings.whom();
        let reply = match Reply::read(outcome) {
            Ok(reply) => reply,
            Err(why) => {
                memory.ask(id);
                return Verdict::Fall(format!("{whom} was asked and {why}"));
            }
        };
        match self.candidate(&reply.agent) {
            Some(agent) => {
                memory.answered(id, self.key(), &reply.agent);
                let reason = if reply.reason.is_empty() { "no reason given" } else { &reply.reason };
                Verdict::Take(agent, format!("{whom} chose it: {reason}"))
            }
            None => {
                memory.ask(id);
                Verdict::Fall(format!("{whom} named {:?}, which is no candidate", reply.name()))
            }
        }
    }

    /// Why no question can be asked.
    fn obstacle(&self, id: u64, memory: &Memory) -> Option<String> {
        let whom = self.settings.whom();
        if memory.was_asked(id) {
            return Some(format!("{whom} was asked and gave no answer of use"));
        }
        if !self.snapshot.agents.iter().any(|agent| self.settings.fits(agent)) {
            return Some(match (&self.settings.agent, self.settings.skills.as_slice()) {
                (Some(agent), []) => format!("there is no agent {agent} to be asked"),
                (Some(agent), skills) => format!("there is no agent {agent} with {}", skills.join(", ")),
                (None, _) => format!("there is not {whom} to be asked"),
            });
        }
        if question::is_deep(&self.request.task) {
            return Some(String::from("it is nested too deep for a question below it"));
        }
        (!memory.may_ask()).then(|| format!("{} questions of this run have no answer of use", memory::OPEN))
    }

    /// The candidate with exactly this id.
    fn candidate(&self, id: &str) -> Option<u32> {
        self.candidates.iter().copied().find(|&agent| self.agent(agent).is_some_and(|agent| agent.id == id))
    }

    fn agent(&self, agent: u32) -> Option<&Agent> {
        self.snapshot.agents.get(agent as usize)
    }

    /// What the answer depends on.
    fn key(&self) -> u64 {
        let task = &self.request.task;
        let ids = self.candidates.iter().map(|&agent| self.snapshot.name(agent));
        Hash::new()
            .text(&self.settings.whom())
            .text(&task.title)
            .text(&task.input)
            .set(task.skills.iter().map(String::as_str))
            .set(task.prefers.iter().map(String::as_str))
            .set(ids)
            .get()
    }

    fn assign(&self, named: Option<u32>, why: &str, room: &Room) -> Choice {
        let wanted = question::wanted(&self.request.task);
        let declared = |agent: u32| self.agent(agent).map_or(0, |agent| question::declared(agent, &wanted));
        CARD.assign(
            self.candidates,
            |agent| {
                let chosen = f64::from(u8::from(named == Some(agent)));
                [chosen, declared(agent) as f64, room.load(agent)]
            },
            |agent, values| {
                let name = self.snapshot.name(agent);
                match named {
                    Some(_) => format!("{name}: {why}"),
                    None => format!(
                        "{why}; {name} declares {:.0} of {} wanted skill(s) and is {:.0} % busy",
                        values[1],
                        wanted.len(),
                        values[2] * 100.0
                    ),
                }
            },
        )
    }
}

baton_sdk::router!(Llm);

#[cfg(test)]
mod tests;
