//! Drives an agent over the Agent Client Protocol, version 1, on the standard input and output of a profile's program.
//!
//! Configuration: `profile` (required); `permissions`, the answer to permission requests: `deny` (default), `allow`, or
//! `ask`, which asks a person; `questions`, whether the agent's questions go to a person: `ask` (default) or `off`; `mode`
//! and `model`, for agents that offer a choice; `silence-s`, the idle timeout in seconds (300), and `tool-timeout-s`, the
//! same while a tool is running (1800).
//!
//! The session works in the attempt's folder, without file access or terminals through Baton and without MCP servers.
//! When a person has answered, the next attempt loads the session that asked, if the agent can.
//! This adapter does not log in: the operator must do that with the agent's own program.

mod machine;
mod permission;
mod session;
mod settings;
mod turn;
mod update;
mod usage;

use std::collections::VecDeque;

use baton_sdk::agent::process::{self, Command, ProcessError, Program};
use baton_sdk::agent::talk;
use baton_sdk::agent::{
    Agent, Attempt, Attr, Config, Fault, Health, Outcome, contract, people, progress, prompt,
};

use machine::{Do, Machine, Task};
use settings::{KEYS, Settings};

struct Acp;

impl Agent for Acp {
    fn run(attempt: Attempt) -> Result<Outcome, Fault> {
        let settings = Settings::read(&attempt.config)?;
        let folder = process::place(&settings.profile)?;
        let command = Command {
            profile: settings.profile.clone(),
            values: vec![Attr::new("task", &attempt.task.id), Attr::new("run", &attempt.task.run)],
            stdin: Vec::new(),
        };
        let task = Task {
            folder,
            prompt: talk::plain(prompt(&attempt)),
            contract: contract(&attempt).is_some(),
            effects: attempt.task.effects,
            resume: people::answers().pop().map(|answer| answer.resume).filter(|id| !id.is_empty()),
        };
        drive(&process::start(&command)?, Machine::new(settings, task))
    }

    fn probe(config: Vec<Attr>) -> Health {
        if let Err(unusable) = Config(&config).only(&KEYS) {
            return Health::Unreachable(unusable.to_string());
        }
        match talk::probe(Config(&config)) {
            Health::Ready if Config(&config).asks_thoroughly() => greet(&config),
            health => health,
        }
    }
}

/// Starts the program and greets it: whether it is installed is seen by what it says, not by whether `npx` is there.
fn greet(config: &[Attr]) -> Health {
    let greeted = Settings::read(config).map_err(Fault::from).and_then(|settings| {
        let values = vec![Attr::new("task", "probe"), Attr::new("run", "probe")];
        let command = Command { profile: settings.profile.clone(), values, stdin: Vec::new() };
        drive(&process::start(&command)?, Machine::greeting(settings))
    });
    match greeted {
        Ok(_) => Health::Ready,
        Err(fault) => Health::Unreachable(fault.message),
    }
}

/// Does what the machine says, and tells it what comes of it.
fn drive(program: &Program, mut machine: Machine) -> Result<Outcome, Fault> {
    let mut todo = VecDeque::from(machine.start());
    loop {
        while let Some(step) = todo.pop_front() {
            let stopped = match step {
                Do::Write(message) => {
                    program.write(format!("{message}\n").as_bytes())?;
                    None
                }
                Do::Report { message, done } => progress::report(&message, done).err(),
                Do::Spent(usage) => progress::spent(&usage).err(),
                Do::Ask(question) => {
                    let answer = people::ask(&question).map(|answer| answer.text);
                    todo.extend(machine.answered(answer));
                    None
                }
                Do::Conclude(result) => return talk::conclude(program, result),
            };
            if let Some(why) = stopped {
                todo = machine.stop(why.into()).into();
            }
        }
        match program.read_line(Some(machine.timeout_ms())) {
            Ok(line) => todo.extend(machine.receive(line)),
            // The agent is told before it is left.
            Err(ProcessError::Stopped) => todo = machine.stop(Fault::stopped("the attempt is over")).into(),
            Err(error) => return Err(error.into()),
        }
    }
}

baton_sdk::agent!(Acp);

#[cfg(test)]
mod tests;
