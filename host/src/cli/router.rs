//! `baton router use|explain`: the routing strategy of a run.

use serde::Serialize;

use super::{Done, Failure, Global, Outcome, library, run as run_verb, screen, target, unreadable};
use crate::door::Door;
use crate::op::{Op, RouterChange};
use crate::plugin::router::{Answer, Choice, Snapshot};
use crate::scheduler::why::projection;
use crate::store::Reader;
use crate::store::read::{self, history};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// From the next decision on, this router decides
    Use {
        /// A bundled or installed router, or the path of a component
        router: String,
        /// The run [default: the newest]
        #[arg(long)]
        run: Option<String>,
    },
    /// Why a task went where it went: every candidate with its score, and why the others were none
    Explain { task: String },
}

pub(super) fn run(global: &Global, verb: Verb) -> Outcome {
    match verb {
        Verb::Use { router, run } => use_router(global, &router, run.as_deref()),
        Verb::Explain { task } => explain(global, &task),
    }
}

fn use_router(global: &Global, name: &str, run: Option<&str>) -> Outcome {
    let (config, home) = global.here()?;
    let conn = global.reader()?;
    let run = target::run(&conn, run)?;
    let name = if name.ends_with(".wasm") {
        std::path::absolute(name).map_or_else(|_| name.to_owned(), |path| path.to_string_lossy().into_owned())
    } else {
        name.to_owned()
    };
    let router = run_verb::chosen(&name, &library(&config, Some(&conn))?)?;
    Door::open(&home)?.apply(Op::UseRouter { run, router, why: RouterChange::Asked })?;
    if !global.quiet {
        screen::line(&format!("{run} is routed by {name} from its next decision on"));
    }
    Ok(Done::Well)
}

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
    factors: Vec<(String, f64, f64)>,
}

fn explain(global: &Global, name: &str) -> Outcome {
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
                factors.collect::<Vec<_>>().join(", "),
            ]
        })
        .collect();
    screen::table(&["candidate", "score", "propensity", "factors"], &rows);
    for (agent, why) in &explained.ineligible {
        screen::line(&format!("{agent}: no candidate, {why}"));
    }
    Ok(Done::Well)
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
    let snapshot: Snapshot = serde_json::from_str(&decided.input).map_err(broken)?;
    let answer: Answer = serde_json::from_str(&decided.answer).map_err(broken)?;
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
    id: crate::id::TaskId,
    snapshot: &Snapshot,
    set: &[u32],
) -> Result<Vec<(String, String)>, Failure> {
    let (_, pool) = projection(conn).map_err(unreadable)?;
    let terms = read::task(conn, id).map_err(unreadable)?.map(|task| read::live::terms(conn, task.terms));
    let terms = terms.transpose().map_err(unreadable)?.unwrap_or_default();
    let others = snapshot.agents.iter().zip(0_u32..).filter(|(_, index)| !set.contains(index));
    let why = |agent: &crate::plugin::router::Agent| {
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
