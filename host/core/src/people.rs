//! People in the loop: what is asked of them, what they answer, and what happens when they do not.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::id::{QuestionId, RunId, TaskId};

/// What an agent wants to know or to be allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    /// The same for the same question in every attempt of the task.
    pub key: String,
    pub purpose: Purpose,
    pub text: String,
    /// What may be answered; empty = anything. For a permission, the first allows most and the last denies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Handed back to the agent with the answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resume: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    Question,
    Permission,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Question => "question",
            Self::Permission => "permission",
        })
    }
}

/// A question as the store has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoredQuestion {
    pub id: QuestionId,
    pub run: RunId,
    pub task: TaskId,
    /// The task's name.
    pub of: String,
    #[serde(flatten)]
    pub question: Question,
    pub asked: Time,
    /// When the policy answers, if nobody does.
    pub until: Option<Time>,
    pub answer: Option<Answer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    pub text: String,
    /// A person, or `policy`.
    pub by: String,
    pub at: Time,
}

impl Question {
    /// # Errors
    /// What may be answered instead.
    pub fn takes(&self, answer: &str) -> Result<(), String> {
        if self.choices.is_empty() || self.choices.iter().any(|choice| choice == answer) {
            return Ok(());
        }
        Err(format!("expected one of {}, not {answer:?}", self.choices.join(", ")))
    }
}

/// What happens to a question that nobody has answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unanswered {
    /// It waits.
    #[default]
    Wait,
    /// A permission is denied: its last choice. A question fails its task.
    Deny,
    /// The first choice is taken. A question without choices fails its task.
    Auto,
}

#[derive(Clone, Debug, Default)]
pub struct QuestionPolicy {
    pub unanswered: Unanswered,
    /// How long a person has before that.
    pub after: Duration,
    /// A profile whose program is told of each question.
    pub notify_profile: Option<String>,
    /// A service to which each question is posted.
    pub notify_service: Option<String>,
}

impl QuestionPolicy {
    /// When the policy decides; none = a person must.
    #[must_use]
    pub fn until(&self, asked: Time) -> Option<Time> {
        match self.unanswered {
            Unanswered::Wait => None,
            Unanswered::Deny | Unanswered::Auto => Some(asked + self.after),
        }
    }

    /// What is answered in a person's place; none = nothing can be.
    #[must_use]
    pub fn answer(&self, question: &Question) -> Option<String> {
        match (self.unanswered, question.purpose) {
            (Unanswered::Wait, _) | (Unanswered::Deny, Purpose::Question) => None,
            (Unanswered::Deny, Purpose::Permission) => question.choices.last().cloned(),
            (Unanswered::Auto, _) => question.choices.first().cloned(),
        }
    }
}
