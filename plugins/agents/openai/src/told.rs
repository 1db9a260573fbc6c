//! The reply so far, independent of the interface, and its meaning at the end.

use baton_sdk::agent::{Attr, ErrorClass, Fault, Outcome, StopReason, Usage, answer, data, one_line};
use serde_json::Value;

use crate::finish::Finish;
use crate::parts::Parts;

#[derive(Debug, Default)]
pub struct Told {
    pub text: String,
    pub refusal: String,
    /// The tool that the model wanted to call.
    pub tool: Option<String>,
    pub finish: Option<Finish>,
    /// The reply is complete in its format: `[DONE]`, or all of its JSON.
    pub is_over: bool,
    /// The error that the service reported.
    pub error: Option<Fault>,
    /// The service refused the request, and so nothing was used up.
    pub was_refused: bool,
    pub model: Option<String>,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cached_input_tokens: Option<u64>,
    pub reasoning_tokens: Option<u64>,
}

impl Told {
    pub fn usage(&self) -> Usage {
        let named = [
            ("model", self.model.clone()),
            ("cached-input-tokens", self.cached_input_tokens.map(|tokens| tokens.to_string())),
            ("reasoning-tokens", self.reasoning_tokens.map(|tokens| tokens.to_string())),
        ];
        Usage {
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            cost_micros: self.was_refused.then_some(0),
            requests: 1,
            attrs: named.into_iter().filter_map(|(name, value)| Some(Attr::new(name, value?))).collect(),
        }
    }

    /// Text after a finish reason invalidates it: it was not the end.
    pub fn say(&mut self, parts: &Parts) {
        self.refusal.push_str(&parts.refusal);
        if !parts.text.is_empty() {
            self.text.push_str(&parts.text);
            self.finish = None;
        }
    }

    /// The finish reason comes from the model; the end of the connection is none. `good_ends` are further reasons that the
    /// operator accepts, with `none` for a complete reply without a reason.
    pub fn ending(mut self, contract: bool, good_ends: &[&str]) -> Result<Outcome, Fault> {
        let usage = self.usage();
        if let Some(fault) = self.error {
            return Err(fault);
        }
        self.text = without_thoughts(&self.text).to_owned();
        if !self.refusal.trim().is_empty() {
            return Err(refused(&format!("the model refused: {}", one_line(&self.refusal))));
        }
        let stop_reason = match self.finish {
            Some(Finish::Filtered) => return Err(refused("a content filter withheld the answer")),
            Some(Finish::Tool) => return Err(tool(self.tool.as_deref())),
            Some(_) if self.tool.is_some() => return Err(tool(self.tool.as_deref())),
            Some(Finish::Stop) => StopReason::EndTurn,
            Some(Finish::Unknown(reason) | Finish::Broken(reason))
                if good_ends.contains(&reason.as_str()) =>
            {
                StopReason::Other(reason)
            }
            Some(Finish::Broken(reason)) => {
                let message = format!(
                    "the service broke the answer off: its reason for ending is `{}`",
                    one_line(&reason)
                );
                return Err(Fault::new(ErrorClass::Transient, message));
            }
            Some(Finish::Unknown(reason)) => return Err(unknown_end(&one_line(&reason))),
            Some(Finish::Length) => {
                let lacks = if self.text.trim().is_empty() { "there was any" } else { "it was complete" };
                if lacks == "there was any" || (contract && data(&self.text).is_none()) {
                    let message = format!("the answer was cut at the limit of tokens before {lacks}");
                    return Err(Fault::new(ErrorClass::InvalidOutput, message));
                }
                StopReason::MaxTokens
            }
            None if self.is_over && good_ends.contains(&"none") => StopReason::Other(String::from("none")),
            None => {
                return Err(Fault::new(
                    ErrorClass::Transient,
                    "the reply ended before the model said it was done",
                ));
            }
        };
        Ok(Outcome { usage, stop_reason, ..answer(&self.text, contract)? })
    }

    pub fn read_model(&mut self, reply: &Value) {
        if let Some(model) = reply.get("model").and_then(Value::as_str).filter(|model| !model.is_empty()) {
            self.model = Some(model.to_owned());
        }
    }

    /// The two interfaces count the same things under other names.
    pub fn read_usage(&mut self, usage: &Value, input: &str, output: &str) {
        let count = |key: &str| usage.get(key).and_then(Value::as_u64);
        let detail = |key: &str, detail: &str| usage.get(format!("{key}_details"))?.get(detail)?.as_u64();
        // DeepSeek's, and llama.cpp's.
        let cached = || count("prompt_cache_hit_tokens").or_else(|| count("cached_tokens"));
        self.input_tokens = count(input).unwrap_or(self.input_tokens);
        self.output_tokens = count(output).unwrap_or(self.output_tokens);
        self.cached_input_tokens =
            detail(input, "cached_tokens").or_else(cached).or(self.cached_input_tokens);
        self.reasoning_tokens = detail(output, "reasoning_tokens").or(self.reasoning_tokens);
    }
}

/// Reasoning models whose service does not take their thoughts apart begin with them.
fn without_thoughts(text: &str) -> &str {
    match text.trim_start().strip_prefix("<think>") {
        Some(thoughts) => thoughts.split_once("</think>").map_or("", |(_, answer)| answer.trim_start()),
        None => text,
    }
}

fn unknown_end(reason: &str) -> Fault {
    Fault::new(
        ErrorClass::Other(String::from("finish-reason")),
        format!(
            "the model ended for a reason that is not known to be a good one, `{reason}`; if it is, set \
             `good-ends = \"{reason}\"` in the agent's configuration"
        ),
    )
}

fn refused(message: &str) -> Fault {
    Fault::new(ErrorClass::Refused, message)
}

fn tool(name: Option<&str>) -> Fault {
    let name = one_line(name.unwrap_or("a tool"));
    Fault::new(
        ErrorClass::InvalidOutput,
        format!("the model wanted to call `{name}`, and no tool is offered"),
    )
}
