//! Questions to people, their answers, and the policy for questions that nobody answers.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::clock::Time;
use crate::id::{QuestionId, RunId, TaskId};

/// A question that an agent asks during an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    /// Identifies the question in every attempt of the task, so that an answer is found again.
    pub key: String,
    /// Whether knowledge or permission is wanted.
    pub purpose: Purpose,
    /// What is shown to the person.
    pub text: String,
    /// Possible answers; empty = any text. For a permission, the first allows most and the last denies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Opaque to the host; returned to the agent with the answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resume: String,
}

/// What a question is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// The agent wants to know something.
    Question,
    /// The agent wants to be allowed something.
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

/// A question as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoredQuestion {
    /// The id to answer with.
    pub id: QuestionId,
    /// The run of the task.
    pub run: RunId,
    /// The task that waits.
    pub task: TaskId,
    /// The task's name.
    pub of: String,
    /// As the agent asked it.
    #[serde(flatten)]
    pub question: Question,
    /// When.
    pub asked: Time,
    /// When the policy answers; none = never.
    pub until: Option<Time>,
    /// None = still open.
    pub answer: Option<Answer>,
}

/// A recorded answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// One of the question's choices, if it has any.
    pub text: String,
    /// A person, or `policy`.
    pub by: String,
    /// When.
    pub at: Time,
}

/// An answer that is none of a question's choices. Give one of them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected one of {}, not {answer:?}", choices.join(", "))]
pub struct NotAChoice {
    /// What the question offers.
    pub choices: Vec<String>,
    /// What was answered.
    pub answer: String,
}

impl Question {
    /// Whether the question can be answered so.
    ///
    /// # Errors
    /// The answer isn't among the choices.
    pub fn takes(&self, answer: &str) -> Result<(), NotAChoice> {
        if self.choices.is_empty() || self.choices.iter().any(|choice| choice == answer) {
            return Ok(());
        }
        Err(NotAChoice { choices: self.choices.clone(), answer: answer.to_owned() })
    }
}

/// What happens to a question that nobody has answered in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unanswered {
    /// It stays open.
    #[default]
    Wait,
    /// A permission is denied: its last choice. A question fails its task.
    Deny,
    /// The first choice is taken. A question without choices fails its task.
    Auto,
}

/// The operator's policy for questions.
#[derive(Clone, Debug, Default)]
pub struct QuestionPolicy {
    /// What happens when nobody answers.
    pub unanswered: Unanswered,
    /// How long a person has before the policy answers.
    pub after: Duration,
    /// The profile whose program is run for each question; none = no notification.
    pub notify_profile: Option<String>,
    /// The service to which each question is posted; none = no notification.
    pub notify_service: Option<String>,
}

impl QuestionPolicy {
    /// When the policy answers; none = only a person can.
    #[must_use]
    pub fn until(&self, asked: Time) -> Option<Time> {
        match self.unanswered {
            Unanswered::Wait => None,
            Unanswered::Deny | Unanswered::Auto => Some(asked + self.after),
        }
    }

    /// The policy's answer; none = it has none.
    #[must_use]
    pub fn answer(&self, question: &Question) -> Option<String> {
        match (self.unanswered, question.purpose) {
            (Unanswered::Wait, _) | (Unanswered::Deny, Purpose::Question) => None,
            (Unanswered::Deny, Purpose::Permission) => question.choices.last().cloned(),
            (Unanswered::Auto, _) => question.choices.first().cloned(),
        }
    }
}
