//! What the server wants to know in the middle of a call, and the answers of people.

use baton_sdk::agent::Fault;
use baton_sdk::agent::elicit::{Asker, cancelled};
use baton_sdk::agent::jsonrpc::Message;
use serde_json::Value;

use super::{Do, Machine, Stage};
use crate::rounds::{Asking, Next, Round, To, unanswerable};

/// The most unusable answers to one question.
const REFUSED: u32 = 3;

impl Machine {
    /// Asks for what the round still wants, and then calls.
    pub(super) fn gather(&mut self) -> Vec<Do> {
        match self.round.as_mut().map(Round::next) {
            Some(Next::Ask(key, elicitation)) => {
                self.stage = Stage::Between;
                self.ask(Asking { elicitation, to: To::Input(key), refused: 0 }, "")
            }
            Some(Next::Unanswerable(method)) => self.end(Err(unanswerable(&method))),
            Some(Next::Complete) | None => self.invoke(),
        }
    }

    pub(super) fn ask(&mut self, asking: Asking, why: &str) -> Vec<Do> {
        let resume = match &asking.to {
            To::Input(_) => self.round.as_ref().map_or("", |round| &round.resume),
            To::Request(_) => "",
        };
        let question = asking.elicitation.question(Asker::Tool(&self.tool), asking.refused, why, resume);
        self.asking.push_back(asking);
        vec![Do::Ask(question)]
    }

    /// Takes the answer of a person; none if there is none.
    pub fn answered(&mut self, answer: Option<String>) -> Vec<Do> {
        let Some(mut asking) = self.asking.pop_front() else {
            return Vec::new();
        };
        let Some(answer) = answer else {
            self.asking.push_front(asking);
            return self.stop(Fault::stopped("a question waits for a person"));
        };
        match asking.elicitation.result(&answer) {
            Ok(result) => self.resolved(asking.to, result),
            Err(why) if asking.refused + 1 < REFUSED => {
                asking.refused += 1;
                self.ask(asking, &why)
            }
            Err(_) => self.resolved(asking.to, cancelled()),
        }
    }

    fn resolved(&mut self, to: To, result: Value) -> Vec<Do> {
        match to {
            To::Request(id) => vec![Do::Write(Message::Response { id, result })],
            To::Input(key) => {
                if let Some(round) = &mut self.round {
                    round.responses.insert(key, result);
                }
                self.gather()
            }
        }
    }
}

impl Asking {
    /// In the modern era the server does not wait for the answer.
    pub(super) fn cancelled(&self) -> Option<Do> {
        match &self.to {
            To::Request(id) => Some(Do::Write(Message::Response { id: id.clone(), result: cancelled() })),
            To::Input(_) => None,
        }
    }
}
