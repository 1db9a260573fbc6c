//! What a user writes: workstreams with dependencies between them.

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

/// A plan that was read and checked: ids are unique, dependencies exist, and there is no cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    pub name: String,
    /// Sorted by id.
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
    #[serde(default, skip_serializing_if = "is_default")]
    pub effects: Effects,
    /// It may be done without having changed a file, where its effect is `workspace`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow_no_change: bool,
    /// Running it twice does no more than running it once, also where its effects are external.
    #[serde(default, skip_serializing_if = "is_default")]
    pub idempotent: bool,
    /// Things of which there are only so many: `[keys]` of the configuration says how many tasks may have each at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub retry: Retry,
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
    /// One of several of which the parent will choose: what it changed does not land by itself. Only for children.
    #[serde(default, skip_serializing_if = "is_default", rename = "contest")]
    #[schemars(skip)]
    pub deferred_merge: bool,
    /// Who must accept the outcome before it counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validators: Vec<Validator>,
    /// How much of what its validators say must be good; all of it unless this says otherwise.
    #[serde(default, skip_serializing_if = "is_default")]
    pub acceptance: Acceptance,
    /// A JSON Schema for the outcome's `output`, checked by the validator `schema`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Value>,
    /// What all of its attempts may use up.
    #[serde(default, skip_serializing_if = "Cap::is_none")]
    pub budget: Cap,
    /// Anything else; plugins see it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, Value>,
}

/// A validator and what it is told beyond the operator's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// The plugin's name.
    #[serde(rename = "use")]
    pub uses: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, String>,
    /// How much its score counts towards the threshold, in comparison with others; 1 unless this says otherwise.
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
    /// A workstream with defaults throughout.
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

    /// What sort of task it is: what its metadata calls `kind`, else its skills, else its track.
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

    /// What simulations assume where the plan gives no estimate.
    #[must_use]
    pub fn expected(&self) -> Span {
        self.estimate.unwrap_or(Span::from_secs(60))
    }
}

impl Plan {
    /// A digest of everything that the plan says, the same for the same content however it was written.
    ///
    /// # Panics
    /// Never: a plan is plain data.
    #[must_use]
    pub fn digest(&self) -> String {
        let canonical = serde_json::to_vec(&self.workstreams).expect("a plan is plain data");
        blake3::hash(&canonical).to_hex().to_string()
    }

    #[must_use]
    pub fn position(&self, id: &str) -> Option<usize> {
        self.workstreams.binary_search_by(|workstream| workstream.id.as_str().cmp(id)).ok()
    }
}
