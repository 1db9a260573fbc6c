//! Lets a model judge by a rubric. The score is a judgement, and labelled as one.
//!
//! Configuration: `agent` or `skill` (one of them), who judges; `rubric`, a text, or a JSON list of
//! `{"criterion", "weight"?}` (does it do what was asked); `threshold` (0.7); `samples` (1), how many judge, 1, 3 or 5.
//!
//! Each judge scores each criterion from 0 to 1. A judge's score is the mean by weight, the check's score the median of
//! the judges; several judges by skill are different agents where there are any. The work is shown to them as data
//! between marks that it can't contain, and they are told so. A judge that fails or answers something else is asked once
//! more; then the outcome is refused. The label begins with `judgement`.

mod ask;
mod rubric;

use baton_sdk::config::Unusable;
use baton_sdk::executor::rounded;
use baton_sdk::validator::{Check, Child, Config, Request, ValidationError, Validator, Verdict};

use rubric::{Judgement, Rubric};

struct RubricValidator;

/// The name of the check.
const NAME: &str = "rubric";

const KEYS: [&str; 5] = ["agent", "skill", "rubric", "threshold", "samples"];

/// The rubric of those who configure none.
const ASKED: &str = "The outcome does what the task asks, wholly and correctly.";

struct Court<'a> {
    agent: Option<&'a str>,
    skill: Option<&'a str>,
    rubric: Rubric,
    threshold: f64,
    samples: usize,
}

impl Validator for RubricValidator {
    fn validate(request: Request) -> Result<Verdict, ValidationError> {
        validate(&request)
    }
}

fn validate(request: &Request) -> Result<Verdict, ValidationError> {
    let court = Court::read(Config(&request.config))?;
    let names: Vec<String> = (1..=court.samples).map(|judge| format!("judge-{judge}")).collect();
    let find = |name: &str| request.evidence.iter().rfind(|child| child.name == name);
    let mut missing = Vec::new();
    let mut judgements = Vec::new();
    let mut broken = Vec::new();
    for name in &names {
        let again = format!("{name}.again");
        match (find(name), find(&again)) {
            (None, _) => missing.push(name.clone()),
            (Some(first), second) => match (court.heard(first), second) {
                (Ok(judgement), _) => judgements.push((first, judgement)),
                (Err(_), None) => missing.push(again),
                (Err(_), Some(second)) => match court.heard(second) {
                    Ok(judgement) => judgements.push((second, judgement)),
                    Err(why) => broken.push(format!("{name}: {why}")),
                },
            },
        }
    }
    if !missing.is_empty() {
        return Ok(Verdict::Gather(missing.iter().map(|name| ask::judge(&court, request, name)).collect()));
    }
    let check = match broken.is_empty() {
        true => court.verdict(request, &judgements),
        false => Check {
            label: String::from("judgement missing"),
            ..Check::refused(NAME, format!("asked twice without a usable answer: {}", broken.join("; ")))
        },
    };
    Ok(Verdict::Checks(vec![check]))
}

impl<'a> Court<'a> {
    fn read(config: Config<'a>) -> Result<Self, Unusable> {
        config.only(&KEYS)?;
        let (agent, skill) = (config.get("agent"), config.get("skill"));
        match (agent, skill) {
            (None, None) => return Err(Unusable::new("agent", "is required, or else `skill`")),
            (Some(_), Some(_)) => return Err(Unusable::new("skill", "is given beside `agent`")),
            (Some(_), None) | (None, Some(_)) => {}
        }
        let threshold: f64 = config.parse("threshold", "a number from 0 to 1")?.unwrap_or(0.7);
        if !(0.0..=1.0).contains(&threshold) {
            return Err(Unusable::new(
                "threshold",
                format!("is `{threshold}`, expected a number from 0 to 1"),
            ));
        }
        let samples: usize = config.parse("samples", "1, 3 or 5")?.unwrap_or(1);
        if !matches!(samples, 1 | 3 | 5) {
            return Err(Unusable::new("samples", format!("is `{samples}`, expected 1, 3 or 5")));
        }
        let rubric = Rubric::read(config.get("rubric").unwrap_or(ASKED))?;
        Ok(Self { agent, skill, rubric, threshold, samples })
    }

    fn heard(&self, judge: &Child) -> Result<Judgement, String> {
        match (judge.has_succeeded(), &judge.fault) {
            (true, _) => self.rubric.judgement(judge.output()),
            (false, Some(fault)) => Err(fault.message.clone()),
            (false, None) => Err(String::from("it was stopped")),
        }
    }

    fn verdict(&self, request: &Request, judgements: &[(&Child, Judgement)]) -> Check {
        let mut scores: Vec<f64> = judgements.iter().map(|(_, judgement)| judgement.score).collect();
        scores.sort_by(f64::total_cmp);
        let score = rounded(scores.get(scores.len() / 2).copied().unwrap_or(0.0));
        let author = Config(&request.outcome.attrs).get("baton.agent");
        let lines: Vec<String> = judgements
            .iter()
            .map(|(judge, judgement)| {
                let name = judge.agent().unwrap_or(&judge.name);
                let own = match author == judge.agent() && author.is_some() {
                    true => ", whose own work this is",
                    false => "",
                };
                format!("{name}{own}: {:.2}; {}", judgement.score, judgement.reasons)
            })
            .collect();
        Check {
            name: NAME.to_owned(),
            score,
            passed: score >= self.threshold,
            label: format!("judgement {score:.2}"),
            explanation: format!("{:.2} is wanted\n{}", self.threshold, lines.join("\n")),
        }
    }
}

baton_sdk::validator!(RubricValidator);

#[cfg(test)]
mod tests;
