//! Who is asked: one agent by name, or any with these skills.

use serde::Deserialize;

use super::{Attr, ExecutionError, Fields, NewTask};
use crate::config::{Config, Unusable};
use crate::words::{Effects, MAY_AMEND, Task};

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    #[serde(default)]
    pub skills: Vec<String>,
    #[serde(default)]
    pub agent: Option<String>,
}

impl Who {
    /// The member `key` of an input, else what the configuration says.
    pub fn read(fields: &Fields, key: &str, config: Config<'_>) -> Result<Self, ExecutionError> {
        match fields.optional(key, "an object with `agent` or `skills`")? {
            Some(who) => Ok(who),
            None => Ok(Self::configured(config, key)?.unwrap_or_default()),
        }
    }

    /// `<key>-agent` or `<key>-skill` of the configuration.
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

    /// The same task, for them alone.
    pub fn does(&self, task: NewTask) -> NewTask {
        NewTask { skills: self.skills.clone(), agent: self.agent.clone(), ..task }
    }
}

impl NewTask {
    /// An instruction to the host, such as `apart` for `baton.apart`.
    pub fn told(mut self, name: &str, value: impl Into<String>) -> Self {
        self.attrs.push(Attr::new(format!("baton.{name}"), value));
        self
    }

    /// A question: it changes nothing but its answer, which must satisfy this JSON Schema.
    pub fn question(self, contract: impl Into<String>) -> Self {
        self.told("effects", "pure").told("contract", contract)
    }

    /// A [`question`](Self::question) whose answer is judged by whoever asks it, who knows more than a schema can say, and
    /// asks again with everything that is wrong.
    pub fn asked(self, contract: impl Into<String>) -> Self {
        self.question(contract).told("judge", "executor")
    }

    /// Who does it may add so many tasks to the plan of which it is a part; adapters of models tell it how.
    pub fn that_may_amend(mut self, tasks: usize) -> Self {
        if tasks > 0 {
            self.attrs.push(Attr::new(MAY_AMEND, tasks.to_string()));
        }
        self
    }

    /// May change what `task` may change, of which it is a part.
    pub fn part_of(self, task: &Task) -> Self {
        let effects = match task.effects {
            Effects::Pure => "pure",
            Effects::Workspace => "workspace",
            Effects::External => "external",
        };
        self.told("effects", effects)
    }
}
