//! Drives a model behind an OpenAI-compatible service: hosted ones, Ollama, vLLM, llama.cpp.
//!
//! Configuration: `service` (required), a service of the operator's configuration whose path ends where `/models`
//! begins; `model` (required); `api`: `chat` (default) or `responses`; `system`: the system message;
//! `temperature`; `max-output-tokens`; `legacy-max-tokens`: `true` for services that know `max_tokens` only, as Ollama;
//! `stream` (default `true`); `stream-usage`: `false` leaves `stream_options` out; `good-ends`: more words for a good end,
//! separated by commas; `reasoning-effort`; `json`: how a contract is requested in addition to the prompt, `schema`
//! (default), `object` or `off`; `probe`: `check` (default, sends nothing) or `models` (fetches the list).
//!
//! No tools are offered, and a tool call is not an answer. An answer is complete when the model gives a known finish reason; a
//! connection that ends earlier is a fault. Usage is what the reply reports, with the attributes `model`,
//! `cached-input-tokens` and `reasoning-tokens`; the host computes the cost.

mod chat;
mod dialect;
mod exchange;
mod finish;
mod models;
mod parts;
mod request;
mod responses;
mod settings;
mod told;
#[cfg(test)]
mod transcripts;

use baton_sdk::agent::http;
use baton_sdk::agent::{
    Agent, Attempt, Attr, Fault, Health, Outcome, contract, converse, fetch, http_fault, progress,
};

use dialect::Dialect;
use exchange::Exchange;
use settings::{Probe, Settings};

struct OpenAi;

impl Agent for OpenAi {
    fn run(attempt: Attempt) -> Result<Outcome, Fault> {
        let settings = Settings::read(&attempt.config)?;
        let exchange = ask(&settings, Dialect::of(&settings), &attempt)?;
        if let Some(usage) = exchange.usage() {
            // The answer is here: whether there is money for more is the host's to judge.
            let _ = progress::spent(&usage);
        }
        exchange.ending(&settings.good_ends)
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
            Probe::Models => match fetch(&request::models(&settings)) {
                Ok((status, body)) => models::health(status, &body, settings.model),
                Err(error) => Health::Unreachable(http_fault(&error).message),
            },
        }
    }
}

/// Asks, and asks again without what the service says that it does not know.
fn ask(settings: &Settings, mut dialect: Dialect, attempt: &Attempt) -> Result<Exchange, Fault> {
    loop {
        let request = request::ask(settings, dialect, attempt)?;
        let mut exchange =
            Exchange::new(settings.api, settings.stream, contract(attempt).is_some(), attempt.now);
        let ended = converse(&request, &mut exchange);
        exchange.over(&ended);
        match exchange.complaint().and_then(|complaint| dialect.simpler(complaint)) {
            Some(simpler) => dialect = simpler,
            None => return Ok(exchange),
        }
    }
}

baton_sdk::agent!(OpenAi);
