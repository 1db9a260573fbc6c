//! The result of a turn, by the stop reason and by what the agent did.

use baton_sdk::agent::jsonrpc::Message;
use baton_sdk::agent::{
    Attr, Effects, ErrorClass, Fault, Outcome, StopReason, answer, error_fault, given, one_line, summary,
    symptom,
};
use serde_json::{Value, json};

use crate::machine::Task;
use crate::update::Work;

/// A message that is an error is short.
const ERROR_BYTES: usize = 2000;

pub fn outcome(reason: &str, work: &Work, task: &Task, denied: &[String]) -> Result<Outcome, Fault> {
    let said = work.answer();
    ended(reason, said)?;
    if let Some(fault) = error_in_words(said, work) {
        return Err(fault);
    }
    if task.effects == Effects::Workspace && !denied.is_empty() && !work.did_something() {
        return Err(Fault::new(ErrorClass::Environment, all_denied(denied)));
    }
    let outcome = match (said.is_empty(), work.did_something()) {
        (true, false) => {
            return Err(Fault::new(
                ErrorClass::InvalidOutput,
                format!("it did nothing and said nothing, and ended its turn (`{reason}`)"),
            ));
        }
        (true, true) => Outcome::json("", &json!({ "text": "" })),
        (false, _) => answer(said, task.contract)?,
    };
    Ok(Outcome { usage: work.usage.clone(), stop_reason: StopReason::EndTurn, ..outcome })
}

/// Whether a message that comes after the end of a turn belongs to it.
pub fn adds(message: &Message) -> bool {
    let Message::Notification { method, params } = message else { return false };
    let kind = params.pointer("/update/sessionUpdate").and_then(Value::as_str).unwrap_or("");
    method == "session/update"
        && matches!(kind, "agent_message_chunk" | "tool_call" | "tool_call_update" | "usage_update")
}

/// Only `end_turn` means that the agent considers itself done.
fn ended(reason: &str, said: &str) -> Result<(), Fault> {
    let other = |name: &str| ErrorClass::Other(String::from(name));
    match reason {
        "end_turn" => Ok(()),
        "max_tokens" => Err(Fault::new(
            ErrorClass::InvalidOutput,
            "its turn was cut at the limit of tokens before it had ended",
        )),
        "max_turn_requests" => Err(Fault {
            attrs: vec![Attr::new("stop-reason", "max-turns")],
            ..Fault::new(ErrorClass::Budget, "its turns are used up before it had ended")
        }),
        "refusal" => {
            let said = if said.is_empty() { "the agent declined" } else { said };
            Err(Fault::new(ErrorClass::Refused, summary(said)))
        }
        "cancelled" => {
            Err(Fault::new(other("cancelled"), "the agent says that its turn was cancelled, by nobody here"))
        }
        "" => Err(Fault::new(ErrorClass::InvalidOutput, "its turn ended without a stop reason")),
        unknown => Err(Fault::new(
            other("stop-reason"),
            format!(
                "its turn ended for a reason that is not known to be a good one, `{}`",
                one_line(unknown)
            ),
        )),
    }
}

/// Some agents end their turn normally when their provider fails, and only mention the error in their text.
fn error_in_words(said: &str, work: &Work) -> Option<Fault> {
    if said.len() > ERROR_BYTES || work.did_something() {
        return None;
    }
    let said = without_notices(said);
    if let Ok(reply) = serde_json::from_str::<Value>(said) {
        return given(&reply, "error").map(error_fault);
    }
    let begins = ["error:", "error ", "api error", "[api error", "execution failed:", "request failed"];
    let lower = said.to_lowercase();
    let class = symptom::class(said).filter(|_| begins.iter().any(|words| lower.starts_with(words)))?;
    Some(symptom::fault(said, class))
}

/// What is left when copilot's notes of its retries and codex-acp's warnings are gone.
fn without_notices(said: &str) -> &str {
    let mut rest = said.trim();
    loop {
        let note = if rest.starts_with("Info:") {
            rest.split_once("Retrying...")
        } else if rest.starts_with("Warning:") {
            rest.split_once("\n\n")
        } else {
            None
        };
        match note {
            Some((_, after)) => rest = after.trim_start(),
            None => return rest,
        }
    }
}

fn all_denied(denied: &[String]) -> String {
    format!(
        "it was denied all that it asked leave for ({}), and did nothing; `permissions` of the agent's \
         configuration says who allows what",
        one_line(&denied.join(", "))
    )
}
