//! Plans: workstreams with dependencies between them, as users write them.

pub mod check;
pub mod diff;
pub mod error;
pub mod graph;
mod json;
pub mod load;
pub mod schema;
pub mod simulate;
pub mod template;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::budget::Cap;
use crate::scope::{Glob, Scope};
use crate::span::Span;
use crate::task::TaskPolicy;
use crate::task::policy::{Acceptance, Effects, Retry, Timeouts};

/// A checked plan: ids are unique, dependencies exist, and there are no cycles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// For people; runs are listed by it.
    pub name: String,
    /// Sorted by id; [`Plan::position`] relies on it.
    pub workstreams: Vec<Workstream>,
}

/// One node of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workstream {
    /// Unique in the plan; 1 to 64 letters, digits, `-`, `_` or `.`.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$"))]
    pub id: String,
    /// One line for people.
    #[serde(default)]
    pub title: String,
    /// What the agent is asked to work on.
    #[serde(default)]
    pub input: Value,
    /// Workstreams that must have succeeded before this one may start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Skills that an agent must declare, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
    /// Skills that would help: routers prefer agents that declare them, and nobody is excluded for lacking one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefers: Vec<String>,
    /// A lane of work: two tasks of one track never run at once, and an agent may be confined to tracks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<String>,
    /// Path patterns that it writes: tasks whose patterns overlap never run at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<Glob>,
    /// Path patterns that it reads: shared with other readers, not with a writer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<Glob>,
    /// Higher goes first.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(min = -1000, max = 1000))]
    pub priority: i32,
    /// How long it is expected to take: for simulations, predictions and the order of ready tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Span>,
    /// What running it may change, and so whether it may be run again.
    #[serde(default, skip_serializing_if = "is_default")]
    pub effects: Effects,
    /// It may be done without having changed a file, where its effect is `workspace`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow_no_change: bool,
    /// Running it twice does no more than running it once, also where its effects are external.
    #[serde(default, skip_serializing_if = "is_default")]
    pub idempotent: bool,
    /// Concurrency keys: `[keys]` of the configuration says how many tasks with each may run at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// How often and when it is tried again.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retry: Retry,
    /// Limits on its attempts and on the task.
    #[serde(default, skip_serializing_if = "is_default")]
    pub timeouts: Timeouts,
    /// Only this agent may do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Makes it a composite task: the plugin that divides it into children.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
    /// Siblings of one group go to different agents, as far as there are any. Only for children.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub apart: Option<String>,
    /// The parent chooses among several such children, so its changes aren't merged by themselves. Only for children.
    #[serde(default, skip_serializing_if = "is_default", rename = "contest")]
    #[schemars(skip)]
    pub deferred_merge: bool,
    /// Validators that must accept the outcome before it counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validators: Vec<Validator>,
    /// When the outcome is accepted although not every validator passes it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub acceptance: Acceptance,
    /// A JSON Schema for the outcome's `output`, checked by the validator `schema`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Value>,
    /// Budget of all its attempts together.
    #[serde(default, skip_serializing_if = "Cap::is_none")]
    pub budget: Cap,
    /// Anything else; plugins see it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, Value>,
}

/// A validator, with settings for this task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// The plugin's name.
    #[serde(rename = "use")]
    pub uses: String,
    /// Settings for this task, as the plugin documents them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, String>,
    /// Weight of its score in the threshold's mean; 1 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// It must pass, whatever the quorum and the threshold say.
    #[serde(default, skip_serializing_if = "is_default")]
    pub required: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Workstream {
    /// A workstream with this id and defaults for the rest.
    #[must_use]
    pub fn named(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            title: String::new(),
            input: Value::Null,
            depends_on: Vec::new(),
            skills: Vec::new(),
            prefers: Vec::new(),
            track: None,
            paths: Vec::new(),
            reads: Vec::new(),
            priority: 0,
            estimate: None,
            effects: Effects::default(),
            allow_no_change: false,
            idempotent: false,
            keys: Vec::new(),
            retry: Retry::default(),
            timeouts: Timeouts::default(),
            agent: None,
            executor: None,
            apart: None,
            deferred_merge: false,
            validators: Vec::new(),
            acceptance: Acceptance::default(),
            contract: None,
            budget: Cap::default(),
            metadata: BTreeMap::new(),
        }
    }

    /// What scheduling needs of it, with skills sorted.
    #[must_use]
    pub fn terms(&self) -> TaskPolicy {
        let sorted = |skills: &[String]| {
            let mut skills = skills.to_vec();
            skills.sort();
            skills.dedup();
            skills
        };
        TaskPolicy {
            skills: sorted(&self.skills),
            prefers: sorted(&self.prefers),
            scope: Scope { track: self.track.clone(), writes: self.paths.clone(), reads: self.reads.clone() },
            agent: self.agent.clone(),
            executor: self.executor.clone(),
            validated: !self.validators.is_empty(),
            budget: self.budget,
            effects: self.effects,
            idempotent: self.idempotent,
            keys: self.keys.clone(),
            retry: self.retry,
            timeouts: self.timeouts,
        }
    }

    /// The kind of task, under which results are compared: `kind` in its metadata, else its skills joined by `+`,
    /// else its track, else `any`.
    #[must_use]
    pub fn kind(&self) -> String {
        let said = self.metadata.get("kind").and_then(Value::as_str);
        let skills = self.terms().all_skills();
        match (said, &self.track) {
            (Some(kind), _) => kind.to_owned(),
            (None, _) if !skills.is_empty() => skills.join("+"),
            (None, Some(track)) => track.clone(),
            (None, None) => "any".to_owned(),
        }
    }

    /// The estimate; 60 s, for simulations, if the plan gives none.
    #[must_use]
    pub fn expected(&self) -> Span {
        self.estimate.unwrap_or(Span::from_secs(60))
    }
}

impl Plan {
    /// A digest of the plan's content, the same whichever format it was written in.
    ///
    /// # Panics
    /// Never: a plan is plain data.
    #[must_use]
    pub fn digest(&self) -> String {
        let canonical = serde_json::to_vec(&self.workstreams).expect("a plan is plain data");
        blake3::hash(&canonical).to_hex().to_string()
    }

    /// The index of a workstream, by binary search.
    #[must_use]
    pub fn position(&self, id: &str) -> Option<usize> {
        self.workstreams.binary_search_by(|workstream| workstream.id.as_str().cmp(id)).ok()
    }
}
