//! What a turn came to, by the agent's own word for its end and by what it did.

use baton_sdk::agent::jsonrpc::Message;
use baton_sdk::agent::{
    Attr, Effects, ErrorClass, Fault, Outcome, StopReason, answer, one_line, summary, symptom,
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

/// Only `end_turn` is an end that the agent came to by itself.
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

/// Some agents end their turn as if all were well when their provider refused them, and say so in words.
fn error_in_words(said: &str, work: &Work) -> Option<Fault> {
    let begins = ["error:", "error ", "api error", "[api error", "execution failed:", "request failed"];
    let lower = said.to_lowercase();
    let is_error = said.len() <= ERROR_BYTES && begins.iter().any(|words| lower.starts_with(words));
    if !is_error || work.did_something() {
        return None;
    }
    symptom::class(said).map(|class| symptom::fault(said, class))
}

fn all_denied(denied: &[String]) -> String {
    format!(
        "it was denied all that it asked leave for ({}), and did nothing; `permissions` of the agent's \
         configuration says who allows what",
        one_line(&denied.join(", "))
    )
}
