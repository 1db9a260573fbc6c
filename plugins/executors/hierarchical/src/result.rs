//! The lead's final answer.

use std::collections::BTreeMap;

use baton_sdk::executor::{Child, Keys, Metrics, Outcome, raw};
use serde::Serialize;
use serde_json::value::RawValue;

/// A ranking that names each result once, and the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    pub ranking: Vec<String>,
    /// JSON text.
    pub answer: String,
}

#[derive(Serialize)]
struct Output {
    answer: Box<RawValue>,
    ranking: Vec<String>,
    parts: BTreeMap<String, Box<RawValue>>,
    failed: Vec<Failed>,
    metrics: Metrics,
}

#[derive(Serialize)]
struct Failed {
    name: String,
    why: String,
}

impl Ranked {
    /// The ranking, or everything that is wrong with it.
    pub fn read(json: &str, done: &[&Child]) -> Result<Self, Vec<String>> {
        let Ok(fields) = serde_json::from_str::<Keys>(json) else {
            return Err(vec![String::from("the answer: expected an object")]);
        };
        let mut errors = Vec::new();
        let ranking: Option<Vec<String>> =
            fields.get("ranking").and_then(|raw| serde_json::from_str(raw.get()).ok());
        match &ranking {
            Some(ranking) => errors.extend(mistakes(ranking, done)),
            None => errors.push(String::from("/ranking: expected an array of names")),
        }
        let answer = fields.get("answer").map(|raw| raw.get().to_owned());
        if answer.is_none() {
            errors.push(String::from("/answer: is missing"));
        }
        match (ranking, answer) {
            (Some(ranking), Some(answer)) if errors.is_empty() => Ok(Self { ranking, answer }),
            (Some(_) | None, Some(_) | None) => Err(errors),
        }
    }
}

fn mistakes(ranking: &[String], done: &[&Child]) -> Vec<String> {
    let mut errors = Vec::new();
    for (index, name) in ranking.iter().enumerate() {
        if ranking[..index].contains(name) {
            errors.push(format!("/ranking/{index}: {name:?} is named twice"));
        } else if !done.iter().any(|child| child.name == *name) {
            errors.push(format!("/ranking/{index}: {name:?} is none of the results"));
        }
    }
    let missing = done.iter().filter(|child| !ranking.contains(&child.name));
    errors.extend(missing.map(|child| format!("/ranking: {:?} is missing", child.name)));
    errors
}

pub fn outcome(ranked: &Ranked, parts: &[&Child], all: &[Child]) -> Outcome {
    let (done, failed): (Vec<&Child>, Vec<&Child>) = parts.iter().partition(|child| child.has_succeeded());
    let output = Output {
        answer: raw(&ranked.answer),
        ranking: ranked.ranking.clone(),
        parts: done.iter().map(|child| (child.name.clone(), raw(child.output()))).collect(),
        failed: failed.iter().map(|child| Failed { name: child.name.clone(), why: reason(child) }).collect(),
        metrics: Metrics::of(all),
    };
    let best = ranked.ranking.first().map_or("", String::as_str);
    let summary = format!("{} of {} parts done, best: {best}", done.len(), parts.len());
    Outcome::raw(summary, serde_json::to_string(&output).unwrap_or_else(|_| String::from("null")))
}

pub fn reason(child: &Child) -> String {
    child.fault.as_ref().map_or_else(|| String::from("it was stopped"), |fault| fault.message.clone())
}
