//! Questions of the server in the middle of a call.
//!
//! In the modern era a call ends with questions and is made again with the answers: [`Round`]. In the legacy era the
//! server asks while the call is under way.

use std::collections::VecDeque;

use baton_sdk::agent::elicit::Elicitation;
use baton_sdk::agent::jsonrpc::Id;
use baton_sdk::agent::people::Answer;
use baton_sdk::agent::{ErrorClass, Fault};
use serde_json::{Map, Value, json};

/// The most bytes that are returned with a person's answer.
const RESUME_BYTES: usize = 4096;

/// A question that was put to a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Asking {
    pub elicitation: Elicitation,
    pub to: To,
    /// The number of unusable answers.
    pub refused: u32,
}

/// What the answer is for.
#[derive(Clone, Debug, PartialEq)]
pub enum To {
    /// A request of the server.
    Request(Id),
    /// A member of the round.
    Input(String),
}

/// A result that wants input.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    state: Option<Value>,
    requests: Map<String, Value>,
    todo: VecDeque<String>,
    pub responses: Map<String, Value>,
    /// The text that is returned with an answer, so that the next attempt continues from here.
    pub resume: String,
}

/// What is next in a round.
pub enum Next {
    Ask(String, Elicitation),
    Unanswerable(String),
    Complete,
}

impl Round {
    /// None if it wants nothing at all, which the protocol forbids. `call` says which call and attempt it belongs to.
    pub fn read(result: &Value, epoch: u32, call: u64) -> Option<Self> {
        let state = result.get("requestState").filter(|state| !state.is_null()).cloned();
        let requests = result.get("inputRequests").and_then(Value::as_object).cloned().unwrap_or_default();
        if state.is_none() && requests.is_empty() {
            return None;
        }
        let resume = json!({"epoch": epoch, "call": call, "state": state, "requests": requests}).to_string();
        let resume = if resume.len() <= RESUME_BYTES { resume } else { String::new() };
        Some(Self::new(state, requests, resume))
    }

    /// The round in which the attempt before this one ended. An older one was either gone on from already, or
    /// something else went wrong since.
    pub fn of_last_attempt(answers: &[Answer], epoch: u32, call: u64) -> Option<Self> {
        answers.iter().rev().find_map(|answer| {
            let kept: Value = serde_json::from_str(&answer.resume).ok()?;
            let is_last = kept.get("epoch")?.as_u64()? + 1 == u64::from(epoch);
            let is_same = kept.get("call")?.as_u64()? == call;
            let state = kept.get("state").filter(|state| !state.is_null()).cloned();
            // The continuing attempt may get further questions.
            let resume = json!({
                "epoch": epoch, "call": call, "state": state, "requests": kept.get("requests")?,
            });
            let requests = kept.get("requests")?.as_object()?.clone();
            (is_last && is_same).then(|| Self::new(state, requests, resume.to_string()))
        })
    }

    fn new(state: Option<Value>, requests: Map<String, Value>, resume: String) -> Self {
        let todo = requests.keys().cloned().collect();
        Self { state, requests, todo, responses: Map::new(), resume }
    }

    pub fn wants_answers(&self) -> bool {
        !self.requests.is_empty()
    }

    pub fn next(&mut self) -> Next {
        let Some(key) = self.todo.pop_front() else {
            return Next::Complete;
        };
        let request = self.requests.get(&key).unwrap_or(&Value::Null);
        match request.get("method").and_then(Value::as_str) {
            Some("elicitation/create") => {
                let elicitation = Elicitation::read(request.get("params").unwrap_or(&Value::Null));
                Next::Ask(key, elicitation)
            }
            method => Next::Unanswerable(method.unwrap_or("something without a name").to_owned()),
        }
    }

    /// Adds to the parameters of the call what it is made again with: the state as it came.
    pub fn fill(&self, params: &mut Value) {
        if !self.responses.is_empty() {
            params["inputResponses"] = Value::from(self.responses.clone());
        }
        if let Some(state) = &self.state {
            params["requestState"] = state.clone();
        }
    }
}

pub fn unanswerable(method: &str) -> Fault {
    let message = format!("the tool wants `{method}` of its caller, which is not given here");
    Fault::new(ErrorClass::Environment, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(resume: &str) -> Answer {
        Answer { key: String::from("k"), text: String::from("x"), resume: resume.to_owned() }
    }

    #[test]
    fn only_the_attempt_after_it_goes_on() {
        let result = json!({"requestState": "s", "inputRequests": {"a": {"method": "elicitation/create"}}});
        let round = Round::read(&result, 3, 7).unwrap();
        let answers = [answer(&round.resume), answer("no JSON")];
        let found = Round::of_last_attempt(&answers, 4, 7).unwrap();
        assert_eq!((&found.state, &found.requests), (&round.state, &round.requests));
        assert_eq!(Round::of_last_attempt(&answers, 5, 7), None);
        assert_eq!(Round::of_last_attempt(&answers, 4, 8), None, "another call");
        let again = Round::of_last_attempt(&[answer(&found.resume)], 5, 7);
        assert!(again.is_some(), "a second question was asked");
    }

    #[test]
    fn what_is_too_large_begins_anew() {
        let result = json!({"requestState": "s".repeat(RESUME_BYTES)});
        assert_eq!(Round::read(&result, 1, 1).unwrap().resume, "");
        assert_eq!(Round::read(&json!({"resultType": "input_required"}), 1, 1), None);
    }
}
