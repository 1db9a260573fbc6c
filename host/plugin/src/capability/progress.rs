//! `baton:host/progress`: progress reports, usage, and waiting.

use std::time::Duration;

use super::CancelReason;
use super::attempt_event::AttemptEvent;
use crate::bindings::agent::baton::host::progress::{Host, Stopped};
use crate::bindings::shared::baton::types::core::Usage;
use crate::convert::usage_in;
use crate::sandbox::Sandbox;

fn stopped(why: CancelReason) -> Stopped {
    match why {
        CancelReason::LeaseLost | CancelReason::AwaitingPerson => Stopped::LeaseLost,
        CancelReason::Cancelled => Stopped::Cancelled,
        CancelReason::Deadline | CancelReason::IdleTimeout => Stopped::Deadline,
        CancelReason::Budget => Stopped::Budget,
    }
}

impl Host for Sandbox {
    async fn report(&mut self, message: String, done: Option<f64>) -> wasmtime::Result<Result<(), Stopped>> {
        let capabilities = self.capabilities()?;
        if let Some(why) = capabilities.cancel_reason() {
            return Ok(Err(stopped(why)));
        }
        let done = done.filter(|done| done.is_finite()).map(|done| done.clamp(0.0, 1.0));
        let message: String = message.chars().filter(|c| !c.is_control()).take(400).collect();
        capabilities.attempt_events.send(
            capabilities.clock.now(),
            AttemptEvent::Progress { task: capabilities.task, epoch: capabilities.epoch, message, done },
        );
        Ok(Ok(()))
    }

    async fn spent(&mut self, usage: Usage) -> wasmtime::Result<Result<(), Stopped>> {
        let capabilities = self.capabilities()?;
        if capabilities.meter.read(usage_in(usage)).is_some() {
            capabilities.cancellation.cancel(CancelReason::Budget);
        }
        Ok(capabilities.cancel_reason().map_or(Ok(()), |why| Err(stopped(why))))
    }

    async fn sleep(&mut self, duration: u64) -> wasmtime::Result<Result<(), Stopped>> {
        let capabilities = self.capabilities()?;
        let pause = tokio::time::sleep(Duration::from_millis(duration));
        tokio::select! {
            () = pause => Ok(Ok(())),
            why = capabilities.cancellation.cancelled() => Ok(Err(stopped(why))),
        }
    }
}
