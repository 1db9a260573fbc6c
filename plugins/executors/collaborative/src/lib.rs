//! Several agents do the same task, and the best result is used.
//!
//! Input: `{"title"?, "input", "skills"?, "agents"?: ["a", "b"] or "count"?: 2 to 16 (3), "validators"?,
//! "good_enough"?: 0 to 1, "coordination"?: "independent" | "synchronized" | "hierarchical", "rounds"?: 1 to 5,
//! "choose"?: "best" | "vote" | "consensus", "lead"?: {"agent"} or {"skills"}}`.
//! Configuration: `lead-agent` or `lead-skill`, for inputs that name no lead.
//!
//! - `independent`: each agent once, without the others' results.
//! - `synchronized`: `rounds` rounds (default 2). When a round has ended, the next one gets its results as
//!   `shared_from_round_<n>` in its input.
//! - `hierarchical`: each agent once, then a lead gets the results as `candidates` in its input, and its answer is used.
//!   If the lead fails, the best candidate is used.
//!
//! `best` is the result with the highest score of the validators; of equal ones the cheaper, then the first. `vote` is the
//! most frequent output, `consensus` the one that is most similar to the others; both look at the last round. Without any
//! score, `best` is chosen by vote and then by consensus, and `gain` is null. When a score reaches `good_enough`, the
//! remaining attempts are stopped. The task fails if no agent of the first round succeeds.
//!
//! External effects must not be repeated: a task that has any is refused.

mod choice;
mod consensus;
mod result;
mod spec;

use baton_sdk::executor::{
    Child, Config, ErrorClass, ExecutionError, Executor, Fault, NewTask, Request, Step, Wait, gathered,
    with_member,
};

use spec::{Coordination, Spec};

struct Collaborative;

/// The name of the lead's task.
const LEAD: &str = "lead";

impl Executor for Collaborative {
    fn advance(request: Request) -> Result<Step, ExecutionError> {
        advance(&request)
    }
}

fn advance(request: &Request) -> Result<Step, ExecutionError> {
    let config = Config(&request.config);
    config.only(&["lead-agent", "lead-skill"])?;
    let spec = Spec::read(&request.task, config)?;
    Ok(next(&spec, request))
}

fn next(spec: &Spec, request: &Request) -> Step {
    let children = &request.children;
    let (candidates, lead) = match children.iter().position(|child| child.name == LEAD) {
        Some(at) => (&children[..at], children.get(at)),
        None => (&children[..], None),
    };
    if let Some(lead) = lead {
        return match lead.has_ended() {
            true => result::finish(spec, candidates, Some(lead)),
            false => Step::Wait(Wait::All),
        };
    }
    if candidates.iter().any(|child| spec.is_good_enough(child)) {
        return result::finish(spec, candidates, None);
    }
    if candidates.iter().any(|child| !child.has_ended()) {
        return Step::Wait(patience(spec));
    }
    let rounds = candidates.len() / spec.tries.len();
    let last = &candidates[candidates.len() - candidates.len().min(spec.tries.len())..];
    if rounds > 0 && !candidates.iter().any(Child::has_succeeded) {
        return Step::Fail(nobody(candidates));
    }
    if rounds < spec.rounds && (rounds == 0 || last.iter().any(Child::has_succeeded)) {
        return Step::spawn(round(spec, request, rounds + 1, last), patience(spec));
    }
    match spec.coordination {
        Coordination::Hierarchical => Step::spawn(vec![lead_task(spec, request, candidates)], Wait::All),
        Coordination::Independent | Coordination::Synchronized => result::finish(spec, candidates, None),
    }
}

/// Each end is worth a look only if it can be the last that is needed.
fn patience(spec: &Spec) -> Wait {
    match spec.good_enough {
        Some(_) => Wait::Any,
        None => Wait::All,
    }
}

fn round(spec: &Spec, request: &Request, round: usize, before: &[Child]) -> Vec<NewTask> {
    let input = match round {
        1 => spec.input.clone(),
        _ => {
            let shared = gathered(before.iter().filter(|child| child.has_succeeded()));
            with_member(&spec.input, &format!("shared_from_round_{}", round - 1), &shared)
        }
    };
    let task = |(index, agent): (usize, &Option<String>)| {
        let task = NewTask {
            skills: spec.skills.clone(),
            agent: agent.clone(),
            validators: spec.validators.clone(),
            ..NewTask::new(format!("round-{round}.{}", index + 1), &spec.title, &input)
        };
        task.told("apart", format!("round-{round}")).told("contest", "true").part_of(&request.task)
    };
    spec.tries.iter().enumerate().map(task).collect()
}

fn lead_task(spec: &Spec, request: &Request, candidates: &[Child]) -> NewTask {
    let shown = gathered(candidates.iter().filter(|child| child.has_succeeded()));
    let input = with_member(&spec.input, "candidates", &shown);
    let title = format!("{}: make the best answer out of the candidates", spec.title);
    let task = NewTask { validators: spec.validators.clone(), ..NewTask::new(LEAD, title, input) };
    spec.lead.does(task).told("contest", "true").part_of(&request.task)
}

/// The class of the first, which decides whether another try makes sense.
fn nobody(candidates: &[Child]) -> Fault {
    let all = format!("none of {} succeeded", candidates.len());
    match candidates.first() {
        Some(first) => {
            let fault = first.given_up("candidate");
            Fault { message: format!("{all}; first: {}", fault.message), ..fault }
        }
        None => Fault::new(ErrorClass::Other(String::from("candidates")), all),
    }
}

baton_sdk::executor!(Collaborative);

#[cfg(test)]
mod tests;
