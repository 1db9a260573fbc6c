//! `baton:host/people`: questions that only a person can answer.

use baton_core::excerpt::excerpt;
use baton_core::people::{Purpose, Question};

use super::CancelReason;
use super::state::{Answered, StateRequest};
use crate::bindings::agent::baton::host::people::{
    Answer, Host, Purpose as WitPurpose, Question as WitQuestion,
};
use crate::limits::LimitKind;
use crate::sandbox::Sandbox;

/// The most bytes of each part of a question; more is cut off.
const KEY: usize = 128;
const TEXT: usize = 8 << 10;
const CHOICE: usize = 256;
const RESUME: usize = 4 << 10;
/// The most choices.
const CHOICES: usize = 32;

impl Host for Sandbox {
    async fn ask(&mut self, question: WitQuestion) -> wasmtime::Result<Option<Answer>> {
        let capabilities = self.capabilities()?;
        if capabilities.cancel_reason().is_some() {
            return Ok(None);
        }
        if self.questions == 0 {
            self.limiter.hit = Some(LimitKind::Questions);
            return Err(wasmtime::Error::msg("it asked more questions than one attempt may"));
        }
        self.questions -= 1;
        let (task, epoch) = (capabilities.task, capabilities.epoch);
        let question = Box::new(bounded(question));
        let asked = capabilities.state_client.ask(|reply| StateRequest::Ask { task, epoch, question, reply });
        let answered = tokio::select! {
            answered = asked => answered,
            _ = capabilities.cancellation.cancelled() => return Ok(None),
        };
        match answered {
            Some(Some(answered)) => Ok(Some(answer(answered))),
            Some(None) => {
                capabilities.cancellation.cancel(CancelReason::AwaitingPerson);
                Ok(None)
            }
            None => {
                capabilities.cancellation.cancel(CancelReason::LeaseLost);
                Ok(None)
            }
        }
    }

    async fn answers(&mut self) -> wasmtime::Result<Vec<Answer>> {
        let capabilities = self.capabilities()?;
        if capabilities.cancel_reason().is_some() {
            return Ok(Vec::new());
        }
        let task = capabilities.task;
        let answered = capabilities.state_client.ask(|reply| StateRequest::Answers { task, reply }).await;
        Ok(answered.unwrap_or_default().into_iter().map(answer).collect())
    }
}

/// The question with every part cut to its limit.
fn bounded(question: WitQuestion) -> Question {
    Question {
        key: excerpt(question.key, KEY),
        purpose: match question.purpose {
            WitPurpose::Question => Purpose::Question,
            WitPurpose::Permission => Purpose::Permission,
        },
        text: excerpt(question.text, TEXT),
        choices: question.choices.into_iter().take(CHOICES).map(|choice| excerpt(choice, CHOICE)).collect(),
        resume: excerpt(question.resume, RESUME),
    }
}

fn answer(answered: Answered) -> Answer {
    Answer { key: answered.key, text: answered.text, resume: answered.resume }
}
