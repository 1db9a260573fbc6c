//! `baton:host/people`: questions that only a person can answer.

use baton_core::excerpt::excerpt;
use baton_core::people::{Purpose, Question};

use super::CancelReason;
use super::desk::{Answered, StateRequest};
use crate::bindings::agent::baton::host::people::{Answer, Host, Purpose as Said, Question as Wanted};
use crate::limits::Name;
use crate::sandbox::Sandbox;

const KEY: usize = 128;
const TEXT: usize = 8 << 10;
const CHOICE: usize = 256;
const CHOICES: usize = 32;
const RESUME: usize = 4 << 10;

impl Host for Sandbox {
    async fn ask(&mut self, question: Wanted) -> wasmtime::Result<Option<Answer>> {
        let powers = self.powers()?;
        if powers.stopped().is_some() {
            return Ok(None);
        }
        if self.questions == 0 {
            self.limiter.hit = Some(Name::Questions);
            return Err(wasmtime::Error::msg("it asked more questions than one attempt may"));
        }
        self.questions -= 1;
        let (task, epoch) = (powers.task, powers.epoch);
        let question = Box::new(taken(question));
        let asked = powers.desk.ask(|reply| StateRequest::Ask { task, epoch, question, reply });
        let told = tokio::select! {
            told = asked => told,
            _ = powers.cancellation.fallen() => return Ok(None),
        };
        match told {
            Some(Some(told)) => Ok(Some(answer(told))),
            Some(None) => {
                powers.cancellation.cancel(CancelReason::Asked);
                Ok(None)
            }
            None => {
                powers.cancellation.cancel(CancelReason::LeaseLost);
                Ok(None)
            }
        }
    }

    async fn answers(&mut self) -> wasmtime::Result<Vec<Answer>> {
        let powers = self.powers()?;
        if powers.stopped().is_some() {
            return Ok(Vec::new());
        }
        let task = powers.task;
        let told = powers.desk.ask(|reply| StateRequest::Answers { task, reply }).await;
        Ok(told.unwrap_or_default().into_iter().map(answer).collect())
    }
}

fn taken(question: Wanted) -> Question {
    Question {
        key: excerpt(question.key, KEY),
        purpose: match question.purpose {
            Said::Question => Purpose::Question,
            Said::Permission => Purpose::Permission,
        },
        text: excerpt(question.text, TEXT),
        choices: question.choices.into_iter().take(CHOICES).map(|choice| excerpt(choice, CHOICE)).collect(),
        resume: excerpt(question.resume, RESUME),
    }
}

fn answer(told: Answered) -> Answer {
    Answer { key: told.key, text: told.text, resume: told.resume }
}
