//! The question to the planner, and the input for planning a composite task.

use baton_sdk::executor::{Keys, NewTask, Piece, raw};
use serde_json::json;

use crate::Spec;
use crate::agreed::rules;

const PROMPT: &str = "Divide the goal into tasks for agents that do not know each other or the goal. Put into each input \
    all that its doer must know. A task finds the results of those in its depends_on as handoff_from_<name> in its \
    input, and starts when they have succeeded; what does not depend on each other goes at once. A name is 1 to 64 \
    letters, digits, `-`, `_` or `.`. Do not make tasks that only coordinate.";

const COMPOSITE: &str =
    " Mark a task as composite if it is too large for one agent: it is divided in its turn.";

pub fn plan(spec: &Spec, name: String, complaint: Option<String>) -> NewTask {
    let prompt = match spec.depth {
        1 => PROMPT.to_owned(),
        _ => format!("{PROMPT}{COMPOSITE}"),
    };
    let limits = json!({"tasks": spec.most, "at_once": spec.breadth, "depth": spec.depth});
    let mut fields = vec![
        ("prompt", json!(prompt).to_string()),
        ("goal", json!(spec.goal).to_string()),
        ("limits", limits.to_string()),
    ];
    fields.extend(spec.context.clone().map(|context| ("context", context)));
    if !spec.skills.is_empty() {
        fields.push(("skills_available", json!(spec.skills).to_string()));
    }
    fields.extend(complaint.map(|complaint| ("repair", complaint)));
    let task = NewTask::new(name, format!("Plan: {}", spec.goal), object(fields));
    spec.planner.does(task).asked(rules(spec).contract())
}

/// The input of this executor for a composite task. `input` is the task's own, with the results that were passed to it.
pub fn deeper(spec: &Spec, piece: &Piece, input: &str, share: usize) -> String {
    let mut fields = vec![
        ("goal", json!(piece.title).to_string()),
        ("context", input.to_owned()),
        ("max_tasks", share.to_string()),
        ("max_breadth", spec.breadth.to_string()),
        ("max_depth", spec.depth.saturating_sub(1).max(1).to_string()),
        ("planner", json!({"skills": spec.planner.skills, "agent": spec.planner.agent}).to_string()),
    ];
    if !spec.skills.is_empty() {
        fields.push(("skills_available", json!(spec.skills).to_string()));
    }
    if !spec.validators.is_empty() {
        fields.push(("validators", json!(spec.validators).to_string()));
    }
    object(fields)
}

fn object(fields: Vec<(&'static str, String)>) -> String {
    let fields: Keys = fields.into_iter().map(|(key, json)| (key.to_owned(), raw(&json))).collect();
    serde_json::to_string(&fields).unwrap_or_else(|_| String::from("{}"))
}
