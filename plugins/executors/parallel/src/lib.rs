//! Runs all branches at the same time, then combines their outputs.
//!
//! Input: `{"branches": [{"name"?, "title", "input", "skills"?, "agent"?, "validators"?, "estimate_ms"?}, …],
//! "tolerate"?: 0}`. The outcome is `{"<name>": output, …}` of the branches that succeeded; more failures than
//! `tolerate` fail the task.

use std::fmt::Write;

use baton_sdk::executor::{
    Child, ErrorClass, ExecutionError, Executor, Fault, Keys, NewTask, Outcome, Part, Request, Step,
    TaskState, Wait, keys,
};

struct Parallel;

/// How many names of failed branches a message holds.
const NAMED: usize = 20;

impl Executor for Parallel {
    fn advance(request: Request) -> Result<Step, ExecutionError> {
        advance(&request)
    }
}

fn advance(request: &Request) -> Result<Step, ExecutionError> {
    let fields = keys(&request.task.input, "", &["branches", "tolerate"])?;
    let tolerate = tolerate(&fields)?;
    if request.children.is_empty() {
        return Ok(Step::spawn(branches(&fields)?, Wait::All));
    }
    if request.children.iter().any(is_under_way) {
        return Ok(Step::Wait(Wait::All));
    }
    Ok(conclude(&request.children, tolerate))
}

fn tolerate(fields: &Keys) -> Result<usize, ExecutionError> {
    match fields.get("tolerate") {
        None => Ok(0),
        Some(raw) => serde_json::from_str(raw.get()).map_err(|_| {
            ExecutionError::BadInput(String::from("/tolerate: expected a whole number of branches"))
        }),
    }
}

fn branches(fields: &Keys) -> Result<Vec<NewTask>, ExecutionError> {
    let Some(array) = fields.get("branches") else {
        let message = String::from("/branches: expected an array of branches");
        return Err(ExecutionError::BadInput(message));
    };
    let parts = Part::list(array, "branches", "branch")?;
    Ok(parts.into_iter().map(Part::into_task).collect())
}

fn is_under_way(child: &Child) -> bool {
    match child.state {
        TaskState::Ready | TaskState::Running | TaskState::Waiting | TaskState::Backoff => true,
        // Branches do not depend on each other: one that is blocked now can never start.
        TaskState::Blocked
        | TaskState::Succeeded
        | TaskState::Failed
        | TaskState::Cancelled
        | TaskState::Skipped => false,
    }
}

fn conclude(children: &[Child], tolerate: usize) -> Step {
    let failed: Vec<&Child> = children.iter().filter(|child| !succeeded(child)).collect();
    if failed.len() > tolerate {
        return Step::Fail(fault(&failed, children.len()));
    }
    let summary = match failed.len() {
        0 => format!("{} branch(es) done", children.len()),
        _ => format!(
            "{} of {} branches done, tolerated: {}",
            children.len() - failed.len(),
            children.len(),
            names(&failed)
        ),
    };
    Step::Finish(Outcome::raw(summary, output(children)))
}

fn succeeded(child: &Child) -> bool {
    child.state == TaskState::Succeeded
}

/// Outputs under their names, in the order of the branches, as the text that they are.
fn output(children: &[Child]) -> String {
    let mut json = String::from("{");
    for child in children.iter().filter(|child| succeeded(child)) {
        if json.len() > 1 {
            json.push(',');
        }
        let _ = write!(json, "\"{}\":", child.name);
        json.push_str(child.outcome.as_ref().map_or("null", |outcome| &outcome.output));
    }
    json.push('}');
    json
}

/// The class of the first, which decides whether another try makes sense.
fn fault(failed: &[&Child], branches: usize) -> Fault {
    let first = failed.iter().find_map(|child| child.fault.as_ref());
    let class = first.map_or(ErrorClass::Other(String::from("branches")), |fault| fault.class.clone());
    let cause = first.map_or(String::new(), |fault| format!("; first: {}", fault.message));
    Fault::new(class, format!("{} of {branches} branches failed: {}{cause}", failed.len(), names(failed)))
}

fn names(children: &[&Child]) -> String {
    let named: Vec<&str> = children.iter().take(NAMED).map(|child| child.name.as_str()).collect();
    match children.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

baton_sdk::executor!(Parallel);

#[cfg(test)]
mod tests;
