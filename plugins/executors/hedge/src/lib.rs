//! Hedged execution: another copy starts when the first is late, and the first success is used.
//!
//! Input: `{"title"?, "input", "skills"?, "validators"?, "after_ms": 1000, "copies"?: 2 to 4 (2)}`. One copy starts. When
//! `after_ms` have passed and no copy has succeeded, the next starts, at another agent where there is one. The outcome
//! is the winner's as it is, with `hedge.winner` and `hedge.copies` as attributes; the host stops the others. When all
//! that were started fail, the task fails as the first did: lateness calls for another copy, failure for the task's own
//! retries.
//!
//! With more than two copies a success that comes while the third or fourth is being waited for is noticed when
//! `after_ms` are over.
//!
//! External effects must not be repeated: a task that has any is refused.

use baton_sdk::executor::{
    Attr, Child, Config, Effects, ExecutionError, Executor, Fault, Fields, NewTask, Outcome, Request, Step,
    Wait,
};

struct Hedge;

/// The longest delay: half a year.
const LONGEST_MS: u64 = 15_768_000_000;

struct Spec {
    title: String,
    /// JSON text.
    input: String,
    skills: Vec<String>,
    validators: Vec<String>,
    after_ms: u64,
    copies: usize,
}

impl Executor for Hedge {
    fn advance(request: Request) -> Result<Step, ExecutionError> {
        advance(&request)
    }
}

fn advance(request: &Request) -> Result<Step, ExecutionError> {
    Config(&request.config).only(&[])?;
    let spec = Spec::read(request)?;
    let children = &request.children;
    if let Some(winner) = winner(children) {
        return Ok(Step::Finish(outcome(winner, children.len())));
    }
    if let Some(first) = children.first()
        && children.iter().all(Child::has_ended)
    {
        return Ok(Step::Fail(fault(first, children.len())));
    }
    // A wait for a moment ends before all children have only when it has come.
    if children.len() < spec.copies {
        return Ok(Step::spawn(vec![spec.copy(request)], spec.patience(request)));
    }
    Ok(Step::Wait(Wait::Any))
}

impl Spec {
    fn read(request: &Request) -> Result<Self, ExecutionError> {
        let known = ["title", "input", "skills", "validators", "after_ms", "copies"];
        let fields = Fields::read(&request.task.input, &known)?;
        if request.task.effects == Effects::External {
            let why = "the task has external effects, and a hedge may do them twice";
            return Err(ExecutionError::BadInput(why.to_owned()));
        }
        Ok(Self {
            title: fields.optional("title", "a string")?.unwrap_or_else(|| request.task.title.clone()),
            input: fields.required_text("input")?.to_owned(),
            skills: fields.strings("skills")?,
            validators: fields.strings("validators")?,
            after_ms: fields
                .within("after_ms", 1..=LONGEST_MS)?
                .ok_or_else(|| Fields::wrong("after_ms", "a number of milliseconds"))?,
            copies: fields.within("copies", 2..=4usize)?.unwrap_or(2),
        })
    }

    fn copy(&self, request: &Request) -> NewTask {
        let name = format!("copy-{}", request.children.len() + 1);
        let task = NewTask {
            skills: self.skills.clone(),
            validators: self.validators.clone(),
            ..NewTask::new(name, &self.title, &self.input)
        };
        task.told("apart", "copies").told("contest", "true").part_of(&request.task)
    }

    /// How long the copy that is started now may be the last.
    fn patience(&self, request: &Request) -> Wait {
        match request.children.len() + 1 < self.copies {
            true => Wait::Until(request.now.saturating_add(self.after_ms)),
            false => Wait::Any,
        }
    }
}

/// Of several that succeeded since the last call, the one that ended first.
fn winner(children: &[Child]) -> Option<&Child> {
    let ended = |child: &&Child| child.span().map_or(u64::MAX, |(_, end)| end);
    children.iter().filter(|child| child.has_succeeded()).min_by_key(ended)
}

fn outcome(winner: &Child, copies: usize) -> Outcome {
    let (summary, artifacts) = match &winner.outcome {
        Some(outcome) => (outcome.summary.clone(), outcome.artifacts.clone()),
        None => (String::new(), Vec::new()),
    };
    Outcome {
        artifacts,
        attrs: vec![Attr::new("chosen", &winner.name), Attr::new("hedge.copies", copies.to_string())],
        ..Outcome::raw(summary, winner.output().to_owned())
    }
}

fn fault(first: &Child, copies: usize) -> Fault {
    let fault = first.given_up("copy");
    match copies {
        0 | 1 => fault,
        _ => {
            let message = format!("all {copies} copies failed; first: {}", fault.message);
            Fault { message, ..fault }
        }
    }
}

baton_sdk::executor!(Hedge);

#[cfg(test)]
mod tests;
