//! Runs steps one after the other, each with the result of the one before.
//!
//! Input: `{"steps": [{"name"?, "title", "input", "skills"?, "agent"?, "validators"?, "estimate_ms"?}, …]}`. A step gets
//! `handoff_from_<step before>` in its input. The outcome is the last step's output.

use baton_sdk::executor::{
    Child, ExecutionError, Executor, Outcome, Part, Request, Step, TaskState, Wait, keys,
};

struct Sequential;

impl Executor for Sequential {
    fn advance(request: Request) -> Result<Step, ExecutionError> {
        advance(&request)
    }
}

fn advance(request: &Request) -> Result<Step, ExecutionError> {
    let steps = steps(&request.task.input)?;
    let Some(last) = request.children.last() else {
        return Ok(spawn(&steps[0], None));
    };
    match last.state {
        TaskState::Succeeded => Ok(match steps.get(request.children.len()) {
            Some(step) => spawn(step, Some(last)),
            None => finish(last, &steps),
        }),
        TaskState::Failed | TaskState::Cancelled | TaskState::Skipped => {
            Ok(Step::Fail(last.given_up("step")))
        }
        TaskState::Blocked
        | TaskState::Ready
        | TaskState::Running
        | TaskState::Waiting
        | TaskState::Backoff => Ok(Step::Wait(Wait::All)),
    }
}

/// At least one, or an error.
fn steps(input: &str) -> Result<Vec<Part>, ExecutionError> {
    match keys(input, "", &["steps"])?.get("steps") {
        Some(array) => Part::list(array, "steps", "step"),
        None => Err(ExecutionError::BadInput(String::from("/steps: expected an array of steps"))),
    }
}

fn spawn(step: &Part, before: Option<&Child>) -> Step {
    let task = step.clone().into_task();
    let task = match before {
        None => task,
        Some(before) => task.after(before),
    };
    Step::spawn(vec![task], Wait::All)
}

fn finish(last: &Child, steps: &[Part]) -> Step {
    let output = match &last.outcome {
        Some(outcome) => outcome.output.clone(),
        None => String::from("null"),
    };
    let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    let summary = format!("{} step(s) done: {}", steps.len(), names.join(", "));
    Step::Finish(Outcome::raw(summary, output))
}

baton_sdk::executor!(Sequential);

#[cfg(test)]
mod tests;
