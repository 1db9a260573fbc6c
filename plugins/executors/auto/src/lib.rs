//! Classifies a task, and delegates it to the executor for its class.
//!
//! Input: `{"goal" or "title", "input"?, "kind"?, "steps"?, "branches"? (or "parts"), "skills"?, "validators"?, "count"?,
//! "good_enough"?}`. Configuration: `model-agent` or `model-skill`, who is asked when the rules' confidence is below
//! `threshold` (0.5); without either the rules decide alone.
//!
//! - code and creative work: `collaborative`, several try and the best counts;
//! - analysis and research: `sequential`, the `steps`, or else gather, work out, conclude;
//! - parts that do not need each other: `parallel`, if they are written out as `branches`, or else `hierarchical`, whose
//!   lead finds the parts.
//!
//! `branches` and `steps` decide first, then `kind` (code, creative, analysis, research, independent, or the name of a
//! class), then the text (`rules`). If the model fails or gives another answer, the rules decide.
//!
//! The outcome is `{"class", "by": "rules" | "model", "confidence", "executor", "result": the work's output}`.

mod model;
mod rules;
mod shape;

use baton_sdk::executor::{
    Child, Config, ExecutionError, Executor, NewTask, Outcome, Request, Step, Wait, Who, raw,
};
use serde::Serialize;
use serde_json::value::RawValue;

use rules::{Class, Guess};
use shape::Spec;

struct Auto;

/// The name of the task that does the work.
const WORK: &str = "work";

/// The name of the question to the model.
const CLASSIFY: &str = "classify";

/// Below it a model is asked, if there is one.
const THRESHOLD: f64 = 0.5;

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    Rules,
    Model,
}

#[derive(Serialize)]
struct Output {
    class: Class,
    by: By,
    confidence: f64,
    executor: &'static str,
    result: Box<RawValue>,
}

impl Executor for Auto {
    fn advance(request: Request) -> Result<Step, ExecutionError> {
        advance(&request)
    }
}

fn advance(request: &Request) -> Result<Step, ExecutionError> {
    let config = Config(&request.config);
    config.only(&["model-agent", "model-skill", "threshold"])?;
    let model = Who::configured(config, "model")?;
    let threshold = config.parse("threshold", "a number from 0 to 1")?.unwrap_or(THRESHOLD);
    let spec = Spec::read(&request.task)?;
    let guess = spec.guess();
    let child = |name: &str| request.children.iter().find(|child| child.name == name);
    let (guess, by) = match (child(CLASSIFY), model) {
        (Some(asked), _) if !asked.has_ended() => return Ok(Step::Wait(Wait::All)),
        (Some(asked), _) => match model::read(asked) {
            Some(said) => (said, By::Model),
            None => (guess, By::Rules),
        },
        (None, Some(model)) if guess.confidence < threshold && request.children.is_empty() => {
            return Ok(Step::spawn(vec![model::question(&spec, &model)], Wait::All));
        }
        (None, Some(_) | None) => (guess, By::Rules),
    };
    Ok(match child(WORK) {
        None => Step::spawn(vec![work(&spec, guess.class, request)], Wait::All),
        Some(work) if !work.has_ended() => Step::Wait(Wait::All),
        Some(work) if work.has_succeeded() => Step::Finish(outcome(&spec, guess, by, work)),
        Some(work) => Step::Fail(work.given_up("task")),
    })
}

fn work(spec: &Spec, class: Class, request: &Request) -> NewTask {
    let (executor, input) = spec.handed_to(class);
    let task = NewTask { executor: Some(executor.to_owned()), ..NewTask::new(WORK, &spec.goal, input) };
    // What it may cost is bounded by the attempts of the whole.
    task.told("attempts", "1").part_of(&request.task)
}

fn outcome(spec: &Spec, guess: Guess, by: By, work: &Child) -> Outcome {
    let (executor, _) = spec.handed_to(guess.class);
    let result = raw(work.output());
    let output = Output { class: guess.class, by, confidence: guess.confidence, executor, result };
    let output = serde_json::to_string(&output).unwrap_or_else(|_| String::from("null"));
    let (summary, artifacts) = match &work.outcome {
        Some(outcome) => (outcome.summary.as_str(), outcome.artifacts.clone()),
        None => ("", Vec::new()),
    };
    Outcome { artifacts, ..Outcome::raw(format!("{executor}: {summary}"), output) }
}

baton_sdk::executor!(Auto);

#[cfg(test)]
mod labelled;
#[cfg(test)]
mod tests;
