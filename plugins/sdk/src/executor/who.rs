//! Who does a task: one agent by name, or any with certain skills.

use serde::Deserialize;

use super::{Attr, ExecutionError, Fields, NewTask};
use crate::config::{Config, Unusable};
use crate::words::{Effects, MAY_AMEND, Task};

/// Who does a task.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// The skills that an agent must declare; empty = any agent.
    #[serde(default)]
    pub skills: Vec<String>,
    /// The only agent that may do it.
    #[serde(default)]
    pub agent: Option<String>,
}

impl Who {
    /// The member `key` of an input, otherwise what is configured, otherwise anyone.
    ///
    /// # Errors
    /// The member or the configuration can't be used.
    pub fn read(fields: &Fields, key: &str, config: Config<'_>) -> Result<Self, ExecutionError> {
        match fields.optional(key, "an object with `agent` or `skills`")? {
            Some(who) => Ok(who),
            None => Ok(Self::configured(config, key)?.unwrap_or_default()),
        }
    }

    /// The configuration's `<key>-agent` or `<key>-skill`; none without either.
    ///
    /// # Errors
    /// Both are set.
    pub fn configured(config: Config<'_>, key: &str) -> Result<Option<Self>, Unusable> {
        let agent = config.get(&format!("{key}-agent"));
        let skill = config.get(&format!("{key}-skill"));
        match (agent, skill) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                Err(Unusable::new(&format!("{key}-skill"), format!("is given beside `{key}-agent`")))
            }
            (agent, skill) => Ok(Some(Self {
                skills: skill.map(str::to_owned).into_iter().collect(),
                agent: agent.map(str::to_owned),
            })),
        }
    }

    /// The task, restricted to them.
    pub fn does(&self, task: NewTask) -> NewTask {
        NewTask { skills: self.skills.clone(), agent: self.agent.clone(), ..task }
    }
}

impl NewTask {
    /// Adds an instruction to the host, by its name without `baton.`, such as `apart`.
    pub fn told(mut self, name: &str, value: impl Into<String>) -> Self {
        self.attrs.push(Attr::new(format!("baton.{name}"), value));
        self
    }

    /// Makes it a question: a task without effects whose answer must satisfy this JSON Schema.
    pub fn question(self, contract: impl Into<String>) -> Self {
        self.told("effects", "pure").told("contract", contract)
    }

    /// Makes it a [`question`](Self::question) whose answer the executor checks itself, because its rules go beyond a schema,
    /// and asks again for.
    pub fn asked(self, contract: impl Into<String>) -> Self {
        self.question(contract).told("judge", "executor")
    }

    /// Allows its agent to add at most `tasks` tasks to the plan; adapters of models explain how in the prompt.
    pub fn that_may_amend(mut self, tasks: usize) -> Self {
        if tasks > 0 {
            self.attrs.push(Attr::new(MAY_AMEND, tasks.to_string()));
        }
        self
    }

    /// Gives it the effects of the task that it is a part of.
    pub fn part_of(self, task: &Task) -> Self {
        let effects = match task.effects {
            Effects::Pure => "pure",
            Effects::Workspace => "workspace",
            Effects::External => "external",
        };
        self.told("effects", effects)
    }
}
