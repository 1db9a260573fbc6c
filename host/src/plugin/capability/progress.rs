//! `baton:host/progress`: signs of life.

use std::time::Duration;

use super::sign::Sign;
use super::{Powers, Stop};
use crate::plugin::bindings::agent::baton::host::progress::{Host, Stopped};
use crate::plugin::sandbox::Sandbox;

fn stopped(why: Stop) -> Stopped {
    match why {
        Stop::LeaseLost => Stopped::LeaseLost,
        Stop::Cancelled => Stopped::Cancelled,
        Stop::Deadline | Stop::Silent => Stopped::Deadline,
    }
}

fn powers(sandbox: &Sandbox) -> wasmtime::Result<std::sync::Arc<Powers>> {
    sandbox.powers.clone().ok_or_else(|| wasmtime::Error::msg("a probe has no attempt to report on"))
}

impl Host for Sandbox {
    async fn report(&mut self, message: String, done: Option<f64>) -> wasmtime::Result<Result<(), Stopped>> {
        let powers = powers(self)?;
        if let Some(why) = powers.stopped() {
            return Ok(Err(stopped(why)));
        }
        let done = done.filter(|done| done.is_finite()).map(|done| done.clamp(0.0, 1.0));
        let message: String = message.chars().filter(|c| !c.is_control()).take(400).collect();
        powers.signs.send(
            powers.clock.now(),
            Sign::Progress { task: powers.task, epoch: powers.epoch, message, done },
        );
        Ok(Ok(()))
    }

    async fn sleep(&mut self, duration: u64) -> wasmtime::Result<Result<(), Stopped>> {
        let powers = powers(self)?;
        let pause = tokio::time::sleep(Duration::from_millis(duration));
        tokio::select! {
            () = pause => Ok(Ok(())),
            why = powers.fence.fallen() => Ok(Err(stopped(why))),
        }
    }
}
