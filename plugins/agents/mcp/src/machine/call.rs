//! From the list of tools to the result of the one that is called.

use baton_sdk::agent::{Attr, ErrorClass, Fault, Outcome, one_line};
use baton_sdk::seed::fnv1a;
use serde_json::{Value, json};

use super::fault::odd;
use super::{Do, Machine, Stage};
use crate::rounds::Round;
use crate::version::Era;
use crate::{result, tool};

/// The pause before a call is repeated that asks for no answers, in milliseconds.
const PAUSE_MS: u64 = 1000;

/// The most rounds of questions in a call: the same question has the same answer, so that more would be futile.
const ROUNDS: u32 = 10;

/// The most repetitions of a call that asks for nothing else.
const PAUSES: u32 = 300;

/// The most pages of the list of tools.
const PAGES: u32 = 100;

impl Machine {
    pub(super) fn list(&mut self, cursor: Option<&Value>) -> Vec<Do> {
        let params = match cursor {
            Some(cursor) => json!({"cursor": cursor}),
            None => json!({}),
        };
        self.call(Stage::List, "tools/list", params)
    }

    pub(super) fn listed(&mut self, result: &Value) -> Vec<Do> {
        let Some(tools) = result.get("tools").and_then(Value::as_array) else {
            return self.end(Err(odd("a list of tools without `tools`", result)));
        };
        let name = |tool: &Value| tool.get("name").and_then(Value::as_str).map(str::to_owned);
        if let Some(found) = tools.iter().find(|tool| name(tool).as_ref() == Some(&self.tool)) {
            return self.found(found);
        }
        self.names.extend(tools.iter().filter_map(name));
        self.pages += 1;
        match result.get("nextCursor").filter(|cursor| cursor.as_str().is_some_and(|text| !text.is_empty())) {
            Some(cursor) if self.pages < PAGES => self.list(Some(cursor)),
            Some(_) | None => self.end(Err(tool::unknown(&self.tool, &self.names))),
        }
    }

    fn found(&mut self, found: &Value) -> Vec<Do> {
        if self.task.only_finds {
            return self.end(Ok(Outcome::text("ready")));
        }
        if let Some(fault) = tool::refusal(found, &self.tool, &self.task.arguments) {
            return self.end(Err(fault));
        }
        if self.over_http && self.era == Era::Modern {
            match tool::mirrored(found, &self.tool, &self.task.arguments) {
                Ok(headers) => self.mirrored = headers,
                Err(fault) => return self.end(Err(fault)),
            }
        }
        if self.era == Era::Modern && self.usage.requests == 0 {
            self.round = Round::of_last_attempt(&self.task.answers, self.task.epoch, self.digest());
            self.is_resumed = self.round.is_some();
        }
        self.gather()
    }

    /// The same for the same call.
    fn digest(&self) -> u64 {
        fnv1a(format!("{} {}", self.tool, Value::from(self.task.arguments.clone())).as_bytes())
    }

    pub(super) fn invoke(&mut self) -> Vec<Do> {
        let mut params = json!({"name": self.tool, "arguments": self.task.arguments});
        if let Some(round) = self.round.take() {
            round.fill(&mut params);
        }
        params["_meta"] = json!({"progressToken": self.request + 1});
        self.usage.requests += 1;
        let mut todo = self.call(Stage::Call, "tools/call", params);
        todo.push(Do::Spent(self.usage.clone()));
        todo.push(Do::Report { message: format!("calls {}", self.tool), done: None });
        todo
    }

    pub(super) fn called(&mut self, result: &Value) -> Vec<Do> {
        // The legacy era has no such member, and results may hold any.
        let kind = match self.era {
            Era::Modern => result.get("resultType").and_then(Value::as_str).unwrap_or("complete"),
            Era::Legacy => "complete",
        };
        match kind {
            "complete" => {
                let outcome = result::outcome(result, self.task.contract);
                let outcome = outcome.map(|outcome| self.signed(outcome));
                self.end(outcome)
            }
            "input_required" => self.wanted(result),
            other => {
                let message =
                    format!("the tool's result is of type `{}`, which nobody asked for", one_line(other));
                self.end(Err(Fault::new(ErrorClass::InvalidOutput, message)))
            }
        }
    }

    fn wanted(&mut self, result: &Value) -> Vec<Do> {
        self.is_resumed = false;
        let Some(round) = Round::read(result, self.task.epoch, self.digest()) else {
            return self.end(Err(odd("a result that wants input and says not which", result)));
        };
        let wants_answers = round.wants_answers();
        let count = if wants_answers { &mut self.rounds } else { &mut self.pauses };
        *count += 1;
        if self.rounds > ROUNDS || self.pauses > PAUSES {
            let message = "the tool wants more input again and again, and was left";
            return self.end(Err(Fault::new(ErrorClass::InvalidOutput, message)));
        }
        self.round = Some(round);
        if wants_answers {
            return self.gather();
        }
        self.stage = Stage::Between;
        vec![Do::Wait(PAUSE_MS)]
    }

    fn signed(&self, mut outcome: Outcome) -> Outcome {
        outcome.usage = self.usage.clone();
        outcome.attrs.push(Attr::new("mcp.version", &self.version));
        if !self.server.is_empty() {
            outcome.attrs.push(Attr::new("mcp.server", &self.server));
        }
        if self.skipped.count > 0 {
            outcome.attrs.push(Attr::new("skipped-lines", self.skipped.count.to_string()));
        }
        outcome
    }
}
