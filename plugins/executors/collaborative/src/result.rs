//! The final outcome.

use baton_sdk::executor::{Attr, Child, ErrorClass, Fault, Metrics, Outcome, Step, raw, rounded};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::choice::choose;
use crate::consensus::{Consensus, mean};
use crate::spec::Spec;

#[derive(Serialize)]
struct Output {
    best: Box<RawValue>,
    chosen: String,
    /// Of the last round that anybody survived.
    consensus: Consensus,
    candidates: Vec<Candidate>,
    /// What all others than the chosen one cost, as far as it is known.
    extra_cost_micros: u64,
    extra_cost_known: bool,
    /// The chosen one's score less the mean score of the candidates; null without scores.
    gain: Option<f64>,
    metrics: Metrics,
}

#[derive(Serialize)]
struct Candidate {
    name: String,
    agent: Option<String>,
    succeeded: bool,
    score: Option<f64>,
    cost_micros: Option<u64>,
    took_ms: Option<u64>,
}

/// `candidates` of all rounds; those that still run are stopped by the host.
pub fn finish(spec: &Spec, candidates: &[Child], lead: Option<&Child>) -> Step {
    let all: Vec<&Child> = candidates.iter().filter(|child| child.has_succeeded()).collect();
    let last: Vec<&Child> = candidates
        .chunks(spec.tries.len())
        .rev()
        .map(|round| round.iter().filter(|child| child.has_succeeded()).collect::<Vec<&Child>>())
        .find(|round| !round.is_empty())
        .unwrap_or_default();
    let by_lead = lead.filter(|lead| lead.has_succeeded());
    let Some(chosen) = by_lead.or_else(|| choose(spec.choose, &all, &last)) else {
        let class = ErrorClass::Other(String::from("candidates"));
        return Step::Fail(Fault::new(class, "nobody succeeded"));
    };
    let others: Vec<&Child> =
        candidates.iter().chain(lead).filter(|child| child.name != chosen.name).collect();
    let scores: Vec<f64> = all.iter().filter_map(|child| child.score()).collect();
    let gain = chosen.score().zip(mean(&scores)).map(|(score, mean)| rounded(score - mean));
    let output = Output {
        best: raw(chosen.output()),
        chosen: chosen.name.clone(),
        consensus: Consensus::of(&last),
        candidates: candidates.iter().chain(lead).map(candidate).collect(),
        extra_cost_micros: others.iter().filter_map(|child| child.cost()).sum(),
        extra_cost_known: others.iter().all(|child| child.cost().is_some()),
        gain,
        metrics: Metrics::of(candidates.iter().chain(lead)),
    };
    let output = serde_json::to_string(&output).unwrap_or_else(|_| String::from("null"));
    let mut outcome = Outcome::raw(summary(chosen, candidates, lead), output);
    outcome.artifacts = chosen.outcome.as_ref().map_or(Vec::new(), |outcome| outcome.artifacts.clone());
    outcome.attrs = vec![Attr::new("chosen", &chosen.name)];
    Step::Finish(outcome)
}

fn candidate(child: &Child) -> Candidate {
    Candidate {
        name: child.name.clone(),
        agent: child.agent().map(str::to_owned),
        succeeded: child.has_succeeded(),
        score: child.score(),
        cost_micros: child.cost(),
        took_ms: child.span().map(|(start, end)| end - start),
    }
}

fn summary(chosen: &Child, candidates: &[Child], lead: Option<&Child>) -> String {
    let ended = candidates.iter().filter(|child| child.has_ended()).count();
    let score = match chosen.score() {
        Some(score) => format!("score {score:.2}"),
        None => String::from("no score"),
    };
    let stopped = match candidates.len() - ended {
        0 => String::new(),
        running => format!(", {running} stopped early"),
    };
    let without = match lead {
        Some(lead) if !lead.has_succeeded() => ", the lead failed",
        Some(_) | None => "",
    };
    format!("{} of {ended} candidates chosen, {score}{stopped}{without}", chosen.name)
}
