//! Pretends to work, for tests, benchmarks and simulations. Without configuration it succeeds at once.
//!
//! Configuration: `latency-ms` and `jitter-ms` (a random addition); `skill.<name>`, the probability that work with this
//! skill is good, bad work answers `{"good": false}`; `fail-rate`, the probability of a fault; `fail-first`, the number of
//! attempts that fail at first; `fault`, the class of the faults, and `retry-after-ms`; `output` (JSON text) or `echo` (the
//! input) for the answer; `garbage`, `hang` and `trap` for agents that misbehave. All random numbers come from the attempt's
//! seed.

mod config;

use baton_sdk::SplitMix64;
use baton_sdk::agent::{Agent, Attempt, Attr, Fault, Health, Outcome, progress};

use config::Behaviour;

struct Mock;

/// How long a hanging agent sleeps before it sleeps again.
const NAP_MS: u64 = 1000;

impl Agent for Mock {
    fn run(attempt: Attempt) -> Result<Outcome, Fault> {
        if attempt.config.is_empty() {
            return Ok(Outcome::raw(String::new(), String::from("null")));
        }
        let behaviour = Behaviour::read(&attempt.config)?;
        if behaviour.trap {
            trap();
        }
        if behaviour.hang {
            return Err(hang());
        }
        let mut random = SplitMix64::new(attempt.seed);
        let latency = jittered(&behaviour, &mut random);
        if latency > 0 {
            progress::sleep(latency).map_err(Fault::from)?;
        }
        work(&behaviour, &attempt, &mut random)
    }

    fn probe(config: Vec<Attr>) -> Health {
        match Behaviour::read(&config) {
            Ok(_) => Health::Ready,
            Err(unusable) => Health::Unreachable(unusable.to_string()),
        }
    }
}

fn jittered(behaviour: &Behaviour, random: &mut SplitMix64) -> u64 {
    let jitter = random.below(behaviour.jitter_ms.saturating_add(1));
    behaviour.latency_ms.saturating_add(jitter)
}

fn work(behaviour: &Behaviour, attempt: &Attempt, random: &mut SplitMix64) -> Result<Outcome, Fault> {
    if attempt.task.attempts < behaviour.fail_first {
        let first = behaviour.fail_first;
        return Err(behaviour.fault(format!("told to fail the first {first} attempt(s)")));
    }
    if random.chance(behaviour.fail_rate) {
        return Err(behaviour.fault(format!("told to fail at a rate of {}", behaviour.fail_rate)));
    }
    if !random.chance(behaviour.quality(&attempt.task.skills)) {
        let output = String::from(r#"{"good": false}"#);
        return Ok(Outcome::raw("Did it badly.", output));
    }
    Ok(Outcome::raw("Did it.", output(behaviour, &attempt.task.input)))
}

fn output(behaviour: &Behaviour, input: &str) -> String {
    if behaviour.garbage {
        return String::from("{\"garbage\": ");
    }
    match &behaviour.output {
        Some(output) => output.clone(),
        None if behaviour.echo => input.to_owned(),
        None => String::from("null"),
    }
}

/// Sleeps past its deadline, and gives up only when the host says so.
fn hang() -> Fault {
    loop {
        if let Err(why) = progress::sleep(NAP_MS) {
            return Fault::from(why);
        }
    }
}

#[cfg(target_arch = "wasm32")]
fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
fn trap() -> ! {
    panic!("told to trap")
}

baton_sdk::agent!(Mock);

#[cfg(test)]
mod tests;
