//! Drives a remote agent over A2A 1.0 with the JSON-RPC binding.
//!
//! Configuration: `service` (required), a service of the operator's configuration; `card`: the path of the agent's card
//! (default `/.well-known/agent-card.json`); `base`: the service's own path, where it has one: the card's address must
//! lie below it, and only the rest of it is sent; `tenant`; `poll-ms`: the interval at which a task's state is polled
//! (default 1000); `probe`: `check` (default, sends nothing) or `card` (fetches the card).
//!
//! The prompt is sent as one message, streamed if the card allows it. The artifacts of the agent's task are those of the
//! outcome; their data, or otherwise their text, is the output. Questions of the agent go to a person: the attempt that
//! starts after the answer continues the same task, unless its result was refused since or it has failed. A task that is
//! not finished when the attempt is stopped is cancelled, as far as the host still allows requests.

mod card;
mod reply;
mod result;
mod rpc;
mod session;
mod settings;
mod task;
#[cfg(test)]
mod tests;

use baton_sdk::agent::http::{self, HttpError};
use baton_sdk::agent::{
    Agent, Attempt, Attr, Fault, Health, Outcome, converse, fetch, http_fault, people, progress, status_fault,
};

use session::{Session, Step};
use settings::{Probe, Settings};

struct A2a;

impl Agent for A2a {
    fn run(attempt: Attempt) -> Result<Outcome, Fault> {
        let settings = Settings::read(&attempt.config)?;
        let mut session = Session::new(&settings, &attempt, &people::answers());
        let ending = match drive(&mut session) {
            Ok(ending) => ending,
            Err(stopped) => {
                if let Some(request) = session.cancel() {
                    // Nobody waits for what it answers.
                    let _ = http::send(&request);
                }
                Err(stopped)
            }
        };
        let _ = progress::spent(&session.usage());
        ending
    }

    fn probe(config: Vec<Attr>) -> Health {
        let settings = match Settings::read(&config) {
            Ok(settings) => settings,
            Err(unusable) => return Health::Unreachable(unusable.to_string()),
        };
        if let Err(error) = http::check(settings.service) {
            return Health::Unreachable(http_fault(&error).message);
        }
        match settings.probe {
            Probe::Check => Health::Ready,
            Probe::Card => match fetch(&rpc::get_card(settings.service, settings.card)) {
                Ok((200..300, body)) => match card::read(&body, &settings) {
                    Ok(_) => Health::Ready,
                    Err(fault) => Health::Unreachable(fault.message),
                },
                Ok((status @ (401 | 403), body)) => {
                    Health::Unreachable(status_fault(status, &[], &body, 0).message)
                }
                Ok((status, body)) => Health::Degraded(status_fault(status, &[], &body, 0).message),
                Err(error) => Health::Unreachable(http_fault(&error).message),
            },
        }
    }
}

/// To the end of the conversation, or until the host stops it.
fn drive(session: &mut Session) -> Result<Result<Outcome, Fault>, Fault> {
    let mut step = session.begin();
    loop {
        step = match step {
            Step::Call(request) => {
                let ended = converse(&request, session);
                if let Err(stopped @ HttpError::Stopped) = &ended {
                    return Err(http_fault(stopped));
                }
                session.over(&ended)
            }
            Step::Wait(millis) => {
                progress::report(&session.doing(), None)?;
                progress::sleep(millis)?;
                session.waited()
            }
            Step::Ask(question) => {
                let answer = people::ask(&question);
                session.answered(&question.key, answer)
            }
            Step::Over(ending) => return Ok(ending),
        }
    }
}

baton_sdk::agent!(A2a);
