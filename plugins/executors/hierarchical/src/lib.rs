//! A lead divides the goal, a team does the parts, and the lead ranks the results and answers.
//!
//! Input: `{"goal", "context"?, "lead"?: {"agent"} or {"skills"}, "team"?: {"skills"}, "max"?: 1 to 16 (8),
//! "validators"?}`. Configuration: `lead-agent` or `lead-skill`, for inputs that name no lead; without that any
//! of the team leads.
//!
//! The lead (`divide-1`) is asked for `{"tasks": [{"name", "title", "input", "skills"?}, …]}`, at most `max` of them; the
//! team does them, each apart from the others, and `validators` look at each. Then the lead (`rank-1`) gets what came
//! back and is asked for `{"ranking": [names, best first], "answer": …}`. A division or a ranking that is wrong is asked
//! for once more with all errors shown (`divide-2`, `rank-2`), then the task fails as `invalid-output`. Parts that fail
//! are reported to the lead; if all fail, the task fails as the first of them did.
//!
//! The outcome is `{"answer", "ranking", "parts": {name: output}, "failed": [{"name", "why"}], "metrics"}`.

mod ask;
mod result;

use baton_sdk::executor::{
    Asked, Child, Config, Decomposition, ExecutionError, Executor, Fault, Fields, NewTask, Piece, Request,
    Rules, Step, Wait, Who, asked,
};

struct Hierarchical;

/// What the lead's own tasks are called.
const RESERVED: [&str; 4] = ["divide-1", "divide-2", "rank-1", "rank-2"];

struct Spec {
    goal: String,
    /// JSON text.
    context: Option<String>,
    lead: Who,
    team: Who,
    most: usize,
    validators: Vec<String>,
}

impl Executor for Hierarchical {
    fn advance(request: Request) -> Result<Step, ExecutionError> {
        advance(&request)
    }
}

fn advance(request: &Request) -> Result<Step, ExecutionError> {
    let config = Config(&request.config);
    config.only(&["lead-agent", "lead-skill"])?;
    let spec = Spec::read(&request.task.input, config)?;
    let rules = Rules { most: spec.most, reserved: &RESERVED, ..Rules::default() };
    let division = asked(&request.children, "divide", |answer| Decomposition::read(answer, &rules));
    Ok(match division {
        Asked::Ask { name, complaint } => {
            Step::spawn(vec![ask::division(&spec, &rules, name, complaint)], Wait::All)
        }
        Asked::Waiting => Step::Wait(Wait::All),
        Asked::Failed(fault) => Step::Fail(fault),
        Asked::Answered(Decomposition(pieces)) => work(&spec, &pieces, request),
    })
}

impl Spec {
    fn read(input: &str, config: Config<'_>) -> Result<Self, ExecutionError> {
        let fields = Fields::read(input, &["goal", "context", "lead", "team", "max", "validators"])?;
        let team: Who = fields.optional("team", "an object with `skills`")?.unwrap_or_default();
        Ok(Self {
            goal: fields.required("goal", "a string")?,
            context: fields.text("context").map(str::to_owned),
            // Who can do the work can divide it.
            lead: Some(Who::read(&fields, "lead", config)?)
                .filter(|lead| *lead != Who::default())
                .unwrap_or_else(|| team.clone()),
            team,
            most: fields.within("max", 1..=16usize)?.unwrap_or(8),
            validators: fields.strings("validators")?,
        })
    }
}

fn work(spec: &Spec, pieces: &[Piece], request: &Request) -> Step {
    let of = |piece: &Piece| request.children.iter().find(|child| child.name == piece.name);
    let parts: Vec<&Child> = pieces.iter().filter_map(of).collect();
    if parts.is_empty() {
        let tasks = pieces.iter().map(|piece| part(spec, piece, request)).collect();
        return Step::spawn(tasks, Wait::All);
    }
    if parts.iter().any(|child| !child.has_ended()) {
        return Step::Wait(Wait::All);
    }
    let done: Vec<&Child> = parts.iter().copied().filter(|child| child.has_succeeded()).collect();
    if done.is_empty() {
        return Step::Fail(nobody(&parts));
    }
    match asked(&request.children, "rank", |answer| result::Ranked::read(answer, &done)) {
        Asked::Ask { name, complaint } => {
            Step::spawn(vec![ask::ranking(spec, &parts, name, complaint)], Wait::All)
        }
        Asked::Waiting => Step::Wait(Wait::All),
        Asked::Failed(fault) => Step::Fail(fault),
        Asked::Answered(ranked) => Step::Finish(result::outcome(&ranked, &parts, &request.children)),
    }
}

/// The skills that the lead named, beside those of the team.
fn part(spec: &Spec, piece: &Piece, request: &Request) -> NewTask {
    let mut task = spec.team.does(NewTask::new(&piece.name, &piece.title, &piece.input));
    let more = piece.skills.iter().filter(|skill| !spec.team.skills.contains(skill));
    task.skills.extend(more.cloned());
    task.validators.clone_from(&spec.validators);
    task.told("apart", "parts").part_of(&request.task)
}

/// As the first failed.
fn nobody(parts: &[&Child]) -> Fault {
    let fault = parts[0].given_up("part");
    Fault { message: format!("all {} parts failed; first: {}", parts.len(), fault.message), ..fault }
}

baton_sdk::executor!(Hierarchical);

#[cfg(test)]
mod tests;
