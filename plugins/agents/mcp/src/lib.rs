//! Calls a tool of an MCP server: protocol 2026-07-28, otherwise 2025-11-25 and earlier versions.
//!
//! Configuration: `tool` (required), its name; `profile`, a program that is the server, or `service`, a service of the
//! operator's configuration that is, over streamable HTTP (one of the two is required); `path`: a path below the service's
//! own (none by default); `arguments`: a JSON object with arguments that the task's input does not have; `input-as`: the
//! argument for an input that is no object (`input`); `prefer`: the version that is tried first, `2026-07-28` (default) or
//! `2025-11-25`; `silence-s`, the idle timeout of a program in seconds (300).
//!
//! Before the call, the tool is looked up and the arguments are checked against the first level of its schema. Questions of
//! the tool go to a person: in 2026-07-28 the attempt that starts after the answer continues where the tool asked, in
//! 2025-11-25 it repeats the call and is asked again. Sampling, roots and tasks are not offered to the server. Text is
//! treated as a model's answer; `structuredContent` is the output as it is; images, sounds and resources of at most 64 KiB
//! are artifacts, larger ones are counted in `mcp.left-out`. A tool that reports a failure is a fault `tool-error` with its
//! text.

mod arguments;
mod machine;
mod result;
mod rounds;
mod settings;
mod tool;
mod version;
mod wire;

use std::collections::VecDeque;

use serde_json::Map;

use baton_sdk::agent::http::{self, HttpError, Response};
use baton_sdk::agent::jsonrpc::Message;
use baton_sdk::agent::process::{self, Command};
use baton_sdk::agent::talk;
use baton_sdk::agent::{
    Agent, Attempt, Attr, Config, Fault, Health, Outcome, contract, http_fault, people, progress,
};

use machine::{Do, Machine, Task};
use settings::{Link, Settings};
use wire::Wire;

struct Mcp;

impl Agent for Mcp {
    fn run(attempt: Attempt) -> Result<Outcome, Fault> {
        let settings = Settings::read(&attempt.config)?;
        let task = Task {
            arguments: arguments::arguments(&settings, &attempt.task.input),
            contract: contract(&attempt).is_some(),
            epoch: attempt.epoch,
            answers: people::answers(),
            only_finds: false,
        };
        over(&settings, task, (&attempt.task.id, &attempt.task.run), attempt.now)
    }

    fn probe(config: Vec<Attr>) -> Health {
        let settings = match Settings::read(&config) {
            Ok(settings) => settings,
            Err(unusable) => return Health::Unreachable(unusable.to_string()),
        };
        let there = match &settings.link {
            Link::Program { .. } => talk::probe(Config(&config)),
            Link::Service { service, .. } => match http::check(service) {
                Ok(()) => Health::Ready,
                Err(error) => Health::Unreachable(http_fault(&error).message),
            },
        };
        match there {
            Health::Ready if Config(&config).asks_thoroughly() => find(&settings),
            health => health,
        }
    }
}

/// Whether the server is there and has the tool, by the greeting and the list that come before a call.
fn find(settings: &Settings) -> Health {
    let task =
        Task { arguments: Map::new(), contract: false, epoch: 0, answers: Vec::new(), only_finds: true };
    match over(settings, task, ("probe", "probe"), 0) {
        Ok(_) => Health::Ready,
        Err(fault) => Health::Unreachable(fault.message),
    }
}

fn over(settings: &Settings, task: Task, (id, run): (&str, &str), now: u64) -> Result<Outcome, Fault> {
    let machine = Machine::new(settings, task);
    match &settings.link {
        Link::Program { profile, .. } => {
            let values = vec![Attr::new("task", id), Attr::new("run", run)];
            over_stdio(&Command { profile: profile.clone(), values, stdin: Vec::new() }, machine)
        }
        Link::Service { service, path } => over_http(Wire::new(service, path, now), machine),
    }
}

/// What is the same over both links.
fn common(step: Do, machine: &mut Machine) -> Vec<Do> {
    let result = match step {
        Do::Report { message, done } => progress::report(&message, done),
        Do::Spent(usage) => progress::spent(&usage),
        Do::Wait(millis) => match progress::sleep(millis) {
            Ok(()) => return machine.waited(),
            stopped => stopped,
        },
        Do::Ask(question) => return machine.answered(people::ask(&question).map(|answer| answer.text)),
        // Each link does these in its own way; over HTTP there is nothing to start.
        Do::Write(_) | Do::Restart | Do::Conclude(_) => Ok(()),
    };
    match result {
        Ok(()) => Vec::new(),
        Err(why) => machine.stop(why.into()),
    }
}

fn over_stdio(command: &Command, mut machine: Machine) -> Result<Outcome, Fault> {
    let mut program = process::start(command)?;
    let mut todo = VecDeque::from(machine.start());
    loop {
        while let Some(step) = todo.pop_front() {
            match step {
                Do::Write(message) => program.write(format!("{message}\n").as_bytes())?,
                Do::Restart => program = process::start(command)?,
                Do::Conclude(result) => return talk::conclude(&program, result),
                step @ (Do::Report { .. } | Do::Spent(_) | Do::Ask(_) | Do::Wait(_)) => {
                    put(&mut todo, common(step, &mut machine));
                }
            }
        }
        todo.extend(machine.receive(program.read_line(Some(machine.timeout_ms()))?));
    }
}

fn over_http(mut wire: Wire, mut machine: Machine) -> Result<Outcome, Fault> {
    let mut todo = VecDeque::from(machine.start());
    let mut open: Option<Response> = None;
    loop {
        while let Some(step) = todo.pop_front() {
            match step {
                Do::Write(message) => {
                    let request = wire.request(&message, &machine);
                    let is_request = matches!(message, Message::Request { .. });
                    // The response before it said what it had to say.
                    open = open.filter(|_| !is_request);
                    match http::send(&request) {
                        Ok(response) if is_request => {
                            wire.head(response.status(), response.headers());
                            open = Some(response);
                        }
                        // What is no request is answered by a status, which the answer to the request bears out.
                        Ok(_) => {}
                        Err(error) => todo.extend(wire.over(&Err(error), &mut machine)),
                    }
                }
                Do::Conclude(result) => {
                    drop(open.take());
                    if let Some(request) = wire.farewell(&machine) {
                        // Not every server, nor every operator, lets a session be ended.
                        let _ = http::send(&request);
                    }
                    return result;
                }
                step @ (Do::Report { .. } | Do::Spent(_) | Do::Ask(_) | Do::Wait(_) | Do::Restart) => {
                    put(&mut todo, common(step, &mut machine));
                }
            }
        }
        let read = open.as_ref().map_or(Ok(None), Response::read);
        todo.extend(match read {
            Ok(Some(bytes)) => wire.chunk(&bytes, &mut machine),
            Ok(None) => {
                open = None;
                wire.over(&Ok(()), &mut machine)
            }
            Err(error) => {
                open = None;
                wire.over(&Err::<(), HttpError>(error), &mut machine)
            }
        });
    }
}

/// What comes of a step goes before what was to be done after it only if it is the end.
fn put(todo: &mut VecDeque<Do>, more: Vec<Do>) {
    if more.iter().any(|step| matches!(step, Do::Conclude(_))) {
        todo.clear();
    }
    todo.extend(more);
}

baton_sdk::agent!(Mcp);

#[cfg(test)]
mod tests;
