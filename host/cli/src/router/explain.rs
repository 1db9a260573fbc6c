//! `baton router explain`: why a task went where it went.

use baton_engine::decide;
use baton_engine::why::projection;
use baton_plugin::router::{Choice, Forecast, Snapshot};
use baton_store::Reader;
use baton_store::read::{self, history};
use serde::Serialize;

use super::super::{Done, Failure, Global, Outcome, screen, target, unreadable};

/// A decision about one task, told from its record.
#[derive(Serialize)]
struct Explained {
    task: String,
    router: String,
    digest: String,
    at: String,
    chosen: Option<String>,
    reason: String,
    candidates: Vec<Candidate>,
    ineligible: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Candidate {
    agent: String,
    total: Option<f64>,
    propensity: Option<f64>,
    /// What the router expected of it, if it predicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast: Option<Forecast>,
    factors: Vec<(String, f64, f64)>,
}

pub(super) fn explain(global: &Global, name: &str) -> Outcome {
    let conn = global.reader()?;
    let explained = explained(&conn, name)?;
    if global.json {
        screen::json(&explained);
        return Ok(Done::Well);
    }
    let chosen = explained.chosen.as_deref().unwrap_or("nobody");
    screen::line(&format!(
        "{name} → {chosen} by {} at {}: {}",
        explained.router, explained.at, explained.reason
    ));
    let number = |value: Option<f64>| value.map(|value| format!("{value:.4}")).unwrap_or_default();
    let rows: Vec<Vec<String>> = explained
        .candidates
        .iter()
        .map(|candidate| {
            let factors =
                candidate.factors.iter().map(|(name, value, weight)| format!("{name} {value:.3}×{weight}"));
            vec![
                candidate.agent.clone(),
                number(candidate.total),
                number(candidate.propensity),
                candidate.forecast.as_ref().map(expected).unwrap_or_default(),
                factors.collect::<Vec<_>>().join(", "),
            ]
        })
        .collect();
    screen::table(&["candidate", "score", "propensity", "expected", "factors"], &rows);
    for (agent, why) in &explained.ineligible {
        screen::line(&format!("{agent}: no candidate, {why}"));
    }
    Ok(Done::Well)
}

fn expected(forecast: &Forecast) -> String {
    let chance =
        format!("{:.0} % (confidence {:.0} %)", forecast.p_success * 100.0, forecast.confidence * 100.0);
    let cost = forecast.cost_micros.map(|cost| baton_core::budget::Money(cost).to_string());
    [Some(chance), Some(screen::span(forecast.latency)), cost]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

fn explained(conn: &Reader, name: &str) -> Result<Explained, Failure> {
    let id = target::task(conn, name)?;
    let attempts = history::attempts(conn, id).map_err(unreadable)?;
    let decision = attempts.iter().rev().find_map(|attempt| attempt.decision);
    let decision = decision.ok_or_else(|| {
        Failure::Refused(format!("nothing was decided about {name} yet: `baton why {name}`"))
    })?;
    let decided = history::decision(conn, decision)
        .map_err(unreadable)?
        .ok_or_else(|| Failure::Refused("the decision is gone".into()))?;
    let broken =
        |why: serde_json::Error| Failure::Infrastructure(format!("decision {decision} can't be read: {why}"));
    let (snapshot, answer) = decide::recorded(&decided.input, &decided.answer).map_err(broken)?;
    let own = read::name(conn, id).map_err(unreadable)?;
    let index = snapshot.requests.iter().position(|request| request.task.id == own);
    let index =
        index.ok_or_else(|| Failure::Infrastructure(format!("decision {decision} is not about {name}")))?;
    let set = snapshot
        .candidate_sets
        .get(snapshot.requests[index].candidates as usize)
        .cloned()
        .unwrap_or_default();
    let assignment = answer.decisions.get(index).and_then(|decision| match &decision.choice {
        Choice::Assign(assignment) => Some(assignment),
        Choice::Defer(_) | Choice::Reject(_) | Choice::Consult(_) => None,
    });
    let agent =
        |index: u32| snapshot.agents.get(index as usize).map_or_else(String::new, |agent| agent.id.clone());
    let mut candidates: Vec<Candidate> = set
        .iter()
        .map(|&candidate| {
            let score = assignment
                .and_then(|assignment| assignment.scores.iter().find(|score| score.agent == candidate));
            let factors = score.map(|score| {
                let named = answer.factors.iter().zip(&score.values);
                named.map(|(factor, value)| (factor.name.clone(), *value, factor.weight)).collect()
            });
            Candidate {
                agent: agent(candidate),
                total: score.map(|score| score.total),
                propensity: score.map(|score| score.propensity),
                forecast: score.and_then(|score| score.forecast),
                factors: factors.unwrap_or_default(),
            }
        })
        .collect();
    candidates.sort_by(|one, other| other.total.partial_cmp(&one.total).unwrap_or(std::cmp::Ordering::Equal));
    Ok(Explained {
        task: own,
        router: decided.router,
        digest: decided.digest,
        at: decided.at.to_string(),
        chosen: attempts.iter().rev().find_map(|attempt| attempt.agent.clone()),
        reason: assignment.map(|assignment| assignment.reason.clone()).unwrap_or_default(),
        candidates,
        ineligible: ineligible(conn, id, &snapshot, &set)?,
    })
}

/// Why the others were no candidates, from what was known at the time.
fn ineligible(
    conn: &Reader,
    id: baton_core::id::TaskId,
    snapshot: &Snapshot,
    set: &[u32],
) -> Result<Vec<(String, String)>, Failure> {
    let (_, pool) = projection(conn).map_err(unreadable)?;
    let terms = read::task(conn, id).map_err(unreadable)?.map(|task| read::live::terms(conn, task.terms));
    let terms = terms.transpose().map_err(unreadable)?.unwrap_or_default();
    let others = snapshot.agents.iter().zip(0_u32..).filter(|(_, index)| !set.contains(index));
    let why = |agent: &baton_plugin::router::Agent| {
        let worker = pool.workers.iter().find(|worker| worker.agent.card.name == agent.id);
        match worker.map(|worker| worker.suits(&terms)) {
            Some(Err(why)) => why.to_string(),
            Some(Ok(())) if agent.running >= agent.capacity => {
                format!("ran {} of {}", agent.running, agent.capacity)
            }
            Some(Ok(())) => "draining, or its breaker was not closed".to_owned(),
            None => "removed since".to_owned(),
        }
    };
    Ok(others.map(|(agent, _)| (agent.id.clone(), why(agent))).collect())
}
