//! `baton:host/progress`: signs of life.

use std::time::Duration;

use super::CancelReason;
use super::sign::AttemptEvent;
use crate::bindings::agent::baton::host::progress::{Host, Stopped};
use crate::bindings::shared::baton::types::core::Usage;
use crate::convert::usage_in;
use crate::sandbox::Sandbox;

fn stopped(why: CancelReason) -> Stopped {
    match why {
        CancelReason::LeaseLost | CancelReason::Asked => Stopped::LeaseLost,
        CancelReason::Cancelled => Stopped::Cancelled,
        CancelReason::Deadline | CancelReason::Silent => Stopped::Deadline,
        CancelReason::Budget => Stopped::Budget,
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
            AttemptEvent::Progress { task: powers.task, epoch: powers.epoch, message, done },
        );
        Ok(Ok(()))
    }

    async fn spent(&mut self, usage: Usage) -> wasmtime::Result<Result<(), Stopped>> {
        let powers = self.powers()?;
        if powers.meter.read(usage_in(usage)).is_some() {
            powers.cancellation.cancel(CancelReason::Budget);
        }
        Ok(powers.stopped().map_or(Ok(()), |why| Err(stopped(why))))
    }

    async fn sleep(&mut self, duration: u64) -> wasmtime::Result<Result<(), Stopped>> {
        let powers = self.powers()?;
        let pause = tokio::time::sleep(Duration::from_millis(duration));
        tokio::select! {
            () = pause => Ok(Ok(())),
            why = powers.cancellation.fallen() => Ok(Err(stopped(why))),
        }
    }
}
