//! Why a task went where it went, from the recorded decision.

use std::cmp::Ordering;

use baton_core::id::{DecisionId, TaskId};
use baton_core::task::TaskPolicy;
use baton_engine::decide;
use baton_engine::pool::Pool;
use baton_engine::why::projection;
use baton_plugin::router::{Agent, Answer, Assignment, Choice, Forecast, Snapshot};
use baton_store::Reader;
use baton_store::read::{self, history, live};
use schemars::JsonSchema;
use serde::Serialize;

use crate::target;
use crate::view::task::TaskQuery;
use crate::{App, AppError};

/// The last decision about a task.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Explanation {
    /// The task's name in its run.
    pub task: String,
    /// Who decided; `host` where the router failed and the least loaded agent was taken.
    pub router: String,
    /// Of its component.
    pub digest: String,
    /// RFC 3339, in UTC.
    pub at: String,
    /// The agent of the last attempt.
    pub chosen: Option<String>,
    /// The router's own words.
    pub reason: String,
    /// Those that the router could choose from, by falling score.
    pub candidates: Vec<Candidate>,
    /// All others, and why each was none.
    pub ineligible: Vec<(String, String)>,
}

/// An agent that a router could choose.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Candidate {
    /// Its name.
    pub agent: String,
    /// The router's score of it.
    pub total: Option<f64>,
    /// The chance that the router gave it, 0 to 1.
    pub propensity: Option<f64>,
    /// What the router expected of it, if it predicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<CandidateForecast>,
    /// What the score is made of: name, value and weight.
    pub factors: Vec<(String, f64, f64)>,
}

/// What a router expected of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CandidateForecast {
    /// The chance that the outcome will be accepted, 0 to 1.
    pub p_success: f64,
    /// How much of that is evidence rather than assumption, 0 to 1.
    pub confidence: f64,
    /// From the decision to the end of the attempt, in milliseconds.
    pub latency: u64,
    /// Of the attempt, in millionths of the currency, where it is known.
    pub cost_micros: Option<u64>,
}

impl From<Forecast> for CandidateForecast {
    fn from(forecast: Forecast) -> Self {
        let Forecast { p_success, confidence, latency, cost_micros } = forecast;
        Self { p_success, confidence, latency, cost_micros }
    }
}

/// Why a task went where it went.
///
/// # Errors
/// There is no such task, or nothing was decided about it yet; the store can't be read.
pub(crate) fn explain(app: &App, query: &TaskQuery) -> Result<Explanation, AppError> {
    let reader = &app.reader()?;
    let id = target::task(reader, &query.task)?;
    let attempts = history::attempts(reader, id).map_err(AppError::unreadable)?;
    let decision = attempts.iter().rev().find_map(|attempt| attempt.decision);
    let undecided =
        || AppError::refused(format!("nothing was decided about {0} yet: `baton why {0}`", query.task));
    let decision = decision.ok_or_else(undecided)?;
    let decided = history::decision(reader, decision).map_err(AppError::unreadable)?;
    let decided = decided.ok_or_else(|| AppError::refused("the decision is gone"))?;
    let (snapshot, answer) = recorded(decision, &decided)?;
    let task = read::name(reader, id).map_err(AppError::unreadable)?;
    let place = snapshot.requests.iter().position(|request| request.task.id == task);
    let place = place.ok_or_else(|| corrupt(decision, &format!("is not about {}", query.task)))?;
    let set = snapshot.requests[place].candidates as usize;
    let set = snapshot.candidate_sets.get(set).map(Vec::as_slice).unwrap_or_default();
    let assignment = assignment(&answer, place);
    Ok(Explanation {
        task,
        router: decided.router,
        digest: decided.digest,
        at: decided.at.to_string(),
        chosen: attempts.iter().rev().find_map(|attempt| attempt.agent.clone()),
        reason: assignment.map(|assignment| assignment.reason.clone()).unwrap_or_default(),
        candidates: candidates(&snapshot, &answer, set, assignment),
        ineligible: ineligible(reader, id, &snapshot, set)?,
    })
}

fn recorded(id: DecisionId, decided: &history::Decided) -> Result<(Snapshot, Answer), AppError> {
    decide::recorded(&decided.input, &decided.answer)
        .map_err(|why| corrupt(id, &format!("can't be read: {why}")))
}

fn corrupt(id: DecisionId, what: &str) -> AppError {
    AppError::corrupt(format!("decision {id} {what}"))
}

fn assignment(answer: &Answer, place: usize) -> Option<&Assignment> {
    match &answer.decisions.get(place)?.choice {
        Choice::Assign(assignment) => Some(assignment),
        Choice::Defer(_) | Choice::Reject(_) | Choice::Consult(_) => None,
    }
}

fn candidates(
    snapshot: &Snapshot,
    answer: &Answer,
    set: &[u32],
    assignment: Option<&Assignment>,
) -> Vec<Candidate> {
    let name =
        |index: u32| snapshot.agents.get(index as usize).map(|agent| agent.id.clone()).unwrap_or_default();
    let candidate = |index: &u32| {
        let score =
            assignment.and_then(|assignment| assignment.scores.iter().find(|score| score.agent == *index));
        let factors = score.map(|score| {
            let named = answer.factors.iter().zip(&score.values);
            named.map(|(factor, value)| (factor.name.clone(), *value, factor.weight)).collect()
        });
        Candidate {
            agent: name(*index),
            total: score.map(|score| score.total),
            propensity: score.map(|score| score.propensity),
            forecast: score.and_then(|score| score.forecast).map(Into::into),
            factors: factors.unwrap_or_default(),
        }
    };
    let mut candidates: Vec<Candidate> = set.iter().map(candidate).collect();
    candidates.sort_by(|one, other| other.total.partial_cmp(&one.total).unwrap_or(Ordering::Equal));
    candidates
}

/// Why the others were no candidates: by what they are registered with now, and their load then.
fn ineligible(
    reader: &Reader,
    id: TaskId,
    snapshot: &Snapshot,
    set: &[u32],
) -> Result<Vec<(String, String)>, AppError> {
    let (_, pool) = projection(reader).map_err(AppError::unreadable)?;
    let task = read::task(reader, id).map_err(AppError::unreadable)?;
    let terms = task
        .map(|task| live::terms(reader, task.terms))
        .transpose()
        .map_err(AppError::unreadable)?
        .unwrap_or_default();
    let others = snapshot.agents.iter().zip(0_u32..).filter(|(_, index)| !set.contains(index));
    Ok(others.map(|(agent, _)| (agent.id.clone(), exclusion(&pool, agent, &terms))).collect())
}

fn exclusion(pool: &Pool, agent: &Agent, terms: &TaskPolicy) -> String {
    let worker = pool.workers.iter().find(|worker| worker.agent.card.name == agent.id);
    match worker.map(|worker| worker.suits(terms)) {
        Some(Err(why)) => why.to_string(),
        Some(Ok(())) if agent.running >= agent.capacity => {
            format!("ran {} of {}", agent.running, agent.capacity)
        }
        Some(Ok(())) => "draining, or its breaker was not closed".to_owned(),
        None => "removed since".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use baton_plugin::conformance::snapshot;
    use baton_plugin::router::{Factor, Score, least_loaded};

    use super::*;

    fn score(agent: u32, total: f64) -> Score {
        Score { agent, total, propensity: total / 4.0, values: vec![total], forecast: None }
    }

    #[test]
    fn candidates_come_by_falling_score_and_those_without_one_last() {
        let asked = snapshot(3, 1, 1);
        let mut answer = least_loaded(&asked);
        answer.factors = vec![Factor { name: "fit".into(), weight: 1.0 }];
        let mut assignment = assignment(&answer, 0).cloned().expect("somebody is chosen");
        assignment.scores = vec![score(0, 1.0), score(2, 3.0)];
        let found = candidates(&asked, &answer, &[0, 1, 2], Some(&assignment));
        let shown = found.iter().map(|one| (one.agent.as_str(), one.total, one.factors.as_slice()));
        let fit = |value| [("fit".to_owned(), value, 1.0)];
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                ("agent-0002", Some(3.0), fit(3.0).as_slice()),
                ("agent-0000", Some(1.0), fit(1.0).as_slice()),
                ("agent-0001", None, [].as_slice()),
            ]
        );
    }

    #[test]
    fn who_was_full_then_or_is_gone_now_was_no_candidate() {
        let busy = Agent { running: 2, capacity: 2, ..snapshot(1, 1, 1).agents.remove(0) };
        assert_eq!(exclusion(&Pool::default(), &busy, &TaskPolicy::default()), "removed since");
    }
}
