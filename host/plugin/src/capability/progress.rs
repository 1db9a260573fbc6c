//! `baton:host/progress`: signs of life.

use std::time::Duration;

use super::Stop;
use super::sign::Sign;
use crate::bindings::agent::baton::host::progress::{Host, Stopped};
use crate::bindings::shared::baton::types::core::Usage;
use crate::sandbox::Sandbox;
use crate::words::usage_in;

fn stopped(why: Stop) -> Stopped {
    match why {
        Stop::LeaseLost | Stop::Asked => Stopped::LeaseLost,
        Stop::Cancelled => Stopped::Cancelled,
        Stop::Deadline | Stop::Silent => Stopped::Deadline,
        Stop::Budget => Stopped::Budget,
    }
}

impl Host for Sandbox {
    async fn report(&mut self, message: String, done: Option<f64>) -> wasmtime::Result<Result<(), Stopped>> {
        let powers = self.powers()?;
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

    async fn spent(&mut self, usage: Usage) -> wasmtime::Result<Result<(), Stopped>> {
        let powers = self.powers()?;
        if powers.meter.read(usage_in(usage)).is_some() {
            powers.fence.fall(Stop::Budget);
        }
        Ok(powers.stopped().map_or(Ok(()), |why| Err(stopped(why))))
    }

    async fn sleep(&mut self, duration: u64) -> wasmtime::Result<Result<(), Stopped>> {
        let powers = self.powers()?;
        let pause = tokio::time::sleep(Duration::from_millis(duration));
        tokio::select! {
            () = pause => Ok(Ok(())),
            why = powers.fence.fallen() => Ok(Err(stopped(why))),
        }
    }
}
