//! A model divides a goal, and its plan is checked before it runs.
//!
//! Input: `{"goal", "context"?, "skills_available"?: [skills], "planner"?: {"agent"} or {"skills"}, "max_tasks"?: 1 to
//! 200 (20), "max_breadth"?: 1 to 200 (50), "max_depth"?: 1 to 3 (1), "validators"?}`. Configuration: `planner-agent` or
//! `planner-skill`, for inputs that name no planner.
//!
//! The planner (`plan-1`) is asked for `{"tasks": [{"name", "title", "input", "skills"?, "depends_on"?, "composite"?},
//! …]}`. Names, dependencies, cycles, skills, depth, breadth and number are checked; a plan that is wrong is asked for
//! once more with all errors shown (`plan-2`), then the task fails as `invalid-output`.
//!
//! A task starts when all tasks that it depends on have succeeded, and gets `handoff_from_<name>` of each in its input. A
//! composite task is planned in turn by `plan`, with a depth that is lower by one: the rest of `max_tasks` is divided evenly
//! among the composite tasks and one reserve. An outcome whose output has `"amend": {"tasks": […]}`, or whose text has it in
//! a block marked `json`, adds tasks from that reserve, which are checked the same way and can't be composite. Amendments are
//! applied in the order in which their authors were started, each after all earlier authors have ended. Refused ones are
//! listed in the output.
//!
//! The outcome is `{"tasks": {name: output}, "refused_amendments": [{"by", "errors"}], "metrics"}`. When a task fails,
//! all that can run without it still runs, then the whole fails as that task did.

mod agreed;
mod ask;

use baton_sdk::executor::{
    Asked, Child, Config, ExecutionError, Executor, Fields, Keys, Metrics, NewTask, Outcome, Request, Step,
    Wait, Who, asked, raw,
};
use serde::Serialize;

use agreed::{Agreed, Job, Refused};

struct Plan;

/// The name under which the host knows this executor.
const SELF: &str = "plan";

pub struct Spec {
    goal: String,
    /// JSON text.
    context: Option<String>,
    skills: Vec<String>,
    planner: Who,
    most: usize,
    breadth: usize,
    depth: usize,
    validators: Vec<String>,
}

#[derive(Serialize)]
struct Output<'a> {
    tasks: Keys,
    refused_amendments: &'a [Refused],
    metrics: Metrics,
}

const KNOWN: [&str; 8] =
    ["goal", "context", "skills_available", "planner", "max_tasks", "max_breadth", "max_depth", "validators"];

impl Executor for Plan {
    fn advance(request: Request) -> Result<Step, ExecutionError> {
        advance(&request)
    }
}

fn advance(request: &Request) -> Result<Step, ExecutionError> {
    let config = Config(&request.config);
    config.only(&["planner-agent", "planner-skill"])?;
    let spec = Spec::read(&request.task.input, config)?;
    Ok(match asked(&request.children, SELF, |answer| agreed::plan(&spec, answer)) {
        Asked::Ask { name, complaint } => Step::spawn(vec![ask::plan(&spec, name, complaint)], Wait::All),
        Asked::Waiting => Step::Wait(Wait::All),
        Asked::Failed(fault) => Step::Fail(fault),
        Asked::Answered(plan) => run(&spec, &plan.amended(&spec, &request.children), request),
    })
}

impl Spec {
    fn read(input: &str, config: Config<'_>) -> Result<Self, ExecutionError> {
        let fields = Fields::read(input, &KNOWN)?;
        Ok(Self {
            goal: fields.required("goal", "a string")?,
            context: fields.text("context").map(str::to_owned),
            skills: fields.strings("skills_available")?,
            planner: Who::read(&fields, "planner", config)?,
            most: fields.within("max_tasks", 1..=200usize)?.unwrap_or(20),
            breadth: fields.within("max_breadth", 1..=200usize)?.unwrap_or(50),
            depth: fields.within("max_depth", 1..=3usize)?.unwrap_or(1),
            validators: fields.strings("validators")?,
        })
    }
}

fn run(spec: &Spec, agreed: &Agreed, request: &Request) -> Step {
    let children = &request.children;
    let find = |name: &str| children.iter().find(|child| child.name == name);
    let ready = |job: &&Job| {
        find(&job.piece.name).is_none()
            && job.piece.depends_on.iter().all(|wanted| find(wanted).is_some_and(Child::has_succeeded))
    };
    let tasks: Vec<NewTask> =
        agreed.jobs.iter().filter(ready).map(|job| task(spec, job, agreed.reserve, request)).collect();
    if !tasks.is_empty() {
        return Step::spawn(tasks, Wait::Any);
    }
    if children.iter().any(|child| !child.has_ended()) {
        return Step::Wait(Wait::Any);
    }
    let failed = agreed.jobs.iter().filter_map(|job| find(&job.piece.name));
    match failed.into_iter().find(|child| !child.has_succeeded()) {
        Some(child) => Step::Fail(child.given_up("task")),
        None => finish(agreed, children),
    }
}

/// A composite one is not tried again by itself: the whole is, and what a plan may cost would multiply.
fn task(spec: &Spec, job: &Job, reserve: usize, request: &Request) -> NewTask {
    let piece = &job.piece;
    let before = request.children.iter().filter(|child| piece.depends_on.contains(&child.name));
    let told = before.fold(NewTask::new(&piece.name, &piece.title, &piece.input), NewTask::after);
    let task = match job.share {
        None => NewTask {
            skills: if piece.skills.is_empty() { &request.task.skills } else { &piece.skills }.clone(),
            validators: spec.validators.clone(),
            ..told
        }
        .that_may_amend(reserve),
        Some(share) => {
            let input = ask::deeper(spec, piece, &told.input, share);
            NewTask { executor: Some(SELF.to_owned()), input, ..told }.told("attempts", "1")
        }
    };
    NewTask { depends_on: piece.depends_on.clone(), ..task }.part_of(&request.task)
}

fn finish(agreed: &Agreed, children: &[Child]) -> Step {
    let of = |job: &Job| {
        let child = children.iter().find(|child| child.name == job.piece.name)?;
        Some((child.name.clone(), raw(child.output())))
    };
    let output = Output {
        tasks: agreed.jobs.iter().filter_map(of).collect(),
        refused_amendments: &agreed.refused,
        metrics: Metrics::of(children),
    };
    let summary = match agreed.refused.len() {
        0 => format!("{} task(s) done", agreed.jobs.len()),
        refused => format!("{} task(s) done, {refused} amendment(s) refused", agreed.jobs.len()),
    };
    let output = serde_json::to_string(&output).unwrap_or_else(|_| String::from("null"));
    Step::Finish(Outcome::raw(summary, output))
}

baton_sdk::executor!(Plan);

#[cfg(test)]
mod tests;
